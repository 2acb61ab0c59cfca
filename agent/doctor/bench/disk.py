"""How long the disk under the state folder takes to make something safe."""

import os
import tempfile
import time
from pathlib import Path

from agent.doctor.bench.quantiles import quantiles
from agent.spool import Spool
from wire.messages import LinkState, Role, StateChange

PAGE_BYTES = 4096
TIMES, AT_MOST_S = 200, 3.0
_SPOOL_BYTES = 50_000_000


def fdatasync(folder: Path) -> dict[str, float] | None:
    """One page written and made safe, milliseconds.

    Raises:
        OSError: the folder cannot be written.
    """
    took_ms = []
    until_s = time.monotonic() + AT_MOST_S
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(TIMES):
            began_s = time.monotonic()
            file.write(bytes(PAGE_BYTES))
            file.flush()
            os.fdatasync(file.fileno())
            now_s = time.monotonic()
            took_ms.append((now_s - began_s) * 1000)
            if now_s > until_s:
                break
    return quantiles(took_ms)


async def spool_commit(folder: Path) -> dict[str, float] | None:
    """One event appended to a spool of its own and committed, milliseconds. Raises as `fdatasync`."""
    event = StateChange(time.time_ns(), "wan1", Role.WIRE, "isp", LinkState.UP, LinkState.DOWN, "bench", 500.0)
    took_ms = []
    with tempfile.TemporaryDirectory(dir=folder) as own:
        spool = Spool(Path(own), max_bytes=_SPOOL_BYTES, commit_every_s=60.0, now_ns=time.time_ns)
        await spool.open()
        until_s = time.monotonic() + AT_MOST_S
        try:
            for _ in range(TIMES):
                began_s = time.monotonic()
                spool.append(event)
                await spool.flush()
                now_s = time.monotonic()
                took_ms.append((now_s - began_s) * 1000)
                if now_s > until_s:
                    break
        finally:
            await spool.close()
    return quantiles(took_ms)


def filesystem_of(folder: Path) -> Path:
    """The folder itself, or the first above it that exists and can be written; the system's place for such files."""
    for there in (folder, *folder.parents):
        if there.exists():
            return there if os.access(there, os.W_OK) else Path(tempfile.gettempdir())
    return Path(tempfile.gettempdir())

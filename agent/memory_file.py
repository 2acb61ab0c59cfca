"""The machine's memory on disk: small, written whole, read back after a restart or a reboot."""

import asyncio
import logging
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec

from failover.memory import Memory

log = logging.getLogger(__name__)

# Well below `failover.memory.LINKS_VALID_S`: also after months of calm a restart finds holds and dead links in it.
EVERY_S = 30.0
AT_MOST_EVERY_S = 1.0  # a storm of changes is one write a second

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class _Saved(msgspec.Struct, frozen=True):
    boot_id: str
    boottime_s: float
    wall_s: float
    memory: Memory


def save(file: Path, memory: Memory) -> None:
    """Write the memory so that a power cut leaves the old or the new one, never half (blocks: call it in a thread)."""
    saved = _Saved(_boot_id(), time.clock_gettime(time.CLOCK_BOOTTIME), time.time(), memory)
    partial = file.with_suffix(".new")
    with partial.open("wb") as stream:
        stream.write(msgspec.json.encode(saved))
        stream.flush()
        os.fsync(stream.fileno())
    partial.replace(file)


async def keep(file: Path, due: asyncio.Event, memory_of: Callable[[], Memory]) -> None:
    """Write the memory whenever it is due, for ever. A disk that refuses is complained of once and tried again."""
    told = ""
    while True:
        with suppress(TimeoutError):
            async with asyncio.timeout(EVERY_S):
                await due.wait()
        due.clear()
        try:
            await asyncio.to_thread(save, file, memory_of())
            told = ""
        except OSError as error:
            if told != str(error):
                told = str(error)
                log.warning("%s cannot be written (%s); holds would not survive a restart", file, error.strerror)
        await asyncio.sleep(AT_MOST_EVERY_S)


def load(file: Path) -> tuple[Memory, float] | None:
    """The memory and how many seconds ago it was written; None if there is none that can be read.

    Within one boot the boot clock tells the age. Across boots only the wall clock can; one that went backwards counts
    as no time at all, which keeps holds longer, never shorter.
    """
    try:
        saved = msgspec.json.decode(file.read_bytes(), type=_Saved)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError, RecursionError) as error:
        log.warning("%s cannot be read (%s); holds start anew", file, error)
        return None
    if saved.boot_id == _boot_id():
        return saved.memory, max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - saved.boottime_s)
    return saved.memory, max(0.0, time.time() - saved.wall_s)


def _boot_id() -> str:
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return ""

"""Points of the last seconds: VictoriaMetrics' own curves hide them, its reader must not."""

import asyncio
import time
from pathlib import Path

from collector.config import StoreSettings
from collector.store import STORES, history_of
from collector.store.base import Written
from collector.store.history import Pick
from tests.integration.collector.servers import Server
from tests.needs import needs_program


@needs_program("victoria-metrics")
async def test_the_last_intervals_are_whole(tmp_path: Path, metrics: Server) -> None:
    settings = StoreSettings("influx2", url=f"http://127.0.0.1:{metrics.port}", bucket="bl")
    every_ns = 5 * 10**9
    last_ns = time.time_ns() // every_ns * every_ns
    times_ns = [last_ns - n * every_ns // 2 for n in range(60)]
    lines = "\n".join(f"fleet,tenant=t{n % 2} links_up={n * n % 7}i {at}" for n, at in enumerate(times_ns)).encode()
    readers = []
    for each in (settings, StoreSettings()):
        store = STORES[each.kind](each, tmp_path)
        assert await store.write(lines) == Written()
        await store.close()
        readers.append(history_of(each, tmp_path))
    victoria, sqlite = readers
    end_s = time.monotonic() + 20
    for pick in Pick:
        while True:
            found, expected = [
                await each.read(
                    "fleet", ("links_up",), where={}, group=(), every_s=5, pick=pick,
                    start_ns=times_ns[-1], end_ns=last_ns + every_ns,
                )
                for each in (victoria, sqlite)
            ]  # fmt: skip
            if found == expected:
                break
            assert time.monotonic() < end_s, (pick, found, expected)
            await asyncio.sleep(0.2)
    assert len(found[0].at_ns) == 31
    for reader in readers:
        await reader.close()

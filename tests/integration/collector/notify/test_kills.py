"""kill -9 of the process that delivers: nothing is lost, and what comes twice comes under the same key."""

import asyncio
import random
import sys
from pathlib import Path

from collector.notify.model import NoticeEvent
from tests.integration.collector.notify.rig import Rig, poll, served
from tests.integration.collector.servers import Server
from tests.unit.collector.notify.incidents import page

INCIDENTS = 60
KILLS = 6


async def test_killed_again_and_again_it_loses_and_repeats_none(tmp_path: Path) -> None:
    chance = random.Random(7)  # noqa: S311 - where to kill, not a secret
    file = tmp_path / "r.db"
    rig = Rig(file)
    await rig.tell(*((NoticeEvent.TRIGGER, page(number)) for number in range(1, INCIDENTS + 1)))
    async with served() as web:
        web.slow_s = 0.004
        words = [sys.executable, "-m", "tests.integration.collector.notify.outbox_process", str(file), web.url]
        process = Server(tmp_path, "outbox", words, None)
        for kill in range(KILLS):
            wanted = len(web.posts) + chance.randint(2, 12)

            async def came(wanted: int = wanted) -> bool:
                return len(web.posts) >= wanted

            await asyncio.to_thread(process.start)
            await poll(came, 20)
            await asyncio.sleep(chance.random() * 0.02)
            await asyncio.to_thread(process.kill)
            if kill == KILLS // 2:
                await rig.tell(*((NoticeEvent.RESOLVE, page(number)) for number in range(1, INCIDENTS + 1)))
        await asyncio.to_thread(process.start)
        await rig.until(*["delivered"] * (2 * INCIDENTS), wait_s=30)
        await asyncio.to_thread(process.kill)
    keys = list(dict.fromkeys(web.keys))
    wanted_keys = {f"hook/{page((n - 1) % INCIDENTS + 1).id}/{n}" for n in range(1, 2 * INCIDENTS + 1)}
    assert set(keys) == wanted_keys, process.text()[-2000:]
    assert len(web.keys) - len(keys) <= KILLS, "at most the one under way at each kill came twice, under its key"
    for number in range(1, INCIDENTS + 1):
        first, last = (keys.index(f"hook/{page(number).id}/{n}") for n in (number, number + INCIDENTS))
        assert first < last
    print(f"{len(keys)} messages, {KILLS} kills, {len(web.keys) - len(keys)} came twice")  # noqa: T201 - the figure

"""A disk that is really full: nothing crashes, the hole is told, and it heals by itself."""

import asyncio
import logging
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.spool import Spool
from tests.integration.agent.uplink_records import event, sample
from tests.needs import needs_root
from wire.messages import Gap
from wire.topics import Lane

pytestmark = needs_root


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(tmp_path)], check=True)
    yield tmp_path
    subprocess.run(["umount", "-l", str(tmp_path)], check=True)


async def test_a_full_disk(small_disk: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    spool = Spool(small_disk, max_bytes=20_000_000, commit_every_s=60, now_ns=time.time_ns, retry_s=0.02)
    await spool.open()
    epoch = spool.epoch
    spool.append(event(0))
    await spool.flush()
    ballast = small_disk / "ballast"
    with pytest.raises(OSError, match="No space"):
        ballast.write_bytes(b"x" * 2_000_000)
    for number in range(20_000):
        spool.append(sample(number))
    await spool.flush()
    assert "the disk is full" in (spool.stats.trouble or "")
    assert spool.stats.memory_bytes <= 1_250_000
    ballast.unlink()
    await asyncio.to_thread(subprocess.run, ["mount", "-o", "remount,size=9m", str(small_disk)], check=True)
    async with asyncio.timeout(10):
        while spool.stats.memory_bytes:
            await spool.flush()
    assert spool.epoch == epoch
    assert spool.stats.events.rows == 1
    batch = await spool.next_batch(Lane.SAMPLES, 0, max_records=10**6, max_bytes=10**9)
    assert batch
    lost = sum(record.count for record in batch.records if isinstance(record, Gap))
    kept = sum(not isinstance(record, Gap) for record in batch.records)
    assert lost + kept == 20_000
    assert caplog.text.count("the disk is full; free some space") == 1
    assert caplog.text.count("can be written again") == 1
    await spool.close()

"""The writer and the embedded store: trouble with the file loses nothing; a reader beside it sees every write."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from collector.store.base import Answer
from collector.store.history import HistoryError
from collector.store.sqlite import Sqlite
from collector.store.sqlite_history import SqliteHistory
from tests.integration.collector.agents import START_NS
from tests.integration.collector.servers import wait_for
from tests.integration.collector.writer_rig import WriterRig, writing

FAR_NS = START_NS + 10**15


async def count(history: SqliteHistory) -> int:
    found = await history.read(
        "link", ("sent",), where={"branch": "b1"}, group=(), start_ns=START_NS, end_ns=FAR_NS, limit=100_000
    )
    return sum(len(each.at_ns) for each in found)


async def retried(rig: WriterRig) -> None:
    before = rig.counters.store_retries
    await wait_for(lambda: rig.counters.store_retries > before, what="a write that fails")


async def test_held_broken_and_replaced(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "history.db"
    history = SqliteHistory(file, timeout_s=5)
    assert await count(history) == 0  # no file yet
    async with writing(tmp_path, Sqlite(file, linger_s=0.2)) as rig:
        rig.put_windows(1000)
        await rig.drained()
        assert await count(history) == 1000
        other = sqlite3.connect(file, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        rig.put_windows(1000)
        await retried(rig)
        assert f"{file}: another program holds it; close that program" in caplog.text
        assert await count(history) == 1000  # readers are not held up
        other.execute("ROLLBACK")
        other.close()
        await rig.drained()
        assert await count(history) == 2000
        for name in ("history.db", "history.db-wal", "history.db-shm"):
            (tmp_path / name).rename(tmp_path / f"old-{name}")
        file.write_bytes(b"not a database" * 100)
        rig.put_windows(500)
        await retried(rig)
        assert "the database refuses every record; correct [store] or the database, nothing is lost" in caplog.text
        with pytest.raises(HistoryError, match="cannot be read"):
            await count(history)
        file.unlink()
        await rig.drained()
        assert await count(history) == 500
        assert rig.letters() == []
    await history.close()


class CountingSqlite(Sqlite):
    """Counts its writes."""

    writes = 0

    async def write(self, lines: bytes) -> Answer:
        self.writes += 1
        return await super().write(lines)


async def test_points_wait_in_the_journal_to_be_written_together(tmp_path: Path) -> None:
    store = CountingSqlite(tmp_path / "history.db", linger_s=0.5)
    async with writing(tmp_path, store) as rig:
        for _ in range(20):
            rig.put_windows(1)
            await asyncio.sleep(0.01)
        await rig.drained()
        assert rig.counters.lines_written == 20
        assert store.writes <= 4


async def test_bad_lines_are_kept_aside(tmp_path: Path) -> None:
    file = tmp_path / "history.db"
    async with writing(tmp_path, Sqlite(file, linger_s=0.2)) as rig:
        rig.put_windows(50)
        rig.put_lines("m x=1i 1", "m x=1.5 2", "nonsense", "m x=true 3", "m x=3i 4")
        rig.put_windows(40)
        await rig.drained()
        assert sorted(each.payload for each in rig.letters()) == [b"m x=1.5 2", b"m x=true 3", b"nonsense"]
        assert rig.counters.lines_written == 92
    history = SqliteHistory(file, timeout_s=5)
    assert await count(history) == 90
    await history.close()


async def test_an_answer_that_takes_too_long_is_a_sentence(tmp_path: Path) -> None:
    file = tmp_path / "history.db"
    store, history = Sqlite(file), SqliteHistory(file, timeout_s=0.0)
    for start in range(0, 50_000, 5000):
        lines = (b"link,branch=b1 sent=1i %d" % (START_NS + n * 10**9) for n in range(start, start + 5000))
        await store.write(b"\n".join(lines))
    with pytest.raises(HistoryError, match="no answer in 0 s; ask for a shorter time"):
        await history.read(
            "link", ("sent",), where={}, group=(), start_ns=START_NS, end_ns=FAR_NS, every_s=60, limit=100_000
        )
    await history.close()
    await store.close()

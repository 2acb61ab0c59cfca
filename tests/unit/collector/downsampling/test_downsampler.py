"""Which hours are made, when, and what is remembered over a kill. Store and database are real SQLite files."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from collector.database import Database, open_database
from collector.downsampling import downsampler as module
from collector.downsampling.downsampler import Downsampler
from collector.downsampling.hours import HOUR_NS
from collector.downsampling.touched import SCHEMA, Hour, batch_hours, load, read_touch
from collector.store.history import Series
from collector.store.record_lines import batch_lines
from collector.store.sqlite import Sqlite
from collector.store.sqlite_history import SqliteHistory
from tests.unit.collector.records import AGENT, batch, window

HOUR = 497_222
START_NS = HOUR * HOUR_NS


class FakeClock:
    """Unix time as the test says."""

    def __init__(self, now_ns: int) -> None:
        self.at_ns = now_ns

    def now_ns(self) -> int:
        return self.at_ns

    def now_s(self) -> float:
        return self.at_ns / 1e9


def lines(hour: int = HOUR, count: int = 3, path: str = "isp1", first: int = 0) -> list[bytes]:
    records = tuple(window(hour * HOUR_NS + n * 10**10, path) for n in range(first, first + count))
    return [line.encode() for line in batch_lines(AGENT, batch(*records))]


class Rig:
    """A store, a downsampler beside it, and the way of lines from one to the other."""

    def __init__(self, folder: Path, settle_s: float) -> None:
        self.clock = FakeClock(START_NS + HOUR_NS + 200 * 10**9)
        self.store = Sqlite(folder / "history.db")
        self.history = SqliteHistory(folder / "history.db", timeout_s=5)
        self.database: Database = open_database(folder / "records.db", SCHEMA)
        self.offered: list[bytes] = []
        self.downsampler = Downsampler(
            history=self.history,
            database=self.database,
            offer=self.offered.append,
            clock=self.clock,  # type: ignore[arg-type]  # stands still
            windows_s=30 * 86400,
            settle_s=settle_s,
        )

    async def write(self, new: list[bytes]) -> None:
        """As the writer does it."""
        await self.store.write(b"\n".join(new))
        self.downsampler.note(read_touch(new))

    async def until_offered(self, count: int) -> None:
        async with asyncio.timeout(5):
            while len(self.offered) < count:  # noqa: ASYNC110 - filled by the task under test
                await asyncio.sleep(0.005)

    async def hours(self) -> list[Series]:
        return await self.history.read(
            "link_1h", ("measured_s", "sent"), where={}, group=("branch", "link"), start_ns=0, end_ns=2 * START_NS
        )


@asynccontextmanager
async def running(folder: Path, monkeypatch: pytest.MonkeyPatch, settle_s: float = 0.0) -> AsyncIterator[Rig]:
    monkeypatch.setattr(module, "ASK_S", 0.01)
    monkeypatch.setattr(module, "RETRY_S", 0.01)
    rig = Rig(folder, settle_s)
    await rig.downsampler.resume()
    task = asyncio.create_task(rig.downsampler.run())
    try:
        yield rig
    finally:
        task.cancel()
        await asyncio.wait([task])
        await rig.history.close()
        await rig.store.close()
        rig.database.close()


async def test_an_hour_is_made_and_forgotten_when_its_lines_are_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(tmp_path, monkeypatch) as rig:
        await rig.write(lines() + lines(path="5g", count=2))
        await rig.downsampler.save()
        assert await rig.database.run(load) == [Hour(HOUR, "t1", "b1")]
        await rig.until_offered(1)
        assert rig.downsampler.waiting == 1  # offered is not stored
        await rig.write(rig.offered[0].split(b"\n"))
        assert rig.downsampler.waiting == 0
        await rig.downsampler.save()
        assert await rig.database.run(load) == []
        found = await rig.hours()
        assert [(each.tags["link"], each.values["measured_s"]) for each in found] == [
            ("5g", (20.0,)),
            ("isp1", (30.0,)),
        ]
        assert [each.at_ns for each in found] == [(START_NS,), (START_NS,)]


async def test_late_windows_make_the_hour_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(tmp_path, monkeypatch) as rig:
        await rig.write(lines())
        await rig.until_offered(1)
        await rig.write(rig.offered[0].split(b"\n"))
        await rig.write(lines(first=3, count=7))
        await rig.until_offered(2)
        await rig.write(rig.offered[1].split(b"\n"))
        (found,) = await rig.hours()
        assert found.values == {"measured_s": (100.0,), "sent": (3000,)}
        assert rig.downsampler.waiting == 0


async def test_windows_between_making_and_storing_are_not_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(tmp_path, monkeypatch) as rig:
        await rig.write(lines())
        await rig.until_offered(1)
        rig.downsampler._settle_s = 3600.0  # so that it is not made again before the first lines are stored
        await rig.write(lines(first=3, count=1))
        await rig.write(rig.offered[0].split(b"\n"))
        assert rig.downsampler.waiting == 1
        rig.downsampler._settle_s = 0.0
        await rig.until_offered(2)
        await rig.write(rig.offered[1].split(b"\n"))
        (found,) = await rig.hours()
        assert found.values["measured_s"] == (40.0,)


async def test_a_kill_before_the_lines_are_stored_makes_the_hour_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(tmp_path, monkeypatch) as rig:
        await rig.write(lines())
        await rig.downsampler.save()
        await rig.until_offered(1)  # and lost
    async with running(tmp_path, monkeypatch) as rig:
        await rig.until_offered(1)
        assert rig.offered[0].startswith(b"link_1h,tenant=t1,branch=b1,")


async def test_neither_the_running_hour_nor_an_unsettled_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(tmp_path, monkeypatch) as rig:
        await rig.write(lines(HOUR + 1))
        assert rig.downsampler._due() == []
        rig.clock.at_ns += HOUR_NS
        await rig.until_offered(1)
    (tmp_path / "two").mkdir()
    async with running(tmp_path / "two", monkeypatch, settle_s=120) as rig:
        await rig.write(lines())
        assert rig.downsampler._due() == []


async def test_a_clock_far_off_and_hours_retention_has_cut_are_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(tmp_path, monkeypatch) as rig:
        await rig.write(lines(HOUR + 60) + lines(HOUR - 24 * 31))
        assert rig.downsampler.waiting == 0


async def test_lines_that_never_arrive_are_offered_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CONFIRM_S", 0.02)
    async with running(tmp_path, monkeypatch) as rig:
        await rig.write(lines())
        await rig.until_offered(3)
        assert len(set(rig.offered)) == 1


async def test_database_gone_says_so_once_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(tmp_path, monkeypatch) as rig:
        for name in ("history.db-wal", "history.db-shm"):
            (tmp_path / name).unlink(missing_ok=True)
        (tmp_path / "history.db").write_bytes(b"no database" * 1000)
        rig.downsampler.note(read_touch(lines()))
        async with asyncio.timeout(5):
            while "hours cannot be made" not in caplog.text:  # noqa: ASYNC110 - said by the task under test
                await asyncio.sleep(0.005)
        (tmp_path / "history.db").unlink()
        await rig.write(lines())
        await rig.until_offered(1)
    assert caplog.text.count("hours cannot be made from windows now; trying again, none is forgotten") == 1
    assert "hours are made from windows again" in caplog.text


async def test_what_cannot_be_saved_is_saved_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(tmp_path, monkeypatch) as rig:
        rig.downsampler.note(read_touch(lines(HOUR + 1)))
        await rig.database.run(lambda connection: connection.execute("PRAGMA busy_timeout=0").fetchall())
        other = sqlite3.connect(rig.database.file, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(sqlite3.OperationalError):
            await rig.downsampler.save()
        other.execute("ROLLBACK")
        other.close()
        await rig.downsampler.save()
        assert await rig.database.run(load) == [Hour(HOUR + 1, "t1", "b1")]


def test_lines_of_other_measurements_touch_nothing() -> None:
    other = [b"link_state,tenant=t1,branch=b1,agent=a1 new=3i 5", b"fleet,tenant=t1 links_up=3i 5", b"nonsense", b""]
    assert read_touch(other) == (set(), set())
    assert read_touch(lines()) == ({Hour(HOUR, "t1", "b1")}, set())


def test_hours_of_a_batch_are_those_of_its_lines() -> None:
    records = tuple(window(HOUR * HOUR_NS + n * HOUR_NS // 3, "isp1") for n in range(7))
    made = [line.encode() for line in batch_lines(AGENT, batch(*records))]
    assert batch_hours(AGENT, batch(*records)) == read_touch(made).windows
    assert len(read_touch(made).windows) == 3

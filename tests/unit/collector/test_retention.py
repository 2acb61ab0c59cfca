"""What goes when, and what is said when it does not."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from collector import retention as module
from collector.clock import SteadyClock
from collector.config import RetentionSettings
from collector.retention import HOURLY, RECORDS, WINDOWS, Retention, cuts
from collector.store.base import Forgotten, Later, OwnRetention, Paused, Written
from collector.store.influx2 import read_deletion
from collector.store.sqlite import Sqlite
from collector.store.sqlite_cuts import POINTS_A_STEP
from collector.store.sqlite_layout import DAY_NS
from wire.fields import Measurement

NOW_NS = 20_000 * DAY_NS + 5


def test_every_measurement_has_one_length() -> None:
    assert sorted((*WINDOWS, *HOURLY, *RECORDS)) == sorted(Measurement)


def test_lengths() -> None:
    kept = {name: NOW_NS - before_ns for name, before_ns in cuts(RetentionSettings(), NOW_NS)}
    assert kept[Measurement.LINK] == 30 * DAY_NS
    assert kept[Measurement.LINK_1H] == 730 * DAY_NS
    assert kept[Measurement.INCIDENT] == 1826 * DAY_NS


async def test_embedded_store_deletes_in_steps_and_gives_room_back(tmp_path: Path) -> None:
    store = Sqlite(tmp_path / "h.db")
    first = 19_990
    for day in range(first, first + 4):
        at_ns = day * DAY_NS
        points = (b'link,link=l%d sent=%di,note="%s" %d' % (n % 7, n, b"x" * 80, at_ns + n) for n in range(6000))
        await store.write(b"\n".join(points))
    await store.write(b"act x=1i %d" % (first * DAY_NS))
    full_bytes = await store._run(pages)
    assert await store.forget("link", (first + 3) * DAY_NS + 17) == Written()
    assert await store.forget("fleet", (first + 3) * DAY_NS) == Written()  # never written
    connection = sqlite3.connect(store.file)
    assert connection.execute("SELECT at_ns / 86400000000000 AS day, count(*) FROM p_link GROUP BY day").fetchall() == [
        (first + 3, 6000)
    ]
    assert connection.execute("SELECT count(*) FROM p_act").fetchone() == (1,)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
    assert POINTS_A_STEP < 6000
    assert await store._run(pages) < full_bytes / 2
    await store.close()


async def test_writes_come_between_the_steps(tmp_path: Path) -> None:
    store = Sqlite(tmp_path / "h.db")
    for start in range(0, 40_000, 5000):
        await store.write(b"\n".join(b"link sent=%di %d" % (n, n) for n in range(start, start + 5000)))
    cut = asyncio.create_task(store.forget("link", 10 * DAY_NS))
    while not cut.done():
        assert await store.write(b"link sent=1i %d" % (11 * DAY_NS)) == Written()
        await asyncio.sleep(0)
    assert await cut == Written()
    await store.close()


def pages(connection: sqlite3.Connection) -> int:
    (count,) = connection.execute("PRAGMA page_count").fetchone()
    return int(count)


class FakeStore(Sqlite):
    """Answers what a test says."""

    def __init__(self, file: Path, answers: list[Forgotten]) -> None:
        super().__init__(file)
        self.answers = answers
        self.asked: list[str] = []

    async def forget(self, measurement: str, before_ns: int) -> Forgotten:
        assert before_ns > 0
        self.asked.append(measurement)
        return self.answers.pop(0) if self.answers else Written()


async def test_a_database_with_a_setting_of_its_own_is_asked_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = FakeStore(tmp_path / "h.db", [OwnRetention("it has a flag")])
    await Retention(store, RetentionSettings(), SteadyClock(), first_s=0).run()
    assert store.asked == ["link"]
    assert "[retention] has no effect on this database, set its own: it has a flag" in caplog.text


async def test_trouble_is_tried_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RETRY_S", 0.0)
    store = FakeStore(tmp_path / "h.db", [Later("the disk is full")])
    task = asyncio.create_task(Retention(store, RetentionSettings(), SteadyClock(), first_s=0).run())
    async with asyncio.timeout(5):
        while len(store.asked) < 1 + len(Measurement):  # noqa: ASYNC110 - asked by the task under test
            await asyncio.sleep(0.005)
    task.cancel()
    await asyncio.wait([task])
    assert "old points of link cannot be deleted; trying again in an hour (the disk is full)" in caplog.text


@pytest.mark.parametrize(
    ("status", "text", "kind"),
    [
        (204, "", Written),
        (404, '{"code":"not found","message":"bucket \\"x\\" not found"}', Paused),
        (404, '{"code":"not found"}'.replace(":", ": "), Paused),
        (404, "", OwnRetention),
        (405, "Method Not Allowed", OwnRetention),
        (501, "", OwnRetention),
        (401, "", Paused),
        (503, "", Later),
    ],
)
def test_answers_to_a_deletion(status: int, text: str, kind: type[Forgotten]) -> None:
    assert isinstance(read_deletion(status, text), kind)

"""The desk on a real file: what is told is on disk, and the next desk goes on where this one was killed."""

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from unittest.mock import Mock

import msgspec
import pytest

from collector.board import Board
from collector.clock import SteadyClock
from collector.database import Database, open_database
from collector.incidents import book
from collector.incidents import desk as desk_module
from collector.incidents.desk import Desk
from collector.incidents.errors import UnknownIncidentError
from collector.incidents.model import AlertClass, Entry, EntryKind, Incident, Phase
from collector.incidents.reconcile import reconcile
from collector.incidents.settings import IncidentSettings
from tests.unit.collector.incidents.scene import DOWN, START_S, UP, Fleet, entry, places
from wire.messages import ActOutcome


class FakeClock(SteadyClock):
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.at_s = START_S

    def now_ns(self) -> int:
        return round(self.at_s * 1e9)

    def now_s(self) -> float:
        return self.at_s


class Office:
    """A fleet, its board, a file, and a desk that may be killed and replaced."""

    def __init__(self, file: Path) -> None:
        self.fleet = Fleet(places(*(entry(f"b{n}", isps=("Orange", "Orange")) for n in range(8))))
        self.clock = FakeClock()
        self.board = Board()
        self.database: Database = open_database(file, book.SCHEMA)
        self.lines: list[str] = []
        self.hearing = True
        self.new_desk()

    def new_desk(self) -> None:
        self.desk = Desk(
            board=self.board,
            places=self.fleet.places,
            database=self.database,
            settings=IncidentSettings(),
            clock=self.clock,
            offer_lines=lambda lines: self.lines.extend(lines.decode().splitlines()),
        )

    async def look(self, wait_s: float = 0.0) -> None:
        self.clock.at_s += wait_s
        self.fleet.now_s = self.clock.at_s
        self.board.show(self.fleet.board.values(), (), self.clock.at_s, hearing=self.hearing)
        await self.desk.look()

    async def stored(self) -> list[Incident]:
        return await self.database.run(book.load)

    async def notices(self) -> Counter[str]:
        rows = await self.database.run(lambda connection: connection.execute("SELECT event FROM notices").fetchall())
        return Counter(row[0] for row in rows)

    def one(self) -> Incident:
        (incident,) = self.desk.open_incidents.values()
        return incident


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path / "records.db")
    yield made
    made.database.close()


async def test_a_storm_survives_a_new_desk_at_every_step(office: Office) -> None:
    for number in range(8):
        office.fleet.lines(f"b{number}", isp1=DOWN, isp2=DOWN)
        office.fleet.act(f"b{number}", ActOutcome.COMMITTED, "cell")
        await office.look(1)
        office.new_desk()
    for _ in range(8):
        await office.look(10)
        office.new_desk()
    await office.look()
    assert office.one().alert_class is AlertClass.CARRIER
    for number in range(8):
        office.fleet.lines(f"b{number}", isp1=UP, isp2=UP)
        await office.look(5)
        office.new_desk()
    await office.look(300)
    assert await office.notices() == {"trigger": 1}  # this desk knows only now that nothing is wrong
    await office.look(130)
    office.new_desk()
    await office.look(10)
    assert await office.notices() == {"trigger": 1, "resolve": 1}
    assert [each.phase for each in await office.stored()] == [Phase.RESOLVED]
    (incident,) = await office.stored()
    kinds = Counter(each.kind for each in await office.database.run(lambda c: book.timeline(c, incident.id)))
    assert (kinds[EntryKind.ACT], kinds[EntryKind.RESOLVED], kinds[EntryKind.OPENED]) == (8, 1, 1)
    assert [line for line in office.lines if f'id="{incident.id}"' in line and "step=1i" in line]
    assert any("until_ms=" in line for line in office.lines)


async def test_a_disk_that_refuses_loses_nothing_and_tells_nobody(
    office: Office, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await office.look()
    office.fleet.silent("b0")

    def refuse(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(book, "save", refuse)
        for _ in range(3):
            await office.look(40)
    assert not office.desk.open_incidents
    assert not office.lines
    assert len([each for each in caplog.records if "make room on this disk" in each.getMessage()]) == 1
    await office.look(1)
    await office.look(6)
    assert await office.notices() == {"trigger": 1}


async def test_acknowledging_commenting_and_forgetting_to_renew(office: Office) -> None:
    office.fleet.lines("b0", isp1=DOWN, isp2=DOWN)
    await office.look()
    await office.look(50)
    incident = office.one()
    with office.desk.listen() as listener:
        await office.desk.acknowledge(incident.id, by="anna", comment="on my way", for_s=600)
        await office.desk.comment(incident.id, by="anna", text="ringing the ISP")
        assert await listener.changes() == {incident.id}
    assert office.one().acknowledgement is not None
    office.new_desk()
    await office.look(599)
    assert office.one().acknowledgement is not None
    await office.look(1)
    assert office.one().acknowledgement is None
    timeline = await office.database.run(lambda connection: book.timeline(connection, incident.id))
    assert [(each.kind, each.by) for each in timeline[-3:]] == [
        (EntryKind.ACKNOWLEDGED, "anna"),
        (EntryKind.COMMENT, "anna"),
        (EntryKind.ACKNOWLEDGED, ""),
    ]
    assert (await office.notices())["update"] == 1
    for call in (
        office.desk.acknowledge("20200101-000000-0000", by="anna", comment=""),
        office.desk.comment("20200101-000000-0000", by="anna", text=""),
    ):
        with pytest.raises(UnknownIncidentError):
            await call


async def test_a_deaf_collector_pages_and_judges_nobody(office: Office) -> None:
    office.hearing = False
    office.fleet.silent("b0")
    await office.look(59)
    assert not office.desk.open_incidents
    await office.look(1)
    office.new_desk()
    assert [each.key for each in await office.stored()] == ["pipeline"]
    await office.look(25)
    assert office.one().alert_class is AlertClass.PIPELINE_BLIND
    assert await office.notices() == {"trigger": 1}
    office.hearing = True
    office.fleet.lines("b0", isp1=UP)
    await office.look(1)
    await office.look(130)
    assert await office.notices() == {"trigger": 1, "resolve": 1}


async def test_an_incident_that_became_part_of_another_is_found_by_its_old_id(office: Office) -> None:
    for number in range(3):
        office.fleet.lines(f"b{number}", isp1=DOWN, isp2=DOWN)
    await office.look()
    early = set(office.desk.open_incidents)
    assert len(early) == 3
    for number in range(3, 8):
        office.fleet.lines(f"b{number}", isp1=DOWN, isp2=DOWN)
    await office.look(5)
    now = office.one()
    for each in early:
        found = await office.database.run(partial(book.get, incident_id=each))
        assert found is not None
        assert found.id == now.id


async def test_running_looks_at_once_when_the_board_changes(office: Office) -> None:
    with office.desk.listen() as listener:
        task = asyncio.create_task(office.desk.run())
        try:
            office.fleet.silent("b0")
            office.board.show(office.fleet.board.values(), (), START_S, hearing=True)
            async with asyncio.timeout(5):
                await listener.changes()
        finally:
            task.cancel()
            await asyncio.wait([task])
    assert office.one().alert_class is AlertClass.ISOLATED


async def test_the_book_finds_by_phase_tenant_branch_and_time(office: Office) -> None:
    office.fleet.lines("b0", isp1=DOWN)
    await office.look()
    await office.look(150)
    office.fleet.lines("b1", isp1=DOWN)
    await office.look(50)
    office.fleet.lines("b0", isp1=UP)
    for _ in range(15):
        await office.look(10)
    first, second = (await office.stored())[::-1]
    assert (first.phase, second.phase) == (Phase.RESOLVED, Phase.OPEN)

    async def ids(**words: object) -> list[str]:
        return [each.id for each in await office.database.run(lambda c: book.load(c, **words))]  # type: ignore[arg-type]

    assert await ids(phases=[Phase.OPEN]) == [second.id]
    assert await ids(tenant="acme", branch="b0") == [first.id]
    assert await ids(tenant="other") == []
    assert await ids(before_s=second.started_s) == [first.id]
    assert await ids(limit=1) == [second.id]
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(first), type=Incident) == first


async def test_a_timeline_keeps_its_beginning_and_its_end(office: Office) -> None:
    entries = [("i1", Entry(float(number), EntryKind.COMMENT)) for number in range(book.MAX_ENTRIES + 300)]
    for part in (entries[:1500], entries[1500:1900], entries[1900:]):
        await office.database.run(partial(book.save, incidents=(), entries=part, notices=()))
    kept = [each.at_s for each in await office.database.run(lambda connection: book.timeline(connection, "i1"))]
    assert len(kept) == book.MAX_ENTRIES
    assert kept[: book.KEPT_FIRST + 1] == [*range(book.KEPT_FIRST), book.KEPT_FIRST + 300]
    assert kept[-1] == book.MAX_ENTRIES + 299


async def test_news_of_branches_that_are_well_costs_no_look(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = Mock(wraps=reconcile)
    monkeypatch.setattr(desk_module, "reconcile", seen)
    office.fleet.lines("b0", isp1=DOWN)
    await office.look()
    for name in ("b0", "b1"):
        office.fleet.tell(name)
        office.board.show(office.fleet.board.values(), (), office.clock.at_s, hearing=True)
        await office.desk.look(whole=False)
    assert seen.call_count == 1
    office.fleet.lines("b1", isp1=DOWN)
    office.board.show(office.fleet.board.values(), (), office.clock.at_s, hearing=True)
    await office.desk.look(whole=False)
    office.board.show((), (), office.clock.at_s, hearing=False)
    await office.desk.look(whole=False)
    assert seen.call_count == 3

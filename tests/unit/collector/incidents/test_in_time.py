"""From the event to the page, for each class and each way a branch is lost: the collector's own parts, virtual time.

What the agents of two wires and 5G send goes through what is heard, through when the collector can hear, and through
judging; only the broker and the disk are left out. `pytest -s` prints the table.
"""

import sys
from collections.abc import Callable

import msgspec
import pytest

from collector.batches import hear_batch
from collector.board import Board, BranchNow
from collector.branches import BranchTable
from collector.hearing import Hearing
from collector.incidents.causes import judge, ongoing
from collector.incidents.deafness import Deafness
from collector.incidents.model import AlertClass, Incident, Phase, Severity
from collector.incidents.picture import Eyes
from collector.incidents.reconcile import Now, reconcile
from collector.incidents.settings import IncidentSettings
from collector.notify.model import NoticeEvent
from collector.presence import hear_presence
from tests.unit.collector.incidents.scene import DOWN, START_S, UP, entry, places
from wire.messages import (
    Act,
    ActKind,
    ActOutcome,
    Batch,
    BranchState,
    Digest,
    DigestPath,
    LinkState,
    Presence,
    Record,
    Role,
    StateChange,
)
from wire.topics import Address, Lane

COUNT = 20
CUT_S = START_S + 100.0
WITHIN_S = 90.0


class World:
    """Agents that talk every 10 s on a wire and every 20 s on 5G, and a collector that looks every second."""

    def __init__(self) -> None:
        names = [f"b{number}" for number in range(COUNT)]
        self.places = places(*(entry(name, region="PACA", isps=("Orange", "Orange")) for name in names))
        self.now_s = START_S
        self.connection: int | None = 1
        self.silent: set[str] = set()
        self.wire = dict.fromkeys(names, UP)
        self.notices: list[tuple[NoticeEvent, float, Incident]] = []
        self.incidents: dict[str, Incident] = {}
        self._table, self._hearing, self._board = BranchTable(), Hearing(), Board()
        self._eyes = Eyes(self.places)
        self._deafness, self._settings = Deafness(START_S, 60.0), IncidentSettings()
        self._seq = dict.fromkeys(names, 0)
        for name in names:
            for line, role in (("isp1", Role.WIRE), ("isp2", Role.WIRE), ("cell", Role.CELL)):
                self.tell(name, StateChange(self.ns, line, role, "Orange", LinkState.UNKNOWN, UP, "", None))
            self.digest(name)

    @property
    def ns(self) -> int:
        return round(self.now_s * 1e9)

    def tell(self, name: str, *records: Record) -> None:
        address = Address("acme", name, "a1")
        batch = Batch(Lane.EVENTS, "e1", self._seq[name] + 1, 1, False, self.ns, records)
        self._seq[name] += len(records)
        if self.connection is not None:
            self._table.put(address, hear_batch(self._table.get(address), batch, self.now_s))

    def will(self, name: str) -> None:
        address = Address("acme", name, "a1")
        last = Presence(False, "e1", 1, "0.1", "", True, self.ns, "isp1")
        self._table.put(address, hear_presence(self._table.get(address), last, self.now_s))

    def wires_die(self, name: str, outcome: ActOutcome = ActOutcome.COMMITTED) -> None:
        self.wire[name] = DOWN
        changes = [
            StateChange(self.ns, line, Role.WIRE, "Orange", UP, DOWN, "silent", 500.0) for line in ("isp1", "isp2")
        ]
        self.tell(name, *changes, Act(self.ns, "m1", ActKind.EMERGENCY, outcome, "isp1", "cell", "silent"))
        if outcome is ActOutcome.COMMITTED:
            self.digest(name)

    def run(self, until_s: float) -> None:
        while self.now_s < until_s:
            self.now_s += 1.0
            for number, name in enumerate(self._seq):
                every_s = 10 if self.wire[name] is UP else 20
                if name not in self.silent and (int(self.now_s) + number) % every_s == 0:
                    self.digest(name)
            self._look()

    def digest(self, name: str) -> None:
        wire = self.wire[name]
        state, active = (BranchState.OK, "isp1") if wire is UP else (BranchState.ON_5G, "cell")
        paths = (
            *(DigestPath(line, wire, 5.0, 0.0, 1) for line in ("isp1", "isp2")),
            DigestPath("cell", UP, 5.0, 0.0, 1),
        )
        self.tell(name, Digest(self.ns, state, active, paths))

    def _look(self) -> None:
        since_s = self._hearing.listen(self._table.heard_s(), self.now_s, connection=self.connection)
        self._table.review(since_s, self.now_s)
        news, gone = self._table.take_news()
        shown = [BranchNow(key, state, since, heard) for key, heard, state, since in self._table.shown(news)]
        deaf_s = None if since_s is not None else self._hearing.deaf_since_s
        self._board.show(shown, gone, self.now_s, hearing=since_s is not None, deaf_since_s=deaf_s)
        began = {each.key: each.started_s for each in self.incidents.values()}
        picture = self._eyes.look(dict(self._board.branches))
        groups = self._deafness.judge(
            self.now_s, began, hearing=self._board.hearing, deaf_since_s=self._board.deaf_since_s
        )
        if self._board.hearing:
            groups += judge(picture, ongoing(self.incidents.values()), self._settings)
        now = Now(self.now_s, self._deafness.hearing_since_s)
        changes = reconcile(groups, self.incidents, picture, now, self._settings)
        for old, _ in changes.merged:
            self.incidents.pop(old, None)
        self.incidents.update(changes.incidents)
        self.incidents = {name: each for name, each in self.incidents.items() if each.phase is not Phase.RESOLVED}
        self.notices += changes.notices

    def pages(self) -> list[tuple[AlertClass, float]]:
        return [
            (each.alert_class, at_s - CUT_S)
            for event, at_s, each in self.notices
            if event is not NoticeEvent.RESOLVE and each.severity is Severity.PAGE
        ]


def _dies(world: World) -> None:
    world.silent.add("b0")


def _dies_right_before_its_next_word(world: World) -> None:
    world.run(world.now_s + 9)
    world.silent.add("b0")


def _dies_on_5g(world: World) -> None:
    world.silent.add("b0")
    world.wires_die("b0")


def _agent_stops(world: World) -> None:
    world.silent.add("b0")
    world.run(CUT_S + 30)
    world.will("b0")


def _move_fails(world: World) -> None:
    world.silent.add("b0")  # it tells its events only
    world.wires_die("b0", ActOutcome.ROLLED_BACK)
    for _ in range(20):
        world.run(world.now_s + 10)
        world.tell("b0")


def _carrier(world: World) -> None:
    for name in list(world.wire)[:12]:
        world.wires_die(name)


def _carrier_slowly(world: World) -> None:
    for name in list(world.wire)[:12]:
        world.wires_die(name)
        world.run(world.now_s + 4)


def _broker_goes(world: World) -> None:
    world.connection = None


def _centre_goes(world: World) -> None:
    world.silent.update(world.wire)


WAYS: list[tuple[Callable[[World], None], AlertClass]] = [
    (_dies, AlertClass.ISOLATED),
    (_dies_right_before_its_next_word, AlertClass.ISOLATED),
    (_dies_on_5g, AlertClass.ISOLATED),
    (_agent_stops, AlertClass.ISOLATED),
    (_move_fails, AlertClass.FAILOVER_FAILED),
    (_carrier, AlertClass.CARRIER),
    (_carrier_slowly, AlertClass.CARRIER),
    (_broker_goes, AlertClass.PIPELINE_BLIND),
    (_centre_goes, AlertClass.PIPELINE_BLIND),
]


@pytest.mark.parametrize(("happen", "alert_class"), WAYS)
def test_one_page_within_90_s_of_the_event(happen: Callable[[World], None], alert_class: AlertClass) -> None:
    world = World()
    world.run(CUT_S)
    happen(world)
    world.run(CUT_S + 200)
    sys.stdout.write(f"\n{happen.__name__.lstrip('_'):32} {[(str(each), after_s) for each, after_s in world.pages()]}")
    assert [each for each, _ in world.pages()] == [alert_class]
    assert world.pages()[0][1] <= WITHIN_S


def test_a_move_that_worked_wakes_nobody() -> None:
    world = World()
    world.run(CUT_S)
    world.wires_die("b0")
    world.run(CUT_S + 200)
    assert world.pages() == []
    assert [each.alert_class for _, _, each in world.notices] == [AlertClass.ON_5G]


@pytest.mark.parametrize("centre", [False, True])
def test_an_hour_without_the_branches_is_one_page_and_one_resolve(*, centre: bool) -> None:
    world = World()
    world.wires_die("b7")
    world.run(CUT_S)
    before = len(world.incidents)
    world.notices.clear()
    everybody = set(world.wire)
    if centre:
        world.silent = set(everybody)
    else:
        world.connection, world.silent = None, set(everybody)
    world.run(CUT_S + 3600)
    assert len(world.incidents) == before + 1  # nobody is isolated, nothing ended
    world.connection = 2
    for name in sorted(everybody):  # they come back one by one, within half a minute
        world.silent.discard(name)
        world.digest(name)
        world.run(world.now_s + 1.5)
    world.run(world.now_s + 300)
    told = [(event, each.alert_class) for event, _, each in world.notices]
    assert told == [
        (NoticeEvent.TRIGGER, AlertClass.PIPELINE_BLIND),
        (NoticeEvent.RESOLVE, AlertClass.PIPELINE_BLIND),
    ]
    assert [each.alert_class for each in world.incidents.values()] == [AlertClass.ON_5G]


def test_every_branch_flapping_for_an_hour_is_bounded() -> None:
    world = World()
    most = 0
    for _ in range(60):
        for name in world.wire:
            world.wires_die(name)
        world.run(world.now_s + 30)
        for name in world.wire:
            world.wire[name] = UP
            world.digest(name)
        world.run(world.now_s + 30)
        most = max(most, len(world.incidents))
    assert most <= 1
    assert len(world.notices) <= 2
    assert len(msgspec.msgpack.encode(next(iter(world.incidents.values())))) < 50_000

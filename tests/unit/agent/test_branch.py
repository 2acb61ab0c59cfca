"""The branch's loop with the real machine and the real actor's logic, on virtual time: gone, slow, refusing, killed."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from agent.actor.core import Actor
from agent.actor.state import StateFile
from agent.actor_client import ActorClient, ActorGoneError
from agent.branch import Branch
from failover.actions import ActReported, LinkChanged, SetEffort
from failover.actuators.protocol import Apply, Commit, Reply, Request, Rollback, SnapshotRequest
from failover.machine import begin, decide
from failover.observations import Carrier, InPlace, Observation, Prefer, Proof
from failover.observations import Reply as Answer
from failover.profiles import Profile
from failover.state import BranchMachine, PathPlan, Plan
from tests.unit.agent.fake_actuator import FakeActuator
from tests.unit.agent.virtual_time import run_virtually
from wire.messages import ActOutcome, LinkState, Role

WIRE, SECOND, CELL = "wire", "second", "cell"
APPLIED, COMMITTED, ROLLED_BACK, FAILED = (
    ActOutcome.APPLIED,
    ActOutcome.COMMITTED,
    ActOutcome.ROLLED_BACK,
    ActOutcome.FAILED,
)
PLAN = Plan(
    profile=Profile.STANDARD,
    paths=(
        PathPlan(WIRE, 1, Role.WIRE, False),
        PathPlan(SECOND, 2, Role.WIRE, False),
        PathPlan(CELL, 3, Role.CELL, True),
    ),
    anchors=("a", "b", "c"),
)


class FakeClient(ActorClient):
    """The actor's own logic in this process, on the loop's clock. As the real client: one request at a time."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "actor.sock")
        self.folder = folder
        self.actuator = FakeActuator()
        self.gone = False
        self.delay_s = 0.002
        self.before: Callable[[Request], Awaitable[None]] | None = (
            None  # runs when a request is about to be carried out
        )
        self.after: Callable[[Request], Awaitable[None]] | None = None  # carried out, its reply not yet on its way
        self.requests: list[Request] = []
        self._one = asyncio.Lock()
        self.restart()

    def restart(self) -> None:
        self.actor = Actor(self.actuator, StateFile(self.folder / "actor.json"), (WIRE, SECOND, CELL))
        self.actor.start(self._now_s())

    async def request(self, request: Request, timeout_s: float) -> Reply:
        try:
            async with asyncio.timeout(timeout_s), self._one:
                return await self._carry_out(request)
        except TimeoutError:
            raise ActorGoneError(f"no answer within {timeout_s:g} s") from None

    async def _carry_out(self, request: Request) -> Reply:
        if self.gone:
            raise ActorGoneError("no such file")
        await asyncio.sleep(self.delay_s / 2)
        if self.before is not None:
            await self.before(request)
        if self.gone:
            raise ActorGoneError("it closed the connection")
        self.requests.append(request)
        reply = self.actor.answer(request, self._now_s())
        if self.after is not None:
            await self.after(request)
        if self.gone:
            raise ActorGoneError("it closed the connection")
        await asyncio.sleep(self.delay_s / 2)
        return reply

    async def tick(self) -> None:
        """The actor's own clock."""
        while True:
            if not self.gone:
                self.actor.tick(self._now_s())
            await asyncio.sleep(0.01)

    @staticmethod
    def _now_s() -> float:
        return asyncio.get_running_loop().time()


class Network:
    """Paths that answer probes or do not; proofs follow from that."""

    def __init__(self) -> None:
        self.alive = {WIRE: True, SECOND: True, CELL: True}
        self.proof_s = 0.3
        self.provable = True
        self.error: OSError | None = None
        self.proved: list[tuple[str, str]] = []

    async def prove(self, name: str, move: str) -> Proof:
        self.proved.append((name, move))
        if self.error is not None:
            raise self.error
        await asyncio.sleep(self.proof_s)
        works = self.alive[name] and self.provable
        return Proof(name, move, self.alive[name], works, works, works, works or None)

    async def second_opinion(self, name: str, wait_s: float) -> bool:
        if self.error is not None:
            raise self.error
        await asyncio.sleep(0.02 if self.alive[name] else wait_s)
        return self.alive[name]

    def set_effort(self, action: SetEffort) -> None:
        """All paths are probed alike here."""

    def burst(self, path: str, count: int) -> None:
        """As above."""

    def drain(self) -> None:
        """Replies never wait here."""


class World:
    """One branch, its actor and its lines."""

    def __init__(self, branch: Branch, client: FakeClient, network: Network) -> None:
        self.branch, self.client, self.network = branch, client, network
        self.reports: list[LinkChanged | ActReported] = []
        self.actives: list[str] = []

    @property
    def now(self) -> float:
        return asyncio.get_running_loop().time()

    @property
    def in_place(self) -> str:
        return self.client.actuator.in_place

    def outcomes(self) -> list[tuple[ActOutcome, str]]:
        return [(act.outcome, act.to_path) for act in self.reports if isinstance(act, ActReported)]

    async def probe(self) -> None:
        while True:
            for path, alive in self.network.alive.items():
                for anchor in "abc":
                    if alive and self.branch.machine.has(path):
                        self.branch.tell(Answer(path, anchor, self.now))
                if alive and path == self.in_place:
                    self.client.actuator.packets[path] += 1
            await asyncio.sleep(0.033)

    async def until(self, condition: Callable[[], bool], within_s: float = 120.0) -> None:
        deadline = self.now + within_s
        while not condition():
            assert self.now < deadline, (self.reports[-6:], self.branch.machine.move)
            await asyncio.sleep(0.005)


@contextlib.asynccontextmanager
async def world(folder: Path, *, actor: bool = True) -> AsyncIterator[World]:
    client, network = FakeClient(folder), Network()
    client.gone = not actor
    reports: list[LinkChanged | ActReported] = []
    actives: list[str] = []
    try:
        async with asyncio.TaskGroup() as tasks:
            branch = Branch(
                begin(PLAN, asyncio.get_running_loop().time()),
                actor=client,
                paths=network,
                probing=network,
                tasks=tasks,
                on_report=reports.append,
                on_active=actives.append,
            )
            made = World(branch, client, network)
            made.reports, made.actives = reports, actives
            for work in (branch.watch_actor(), client.tick(), made.probe()):
                tasks.create_task(work)
            await made.until(lambda: all(path.link is LinkState.UP for path in branch.machine.paths))
            if actor:
                await made.until(lambda: all(path.proved_s is not None for path in branch.machine.paths))
                assert branch.machine.active == WIRE
            yield made
            branch.close()
            raise _EndError  # noqa: TRY301 - the only way to end a task group with all that is in it
    except* _EndError:
        pass


class _EndError(Exception):
    """Ends the world."""


def in_a_world(folder: Path, play: Callable[[World], Awaitable[None]], *, actor: bool = True) -> None:
    async def main() -> None:
        async with world(folder, actor=actor) as made:
            await play(made)

    run_virtually(main)


def test_a_cut_wire_is_left_proved_and_committed(tmp_path: Path) -> None:
    async def play(made: World) -> None:
        cut = made.now
        made.network.alive[WIRE] = False
        await made.until(lambda: made.in_place == SECOND)
        assert made.now - cut < 0.55
        await made.until(lambda: made.outcomes() == [(APPLIED, SECOND), (COMMITTED, SECOND)])
        await made.until(lambda: made.branch.machine.move is None)
        assert made.actives[-1] == SECOND
        kinds = [type(request) for request in made.client.requests if isinstance(request, Apply | Commit | Rollback)]
        assert kinds == [Apply, Commit]

    in_a_world(tmp_path, play)


@pytest.mark.parametrize("verb", [Apply, Commit])
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("away_s", [0.05, 1.0, 8.0])
def test_an_actor_killed_at_any_step_costs_its_absence_and_no_more(
    tmp_path: Path, verb: type[Request], when: str, away_s: float
) -> None:
    async def play(made: World) -> None:
        killed = asyncio.Event()

        async def kill(request: Request) -> None:
            if isinstance(request, verb) and not killed.is_set():
                killed.set()
                made.client.gone = True

        setattr(made.client, when, kill)
        made.network.alive[WIRE] = False
        await killed.wait()
        await asyncio.sleep(away_s)
        made.client.gone = False
        made.client.restart()
        back = made.now
        await made.until(lambda: made.in_place == SECOND and made.branch.machine.active == SECOND, 1.5)
        await made.until(lambda: made.branch.machine.move is None and not made.client.actor._state.pending, 10.0)
        assert made.now - back < 6.0
        await asyncio.sleep(10.0)
        assert made.in_place == SECOND

    in_a_world(tmp_path, play)


def test_a_commit_is_repeated_until_the_actor_heard_it(tmp_path: Path) -> None:
    """Otherwise its timer might put the branch back on the dead wire."""

    async def play(made: World) -> None:
        async def lose(request: Request) -> None:
            if isinstance(request, Commit):
                made.client.gone, made.client.before = True, None

        made.client.before = lose
        made.network.alive[WIRE] = False
        await made.until(lambda: made.client.gone)
        made.client.actuator.packets = dict.fromkeys(made.client.actuator.packets, 0)
        await asyncio.sleep(1.0)
        made.client.gone = False
        made.client.restart()
        await made.until(lambda: made.branch.machine.move is None, 0.5)
        assert [type(request) for request in made.client.requests].count(Commit) == 1
        assert made.outcomes() == [(APPLIED, SECOND), (COMMITTED, SECOND)]

    in_a_world(tmp_path, play)


def test_a_slow_actor_is_believed_when_it_answers_at_last(tmp_path: Path) -> None:
    async def play(made: World) -> None:
        async def slow(request: Request) -> None:
            if isinstance(request, Apply):
                made.client.before = None
                await asyncio.sleep(1.9)

        made.client.before = slow
        made.network.alive[WIRE] = False
        await made.until(lambda: (COMMITTED, SECOND) in made.outcomes())
        assert made.in_place == SECOND

    in_a_world(tmp_path, play)


def test_an_apply_whose_reply_was_lost_is_known_by_looking(tmp_path: Path) -> None:
    async def play(made: World) -> None:
        async def too_late(request: Request) -> None:
            if isinstance(request, Apply):
                made.client.after = None
                await asyncio.sleep(10.0)  # the client gives up; what was applied stays applied

        made.client.after = too_late
        made.network.alive[WIRE] = False
        await made.until(lambda: made.outcomes() == [(APPLIED, SECOND), (COMMITTED, SECOND)])
        assert made.in_place == SECOND

    in_a_world(tmp_path, play)


def test_a_refusing_actor_leads_to_the_next_path(tmp_path: Path) -> None:
    async def play(made: World) -> None:
        made.client.actuator.broken.add(SECOND)
        made.network.alive[WIRE] = False
        await made.until(lambda: made.in_place == CELL)
        assert made.outcomes()[:2] == [(FAILED, SECOND), (APPLIED, CELL)]
        refusals = [act.reason for act in made.reports if isinstance(act, ActReported) and act.outcome is FAILED]
        assert "has no interface now" in refusals[0]

    in_a_world(tmp_path, play)


def test_an_actor_that_refuses_everything_is_asked_less_and_less_often(tmp_path: Path) -> None:
    async def play(made: World) -> None:
        made.client.actuator.broken |= {SECOND, CELL}
        made.network.alive[WIRE] = False
        await asyncio.sleep(60.0)
        applies = [request for request in made.client.requests if isinstance(request, Apply)]
        assert 4 <= len(applies) <= 12
        made.client.actuator.broken.clear()
        await made.until(lambda: made.in_place == SECOND, 60.0)

    in_a_world(tmp_path, play)


def test_without_an_actor_the_agent_watches_says_so_once_and_takes_it_when_it_comes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def play(made: World) -> None:
        await asyncio.sleep(5.0)
        assert made.branch.machine.active == ""
        made.network.alive[WIRE] = False
        await asyncio.sleep(10.0)
        assert made.branch.machine.path(WIRE).link is LinkState.DOWN
        assert caplog.text.count("no actor:") == 1
        made.client.gone = False
        await made.until(lambda: made.in_place == SECOND, 1.0)

    in_a_world(tmp_path, play, actor=False)


def test_an_actor_that_vanished_long_ago_is_used_at_once_when_it_is_back(tmp_path: Path) -> None:
    async def play(made: World) -> None:
        made.client.gone = True
        made.network.alive[WIRE] = False
        await asyncio.sleep(100.0)
        assert len(made.outcomes()) < 14  # the record does not fill up with it
        made.client.gone = False
        await made.until(lambda: made.in_place == SECOND, 1.0)

    in_a_world(tmp_path, play)


def test_the_actors_own_timer_is_on_the_record(tmp_path: Path) -> None:
    """The agent slept through its proof; the actor went back, because nothing came in on the new path."""

    async def play(made: World) -> None:
        made.network.alive |= {WIRE: False, SECOND: False, CELL: False}
        await made.until(lambda: made.in_place == SECOND)
        await made.until(lambda: made.branch.machine.move is not None and made.branch.machine.move.proving)
        move = made.branch.machine.move
        assert move is not None
        made.client.actor._expire(made.now)
        assert made.in_place == WIRE
        await made.branch.look()
        assert made.outcomes()[-1] == (ROLLED_BACK, SECOND)
        assert made.branch.machine.active == WIRE

    in_a_world(tmp_path, play)


def test_a_proof_that_comes_after_its_move_proves_nothing(tmp_path: Path) -> None:
    async def play(made: World) -> None:
        made.network.proof_s = 3.6
        made.network.alive[WIRE] = False
        await made.until(lambda: (ROLLED_BACK, SECOND) in made.outcomes() or (COMMITTED, SECOND) in made.outcomes())
        made.network.alive[WIRE] = True
        proved_s = made.branch.machine.path(CELL).proved_s
        made.branch.tell(Proof(CELL, "m99", True, True, True, True, True))
        assert made.branch.machine.path(CELL).proved_s == proved_s

    in_a_world(tmp_path, play)


def test_errors_of_this_machine_are_failed_proofs_and_no_opinion(tmp_path: Path) -> None:
    async def play(made: World) -> None:
        made.network.error = OSError(24, "Too many open files")
        made.network.alive[WIRE] = False
        await asyncio.sleep(60.0)
        assert made.in_place in {SECOND, CELL}
        assert "Too many open files" in made.branch.proofs[SECOND].detail

    in_a_world(tmp_path, play)


def test_new_settings_during_a_proof_of_a_path_they_take_away(tmp_path: Path) -> None:
    async def play(made: World) -> None:
        made.network.proof_s = 2.0
        made.branch.tell(Prefer(SECOND, made.now + 100.0, "x"))
        made.network.alive[WIRE] = False
        await made.until(lambda: made.branch.machine.move is not None and made.branch.machine.move.proving)
        two = PLAN.paths[0], PLAN.paths[2]
        made.branch.replan(Plan(profile=PLAN.profile, paths=two, anchors=PLAN.anchors), made.network)
        made.branch.tell(Carrier(SECOND, up=False))
        await asyncio.sleep(20.0)
        assert made.branch.machine.active in {CELL, ""}

    in_a_world(tmp_path, play)


def test_nothing_stale_is_told_while_acts_come_and_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is told of what is in place is so at that moment: four watchers, a slow actor, moves throughout."""

    async def play(made: World) -> None:
        told: list[Observation] = []

        def check(machine: BranchMachine, seen: Observation, now: float) -> object:
            if isinstance(seen, InPlace):
                told.append(seen)
                assert (seen.active, seen.pending) == (made.in_place, made.client.actor._state.pending)
            return decide(machine, seen, now)

        monkeypatch.setattr("agent.branch.decide", check)
        made.client.delay_s = 0.2

        async def watch() -> None:
            while True:
                await made.branch.look()
                await asyncio.sleep(0.01)

        watchers = [asyncio.create_task(watch()) for _ in range(4)]
        for dead in (WIRE, SECOND, CELL, SECOND, WIRE):
            made.network.alive |= {WIRE: True, SECOND: True, CELL: True, dead: False}
            await asyncio.sleep(8.0)
        for watcher in watchers:
            watcher.cancel()
        assert len(told) > 20

    in_a_world(tmp_path, play)


def test_an_answer_overtaken_by_an_act_is_asked_for_again(tmp_path: Path) -> None:
    """Even if requests were not kept in order: a look that began before an act is not told after it."""

    async def play(made: World) -> None:
        looked = asyncio.create_task(made.branch.look())
        await asyncio.sleep(0)
        made.branch._acts += 1
        await looked
        looks = [request for request in made.client.requests if isinstance(request, SnapshotRequest)]
        count = len(looks)
        await made.branch.look()
        assert sum(isinstance(request, SnapshotRequest) for request in made.client.requests) == count + 1
        assert count >= 3  # at start, and twice for the overtaken one

    in_a_world(tmp_path, play)


def test_waiting_for_an_actor_does_not_spin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def play(made: World) -> None:
        async def lose(request: Request) -> None:
            made.client.gone = made.client.gone or isinstance(request, Commit)

        made.client.before = lose
        made.network.alive[WIRE] = False
        await made.until(lambda: made.client.gone)
        ticks = 0

        def count(machine: BranchMachine, seen: Observation, now: float) -> object:
            nonlocal ticks
            ticks += not isinstance(seen, Answer)
            return decide(machine, seen, now)

        monkeypatch.setattr("agent.branch.decide", count)
        await asyncio.sleep(10.0)
        assert ticks < 200

    in_a_world(tmp_path, play)

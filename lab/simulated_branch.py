"""A branch on simulated time: the shipped machine judges, a FakeRouter acts, the network is a function of time.

Nothing is decided here. The simulation feeds probe replies, proofs and counters as the network would give them.
"""

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from failover import observations
from failover.actions import (
    Action,
    ActReported,
    AskOpinion,
    AskPassive,
    Burst,
    CommitMove,
    LinkChanged,
    Move,
    Prove,
    SetEffort,
    UndoMove,
)
from failover.machine import begin, decide, is_calm, wake_at
from failover.observations import Observation
from failover.state import BranchMachine, Plan
from lab.fake_router import FakeRouter
from wire.messages import Role

ACT_S = 0.005
PROOF_S = 0.3


@dataclass(frozen=True)
class Line:
    """A simulated line. `alive(now)`: packets pass both ways; `anchors(now)`: the anchors behind it answer."""

    alive: Callable[[float], bool]
    rtt_s: float = 0.020
    loss: float = 0.0
    anchors: Callable[[float], bool] = lambda _now: True
    provable: Callable[[float], bool] = lambda _now: True


@dataclass
class SimulatedBranch:
    """Runs one branch. `users` says whether user traffic flows (it feeds the passive counters)."""

    plan: Plan
    lines: dict[str, Line]
    active: str
    seed: int = 0
    users: bool = True
    now: float = 0.0
    log: list[tuple[float, Action]] = field(default_factory=list)
    dead_s: dict[str, float] = field(default_factory=dict)  # seconds users were on a dead path, by path
    longest_dead_s: float = 0.0

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._serial = 0
        self._queue: list[tuple[float, int, Observation | str]] = []
        self._dead_since: float | None = None
        self._counted = dict.fromkeys(self.lines, 0.0)
        self.router = FakeRouter(tuple(self.lines), self.active, self._carried)
        self.machine: BranchMachine = begin(self.plan, self.now)
        self.start_agent()

    def start_agent(self) -> None:
        """A fresh agent: asks what is in place and starts probing."""
        self._queue.clear()
        self._wake_s = float("inf")
        self.machine = begin(self.plan, self.now)
        self._later(0.0, observations.InPlace(self.router.active, self.router.pending))
        for name in self.lines:
            self._later(self._random.random() * 0.03, f"probe {name}")

    def stop_agent(self) -> None:
        """Kill the agent: nothing it had under way arrives."""
        self._queue.clear()
        self._wake_s = float("inf")

    @property
    def next_due_s(self) -> float:
        """When the agent has something to do next; infinite while it is stopped."""
        return min(self._queue[0][0] if self._queue else float("inf"), self._wake_s)

    def see(self, seen: Observation) -> None:
        """Let the machine see something that does not come from its probes."""
        self._tell(seen)

    def run(self, until_s: float) -> None:
        """Let simulated time pass; what is due at that very moment happens."""
        while (due_s := self.next_due_s) <= until_s:
            self._pass_time(max(self.now, due_s))
            if self._queue and self._queue[0][0] <= self.now:
                item = heapq.heappop(self._queue)[2]
                if isinstance(item, str):
                    self._probe(item.removeprefix("probe "))
                else:
                    self._tell(item)
            elif self._wake_s <= self.now:
                self._wake()
        self._pass_time(max(self.now, until_s))

    def moves(self) -> list[tuple[float, str]]:
        """Each change of the path in use: moment, path."""
        return self.router.history

    def _wake(self) -> None:
        self._wake_s = float("inf")
        self._tell(observations.Tick())

    def _pass_time(self, to: float) -> None:
        dead = not self.lines[self.router.active].alive(to)
        if dead:
            self.dead_s[self.router.active] = self.dead_s.get(self.router.active, 0.0) + to - self.now
            self._dead_since = self.now if self._dead_since is None else self._dead_since
            self.longest_dead_s = max(self.longest_dead_s, to - self._dead_since)
        else:
            self._dead_since = None
        if self.users and not dead:
            self._counted[self.router.active] = to
        self.now = to
        if self.router.tick(to) and self.next_due_s < float("inf"):
            self._later(0.0, observations.InPlace(self.router.active, self.router.pending))

    def _carried(self, path: str, since_s: float, _now: float) -> bool:
        return self._counted[path] > since_s

    def _later(self, after_s: float, item: Observation | str) -> None:
        self._serial += 1
        heapq.heappush(self._queue, (self.now + after_s, self._serial, item))

    def _probe(self, name: str, *, again: bool = True) -> None:
        line = self.lines[name]
        anchor = self._random.choice(self.plan.anchors)
        passed = line.alive(self.now) and line.anchors(self.now) and self._random.random() >= line.loss
        if passed and line.alive(self.now + line.rtt_s):
            self._later(line.rtt_s, observations.Reply(name, anchor, self.now + line.rtt_s))
        if again:
            self._probe_next(name)

    def _probe_next(self, name: str) -> None:
        self._later(self._step_s(name), f"probe {name}")

    def _step_s(self, name: str) -> float:
        """From one probe of a path to the next, whichever anchor it asks."""
        return self.machine.pace_of(self.machine.path(name)).interval_s / len(self.plan.anchors)

    def _tell(self, seen: Observation) -> None:
        self.machine, actions = decide(self.machine, seen, self.now)
        # As agent.branch does: in calm a reply only moves deadlines away, else it may bring one nearer.
        if isinstance(seen, observations.Reply) and not actions and self._wake_s > self.now:
            if not is_calm(self.machine):
                self._wake_s = min(self._wake_s, wake_at(self.machine, self.now))
        else:
            self._wake_s = wake_at(self.machine, self.now)
        for action in actions:
            self._carry_out(action)

    def _carry_out(self, action: Action) -> None:
        match action:
            case LinkChanged() | ActReported():
                self.log.append((self.now, action))
            case Move() | CommitMove() | UndoMove():
                self._act(action)
            case SetEffort():
                if self.machine.path(action.path).role is Role.CELL:
                    self._queue = [item for item in self._queue if item[2] != f"probe {action.path}"]
                    heapq.heapify(self._queue)
                    self._probe(action.path)
            case Burst():
                for _ in range(action.probes):
                    self._probe(action.path, again=False)
            case _:
                self._look(action)

    def _act(self, action: Move | CommitMove | UndoMove) -> None:
        if isinstance(action, Move):
            self.log.append((self.now, action))
            why = self.router.apply(action, self.now)
            applied = observations.Applied(action.id, ACT_S * 1000)
            self._later(ACT_S, applied if why is None else observations.NotApplied(action.id, why, retry=True))
            return
        if isinstance(action, CommitMove):
            self.router.commit(action.id)
        else:
            self.router.undo(action.id, self.now)
        self._later(ACT_S, observations.InPlace(self.router.active, self.router.pending))

    def _look(self, action: Prove | AskPassive | AskOpinion) -> None:
        line = self.lines[action.path]
        match action:
            case Prove():
                alive = line.alive(self.now) and line.alive(self.now + PROOF_S)
                works = alive and line.provable(self.now)
                heard = alive and line.anchors(self.now)
                full = works and heard
                self._later(PROOF_S, observations.Proof(action.path, action.move, heard, full, works, works, works))
            case AskPassive():
                packets = int(self._counted[action.path] * 1000)
                self._later(ACT_S, observations.Passive(action.path, packets))
            case AskOpinion():
                self._later(line.rtt_s, observations.Opinion(action.path, alive=line.alive(self.now)))

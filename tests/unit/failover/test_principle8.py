"""Principle 8 under hypothesis: lines die and revive, agents crash between any two steps, people override.

Whatever happens: the router (which checks every move with `failover.safety`) is never asked for a forbidden one, and no
branch stays more than 60 s on a silent path while another one works and can be proved.
"""

import hypothesis.strategies as st
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from failover import observations
from failover.actions import Action, CommitMove, Move, UndoMove
from failover.observations import Observation
from lab.simulated_branch import Line, SimulatedBranch
from tests.unit.failover.branches import plan

NAMES = ("wan1", "wan2", "cell")
STRANDED_S = 60.0
LOOK_EVERY_S = 5.0  # as agent.branch looks at what is in place


class CrashError(Exception):
    """kill -9 of the agent."""


class FrailBranch(SimulatedBranch):
    """A simulated branch: its agent can be killed before or after any action, its actor can be away or refuse."""

    crash_in = -1  # actions until the agent is killed; negative: never
    crash_before = False
    away = False
    broken: frozenset[str] = frozenset()
    unheard: CommitMove | UndoMove | None = None

    @property
    def crashed(self) -> bool:
        return self.crash_in == 0

    def revive(self) -> None:
        self.crash_in, self.unheard = -1, None
        self.start_agent()

    def look(self) -> None:
        """What `Branch.watch_actor` does every 5 s."""
        move = self.machine.move
        own = move is not None and move.id == self.router.pending and not move.settling
        if not (self.crashed or self.away or own):
            self._tell(observations.InPlace(self.router.active, self.router.pending))

    def come_back(self) -> None:
        """The actor can be asked again."""
        self.away = False
        if self.unheard is not None and not self.crashed:
            unheard, self.unheard = self.unheard, None
            self._act(unheard)
        self.look()

    def _tell(self, seen: Observation) -> None:
        try:
            super()._tell(seen)
        except CrashError:
            self.stop_agent()

    def _carry_out(self, action: Action) -> None:
        self.crash_in -= self.crash_in > 0
        if self.crashed and self.crash_before:
            raise CrashError
        super()._carry_out(action)
        if self.crashed:
            raise CrashError

    def _act(self, action: Move | CommitMove | UndoMove) -> None:
        if isinstance(action, Move) and (self.away or action.to in self.broken):
            self._later(0.005, observations.NotApplied(action.id, "no", retry=True, asked=not self.away))
        elif self.away and not isinstance(action, Move):
            self.unheard = action  # told again and again until it is heard
        else:
            super()._act(action)


class AnyBranch(RuleBasedStateMachine):
    """Drives a simulated branch; every line's life is a plain flag the rules flip."""

    def __init__(self) -> None:
        super().__init__()
        self.alive = dict.fromkeys(NAMES, True)
        self.provable = dict.fromkeys(NAMES, True)
        self.anchors = True

    @initialize(seed=st.integers(0, 1000), active=st.sampled_from(NAMES), loss=st.sampled_from([0.0, 0.05, 0.3]))
    def begin(self, seed: int, active: str, loss: float) -> None:
        def line(name: str) -> Line:
            return Line(
                lambda _now: self.alive[name],
                rtt_s=0.06 if name == "cell" else 0.02,
                loss=loss,
                anchors=lambda _now: self.anchors,
                provable=lambda _now: self.provable[name],
            )

        self.sim = FrailBranch(plan(hold_s=20.0), {name: line(name) for name in NAMES}, active, seed=seed)
        self.good_since = dict.fromkeys(NAMES, 0.0)
        self.able_since = self.left_well_s = 0.0
        self._run(3.0)

    @rule(name=st.sampled_from(NAMES))
    def flip(self, name: str) -> None:
        self.alive[name] = not self.alive[name]
        if self.alive[name]:
            self.sim._tell(observations.Carrier(name, up=True))

    @rule(name=st.sampled_from(NAMES))
    def flip_provable(self, name: str) -> None:
        self.provable[name] = not self.provable[name]

    @rule()
    def flip_anchors(self) -> None:
        self.anchors = not self.anchors

    @rule(name=st.sampled_from(NAMES))
    def flip_refused(self, name: str) -> None:
        self.sim.broken ^= {name}

    @rule()
    def actor_leaves_or_returns(self) -> None:
        if self.sim.away:
            self.sim.come_back()
        else:
            self.sim.away = True

    @rule(seconds=st.sampled_from([0.05, 0.26, 0.51, 0.6, 1.0, 3.1, 7.0, 25.0, 90.0]))
    def wait(self, seconds: float) -> None:
        self._run(seconds)

    @rule(name=st.sampled_from(NAMES), seconds=st.sampled_from([5.0, 100.0]))
    def wish(self, name: str, seconds: float) -> None:
        if not self.sim.crashed:
            self.sim._tell(observations.Prefer(name, self.sim.now + seconds, "test"))

    @rule(name=st.sampled_from(NAMES), up=st.booleans())
    def carrier(self, name: str, up: bool) -> None:  # noqa: FBT001 - hypothesis passes it by name
        if not self.sim.crashed:
            self.sim._tell(observations.Carrier(name, up or self.alive[name]))

    @rule(seconds=st.sampled_from([0.1, 2.0, 8.0]))
    def stall(self, seconds: float) -> None:
        """The machine under the agent sleeps: replies of that time never come."""
        if not self.sim.crashed:
            self.sim._tell(observations.Stalled(seconds))

    @rule(actions=st.integers(1, 12), before=st.booleans())
    def crash_soon(self, actions: int, before: bool) -> None:  # noqa: FBT001 - hypothesis passes it by name
        if not self.sim.crashed:
            self.sim.crash_in, self.sim.crash_before = actions, before

    @rule()
    def crash(self) -> None:
        self.sim.stop_agent()
        self.sim.crash_in = 0

    @precondition(lambda self: hasattr(self, "sim") and self.sim.crashed)
    @rule(seconds=st.sampled_from([0.0, 1.0, 8.0]))
    def restart(self, seconds: float) -> None:
        self._run(seconds)
        self.sim.revive()

    @invariant()
    def never_asks_what_principle_8_forbids(self) -> None:
        if hasattr(self, "sim"):
            assert self.sim.router.refusals == []

    def teardown(self) -> None:
        """However it went: with agent, actor, anchors and one path alive, it is on a working path within 60 s."""
        if not hasattr(self, "sim") or not any(self.alive.values()):
            return
        self.anchors, self.sim.broken = True, frozenset()
        self.provable = dict.fromkeys(NAMES, True)
        if self.sim.crashed:
            self.sim.revive()
        self.sim.crash_in = -1
        for name in NAMES:
            self.sim._tell(observations.Carrier(name, up=True))
        self.sim.come_back()
        self._run(STRANDED_S)
        assert self.alive[self.sim.router.active], f"stranded on {self.sim.router.active}: {self.alive}"

    def _run(self, seconds: float) -> None:
        end = self.sim.now + seconds
        while self.sim.now < end:
            self.sim.run(min(end, self.sim.now + LOOK_EVERY_S))
            self.sim.look()
            self._not_stranded()

    def _not_stranded(self) -> None:
        """Not 60 s on a dead path while the agent ran, could ask the actor and could prove another path."""
        now = self.sim.now
        if self.sim.crashed or self.sim.away:
            self.able_since = now
        for name in NAMES:
            if not (self.alive[name] and self.provable[name] and self.anchors and name not in self.sim.broken):
                self.good_since[name] = now
        if self.alive[self.sim.router.active]:
            self.left_well_s = now
        good_since = min(since for name, since in self.good_since.items() if name != self.sim.router.active)
        stranded_s = now - max(self.able_since, self.left_well_s, good_since)
        assert stranded_s <= STRANDED_S, f"{stranded_s:.0f} s on {self.sim.router.active}: {self.alive}"


TestPrinciple8 = AnyBranch.TestCase
TestPrinciple8.settings = settings(
    max_examples=20, stateful_step_count=15, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)

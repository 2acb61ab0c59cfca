"""Principle 8 under hypothesis: lines die and revive, agents crash between any two steps, people override.

Whatever happens: the router (which checks every move with `failover.safety`) is never asked for a forbidden one, and no
branch stays more than 60 s on a silent path while another one works and can be proved.
"""

import hypothesis.strategies as st
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from failover import observations
from lab.simulated_branch import Line, SimulatedBranch
from tests.unit.failover.branches import plan

NAMES = ("wan1", "wan2", "cell")
STRANDED_S = 60.0


class AnyBranch(RuleBasedStateMachine):
    """Drives a simulated branch; every line's life is a plain flag the rules flip."""

    def __init__(self) -> None:
        super().__init__()
        self.alive = dict.fromkeys(NAMES, True)
        self.running = True
        self.stranded_since: float | None = None
        self.all_since = 0.0

    @initialize(seed=st.integers(0, 1000), active=st.sampled_from(NAMES))
    def begin(self, seed: int, active: str) -> None:
        def line(name: str) -> Line:
            return Line(lambda _now: self.alive[name], rtt_s=0.06 if name == "cell" else 0.02)

        self.sim = SimulatedBranch(plan(hold_s=20.0), {name: line(name) for name in NAMES}, active, seed=seed)
        self.sim.run(3.0)

    @rule(name=st.sampled_from(NAMES))
    def flip(self, name: str) -> None:
        self.alive[name] = not self.alive[name]

    @rule(seconds=st.sampled_from([0.05, 0.26, 0.51, 0.6, 1.0, 3.1, 7.0, 25.0]))
    def wait(self, seconds: float) -> None:
        self._run(seconds)

    @rule(name=st.sampled_from(NAMES), seconds=st.sampled_from([5.0, 100.0]))
    def wish(self, name: str, seconds: float) -> None:
        if self.running:
            self.sim._tell(observations.Prefer(name, self.sim.now + seconds, "test"))

    @rule(name=st.sampled_from(NAMES), up=st.booleans())
    def carrier(self, name: str, up: bool) -> None:  # noqa: FBT001 - hypothesis passes it by name
        if self.running:
            self.sim._tell(observations.Carrier(name, up or self.alive[name]))

    @rule()
    def crash(self) -> None:
        self.sim.stop_agent()
        self.running = False

    @rule(seconds=st.sampled_from([0.0, 1.0, 8.0]))
    def restart(self, seconds: float) -> None:
        if not self.running:
            self._run(seconds)
            self.sim.start_agent()
            self.running = True
            for name in NAMES:
                self.sim._tell(observations.Carrier(name, up=True))

    @invariant()
    def never_asks_what_principle_8_forbids(self) -> None:
        if hasattr(self, "sim"):
            assert self.sim.router.refusals == []

    def teardown(self) -> None:
        """However it went: with the agent back and one path alive, the branch is on a working path within 60 s."""
        if not hasattr(self, "sim") or not any(self.alive.values()):
            return
        if not self.running:
            self.sim.start_agent()
        for name in NAMES:
            self.sim._tell(observations.Carrier(name, up=True))
        self._run(STRANDED_S)
        assert self.alive[self.sim.router.active], f"stranded on {self.sim.router.active}: {self.alive}"

    def _run(self, seconds: float) -> None:
        self.sim.run(self.sim.now + seconds)


TestPrinciple8 = AnyBranch.TestCase
TestPrinciple8.settings = settings(
    max_examples=25, stateful_step_count=15, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)

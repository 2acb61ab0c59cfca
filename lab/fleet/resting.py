"""A simulated branch whose calm lines cost next to nothing, and are judged exactly as if each reply had been told.

While a branch is calm a reply only moves deadlines away. So its probes are not stepped one by one: they lie on the grid
that the machine's own pace gives them, and when the machine wants to look, the replies that came meanwhile are told
first, each with the moment it came. The agent does the same: it reads what waits before it believes a silence.
"""

import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field

from failover import observations
from failover.machine import is_calm
from failover.observations import Observation
from lab.simulated_branch import SimulatedBranch

ANCHOR_FRESH_S = 3.0  # an anchor counts as alive for 10 s after it was heard
_CHANCES = 65_536

OnProbe = Callable[[str, str, float, float | None], None]
"""Path, anchor, sent (s of the branch's clock), answered (same clock) or None."""


@dataclass(slots=True)
class _Resting:
    last_s: float  # the last probe of the grid that was looked at
    number: int = 0
    told_s: dict[str, float] = field(default_factory=dict)  # anchor -> its last reply told


@dataclass
class RestingBranch(SimulatedBranch):
    """Runs one branch. `on_probe` hears what became of every probe."""

    on_probe: OnProbe = lambda *_: None

    def __post_init__(self) -> None:
        self._resting: dict[str, _Resting] = {}
        super().__post_init__()

    def stop_agent(self) -> None:
        """Kill the agent: nothing it had under way arrives."""
        self._resting.clear()
        super().stop_agent()

    def start_agent(self) -> None:
        """A fresh agent: asks what is in place and starts probing."""
        self._resting.clear()
        super().start_agent()

    def _wake(self) -> None:
        self._wake_s = math.inf
        for name in tuple(self._resting):
            self._read(name)
        super()._wake()

    def _tell(self, seen: Observation) -> None:
        super()._tell(seen)
        if self._resting and not is_calm(self.machine):
            self._rise()

    def _probe(self, name: str, *, again: bool = True) -> None:
        if again:
            self._resting.pop(name, None)
        line = self.lines[name]
        anchor = self._random.choice(self.plan.anchors)
        answered = self._answered(name, self.now, self._random.random() >= line.loss)
        self.on_probe(name, anchor, self.now, answered)
        if answered is not None:
            self._later(line.rtt_s, observations.Reply(name, anchor, answered))
        if again:
            self._probe_next(name)

    def _probe_next(self, name: str) -> None:
        if is_calm(self.machine):
            self._resting[name] = _Resting(self.now)
        else:
            super()._probe_next(name)

    def _read(self, name: str) -> None:
        """Tell the machine the newest reply of each anchor that waits; the others would change nothing."""
        resting, line = self._resting[name], self.lines[name]
        step_s = self._step_s(name)
        waiting: dict[str, float] = {}
        while resting.last_s + step_s + line.rtt_s <= self.now:
            resting.last_s += step_s
            resting.number += 1
            anchor = self.plan.anchors[resting.number % len(self.plan.anchors)]
            answered = self._answered(name, resting.last_s, self._passes(line.loss, name, resting.number))
            self.on_probe(name, anchor, resting.last_s, answered)
            if answered is not None:
                waiting.pop(anchor, None)
                waiting[anchor] = answered
        for number, (anchor, answered) in enumerate(waiting.items(), 1):
            if number == len(waiting) or answered - resting.told_s.get(anchor, -math.inf) >= ANCHOR_FRESH_S:
                resting.told_s[anchor] = answered
                super()._tell(observations.Reply(name, anchor, answered))

    def _rise(self) -> None:
        """Not calm any more: from here on each probe counts by itself."""
        resting, self._resting = self._resting, {}
        for name, each in resting.items():
            next_s = each.last_s + self._step_s(name)
            while next_s < self.now:  # sent while nobody looked; its reply is still under way or never comes
                each.number += 1
                anchor = self.plan.anchors[each.number % len(self.plan.anchors)]
                answered = self._answered(name, next_s, self._passes(self.lines[name].loss, name, each.number))
                self.on_probe(name, anchor, next_s, answered)
                if answered is not None:
                    self._later(max(0.0, answered - self.now), observations.Reply(name, anchor, answered))
                next_s += self._step_s(name)
            self._later(next_s - self.now, f"probe {name}")

    def _answered(self, name: str, sent_s: float, passes: bool) -> float | None:  # noqa: FBT001 - of this one probe
        line = self.lines[name]
        arrives_s = sent_s + line.rtt_s
        if passes and line.alive(sent_s) and line.anchors(sent_s) and line.alive(arrives_s):
            return arrives_s
        return None

    def _passes(self, loss: float, name: str, number: int) -> bool:
        if loss == 0.0:
            return True
        return zlib.crc32(f"{self.seed}/{name}/{number}".encode()) % _CHANCES >= loss * _CHANCES

"""One simulated branch with all that an agent has: machine, reporter, windows, digests, readings; records come out."""

import math
import random
import zlib
from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

from agent.app import DIGEST_EVERY_S, DIGEST_ON_METERED_EVERY_S
from agent.plan import plan_of
from agent.probes.results import Outcome, Result
from agent.reporting import Reporter
from agent.windows import PathLabel, Windows
from collector.inventory.model import BranchEntry, LineEntry
from failover import observations
from failover.actions import ActReported, LinkChanged, Move
from failover.machine import branch_state
from failover.profiles import Profile
from lab.fleet.resting import RestingBranch
from lab.fleet.sensing import Sensing
from lab.fleet.settings import settings_of
from lab.fleet.story import CALM, Fate, Span
from lab.simulated_branch import Line
from wire.messages import ActOutcome, Digest, DigestPath, Power, Record, Role, Window
from wire.topics import Lane

REPLY_DEADLINE_S = 2.0
RTT_S = {"ftto": 0.006, "ftth": 0.009, "vdsl": 0.022, "5g": 0.038}
_DICE = random.Random(1)
_NOISES = tuple(_DICE.expovariate(1.0) for _ in range(1021))  # shares of a line's jitter
_JITTER = 0.06


class BranchMove(NamedTuple):
    """A move the machine asked for: when (the branch's clock), between which paths, and how far it came."""

    at_s: float
    from_path: str
    to_path: str
    outcome: ActOutcome | None


class FleetBranch:
    """Runs one branch on its own clock, seconds from `starts_s` on; the caller lets that clock pass.

    Args:
        origin_ns: Unix nanoseconds of second 0.
    """

    def __init__(
        self,
        tenant: str,
        entry: BranchEntry,
        fate: Fate = CALM,
        *,
        profile: Profile = Profile.STANDARD,
        starts_s: float = 0.0,
        origin_ns: int = 0,
    ) -> None:
        self.entry = entry
        self.fate = fate
        self._settings = settings_of(tenant, entry, profile)
        self.address = self._settings.agent.address
        self._origin_ns = origin_ns
        self._roles = {line.name: line for line in entry.line}
        seed = zlib.crc32(entry.name.encode())
        self._chance = random.Random(seed)
        lines = {line.name: _line(line, fate.dead.get(line.name), self._chance) for line in entry.line}
        self._sim = RestingBranch(
            plan_of(self._settings), lines, entry.line[0].name, seed=seed, now=starts_s, on_probe=self._on_probe
        )
        self._reporter = Reporter(self._settings, self._reported_ns)
        self._sensing = Sensing(entry, fate)
        self._reported_s = starts_s
        self._noise = seed
        self._running = True
        self._windows = Windows(starts_s)
        self._next_digest_s = starts_s + DIGEST_EVERY_S
        self._last: dict[str, Window] = {}
        self._labels: dict[str, PathLabel] = {}
        self._moves: dict[str, BranchMove] = {}

    @property
    def now(self) -> float:
        """Its clock, s."""
        return self._sim.now

    @property
    def active(self) -> str:
        """The path in use."""
        return self._sim.router.active

    @property
    def on_metered(self) -> bool:
        """Whether the path in use costs money by the byte."""
        return self._roles[self.active].role is Role.CELL

    @property
    def running(self) -> bool:
        """Whether the router has electricity."""
        return self._running

    @property
    def path_works(self) -> bool:
        """Whether the path in use passes packets, so that the broker can be reached."""
        return self._running and self._sim.lines[self.active].alive(self.now)

    @property
    def moves(self) -> tuple[BranchMove, ...]:
        """Every move so far, oldest first."""
        return tuple(self._moves.values())

    @property
    def next_due_s(self) -> float:
        """When something happens here next, on its clock."""
        if not self._running:
            return self.fate.dark.until_s
        ends_s = self.fate.dark.from_s if self._dies_in_the_dark else math.inf
        ends_s = ends_s if ends_s > self.now else math.inf
        return min(
            self._sim.next_due_s,
            self._windows.next_due_mono_s(),
            self._next_digest_s,
            self._sensing.next_due_s(self.now),
            ends_s,
        )

    def run(self, until_s: float) -> list[tuple[Lane, float, Record]]:
        """Let time pass; the records of it: lane, when (its clock) and what."""
        told: list[tuple[Lane, float, Record]] = []
        while (due_s := self.next_due_s) <= until_s:
            due_s = max(due_s, self.now)
            self._sim.run(due_s)
            self._electricity()
            if not self._running:
                self._sim.run(min(until_s, self.fate.dark.until_s))
                if self.now >= self.fate.dark.until_s:
                    self._electricity()
                    continue
                break
            told += self._events()
            told += self._samples()
            told += self._readings()
            told += self._digest()
        self._sim.run(until_s)
        return told

    def switch_ms(self, move: BranchMove) -> float | None:
        """From the death of the line it left to the move; None unless it left a dead line for a living one."""
        dead = self.fate.dead.get(move.from_path)
        if dead is None or not dead.covers(move.at_s) or not self._sim.lines[move.to_path].alive(move.at_s):
            return None
        return round((move.at_s - dead.from_s) * 1e3, 1)

    def at_ns(self, at_s: float) -> int:
        """A moment of its clock as Unix nanoseconds."""
        return self._origin_ns + round(at_s * 1e9)

    @property
    def _dies_in_the_dark(self) -> bool:
        return not self.entry.power.ups

    def _electricity(self) -> None:
        dark = self._dies_in_the_dark and self.fate.dark.covers(self.now)
        if dark and self._running:
            self._running = False
            self._sim.stop_agent()
        elif not dark and not self._running:
            self._running = True
            self._sim.start_agent()
            self._reporter = Reporter(self._settings, self._reported_ns)
            self._windows = Windows(self.now)
            self._next_digest_s = self.now + DIGEST_EVERY_S
            self._sensing.start(self.now)

    def _events(self) -> Iterator[tuple[Lane, float, Record]]:
        log, self._sim.log = self._sim.log, []
        for at_s, action in log:
            self._reported_s = at_s
            if isinstance(action, Move):
                self._moves[action.id] = BranchMove(at_s, self._before(at_s), action.to, None)
            elif isinstance(action, LinkChanged | ActReported):
                event = self._reporter.event_of(action)
                if event is not None:
                    yield Lane.EVENTS, at_s, event
                if isinstance(action, ActReported):
                    self._acted(at_s, action)

    def _acted(self, at_s: float, act: ActReported) -> None:
        if act.id in self._moves:
            self._moves[act.id] = self._moves[act.id]._replace(outcome=act.outcome)
        if self.on_metered:
            self._next_digest_s = min(self._next_digest_s, at_s + DIGEST_ON_METERED_EVERY_S)

    def _before(self, at_s: float) -> str:
        history = [path for moved_s, path in self._sim.moves() if moved_s < at_s]
        return history[-1] if history else self.entry.line[0].name

    def _samples(self) -> Iterator[tuple[Lane, float, Record]]:
        for window in self._windows.due(self.now, self.at_ns(self.now), self._label):
            self._last[window.path] = window
            self._sim.see(observations.Window(window.path, window.sent, window.received))
            yield Lane.SAMPLES, self.now, window

    def _readings(self) -> Iterator[tuple[Lane, float, Record]]:
        for news, reading in self._sensing.due(self.now, partial(self.at_ns, self.now)):
            # On a metered path samples are held back, so what people need to know goes with the digest.
            lane = Lane.EVENTS if news or (self.on_metered and isinstance(reading, Power)) else Lane.SAMPLES
            yield lane, self.now, reading

    def _digest(self) -> Iterator[tuple[Lane, float, Record]]:
        if self.now < self._next_digest_s:
            return
        self._next_digest_s = self.now + (DIGEST_ON_METERED_EVERY_S if self.on_metered else DIGEST_EVERY_S)
        machine = self._sim.machine
        paths = tuple(DigestPath(path.name, path.link, *self._figures(path.name), None) for path in machine.paths)
        yield (
            Lane.EVENTS,
            self.now,
            Digest(self.at_ns(self.now), branch_state(machine, self.now), machine.active, paths),
        )

    def _figures(self, path: str) -> tuple[float | None, float | None]:
        window = self._last.get(path)
        if window is None or self.at_ns(self.now) - window.start_ns > 100e9:
            return None, None
        loss = round(100.0 * (1 - window.received / window.sent), 2)
        return (None if window.rtt_median_ms is None else round(window.rtt_median_ms, 3)), loss

    def _label(self, path: str) -> PathLabel:
        line = self._roles[path]
        return PathLabel(line.role, line.isp, self._sim.machine.path(path).link)

    def _on_probe(self, path: str, anchor: str, sent_s: float, answered_s: float | None) -> None:
        if answered_s is None:
            result = Result(path, 4, anchor, Outcome.LOST, sent_s, sent_s + REPLY_DEADLINE_S, None, "")
        else:
            self._noise = (self._noise + 1) % len(_NOISES)
            rtt_ms = (answered_s - sent_s) * 1e3 * (1.0 + _JITTER * _NOISES[self._noise])
            result = Result(path, 4, anchor, Outcome.REPLY, sent_s, answered_s, rtt_ms, "")
        self._windows.add(result)

    def _reported_ns(self) -> int:
        return self.at_ns(self._reported_s)


def _line(entry: LineEntry, dead: Span | None, chance: random.Random) -> Line:
    rtt_s = RTT_S.get(entry.access, 0.015) * chance.uniform(0.8, 1.6)
    if dead is None:
        return Line(lambda _now: True, rtt_s=rtt_s)
    return Line(lambda now: not dead.covers(now), rtt_s=rtt_s)

"""ICMP echo over every path and family: one socket each, one schedule, one timer, in the agent's event loop."""

import asyncio
import math
import os
import random
import time
from collections import deque
from collections.abc import Callable, Sequence

from agent.probes import icmp, stamps
from agent.probes.line import DEADLINE_NS, Line
from agent.probes.results import Outcome, Result, Target
from agent.probes.schedule import Schedule
from agent.probes.stream import PastProbe, Pending, Stream

__all__ = ["STALL_S", "Outcome", "Prober", "Result", "Target"]

STALL_S = 0.050
"""A timer this late means that the loop was held, not that the line was silent."""

_LONGEST_RANDOM_START_S = 1.0


class Prober:
    """Probes targets and tells what became of each probe.

    Args:
        targets: the anchors of every path and family. Nothing is sent before `set_interval` names their line.
        on_result: called in the event loop with each `Result`, in the order of reading.
        on_stall: called with the seconds by which the loop was late, after the replies that waited were told.

    Raises:
        ValueError: two targets of one path and family share anchor or address, or its interfaces differ.
    """

    def __init__(
        self, targets: Sequence[Target], on_result: Callable[[Result], None], on_stall: Callable[[float], None]
    ) -> None:
        self._on_result = on_result
        self._on_stall = on_stall
        self._token = os.urandom(icmp.TOKEN_BYTES)
        self._random = random.Random()  # noqa: S311 - a start phase is no secret
        self._lines: dict[tuple[str, int], Line] = {}
        self._streams: dict[Target, Stream] = {}
        self._intervals_s: dict[tuple[str, int], float] = {}
        self._schedule: Schedule[Stream] = Schedule()
        self._under_way: deque[Pending] = deque()
        self._turns: dict[str, int] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._stall_told_s = -math.inf
        self._take_targets(targets)

    def start(self) -> None:
        """Open the sockets and begin, within the running loop. What cannot be opened reports LOCAL_ERROR per probe."""
        self._loop = asyncio.get_running_loop()
        for key, line in self._lines.items():
            line.open(self._loop)
            self._pace(key)
        self._arm()

    def close(self) -> None:
        """Stop and close the sockets. Probes under way are forgotten."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for line in self._lines.values():
            line.close()
        self._under_way.clear()
        self._loop = None

    def set_interval(self, path: str, family: int, interval_s: float) -> None:
        """Probe each anchor of the line every `interval_s` seconds, staggered; takes effect at once.

        Raises:
            ValueError: not a positive interval.
        """
        if not interval_s > 0:
            raise ValueError(f"path {path!r}: the probe interval {interval_s} s is not above 0")
        key = (path, family)
        if self._intervals_s.get(key) == interval_s:
            return
        self._intervals_s[key] = interval_s
        if key in self._lines:
            self._pace(key)
            self._arm()

    def burst(self, path: str, count: int) -> None:
        """Send `count` probes now besides the schedule, one per anchor in turn over the path's families."""
        lines = [line for line in self._lines.values() if line.path == path]
        choices = [(line, stream) for line in lines for stream in line.streams]
        if self._loop is None or not choices:
            return
        first = self._turns.get(path, 0)
        self._turns[path] = (first + count) % len(choices)
        for turn in range(first, first + count):
            self._send(*choices[turn % len(choices)])
        self._arm()

    def reopen(self, path: str) -> None:
        """The interface is back, perhaps another one of the same name: new sockets."""
        for line in list(self._lines.values()):
            if line.path == path and self._loop is not None:
                line.open(self._loop)

    def retarget(self, targets: Sequence[Target]) -> None:
        """Take a new set of targets; what did not change keeps its socket, its ring and its phase.

        Raises:
            ValueError: as the constructor; then nothing changes.
        """
        self._take_targets(targets)
        self._arm()

    def drain(self) -> None:
        """Tell every reply that waits, then the loop's stall if there was one.

        A judge whose own timer was due before ours calls this before it believes a silence.
        """
        for line in list(self._lines.values()):
            line.read()
        if self._loop is None or self._timer is None:
            return
        now_s = self._loop.time()
        late_s = now_s - max(self._timer.when(), self._stall_told_s)
        if late_s > STALL_S:
            self._stall_told_s = now_s
            self._on_stall(late_s)

    def past(self, path: str) -> list[tuple[Target, list[PastProbe]]]:
        """The settled probes of each target of a path, oldest first: up to 62 s at the fastest pace."""
        now = stamps.read_clocks()
        return [
            (stream.target, list(stream.past(now)))
            for line in self._lines.values()
            if line.path == path
            for stream in line.streams
        ]

    def foreign(self) -> int:
        """Datagrams that were no answer to a probe of ours: another's token, a stranger's address, forged."""
        return sum(line.foreign for line in self._lines.values())

    def _take_targets(self, targets: Sequence[Target]) -> None:
        _check(targets)
        now = stamps.read_clocks()
        for gone in self._streams.keys() - set(targets):
            self._schedule.drop(self._streams[gone])
        self._streams = {target: self._streams.get(target) or Stream(target, now) for target in targets}
        self._under_way = deque(probe for probe in self._under_way if probe.stream.target in self._streams)
        old, self._lines = self._lines, {}
        for target in targets:
            key = (target.path, target.family)
            if key not in self._lines:
                self._lines[key] = self._line_for(target, old.get(key))
        for key, line in old.items():
            if self._lines.get(key) is not line:
                line.close()
        for key, line in self._lines.items():
            line.watch(stream for target, stream in self._streams.items() if (target.path, target.family) == key)
            if self._loop is not None:
                if old.get(key) is not line:
                    line.open(self._loop)
                self._place_new(key, self._loop.time())

    def _line_for(self, target: Target, old: Line | None) -> Line:
        if old is not None and old.interface == target.interface:
            return old
        return Line(target.path, target.family, target.interface, self._token, self._on_result)

    def _pace(self, key: tuple[str, int]) -> None:
        interval_s = self._intervals_s.get(key)
        if interval_s is None or self._loop is None:
            return
        group = self._lines[key].streams
        phase_s = self._random.random() * min(interval_s / len(group), _LONGEST_RANDOM_START_S)
        self._schedule.pace(group, interval_s, self._loop.time(), phase_s)

    def _place_new(self, key: tuple[str, int], now_s: float) -> None:
        group = self._lines[key].streams
        new = [stream for stream in group if self._schedule.interval_s(stream) is None]
        if len(new) == len(group):
            self._pace(key)
            return
        for stream in new:
            self._schedule.join(stream, group, now_s)

    def _send(self, line: Line, stream: Stream) -> None:
        probe = line.send(stream)
        if probe is not None:
            self._under_way.append(probe)

    def _tick(self) -> None:
        if self._loop is None or self._timer is None:
            return
        if self._loop.time() - self._timer.when() > STALL_S:
            self.drain()
        self._timer = None
        self._expire()
        for stream in self._schedule.take_due(self._loop.time()) if self._loop is not None else ():
            line = self._lines.get((stream.target.path, stream.target.family))
            if line is not None:
                self._send(line, stream)
        self._arm()

    def _expire(self) -> None:
        due_ns = time.monotonic_ns() - DEADLINE_NS
        while self._under_way and (probe := self._under_way[0]).sent.mono_ns <= due_ns:
            self._under_way.popleft()
            line = self._lines.get((probe.stream.target.path, probe.stream.target.family))
            if line is not None and probe.number in probe.stream.pending:
                line.expire(probe)

    def _arm(self) -> None:
        if self._loop is None:
            return
        while self._under_way and self._under_way[0].number not in self._under_way[0].stream.pending:
            self._under_way.popleft()
        times_s = [] if (next_s := self._schedule.next_s()) is None else [next_s]
        if self._under_way:
            times_s.append((self._under_way[0].sent.mono_ns + DEADLINE_NS) / 1e9)
        if not times_s:
            return
        when_s = min(times_s)
        if self._timer is not None:
            if self._timer.when() <= when_s:
                return
            self._timer.cancel()
        self._timer = self._loop.call_at(when_s, self._tick)


def _check(targets: Sequence[Target]) -> None:
    seen: set[tuple[str, int, str]] = set()
    interfaces: dict[str, str] = {}
    for target in targets:
        for name in (f"anchor {target.anchor}", f"address {target.address}"):
            if (target.path, target.family, name) in seen:
                raise ValueError(f"path {target.path!r}: two IPv{target.family} targets share {name}; keep one of them")
            seen.add((target.path, target.family, name))
        if interfaces.setdefault(target.path, target.interface) != target.interface:
            raise ValueError(f"path {target.path!r}: its targets name different interfaces; a path has one")

"""Probing as the branch sees it: results become observations, windows, flight records and the digest's figures."""

import asyncio
import fcntl
import math
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from agent.config import BranchSettings, PathSettings
from agent.flight import FlightRecorder
from agent.links import LinkSeen
from agent.plan import first_family, targets_of
from agent.probes import Outcome, Prober, Result
from agent.windows import PathLabel, Windows
from failover import observations
from failover.actions import SetEffort
from failover.observations import Observation
from failover.profiles import SECOND_FAMILY, Effort, pace
from failover.state import BranchMachine
from wire.messages import Act, DigestPath, Event, LinkState, Role, Sample, StateChange, Window

_SIOCGIFADDR = 0x8915
_COUNTERS = ("rx_bytes", "tx_bytes")
START_BURST = 3
REPLY_VALID_S = 100.0
FIGURES_VALID_WINDOWS = 10  # a resting cellular path is heard every 30 s


@dataclass(frozen=True, slots=True)
class Figures:
    """A path's last figures. `trouble`: why this machine could not send its last probe."""

    rtt_ms: float | None
    loss_pct: float | None
    trouble: str | None


class Observer:
    """Owns the prober and what is made of its results.

    Args:
        on_seen: gets each observation, in order, in the event loop.
        on_record: gets each window and flight record.
    """

    def __init__(
        self, settings: BranchSettings, *, on_seen: Callable[[Observation], None], on_record: Callable[[Sample], None]
    ) -> None:
        self._settings = settings
        self._on_seen = on_seen
        self._on_record = on_record
        self._first = first_family(settings)
        self._prober = Prober(targets_of(settings), self._result, self._stalled)
        self._windows = Windows(asyncio.get_running_loop().time(), float(settings.probing.window))
        self._flights = FlightRecorder(self._prober.past)
        self._states: dict[str, LinkState] = {}
        self._last: dict[str, Window] = {}
        self._last_reply: dict[str, tuple[float, float]] = {}  # path -> RTT in ms, when
        self._troubles: dict[str, str] = {}
        self._ifindex: dict[str, int] = {}
        self._bytes: dict[str, int] = {}

    def start(self, machine: BranchMachine) -> None:
        """Begin probing at the efforts the machine has; resting paths get one look at once."""
        self._prober.start()
        for path in machine.paths:
            self._set_pace(path.name, path.role, path.effort)
            self.burst(path.name, START_BURST)

    def close(self) -> None:
        """Stop probing."""
        self._prober.close()

    def retarget(self, settings: BranchSettings) -> None:
        """Take new settings; what did not change keeps its sockets, rings and phases."""
        for gone in {path.name for path in self._settings.path} - {path.name for path in settings.path}:
            self._windows.forget(gone)
        if settings.probing.window != self._settings.probing.window:
            self._windows = Windows(asyncio.get_running_loop().time(), float(settings.probing.window))
        self._settings = settings
        self._first = first_family(settings)
        self._prober.retarget(targets_of(settings))
        for path in settings.path:
            effort = Effort.IDLE if path.role is Role.CELL else Effort.ACTIVE
            self._set_pace(path.name, path.role, effort)

    def set_effort(self, action: SetEffort) -> None:
        """Probe a path at another pace."""
        path = self._path(action.path)
        self._set_pace(path.name, path.role, action.effort)

    def burst(self, path: str, count: int) -> None:
        """Send `count` extra probes of each family now."""
        families = {4 for anchor in self._settings.anchor if anchor.ipv4} | {
            6 for anchor in self._settings.anchor if anchor.ipv6
        }
        self._prober.burst(path, count * len(families))

    def drain(self) -> None:
        """Tell every reply that waits, before a silence is believed."""
        self._prober.drain()

    def link_seen(self, path: str, link: LinkSeen) -> None:
        """An interface that is another device under the same name needs new sockets."""
        known = self._ifindex.get(path)
        if link.present and known not in {None, link.ifindex}:
            self._prober.reopen(path)
        if link.present or known is None:
            self._ifindex[path] = link.ifindex

    def event(self, event: Event) -> None:
        """Keep the probes around an event."""
        now = asyncio.get_running_loop().time()
        if isinstance(event, StateChange):
            self._states[event.path] = event.new
            if LinkState.DOWN in {event.old, event.new}:
                self._flights.event(event.path, f"{event.new.name} {event.reason}", event.at_ns, now)
        elif isinstance(event, Act) and event.to_path:
            self._flights.event(event.to_path, f"{event.outcome} {event.reason}", event.at_ns, now)

    async def run(self) -> None:
        """Tell windows and flight records as they become due."""
        loop = asyncio.get_running_loop()
        while True:
            due = min(self._windows.next_due_mono_s(), self._flights.next_due_mono_s())
            await asyncio.sleep(max(0.05, min(due - loop.time(), 1.0)))
            for window in self._windows.due(loop.time(), time.time_ns(), self._label):
                self._on_record(window)
                if window.family == self._first:
                    self._last[window.path] = window
                    self._on_seen(observations.Window(window.path, window.sent, window.received))
            for flight in self._flights.due(loop.time()):
                self._on_record(flight)

    def figures(self, path: str) -> Figures:
        """What the path's last window said; without one lately, the last round trip alone: no loss is known then."""
        window = self._last.get(path)
        if window is None or time.time_ns() - window.start_ns > FIGURES_VALID_WINDOWS * window.duration_s * 1e9:
            rtt_ms, at_s = self._last_reply.get(path, (None, -math.inf))
            fresh = asyncio.get_running_loop().time() - at_s < REPLY_VALID_S
            return Figures(rtt_ms if fresh else None, None, self._troubles.get(path))
        unasked = window.sent == window.local_errors  # nothing left this machine, so nothing is known of the line
        loss = None if unasked else round(100.0 * (1 - window.received / window.sent), 2)
        rtt = None if window.rtt_median_ms is None else round(window.rtt_median_ms, 3)
        return Figures(rtt, loss, self._troubles.get(path))

    def digest(self, machine: BranchMachine) -> tuple[DigestPath, ...]:
        """The figures of each path, and the bytes its interface counted since the last digest."""
        digests = []
        for path in self._settings.path:
            link, figures = machine.path(path.name).link, self.figures(path.name)
            digests.append(DigestPath(path.name, link, figures.rtt_ms, figures.loss_pct, self._bytes_used(path)))
        return tuple(digests)

    def source_address(self, path: PathSettings) -> str:
        """The interface's IPv4 address, "" if it has none now."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            try:
                raw = fcntl.ioctl(sock, _SIOCGIFADDR, struct.pack("16s24x", path.interface.encode()))
            except OSError:
                return ""
        return socket.inet_ntoa(raw[20:24])

    def _result(self, result: Result) -> None:
        self._windows.add(result)
        if result.kind is Outcome.LOCAL_ERROR:
            self._troubles[result.path] = result.detail
        elif result.path in self._troubles:
            del self._troubles[result.path]
        if result.kind is Outcome.REPLY:
            first = result.family == self._first
            if first and result.rtt_ms is not None:
                self._last_reply[result.path] = (round(result.rtt_ms, 3), result.at_mono_s)
            self._on_seen(observations.Reply(result.path, result.anchor, result.at_mono_s, first))

    def _stalled(self, late_s: float) -> None:
        self._on_seen(observations.Stalled(late_s))

    def _set_pace(self, path: str, role: Role, effort: Effort) -> None:
        chosen = pace(self._settings.probing.profile, role, effort)
        self._prober.set_interval(path, self._first, chosen.interval_s)
        second = 10 - self._first
        resting = role is Role.CELL and effort is not Effort.ACTIVE
        self._prober.set_interval(path, second, chosen.interval_s if resting else SECOND_FAMILY.interval_s)

    def _path(self, name: str) -> PathSettings:
        return next(path for path in self._settings.path if path.name == name)

    def _label(self, name: str) -> PathLabel:
        path = self._path(name)
        return PathLabel(path.role, path.isp, self._states.get(name, LinkState.UNKNOWN))

    def _bytes_used(self, path: PathSettings) -> int | None:
        folder = Path("/sys/class/net") / path.interface / "statistics"
        try:
            total = sum(int((folder / name).read_text()) for name in _COUNTERS)
        except (OSError, ValueError):
            return None
        before = self._bytes.get(path.name)
        self._bytes[path.name] = total
        return None if before is None or total < before else total - before

"""Adds up probe results into the windows that go to the collector. Pure: results and the time come in, records go out.

A probe belongs to the window it was sent in, and a window is told only when the deadline of its last probe has passed:
so loss never counts what is still under way (RFC 7680 section 2.4, RFC 6673 section 4).
"""

import math
from array import array
from collections.abc import Callable
from dataclasses import dataclass, field

from agent.probes.results import REPLY_DEADLINE_S, Outcome, Result, wire_family
from wire.messages import LinkState, Role, Window

SETTLE_S = REPLY_DEADLINE_S + 0.5
"""A window is told this long after its end: the deadline of its last probe, and time for the loop to notice it."""


_ANSWERED = (Outcome.REPLY, Outcome.LATE)


@dataclass(frozen=True, slots=True)
class PathLabel:
    """What a window says about its path besides the figures."""

    role: Role
    isp: str
    state: LinkState


@dataclass(slots=True)
class Jitter:
    """Interarrival jitter, RFC 3550 section 6.4.1, over round trips of one anchor in order of arrival; ms.

    Not reset by loss. None until there are two round trips.
    """

    value_ms: float | None = None
    _last_ms: float | None = None

    def add(self, rtt_ms: float) -> None:
        """Take the next round trip."""
        if self._last_ms is not None:
            before_ms = self.value_ms or 0.0
            self.value_ms = before_ms + (abs(rtt_ms - self._last_ms) - before_ms) / 16
        self._last_ms = rtt_ms


@dataclass(slots=True)
class _Sums:
    sent: int = 0
    late: int = 0
    duplicates: int = 0
    icmp_errors: int = 0
    local_errors: int = 0
    received: int = 0
    rtts_ms: "array[float]" = field(default_factory=lambda: array("d"))
    asked: set[str] = field(default_factory=set)
    heard: set[str] = field(default_factory=set)

    def add(self, result: Result) -> None:
        kind = result.kind
        if kind is Outcome.REPLY:  # first: it is nearly all there is
            self.received += 1
            if result.rtt_ms is not None:
                self.rtts_ms.append(result.rtt_ms)
        elif kind is Outcome.LATE:
            self.late += 1
        elif kind is Outcome.DUPLICATE:
            self.duplicates += 1
            return
        elif kind is Outcome.ICMP_ERROR:
            self.icmp_errors += 1
            return
        elif kind is Outcome.LOCAL_ERROR:
            self.local_errors += 1
        if kind is not Outcome.LATE:
            self.sent += 1
            self.asked.add(result.anchor)
        if kind in _ANSWERED:
            self.heard.add(result.anchor)


@dataclass(slots=True)
class _Line:
    windows: dict[int, _Sums] = field(default_factory=dict)
    jitter: dict[str, Jitter] = field(default_factory=dict)


class Windows:
    """Windows of `duration_s` seconds, of each path and family that was probed.

    `sent` counts what this machine was asked to send: a probe it could not send (`local_errors`) is a loss, as a user's
    packet would have been. Jitter is the mean over the anchors that answered: between anchors a difference is distance.

    Args:
        start_mono_s: where the first window begins, monotonic seconds.
        duration_s: the length of a window.
    """

    def __init__(self, start_mono_s: float, duration_s: float = 10.0) -> None:
        self._start_mono_s = start_mono_s
        self._duration_s = duration_s
        self._lines: dict[tuple[str, int], _Line] = {}
        self._told = 0  # windows below this number are gone

    def add(self, result: Result) -> None:
        """Take a result. News about a probe whose window was told counts in the oldest one still open."""
        line = self._lines.setdefault((result.path, result.family), _Line())
        number = max(self._told, math.floor((result.sent_mono_s - self._start_mono_s) / self._duration_s))
        line.windows.setdefault(number, _Sums()).add(result)
        if result.kind is Outcome.REPLY and result.rtt_ms is not None:
            line.jitter.setdefault(result.anchor, Jitter()).add(result.rtt_ms)

    def next_due_mono_s(self) -> float:
        """When `due` has the next window to tell."""
        return self._start_mono_s + (self._told + 1) * self._duration_s + SETTLE_S

    def due(self, now_mono_s: float, now_ns: int, label_of: Callable[[str], PathLabel]) -> list[Window]:
        """The windows that are settled at `now_mono_s`, oldest first.

        Args:
            now_mono_s: monotonic seconds.
            now_ns: the same moment, Unix nanoseconds.
            label_of: role, ISP and present state of a path.

        Returns:
            One window per line and period with at least one probe: no window is no reading.
        """
        told: list[Window] = []
        while self.next_due_mono_s() <= now_mono_s:
            begin_mono_s = self._start_mono_s + self._told * self._duration_s
            start_ns = now_ns - round((now_mono_s - begin_mono_s) * 1e9)
            for (path, family), line in self._lines.items():
                sums = line.windows.pop(self._told, None)
                if sums is not None:
                    told.append(self._window((path, family), start_ns, label_of(path), line, sums))
            self._told += 1
            if not any(line.windows for line in self._lines.values()):
                # Nothing waits: do not count through every empty period of a long sleep.
                periods = (now_mono_s - SETTLE_S - self._start_mono_s) / self._duration_s
                self._told = max(self._told, math.floor(periods))
        return told

    def forget(self, path: str) -> None:
        """Drop what is known of a path that is configured no more."""
        for key in [key for key in self._lines if key[0] == path]:
            del self._lines[key]

    def _window(self, key: tuple[str, int], start_ns: int, label: PathLabel, line: _Line, sums: _Sums) -> Window:
        rtts_ms = sorted(sums.rtts_ms)
        jitters_ms = [
            jitter.value_ms
            for anchor, jitter in line.jitter.items()
            if anchor in sums.heard and jitter.value_ms is not None
        ]
        return Window(
            start_ns=start_ns,
            duration_s=self._duration_s,
            path=key[0],
            role=label.role,
            isp=label.isp,
            family=wire_family(key[1]),
            state=label.state,
            sent=sums.sent,
            received=sums.received,
            late=sums.late,
            duplicates=sums.duplicates,
            icmp_errors=sums.icmp_errors,
            local_errors=sums.local_errors,
            rtt_min_ms=rtts_ms[0] if rtts_ms else None,
            rtt_median_ms=_quantile(rtts_ms, 0.5),
            rtt_p95_ms=_quantile(rtts_ms, 0.95),
            rtt_max_ms=rtts_ms[-1] if rtts_ms else None,
            rtt_jitter_ms=sum(jitters_ms) / len(jitters_ms) if rtts_ms and jitters_ms else None,
            silent_anchors=tuple(sorted(sums.asked - sums.heard)),
        )


def _quantile(ordered: list[float], share: float) -> float | None:
    """The empirical quantile: the smallest value that at least `share` of all values do not exceed (RFC 2330 11.3)."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else None

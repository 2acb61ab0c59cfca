"""The flight record: every probe of a path from 30 s before to 30 s after an event. Pure: probes are read at its end.

One record is open per path. An event that falls into it joins it; when it closes, a record that continues it covers
what is left of the 30 s after the last event, so that no probe is sent up twice however a path flaps.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from agent.probes.results import REPLY_DEADLINE_S, Target, wire_family
from agent.probes.stream import PastProbe
from wire.messages import Flight, FlightProbe

BEFORE_S = 30.0
AFTER_S = 30.0
_EVENTS_NAMED = 8
_EVENT_CHARACTERS = 40  # a flight's text is bounded on the wire
_CONTINUED = "continued"
_SETTLE_S = REPLY_DEADLINE_S + 0.25  # the deadline of the record's last probe, and time for the loop to notice it

ReadPast = Callable[[str], Iterable[tuple[Target, Iterable[PastProbe]]]]


@dataclass(slots=True)
class _Record:
    """Covers probes sent from `from_s` up to `to_s` (monotonic seconds, as `at_s`); `at_ns` is `at_s` in Unix time."""

    at_ns: int
    at_s: float
    from_s: float
    to_s: float
    last_ns: int
    last_s: float
    events: list[str] = field(default_factory=list)
    unnamed: int = 0

    def join(self, event: str, at_ns: int, at_s: float) -> None:
        self.last_ns, self.last_s = at_ns, at_s
        if len(self.events) < _EVENTS_NAMED:
            self.events.append(f"{event} +{at_s - self.at_s:.3f} s" if self.events else event)
        else:
            self.unnamed += 1

    def text(self) -> str:
        return ", ".join([*self.events, f"{self.unnamed} more"] if self.unnamed else self.events)


class FlightRecorder:
    """Makes flight records out of the probes the prober remembers anyway.

    Args:
        read_past: the settled probes of a path by target, a minute back (`Prober.past`).
    """

    def __init__(self, read_past: ReadPast) -> None:
        self._read_past = read_past
        self._records: dict[str, list[_Record]] = {}  # by path, oldest first: at most two
        self._covered_to_s: dict[str, float] = {}

    def event(self, path: str, event: str, at_ns: int, at_mono_s: float) -> None:
        """`event`, a few words on one line, happened at `at_ns` (Unix), which is `at_mono_s` on the monotonic clock."""
        event = event[:_EVENT_CHARACTERS]
        records = self._records.setdefault(path, [])
        if records and at_mono_s < records[-1].to_s:
            records[-1].join(event, at_ns, at_mono_s)
            return
        self._begin(path, event, at_ns, at_mono_s)

    def next_due_mono_s(self) -> float:
        """When `due` has the next record to tell; infinite while nothing happens."""
        return min((records[0].to_s for records in self._records.values() if records), default=math.inf) + _SETTLE_S

    def due(self, now_mono_s: float) -> list[Flight]:
        """The records whose last probe is settled at `now_mono_s`."""
        told: list[Flight] = []
        for path, records in self._records.items():
            while records and records[0].to_s + _SETTLE_S <= now_mono_s:
                record = records.pop(0)
                told.append(self._flight(path, record))
                if not records and record.last_s > record.at_s:
                    self._begin(path, _CONTINUED, record.last_ns, record.last_s)
        return told

    def _begin(self, path: str, event: str, at_ns: int, at_s: float) -> None:
        from_s = max(at_s - BEFORE_S, self._covered_to_s.get(path, -math.inf))
        record = _Record(at_ns, at_s, from_s, at_s + AFTER_S, at_ns, at_s)
        record.events.append(event)
        self._covered_to_s[path] = record.to_s
        self._records[path].append(record)

    def _flight(self, path: str, record: _Record) -> Flight:
        probes = [
            FlightProbe(
                (probe.sent_mono_s - record.at_s) * 1e3, target.anchor, wire_family(target.family), probe.rtt_ms
            )
            for target, past in self._read_past(path)
            for probe in past
            if record.from_s <= probe.sent_mono_s < record.to_s
        ]
        probes.sort(key=lambda probe: probe.offset_ms)
        return Flight(at_ns=record.at_ns, event=record.text(), path=path, probes=tuple(probes))

"""Figures of one run from what the PC and the agent wrote down. Pure; times in CLOCK_MONOTONIC nanoseconds.

Every figure counts from `cut_ns`, taken just before the cut was ordered, and looks only at tries made after
`settled_ns`, when the cut was in place. So a figure is never better than the truth, and at most the time the cut took
(a few milliseconds) worse. `None`: it did not happen in this run.
"""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass

from lab.samples import DNS, NEW4, NEW6, TCP, UDP, Sample
from wire.messages import Act, ActOutcome, LinkState, StateChange

_REACH_NS = 100_000_000  # a packet sent this long before the cut can still be lost by it


@dataclass(frozen=True, slots=True)
class Cut:
    """When the line was cut: just before the order, and when it was in place."""

    cut_ns: int
    settled_ns: int

    def since_ms(self, at_ns: int | None) -> float | None:
        """Milliseconds from the cut to `at_ns`."""
        return None if at_ns is None else (at_ns - self.cut_ns) / 1e6


def first_arrival_ns(samples: Iterable[Sample], stream: str, after_ns: int) -> int | None:
    """When the first try made after `after_ns` that worked reached the far end (for DNS: was answered).

    A try worked when its answer came back, so both directions are proved; the time is the arrival, because from then
    on the user's traffic flows and the way back adds only distance.
    """
    times = (
        sample.arrived_ns if sample.arrived_ns is not None else sample.back_ns
        for sample in samples
        if sample.stream == stream and sample.sent_ns >= after_ns and sample.back_ns is not None
    )
    return min((time for time in times if time is not None), default=None)


def first_answer_ns(samples: Iterable[Sample], stream: str, after_ns: int) -> int | None:
    """When the first answer to a try made after `after_ns` was in the PC's hands."""
    return min(
        (s.back_ns for s in samples if s.stream == stream and s.sent_ns >= after_ns and s.back_ns is not None),
        default=None,
    )


def lost(samples: Iterable[Sample], stream: str, from_ns: int) -> int:
    """How many tries of a stream from `from_ns` on had no answer."""
    return sum(1 for s in samples if s.stream == stream and s.sent_ns >= from_ns and s.back_ns is None)


def longest_silence_ms(samples: Iterable[Sample], stream: str, from_ns: int) -> float:
    """The longest time between two arrivals of a stream, from `from_ns` on: how long a user had no path."""
    arrivals = sorted(s.arrived_ns for s in samples if s.stream == stream and s.back_ns and s.arrived_ns)
    times = [from_ns, *(time for time in arrivals if time >= from_ns)]
    return max((later - earlier for earlier, later in itertools.pairwise(times)), default=0) / 1e6


@dataclass(frozen=True, slots=True)
class UserFigures:
    """What the people behind the router noticed. `packets_lost` counts new-flow packets over IPv4.

    IPv6 has a figure of its own: a PC learns its new prefix from the next router advertisement.
    """

    def complete(self, *, old_flows: bool = True) -> bool:
        """Whether new flows and names work again, and with `old_flows` those from before the cut."""
        new = (self.first_packet_ms, self.first_packet6_ms, self.dns_ms)
        return None not in new and (not old_flows or None not in (self.old_udp_ms, self.old_tcp_ms))

    first_packet_ms: float | None
    first_packet6_ms: float | None
    old_udp_ms: float | None
    old_tcp_ms: float | None
    dns_ms: float | None
    packets_lost: int


def user_figures(samples: Iterable[Sample], cut: Cut) -> UserFigures:
    """Judge one run of the PC."""
    known = list(samples)
    return UserFigures(
        first_packet_ms=cut.since_ms(first_arrival_ns(known, NEW4, cut.settled_ns)),
        first_packet6_ms=cut.since_ms(first_arrival_ns(known, NEW6, cut.settled_ns)),
        old_udp_ms=cut.since_ms(first_arrival_ns(known, UDP, cut.settled_ns)),
        old_tcp_ms=cut.since_ms(first_answer_ns(known, TCP, cut.settled_ns)),
        dns_ms=cut.since_ms(first_answer_ns(known, DNS, cut.settled_ns)),
        packets_lost=lost(known, NEW4, cut.cut_ns - _REACH_NS),
    )


@dataclass(frozen=True, slots=True)
class Moved:
    """One event of the agent, its time brought to CLOCK_MONOTONIC."""

    at_ns: int
    event: StateChange | Act


@dataclass(frozen=True, slots=True)
class AgentFigures:
    """What the agent did. `detected_ms`: the path in use was judged DOWN; `route_ms`: the first move was in place."""

    detected_ms: float | None
    route_ms: float | None
    landed_on: str | None
    rolled_back: int
    moves: int


def agent_figures(events: Iterable[Moved], cut: Cut, path: str) -> AgentFigures:
    """Judge the agent's events of one run, in which `path` was cut."""
    after = [moved for moved in events if moved.at_ns >= cut.cut_ns]
    downs = [
        m.at_ns
        for m in after
        if isinstance(m.event, StateChange) and m.event.new is LinkState.DOWN and m.event.path == path
    ]
    acts = [(m.at_ns, m.event) for m in after if isinstance(m.event, Act)]
    applied = [at for at, act in acts if act.outcome is ActOutcome.APPLIED]
    committed = [act.to_path for _, act in acts if act.outcome is ActOutcome.COMMITTED]
    return AgentFigures(
        detected_ms=cut.since_ms(min(downs, default=None)),
        route_ms=cut.since_ms(min(applied, default=None)),
        landed_on=committed[-1] if committed else None,
        rolled_back=sum(1 for _, act in acts if act.outcome is ActOutcome.ROLLED_BACK),
        moves=len(applied),
    )

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.flight import FlightRecorder
from agent.probes.results import Target
from agent.probes.stream import PastProbe
from wire.messages import MAX_TEXT, Flight

SETTLED_S = 2.25
TARGETS = [Target("wire", "eth0", name, 4, f"192.0.2.{number}") for number, name in enumerate(("a", "b"), start=1)]


class Past:
    """Probes of two anchors each second, for ever; every tenth is lost."""

    def __init__(self) -> None:
        self.until_s = 10_000

    def __call__(self, path: str) -> Iterable[tuple[Target, Iterable[PastProbe]]]:
        for place, target in enumerate(TARGETS):
            probes = [PastProbe(n + place / 2, None if n % 10 == 0 else 20.0) for n in range(self.until_s)]
            yield target, probes


def ns(mono_s: float) -> int:
    return 1_800_000_000_000_000_000 + round(mono_s * 1e9)


def record(*events_s: float, now_s: float) -> list[Flight]:
    recorder = FlightRecorder(Past())
    told: list[Flight] = []
    for at_s in events_s:
        told += recorder.due(at_s)
        recorder.event("wire", f"event {at_s:g}", ns(at_s), at_s)
    while recorder.next_due_mono_s() <= now_s:
        told += recorder.due(recorder.next_due_mono_s())
    return told


def test_a_minute_around_the_event() -> None:
    (flight,) = record(100.25, now_s=200)
    assert (flight.path, flight.event, flight.at_ns) == ("wire", "event 100.25", ns(100.25))
    offsets_ms = [probe.offset_ms for probe in flight.probes]
    assert offsets_ms == sorted(offsets_ms)
    assert (offsets_ms[0], offsets_ms[-1]) == (-29_750.0, 29_750.0)
    assert len(offsets_ms) == 120
    lost = [probe for probe in flight.probes if probe.rtt_ms is None]
    assert len(lost) == 12
    assert {probe.anchor for probe in flight.probes} == {"a", "b"}


def test_the_record_waits_until_its_last_probe_is_settled() -> None:
    recorder = FlightRecorder(Past())
    assert recorder.next_due_mono_s() == float("inf")
    recorder.event("wire", "down", ns(100), 100.0)
    assert recorder.due(131.9) == []
    assert recorder.next_due_mono_s() == pytest.approx(130 + SETTLED_S)
    assert len(recorder.due(130 + SETTLED_S)) == 1
    assert recorder.due(500.0) == []


def test_events_within_a_record_join_it_and_are_followed_to_their_end() -> None:
    first, second = record(100, 100.25, 120, now_s=300)
    assert first.event == "event 100, event 100.25 +0.250 s, event 120 +20.000 s"
    assert second.event == "continued"
    assert second.at_ns == ns(120)
    sent_s = [100 + probe.offset_ms / 1e3 for probe in first.probes]
    sent_s += [120 + probe.offset_ms / 1e3 for probe in second.probes]
    assert len(sent_s) == len(set(sent_s)) == 2 * 80
    assert (min(sent_s), max(sent_s)) == (70.0, 149.5)


def test_an_event_soon_after_a_record_repeats_no_probe() -> None:
    first, second = record(100, 131, now_s=300)
    assert first.probes[-1].offset_ms == 29_500
    assert second.at_ns == ns(131)
    assert second.probes[0].offset_ms == -1_000


def test_paths_have_their_own_records() -> None:
    recorder = FlightRecorder(Past())
    recorder.event("wire", "down", ns(100), 100.0)
    recorder.event("cell", "up", ns(101), 101.0)
    assert [flight.path for flight in recorder.due(200.0)] == ["wire", "cell"]


@given(st.lists(st.floats(0.001, 20), min_size=1, max_size=60))
def test_however_a_path_flaps_memory_text_and_data_are_bounded(gaps_s: list[float]) -> None:
    recorder = FlightRecorder(lambda path: [(TARGETS[0], [PastProbe(n / 2, None) for n in range(2600)])])
    at_s, told = 50.0, list[Flight]()
    for gap_s in gaps_s:
        at_s += gap_s
        told += recorder.due(at_s)
        recorder.event("wire", "a long name of an event " * 20, ns(at_s), at_s)
        assert len(recorder._records["wire"]) <= 2
    while recorder.next_due_mono_s() < at_s + 100:
        told += recorder.due(recorder.next_due_mono_s())
    assert all(len(flight.event) <= MAX_TEXT for flight in told)
    times_ns = [flight.at_ns + round(probe.offset_ms * 1e6) for flight in told for probe in flight.probes]
    assert len({round(time_ns / 1e6) for time_ns in times_ns}) == len(times_ns)
    first_s = 50.0 + gaps_s[0]
    wanted = [n / 2 for n in range(2600) if first_s - 30 < n / 2 < at_s + 30]
    assert len(times_ns) in range(len(wanted) - 1, len(wanted) + 2)

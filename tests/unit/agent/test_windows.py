import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.probes.results import Outcome, Result
from agent.windows import SETTLE_S, Jitter, PathLabel, Windows
from wire.messages import LinkState, Role, Window

LABEL = PathLabel(Role.WIRE, "isp1", LinkState.UP)
NOW_NS = 1_800_000_000_000_000_000


def result(
    sent_s: float, kind: Outcome = Outcome.REPLY, rtt_ms: float | None = None, anchor: str = "a", family: int = 4
) -> Result:
    return Result("wire", family, anchor, kind, sent_s, sent_s + (rtt_ms or 0) / 1e3, rtt_ms, "")


def window_of(*results: Result) -> Window:
    windows = Windows(0.0)
    for each in results:
        windows.add(each)
    (window,) = windows.due(10 + SETTLE_S, NOW_NS, lambda path: LABEL)
    return window


def test_jitter_has_the_check_value_of_rfc_3550() -> None:
    jitter = Jitter()
    for rtt_ms in (20, 22, 19, 25, 20, 20):
        jitter.add(rtt_ms)
    assert jitter.value_ms == pytest.approx(0.873613, abs=5e-7)
    window = window_of(*(result(n, rtt_ms=rtt) for n, rtt in enumerate((20.0, 22.0, 19.0, 25.0, 20.0, 20.0))))
    assert window.rtt_jitter_ms == pytest.approx(0.873613, abs=5e-7)


def test_a_distance_between_anchors_is_no_jitter() -> None:
    window = window_of(*(result(n, rtt_ms=10.0 if n % 2 else 90.0, anchor=f"a{n % 2}") for n in range(8)))
    assert window.rtt_jitter_ms == 0.0


def test_jitter_goes_on_over_loss_and_windows() -> None:
    windows = Windows(0.0)
    for sent_s, rtt_ms in ((0, 20.0), (5, 22.0), (10, 19.0), (15, 25.0), (25, 20.0), (26, 20.0)):
        windows.add(result(sent_s, rtt_ms=rtt_ms))
        windows.add(result(sent_s + 0.1, Outcome.LOST))
    *_, last = windows.due(30 + SETTLE_S, NOW_NS, lambda path: LABEL)
    assert last.rtt_jitter_ms == pytest.approx(0.873613, abs=5e-7)


def test_what_was_received_is_summed() -> None:
    window = window_of(*(result(n / 100, rtt_ms=float(n)) for n in range(1, 101)))
    assert (window.sent, window.received) == (100, 100)
    assert (window.rtt_min_ms, window.rtt_median_ms, window.rtt_p95_ms, window.rtt_max_ms) == (1.0, 50.0, 95.0, 100.0)
    assert (window.path, window.role, window.isp, window.state) == ("wire", Role.WIRE, "isp1", LinkState.UP)
    assert window.start_ns == NOW_NS - round((10 + SETTLE_S) * 1e9)


def test_nothing_received_is_unknown_not_zero() -> None:
    window = window_of(result(1, Outcome.LOST), result(2, Outcome.LOCAL_ERROR))
    assert (window.sent, window.received, window.local_errors) == (2, 0, 1)
    figures = (window.rtt_min_ms, window.rtt_median_ms, window.rtt_p95_ms, window.rtt_max_ms, window.rtt_jitter_ms)
    assert figures == (None,) * 5


def test_a_reply_without_a_round_trip_is_received_all_the_same() -> None:
    window = window_of(result(1, Outcome.REPLY, None))
    assert (window.sent, window.received, window.rtt_median_ms) == (1, 1, None)


def test_late_duplicate_and_icmp_error_add_no_probe() -> None:
    window = window_of(
        result(1, Outcome.LOST),
        result(1, Outcome.LATE, 2100.0),
        result(2, rtt_ms=20.0),
        result(2, Outcome.DUPLICATE, 21.0),
        result(3, Outcome.ICMP_ERROR),
        result(3, Outcome.LOST),
    )
    assert (window.sent, window.received, window.late, window.duplicates, window.icmp_errors) == (3, 1, 1, 1, 1)
    assert window.rtt_max_ms == 20.0


def test_silent_anchors_are_named() -> None:
    window = window_of(
        result(1, rtt_ms=20.0, anchor="a"),
        result(1, Outcome.LOST, anchor="c"),
        result(2, Outcome.LOST, anchor="b"),
        result(3, Outcome.LOST, anchor="slow"),
        result(3, Outcome.LATE, 2500.0, anchor="slow"),
    )
    assert window.silent_anchors == ("b", "c")


def test_a_window_waits_for_the_deadline_of_its_last_probe() -> None:
    windows = Windows(100.0)
    windows.add(result(109.99, rtt_ms=20.0))
    assert windows.due(112.0, NOW_NS, lambda path: LABEL) == []
    windows.add(result(109.5, Outcome.LOST))
    windows.add(result(110.01, rtt_ms=20.0))
    assert windows.next_due_mono_s() == 110 + SETTLE_S
    (window,) = windows.due(110 + SETTLE_S, NOW_NS, lambda path: LABEL)
    assert (window.sent, window.received) == (2, 1)


def test_families_are_apart_and_a_line_not_probed_has_no_window() -> None:
    windows = Windows(0.0)
    windows.add(result(1, rtt_ms=20.0, family=4))
    windows.add(result(1, Outcome.LOST, family=6))
    windows.add(result(11, rtt_ms=20.0, family=4))
    told = windows.due(20 + SETTLE_S, NOW_NS, lambda path: LABEL)
    assert [(window.family, window.sent, window.received) for window in told] == [(4, 1, 1), (6, 1, 0), (4, 1, 1)]
    assert told[2].start_ns - told[0].start_ns == 10_000_000_000


def test_news_after_its_window_counts_in_the_next() -> None:
    windows = Windows(0.0)
    windows.add(result(1, Outcome.LOST))
    windows.due(10 + SETTLE_S, NOW_NS, lambda path: LABEL)
    windows.add(result(1, Outcome.LATE, 15_000.0))
    (window,) = windows.due(20 + SETTLE_S, NOW_NS, lambda path: LABEL)
    assert (window.sent, window.late) == (0, 1)


def test_a_long_sleep_is_passed_over() -> None:
    windows = Windows(0.0)
    windows.add(result(1, rtt_ms=20.0))
    assert len(windows.due(1e9, NOW_NS, lambda path: LABEL)) == 1
    assert windows.next_due_mono_s() > 1e9


def test_a_forgotten_path_is_told_no_more() -> None:
    windows = Windows(0.0)
    windows.add(result(1, rtt_ms=20.0))
    windows.forget("wire")
    assert windows.due(10 + SETTLE_S, NOW_NS, lambda path: LABEL) == []


@given(
    st.lists(
        st.tuples(
            st.floats(0, 100),
            st.sampled_from(list(Outcome)),
            st.one_of(st.none(), st.floats(0, 2000)),
            st.sampled_from("abc"),
        ),
        max_size=50,
    )
)
def test_no_probe_is_lost_or_counted_twice(entries: list[tuple[float, Outcome, float | None, str]]) -> None:
    windows = Windows(0.0)
    told: list[Window] = []
    for sent_s, kind, rtt_ms, anchor in sorted(entries, key=lambda entry: entry[0]):
        told += windows.due(sent_s, NOW_NS, lambda path: LABEL)
        windows.add(result(sent_s, kind, rtt_ms, anchor))
    told += windows.due(1000.0, NOW_NS, lambda path: LABEL)
    ends = [Outcome.REPLY, Outcome.LOST, Outcome.LOCAL_ERROR]
    assert sum(window.sent for window in told) == sum(kind in ends for _, kind, _, _ in entries)
    assert sum(window.received for window in told) == sum(kind is Outcome.REPLY for _, kind, _, _ in entries)
    assert all(window.received <= window.sent for window in told)

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.probes.schedule import Schedule

GROUP = ("a", "b", "c")


def run(schedule: Schedule[str], from_s: float, to_s: float) -> list[tuple[float, str]]:
    """Serve the schedule on time, as a loop without delay would."""
    sent: list[tuple[float, str]] = []
    while (next_s := schedule.next_s()) is not None and next_s < to_s:
        now_s = max(from_s, next_s)
        sent += [(now_s, key) for key in schedule.take_due(now_s)]
    return sent


def test_the_anchors_of_a_path_take_turns() -> None:
    schedule: Schedule[str] = Schedule()
    schedule.pace(GROUP, 0.3, now_s=10.0, start_s=0.05)
    sent = run(schedule, 10.0, 10.7)
    assert [key for _, key in sent] == ["a", "b", "c", "a", "b", "c", "a"]
    assert [at_s for at_s, _ in sent] == pytest.approx([10.05 + 0.1 * n for n in range(7)])


def test_there_is_no_drift() -> None:
    schedule: Schedule[str] = Schedule()
    schedule.pace(("a",), 0.1, now_s=0.0, start_s=0.0)
    now_s = 0.0
    for _ in range(36_000):  # an hour, each time 3 ms late
        now_s = (schedule.next_s() or 0.0) + 0.003
        assert schedule.take_due(now_s) == ["a"]
    assert now_s == pytest.approx(3599.9 + 0.003, abs=1e-6)


def test_a_stall_skips_what_it_missed() -> None:
    schedule: Schedule[str] = Schedule()
    schedule.pace(GROUP, 0.1, now_s=0.0, start_s=0.0)
    run(schedule, 0.0, 1.0)
    assert schedule.take_due(1.35) == []
    after = run(schedule, 1.35, 1.65)
    assert len(after) == 9
    gaps_s = [later - earlier for (earlier, _), (later, _) in itertools.pairwise(after)]
    assert min(gaps_s) > 0.03


def test_a_slow_stream_is_sent_late_rather_than_not() -> None:
    schedule: Schedule[str] = Schedule()
    schedule.pace(("a",), 90.0, now_s=0.0, start_s=0.0)
    assert schedule.take_due(0.3) == ["a"]
    assert schedule.next_s() == 90.0


def test_speeding_up_sends_at_once() -> None:
    schedule: Schedule[str] = Schedule()
    schedule.pace(GROUP, 90.0, now_s=0.0, start_s=0.0)
    run(schedule, 0.0, 45.0)
    schedule.pace(GROUP, 0.1, now_s=45.0, start_s=99.0)
    sent = run(schedule, 45.0, 45.1)
    assert sent[0] == (45.0, "c")  # never asked so far
    assert sorted(key for _, key in sent) == ["a", "b", "c"]


def test_slowing_down_keeps_the_rhythm() -> None:
    schedule: Schedule[str] = Schedule()
    schedule.pace(GROUP, 0.3, now_s=0.0, start_s=0.0)
    run(schedule, 0.0, 0.55)  # the last one at 0.5 was c
    schedule.pace(GROUP, 90.0, now_s=0.55, start_s=99.0)
    sent = run(schedule, 0.55, 100.0)
    assert sent[0][0] == pytest.approx(30.5)
    assert [key for _, key in sent] == ["a", "b", "c"]


def test_changing_the_pace_again_and_again_does_not_probe_more() -> None:
    schedule: Schedule[str] = Schedule()
    sent = 0
    for step in range(1000):
        now_s = step * 0.001
        schedule.pace(GROUP, 0.3 if step % 2 else 0.15, now_s=now_s, start_s=0.0)
        sent += len(schedule.take_due(now_s))
    assert sent <= 1.0 / 0.05 + 1


def test_a_new_anchor_joins_in_the_widest_hole() -> None:
    schedule: Schedule[str] = Schedule()
    schedule.pace(GROUP, 0.9, now_s=0.0, start_s=0.1)
    schedule.drop("b")
    schedule.join("d", ("a", "c", "d"), now_s=0.0)
    sent = run(schedule, 0.0, 0.9)
    assert [key for _, key in sent] == ["a", "d", "c"]
    assert [at_s for at_s, _ in sent] == pytest.approx([0.1, 0.4, 0.7])


def test_a_dropped_stream_is_sent_no_more() -> None:
    schedule: Schedule[str] = Schedule()
    schedule.pace(("a", "b"), 1.0, now_s=0.0, start_s=0.0)
    schedule.drop("a")
    schedule.drop("never there")
    assert {key for _, key in run(schedule, 0.0, 5.0)} == {"b"}
    schedule.drop("b")
    assert schedule.next_s() is None


@given(
    interval_s=st.floats(0.01, 100),
    count=st.integers(1, 5),
    waits_s=st.lists(st.floats(0, 10), min_size=1, max_size=60),
)
def test_whatever_the_delays_a_stream_is_never_sent_twice_at_once(
    interval_s: float, count: int, waits_s: list[float]
) -> None:
    schedule: Schedule[int] = Schedule()
    schedule.pace(range(count), interval_s, now_s=0.0, start_s=0.0)
    now_s = 0.0
    for wait_s in waits_s:
        now_s += wait_s
        due = schedule.take_due(now_s)
        assert len(due) == len(set(due))
        next_s = schedule.next_s()
        assert next_s is not None
        assert now_s < next_s <= now_s + interval_s * 1.000001

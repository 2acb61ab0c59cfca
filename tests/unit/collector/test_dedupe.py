from hypothesis import given
from hypothesis import strategies as st

from collector.dedupe import MAX_ABOVE, MAX_EPOCHS, Books, LaneState, absorb, lane_key
from tests.unit.collector.records import AGENT
from wire.topics import Lane


def test_in_order() -> None:
    first = absorb(None, 1, 1, 20)
    assert (first.state, first.fresh, first.skipped) == (LaneState(20), 20, 0)
    again = absorb(first.state, 1, 1, 20)
    assert (again.state, again.fresh) == (first.state, 0)


def test_watermark_waits_for_a_hole() -> None:
    state = absorb(absorb(None, 1, 1, 5).state, 1, 11, 5).state
    assert state == LaneState(5, ((11, 15),))
    assert absorb(state, 1, 6, 5).state == LaneState(15)


def test_base_passes_what_the_agent_dropped_and_a_late_copy_still_counts() -> None:
    result = absorb(LaneState(5), 11, 11, 5)
    assert result.state == LaneState(15, (), ((6, 10),))
    assert (result.fresh, result.skipped) == (5, 5)
    late = absorb(result.state, 6, 6, 3)
    assert (late.fresh, late.state.skipped) == (3, ((9, 10),))
    assert absorb(late.state, 6, 6, 3).fresh == 0


def test_unknown_lane_starts_at_base() -> None:
    assert absorb(None, 1000, 1005, 1).state == LaneState(999, ((1005, 1005),))


def test_ranges_are_bounded_and_forgetting_never_acknowledges() -> None:
    state = LaneState(0)
    for seq in range(2, 2 + 2 * (MAX_ABOVE + 50), 2):
        state = absorb(state, 0, seq, 1).state
    assert len(state.above) == MAX_ABOVE
    assert state.watermark == 0


@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 8), st.integers(0, 20)), max_size=40),
)
def test_against_a_plain_set(steps: list[tuple[int, int, int]]) -> None:
    """Fresh is exactly what was not taken before, and the watermark passes only what was taken or given up."""
    state: LaneState | None = LaneState(-1)
    taken: set[int] = set()
    base_seen = 0
    for first, count, lag in steps:
        base = max(0, first - lag)
        result = absorb(state, base, first, count)
        span = set(range(first, first + count))
        assert result.fresh == len(span - taken)
        taken |= span
        base_seen = max(base_seen, base)
        state = result.state
        assert all(seq in taken or seq < base_seen for seq in range(state.watermark + 1))
        assert state.watermark + 1 not in taken


def test_books_keep_few_epochs_and_come_back_from_entries() -> None:
    books = Books()
    key = lane_key(AGENT, Lane.SAMPLES)
    for number in range(MAX_EPOCHS + 3):
        books.settle({(key, f"e{number}"): LaneState(number)})
    assert list(books.epochs(key)) == [f"e{n}" for n in range(3, MAX_EPOCHS + 3)]
    assert Books(books.entries()).epochs(key) == books.epochs(key)

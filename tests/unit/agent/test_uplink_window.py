"""Go-back-N against a line that loses what it likes."""

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.uplink.backoff import FIRST_S, MAX_S, Backoff
from agent.uplink.window import RESEND_AFTER_MAX_S, UNACKED_BATCHES, WINDOW_BATCHES, LaneWindow


def test_puback_frees_a_slot_and_nothing_else() -> None:
    window = LaneWindow()
    for number in range(1, WINDOW_BATCHES + 1):
        assert window.may_send()
        window.on_sent(number, 0.0)
    assert not window.may_send()
    window.on_broker_has_it()
    assert window.may_send()
    assert window.watermark == 0
    assert window.resend_in_s(3.0) == 7.0


def test_an_absent_collector_is_sent_little_and_ever_more_rarely() -> None:
    window, now_s, waits = LaneWindow(10.0), 0.0, []
    window.on_sent(250, now_s)
    window.on_sent(500, now_s)
    for _ in range(6):
        wait_s = window.resend_in_s(now_s)
        assert wait_s is not None
        waits.append(wait_s)
        now_s += wait_s
        window.on_silence(now_s)
        assert window.sent == 0
        assert window.may_send()
        window.on_sent(1, now_s)
        assert not window.may_send()
        for _ in range(window.slots_used):
            window.on_broker_has_it()
    assert waits == [10.0, 20.0, 40.0, *[RESEND_AFTER_MAX_S] * 3]
    assert window.silent_s(now_s) == now_s


def test_any_word_of_the_collector_ends_the_patience() -> None:
    window = LaneWindow(10.0)
    window.on_sent(5, 0.0)
    window.on_silence(10.0)
    window.on_sent(1, 10.0)
    window.on_ack(0, 11.0)  # it came back and says how far it had come: nowhere
    assert not window.probing
    assert window.sent == 0
    assert window.may_send()


def test_live_records_overtake_and_count_once_the_backlog_is_through() -> None:
    window = LaneWindow(10.0)
    window.on_overtaken(100, 110)
    assert window.until == 99
    assert window.resend_in_s(0.0) is None  # nothing is owed for it yet
    window.on_sent(50, 1.0)
    window.on_overtaken(111, 112)
    assert window.until == 99
    window.on_sent(99, 2.0)
    assert window.highest == window.sent == 112
    window.on_ack(99, 3.0)
    assert window.resend_in_s(3.0) == 10.0
    window.on_ack(112, 4.0)
    assert window.resend_in_s(4.0) is None
    assert window.silent_s(4.0) is None


def test_what_the_spool_dropped_is_not_waited_for() -> None:
    window = LaneWindow(10.0)
    window.on_overtaken(100, 110)
    window.on_base(105, 1.0)
    assert window.sent == 110
    window.on_sent(120, 1.0)
    window.on_base(200, 2.0)
    assert window.sent == 199
    assert window.resend_in_s(2.0) is None


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(1, 9)), max_size=120))
def test_everything_arrives_over_any_line(fate: list[tuple[bool, bool, int]]) -> None:
    """Each step sends one batch; the line loses the batch, or its acknowledgement, as it likes, then heals."""
    last, got, mark, now_s = 60, set[int](), 0, 0.0
    window = LaneWindow(10.0)
    for arrives, answered, size in [*fate, *[(True, True, 9)] * 60]:
        now_s += 1.0
        wait_s = window.resend_in_s(now_s)
        if wait_s is not None and wait_s <= 0:
            window.on_silence(now_s)
        if not window.may_send() or window.sent >= last:
            now_s += max(wait_s or 0.0, 0.0)
            continue
        first, to = window.sent + 1, min(window.sent + size, last)
        window.on_sent(to, now_s)
        window.on_broker_has_it()
        assert len(window.unacked) <= UNACKED_BATCHES
        if arrives:
            got.update(range(first, to + 1))
            while mark + 1 in got:
                mark += 1
            if answered:
                window.on_ack(mark, now_s)
    assert mark == last
    assert window.watermark == last


def test_waits_grow_from_a_fifth_of_a_second_to_half_a_minute() -> None:
    backoff = Backoff(lambda: 1.0)
    waits = [backoff.next_s() for _ in range(10)]
    assert waits[:4] == [FIRST_S, 0.4, 0.8, 1.6]
    assert waits[-1] == MAX_S
    backoff.reset()
    assert backoff.next_s() == FIRST_S
    assert Backoff(lambda: 0.0).next_s() == 0.0

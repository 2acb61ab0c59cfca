from agent.probes.results import Target
from agent.probes.stamps import Clocks
from agent.probes.stream import RING_PROBES, PastProbe, Stream

TARGET = Target("wire", "eth0", "paris", 4, "192.0.2.1")
MS = 1_000_000


def clocks(mono_ms: float) -> Clocks:
    return Clocks(int(mono_ms * MS), 0)


def filled(count: int, every_ms: float = 50) -> Stream:
    stream = Stream(TARGET, clocks(0))
    for number in range(count):
        stream.begin(clocks(number * every_ms))
    return stream


def test_the_ring_holds_a_minute_of_the_fastest_pace_in_ten_kilobytes() -> None:
    stream = Stream(TARGET, clocks(0))
    assert RING_PROBES * 0.050 >= 62
    assert len(stream._ticks.tobytes()) + len(stream._marks.tobytes()) <= 10_000


def test_a_sequence_number_means_the_latest_probe_of_that_number() -> None:
    stream = filled(65536 + 10)
    assert stream.find(9) == 65536 + 9
    assert stream.find(65535) == 65535
    assert stream.find(10) is None  # 65536 probes ago
    assert stream.find((65546 - RING_PROBES) & 0xFFFF) == 65546 - RING_PROBES
    assert stream.find((65546 - RING_PROBES - 1) & 0xFFFF) is None
    assert filled(0).find(0) is None
    assert filled(3).find(3) is None


def test_an_answer_after_the_loss_is_late_once_then_a_duplicate() -> None:
    stream = filled(2)
    stream.lose(0)
    assert stream.answer_late(0)
    assert not stream.answer_late(0)
    stream.answer(1, 20.0)
    assert not stream.answer_late(1)


def test_the_past_tells_settled_probes_only() -> None:
    stream = filled(6, every_ms=100)
    stream.answer(0, 20.5)
    stream.lose(1)
    stream.refuse(2)
    stream.answer(3, None)  # answered, but a clock step: neither a round trip nor a loss
    stream.lose(4)
    stream.answer_late(4)
    assert list(stream.past(clocks(1000))) == [
        PastProbe(0.0, 20.5),
        PastProbe(0.1, None),
        PastProbe(0.2, None),
        PastProbe(0.4, None),
    ]
    assert list(stream.pending) == [5]


def test_the_ring_forgets_the_oldest() -> None:
    stream = filled(RING_PROBES + 5)
    for number in range(RING_PROBES + 5):
        stream.lose(number)
    past = list(stream.past(clocks(1e6)))
    assert len(past) == RING_PROBES
    assert past[0].sent_mono_s == 0.25


def test_send_times_survive_the_wrap_of_the_ring_s_clock() -> None:
    stream = Stream(TARGET, clocks(5000))
    days_ms = 5 * 86_400_000  # more than 2^32 tenths of a millisecond
    stream.begin(clocks(5000 + days_ms))
    assert stream.sent_mono_ns(0, clocks(5000 + days_ms + 30_000)) == (5000 + days_ms) * MS


def test_the_driver_s_stamp_outranks_the_scheduler_s() -> None:
    probe = filled(0).begin(clocks(0))
    probe.stamped(5, final=False)
    probe.stamped(7, final=True)
    probe.stamped(6, final=False)
    assert probe.stamp_ns == 7

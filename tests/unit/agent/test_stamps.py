import socket
import struct

from hypothesis import given
from hypothesis import strategies as st

from agent.probes import stamps
from agent.probes.stamps import Clocks, Timing

OFFSET_NS = 1_700_000_000_000_000_000
MS = 1_000_000


def at(mono_ms: float, step_ms: float = 0.0) -> Clocks:
    mono_ns = int(mono_ms * MS)
    return Clocks(mono_ns, OFFSET_NS + mono_ns + int(step_ms * MS))


def real(mono_ms: float, step_ms: float = 0.0) -> int:
    return at(mono_ms, step_ms).real_ns


def test_a_round_trip_is_between_the_kernels_stamps_however_late_it_is_read() -> None:
    timing = stamps.judge(at(100), real(100.02), real(120.02), at(420), int(99 * MS))
    assert timing == Timing(int(120.02 * MS), 20 * MS, "")


def test_without_a_transmit_stamp_the_send_call_counts() -> None:
    assert stamps.judge(at(100), None, real(120), at(121), 0) == Timing(120 * MS, 20 * MS, "no transmit stamp")


def test_without_a_receive_stamp_there_is_no_round_trip() -> None:
    assert stamps.judge(at(100), real(100), None, at(121), 0) == Timing(121 * MS, None, "no receive stamp")


def test_a_clock_step_between_send_and_reading_leaves_no_round_trip() -> None:
    for step_ms in (-3_600_000.0, -1.0, 1.0, 3_600_000.0):
        for arrived in (real(120), real(120, step_ms)):  # before or after the step
            timing = stamps.judge(at(100), real(100), arrived, at(121, step_ms), 0)
            assert timing == Timing(121 * MS, None, "clock step")


def test_a_step_there_and_back_is_seen_by_the_bound_of_the_loops_delay() -> None:
    # The clocks agree at both ends, but the reply seems to have come while the socket was known to be empty.
    timing = stamps.judge(at(100), real(100), real(110), at(141), 139 * MS)
    assert timing == Timing(141 * MS, None, "clock step")


def test_a_reply_from_the_future_is_doubted() -> None:
    assert stamps.judge(at(100), real(100), real(130), at(121), 0).rtt_ns is None


def test_stamps_out_of_order_are_doubted() -> None:
    assert stamps.judge(at(100), real(120.1), real(120), at(121), 0) == Timing(120 * MS, None, "stamps disagree")


def test_a_transmit_stamp_lies_between_send_and_now() -> None:
    assert stamps.is_plausible_send(at(100), real(100.1), real(101))
    assert not stamps.is_plausible_send(at(100), real(99), real(101))
    assert not stamps.is_plausible_send(at(100), real(102), real(101))


def test_control_messages() -> None:
    control = stamps.parse_control(
        [
            (socket.SOL_SOCKET, stamps.SCM_TIMESTAMPING, struct.pack("=6q", 5, 6, 0, 0, 0, 0)),
            (socket.IPPROTO_IP, stamps.IP_PKTINFO, struct.pack("=i8x", 3)),
            (socket.IPPROTO_IP, stamps.IP_RECVERR, struct.pack("=IBBBxII", 42, 4, 0, 0, 1, 77)),
        ]
    )
    assert control.stamp_ns == 5_000_000_006
    assert control.ifindex == 3
    assert control.queued is not None
    assert (control.queued.error, control.queued.info, control.queued.data) == (42, 1, 77)


def test_ipv6_packet_info() -> None:
    info = struct.pack("=16si", bytes(16), 12)
    assert stamps.parse_control([(socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, info)]).ifindex == 12


def test_an_empty_stamp_is_none() -> None:
    assert stamps.parse_control([(socket.SOL_SOCKET, stamps.SCM_TIMESTAMPING, bytes(48))]).stamp_ns is None


@given(
    st.lists(
        st.tuples(st.sampled_from([0, 1, 41, 58]), st.sampled_from([8, 11, 25, 37, 50]), st.binary(max_size=80)),
        max_size=5,
    )
)
def test_no_bytes_break_the_control_parser(ancillary: list[tuple[int, int, bytes]]) -> None:
    assert isinstance(stamps.parse_control(ancillary), stamps.Control)


@given(
    sent=st.integers(0, 2**50),
    flight=st.integers(0, 2**40),
    wait=st.integers(0, 2**40),
    wire=st.one_of(st.none(), st.integers(-(2**62), 2**62)),
    arrival=st.one_of(st.none(), st.integers(-(2**62), 2**62)),
)
def test_a_round_trip_is_never_negative_nor_longer_than_the_wait(
    sent: int, flight: int, wait: int, wire: int | None, arrival: int | None
) -> None:
    begin = Clocks(sent, OFFSET_NS + sent)
    end = Clocks(sent + flight + wait, OFFSET_NS + sent + flight + wait)
    stamped = wire if wire is not None and stamps.is_plausible_send(begin, wire, end.real_ns) else None
    timing = stamps.judge(begin, stamped, arrival, end, 0)
    assert timing.rtt_ns is None or 0 <= timing.rtt_ns <= flight + wait + MS
    assert sent - MS <= timing.arrived_mono_ns <= end.mono_ns + MS


def test_both_clocks_are_read_together() -> None:
    first, second = stamps.read_clocks(), stamps.read_clocks()
    assert first.mono_ns <= second.mono_ns

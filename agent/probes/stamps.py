"""Kernel time stamps of packets (SO_TIMESTAMPING) and what they are worth. Pure apart from reading the two clocks.

The kernel stamps in CLOCK_REALTIME, which may step; durations are told in CLOCK_MONOTONIC. The two differ by a
constant between steps (both are slewed alike), so a changed difference betrays a step exactly.
"""

import socket
import struct
import time
from collections.abc import Iterable
from typing import NamedTuple

from agent.probes import icmp

# Values of the Linux ABI on x86-64 and 64-bit ARM, absent from Python's socket module (linux/net_tstamp.h, linux/in.h).
SO_TIMESTAMPING = 37
SCM_TIMESTAMPING = SO_TIMESTAMPING
IP_RECVERR = 11
IPV6_RECVERR = 25
IP_PKTINFO = 8

_TX_SOFTWARE = 1 << 1
_RX_SOFTWARE = 1 << 3
_SOFTWARE = 1 << 4
OPT_ID = 1 << 7
_TX_SCHED = 1 << 8
_OPT_TSONLY = 1 << 11
STAMPS = _TX_SOFTWARE | _TX_SCHED | _RX_SOFTWARE | _SOFTWARE | OPT_ID | _OPT_TSONLY
STAMPS_OF_DRIVER = STAMPS & ~_TX_SCHED

TSTAMP_SND = 0  # ee_info: handed to the driver
TSTAMP_SCHED = 1  # entered the packet scheduler; every device gives this one

_TIMESPECS = struct.Struct("=6q")  # software, (unused), hardware; seconds and nanoseconds each
_IN_PKTINFO = struct.Struct("=i4s4s")
_IN6_PKTINFO = struct.Struct("=16si")

Ancillary = Iterable[tuple[int, int, bytes]]

_CLOCK_PAIR_NS = 20_000  # a pair read within this is good enough
_TOLERANCE_NS = 200_000  # what two differences of undisturbed clocks may be apart, preemption included


class Control(NamedTuple):
    """The control messages of one received datagram; None where the kernel sent none."""

    stamp_ns: int | None
    ifindex: int | None
    queued: icmp.QueuedError | None


class Clocks(NamedTuple):
    """The monotonic and the real-time clock read together, nanoseconds."""

    mono_ns: int
    real_ns: int


class Timing(NamedTuple):
    """A reply's arrival and round trip; `doubt` says why there is no round trip, or that it is a coarser one."""

    arrived_mono_ns: int
    rtt_ns: int | None
    doubt: str


def read_clocks() -> Clocks:
    """Both clocks at one moment: read again when this thread was preempted in between."""
    best = Clocks(0, 0)
    best_width = 1 << 62
    for _ in range(4):
        before = time.monotonic_ns()
        real = time.time_ns()
        width = time.monotonic_ns() - before
        if width < best_width:
            best, best_width = Clocks(before + width // 2, real), width
        if width <= _CLOCK_PAIR_NS:
            break
    return best


def parse_control(ancillary: Ancillary) -> Control:
    """Read the control messages recvmsg returned; unknown and short ones are passed over."""
    stamp_ns: int | None = None
    ifindex: int | None = None
    queued: icmp.QueuedError | None = None
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == SCM_TIMESTAMPING and len(data) >= _TIMESPECS.size:
            seconds, nanoseconds = _TIMESPECS.unpack_from(data)[:2]
            stamp_ns = seconds * 1_000_000_000 + nanoseconds or None
        elif level == socket.IPPROTO_IP and kind == IP_PKTINFO and len(data) >= _IN_PKTINFO.size:
            ifindex = _IN_PKTINFO.unpack_from(data)[0]
        elif level == socket.IPPROTO_IPV6 and kind == socket.IPV6_PKTINFO and len(data) >= _IN6_PKTINFO.size:
            ifindex = _IN6_PKTINFO.unpack_from(data)[1]
        elif (level, kind) in ((socket.IPPROTO_IP, IP_RECVERR), (socket.IPPROTO_IPV6, IPV6_RECVERR)):
            queued = icmp.decode_queued_error(data)
    return Control(stamp_ns, ifindex, queued)


def is_plausible_send(sent: Clocks, stamp_ns: int, now_ns: int) -> bool:
    """Whether a transmit stamp can belong to a probe handed to the kernel at `sent`, seen at `now_ns` (real time)."""
    return sent.real_ns - _TOLERANCE_NS <= stamp_ns <= now_ns + _TOLERANCE_NS


def judge(
    sent: Clocks, sent_stamp_ns: int | None, arrival_stamp_ns: int | None, read: Clocks, empty_mono_ns: int
) -> Timing:
    """Arrival and round trip of a reply from its stamps.

    Args:
        sent: both clocks just before the probe was handed to the kernel.
        sent_stamp_ns: the kernel's transmit stamp, real time.
        arrival_stamp_ns: the kernel's receive stamp, real time.
        read: both clocks after the reply was read.
        empty_mono_ns: when the socket was last known to be empty. The reply came between then and `read`, however long
            the loop slept: the bound within which kernel and monotonic time must agree.
    """
    offset_ns = read.real_ns - read.mono_ns
    if abs(offset_ns - (sent.real_ns - sent.mono_ns)) > _TOLERANCE_NS:
        return Timing(read.mono_ns, None, "clock step")
    if arrival_stamp_ns is None:
        return Timing(read.mono_ns, None, "no receive stamp")
    arrived_mono_ns = arrival_stamp_ns - offset_ns
    earliest_ns = max(sent.mono_ns, empty_mono_ns)
    if not earliest_ns - _TOLERANCE_NS <= arrived_mono_ns <= read.mono_ns + _TOLERANCE_NS:
        return Timing(read.mono_ns, None, "clock step")
    if sent_stamp_ns is None:
        return Timing(arrived_mono_ns, max(0, arrived_mono_ns - sent.mono_ns), "no transmit stamp")
    rtt_ns = arrival_stamp_ns - sent_stamp_ns
    if rtt_ns < 0:
        return Timing(arrived_mono_ns, None, "stamps disagree")
    return Timing(arrived_mono_ns, rtt_ns, "")

"""One ICMP datagram socket, bound to one interface for life. Never unbound: a probe by another line is a lie."""

import errno
import socket
from typing import NamedTuple

from agent.probes import icmp, stamps
from agent.probes.results import ADDRESS_FAMILY

_PROTOCOL = {4: socket.IPPROTO_ICMP, 6: socket.IPPROTO_ICMPV6}
_DATA_BYTES = 128
_CONTROL_BYTES = 512
# Refused by routing, before the kernel numbers the packet for its transmit stamps.
_UNNUMBERED = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENODEV, errno.EADDRNOTAVAIL)
_READS_AT_ONCE = 4096  # a flood must not hold the loop; the selector calls again while something waits


class SendStamp(NamedTuple):
    """The kernel's stamp of our packet number `key`, real time; `final` when the driver had it."""

    key: int
    stamp_ns: int
    final: bool


class Arrival(NamedTuple):
    """A datagram from `address`; the token in it is not yet checked."""

    address: str
    data: bytes
    stamp_ns: int | None


class Refusal(NamedTuple):
    """An ICMP error about a packet of ours to `address`; `quoted` is what the router sent back of it."""

    address: str
    quoted: bytes
    queued: icmp.QueuedError
    stamp_ns: int | None


Event = SendStamp | Arrival | Refusal


class Channel:
    """ICMP echo over one interface and one IP family (4 or 6).

    Needs no privilege but a group within net.ipv4.ping_group_range.

    Raises:
        OSError: no such interface (ENODEV), not allowed (EACCES), family switched off (EAFNOSUPPORT).
    """

    def __init__(self, interface: str, family: int) -> None:
        self.interface = interface
        self.family = family
        self.ifindex = _ifindex(interface)
        self.strays = 0  # datagrams that came by another interface
        self._next_key = 0
        self._stamps = stamps.STAMPS
        sock = socket.socket(ADDRESS_FAMILY[family], socket.SOCK_DGRAM | socket.SOCK_NONBLOCK, _PROTOCOL[family])
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode())
            if family == 4:
                sock.setsockopt(socket.IPPROTO_IP, stamps.IP_RECVERR, 1)
                sock.setsockopt(socket.IPPROTO_IP, stamps.IP_PKTINFO, 1)
            else:
                sock.setsockopt(socket.IPPROTO_IPV6, stamps.IPV6_RECVERR, 1)
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
            sock.setsockopt(socket.SOL_SOCKET, stamps.SO_TIMESTAMPING, self._stamps)
        except OSError:
            sock.close()
            raise
        self._sock = sock

    def fileno(self) -> int:
        """The descriptor to watch for reading; -1 once closed."""
        return self._sock.fileno()

    def close(self) -> None:
        """Close the socket."""
        self._sock.close()

    def send(self, address: str, packet: bytes) -> int:
        """Send `packet` and return the key its transmit stamps will carry.

        Raises:
            OSError: this machine did not send it (ENODEV, ENETUNREACH, ENETDOWN, EMSGSIZE, EAGAIN for a full queue).
        """
        # An ICMP error about an earlier probe waits in the socket and would fail this send in its place.
        self._clear_error()
        try:
            self._sock.sendto(packet, (address, 0))
        except OSError as error:
            if error.errno not in _UNNUMBERED:
                self._restart_keys()
            raise
        key = self._next_key
        self._next_key = (key + 1) & 0xFFFF_FFFF
        return key

    def drain(self) -> list[Event]:
        """Everything that waits: the error queue (transmit stamps, ICMP errors) before the replies it explains."""
        events: list[Event] = []
        self._drain_errors(events)
        for _ in range(_READS_AT_ONCE):
            try:
                data, ancillary, _, peer = self._sock.recvmsg(_DATA_BYTES, _CONTROL_BYTES)
            except BlockingIOError:
                break
            except OSError:
                # The socket's pending error, told once and cleared by this read; the queue holds its details.
                self._drain_errors(events)
                if self.fileno() < 0:
                    break
                continue
            control = stamps.parse_control(ancillary)
            if control.ifindex is not None and control.ifindex != self.ifindex:
                self.strays += 1
                continue
            events.append(Arrival(_bare(peer), data, control.stamp_ns))
        return events

    def drain_stamps(self) -> list[Event]:
        """Only the error queue: stamps of the packet just sent mostly wait there already."""
        events: list[Event] = []
        self._drain_errors(events)
        return events

    def _drain_errors(self, events: list[Event]) -> None:
        refused = ahead = False
        for _ in range(_READS_AT_ONCE):
            try:
                data, ancillary, _, peer = self._sock.recvmsg(_DATA_BYTES, _CONTROL_BYTES, socket.MSG_ERRQUEUE)
            except BlockingIOError:
                break
            except OSError:
                break
            control = stamps.parse_control(ancillary)
            queued = control.queued
            if queued is None:
                continue
            if queued.origin == icmp.ORIGIN_TIMESTAMPING:
                if control.stamp_ns is not None and queued.error == errno.ENOMSG:
                    ahead = ahead or queued.data >= self._next_key
                    final = queued.info == stamps.TSTAMP_SND
                    if final and self._stamps != stamps.STAMPS_OF_DRIVER:
                        # This driver stamps: the scheduler's stamp, a third of all reading, is needed no more.
                        self._stamps = stamps.STAMPS_OF_DRIVER
                        self._sock.setsockopt(socket.SOL_SOCKET, stamps.SO_TIMESTAMPING, self._stamps)
                    events.append(SendStamp(queued.data, control.stamp_ns, final))
            else:
                refused = True
                events.append(Refusal(_bare(peer), data, queued, control.stamp_ns))
        if refused:
            self._clear_error()
        if ahead:
            self._restart_keys()  # the kernel counted a packet that we did not

    def _clear_error(self) -> None:
        """Reading SO_ERROR clears it; while it is set the selector reports the socket for ever."""
        self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)

    def _restart_keys(self) -> None:
        """Count keys from 0 again: whether the kernel numbered a packet it refused late depends on its version."""
        self._sock.setsockopt(socket.SOL_SOCKET, stamps.SO_TIMESTAMPING, self._stamps & ~stamps.OPT_ID)
        self._sock.setsockopt(socket.SOL_SOCKET, stamps.SO_TIMESTAMPING, self._stamps)
        self._next_key = 0


def _ifindex(interface: str) -> int:
    try:
        return socket.if_nametoindex(interface)
    except OSError:  # carries no errno in Python 3.11
        raise OSError(errno.ENODEV, f"no interface {interface}") from None


def _bare(peer: object) -> str:
    """The address of a socket name, without the zone that link-local IPv6 carries."""
    if not isinstance(peer, tuple) or not peer:
        return ""
    return str(peer[0]).partition("%")[0]

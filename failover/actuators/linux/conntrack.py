"""Drops tracked flows that are still translated to a path no longer in use (linux/netfilter/nfnetlink_conntrack.h).

An established flow keeps its translation: after a move its packets leave by the new path with the old path's address
and the ISP drops them, for as long as the sender goes on. Once forgotten, the next packet is translated anew.
"""

import ipaddress
import socket
import struct
import time
from dataclasses import dataclass

from failover.actuators.linux.netlink import NETLINK_NETFILTER, Netlink, attribute, attributes

_GET, _DELETE = 1 << 8 | 1, 1 << 8 | 2
_HEADER_BYTES = 20  # netlink and netfilter headers
_TUPLE_ORIG, _TUPLE_REPLY, _ID, _ZONE = 1, 2, 12, 18
_NESTED = 0x8000
_ECHO_PROTOCOLS = frozenset({socket.IPPROTO_ICMP, socket.IPPROTO_ICMPV6})


@dataclass(frozen=True, slots=True)
class Abandoned:
    """What marks a flow of a path no longer in use. Addresses and networks as packed bytes and objects.

    `spared` is the canary's network: its flows are pinned to their path and stay.
    """

    addresses: frozenset[bytes]
    prefixes: tuple[ipaddress.IPv6Network, ...]
    spared: ipaddress.IPv4Network | None


def flow_is_abandoned(body: bytes, marks: Abandoned) -> tuple[int, bytes, bytes] | None:
    """(family, original tuple, other keys) of a flow to forget, None for one to keep. `body` as the kernel dumps it."""
    family = body[16]
    fields = attributes(body, _HEADER_BYTES)
    original, reply = fields.get(_TUPLE_ORIG, b""), fields.get(_TUPLE_REPLY, b"")
    ends, answer = attributes(original), attributes(reply)
    source_kind, target_kind = (1, 2) if family == socket.AF_INET else (3, 4)
    source = attributes(ends.get(1, b"")).get(source_kind, b"")
    back_to = attributes(answer.get(1, b"")).get(target_kind, b"")
    if not _marked(source, back_to, marks):
        return None
    protocol = attributes(ends.get(2, b"")).get(1, b"\0")[0]
    if source == back_to and protocol in _ECHO_PROTOCOLS:  # our own probe of a resting path
        return None
    keys = b"".join(attribute(kind, fields[kind]) for kind in (_ID, _ZONE) if kind in fields)
    return family, original, keys


def _marked(source: bytes, back_to: bytes, marks: Abandoned) -> bool:
    if marks.spared is not None and len(source) == 4 and ipaddress.IPv4Address(source) in marks.spared:
        return False
    if back_to in marks.addresses:
        return True
    return len(source) == 16 and any(ipaddress.IPv6Address(source) in prefix for prefix in marks.prefixes)


class Conntrack:
    """Reads and forgets tracked flows of this network namespace."""

    def __init__(self) -> None:
        self._netlink = Netlink(NETLINK_NETFILTER)

    def close(self) -> None:
        """Give the socket back."""
        self._netlink.close()

    def forget(self, marks: Abandoned, limit_s: float) -> int:
        """Forget the abandoned flows, for at most about `limit_s` seconds; returns how many.

        Raises:
            NetlinkError: the kernel has no connection tracking, or refuses.
        """
        end = time.monotonic() + limit_s
        count = 0
        hints = _hints(marks)
        reading = Netlink(NETLINK_NETFILTER)  # its own socket: it may be left in the middle of a dump
        try:
            # both families in one dump: the kernel walks its whole hash table each time
            for part in reading.parts(_GET, struct.pack("!BBH", socket.AF_UNSPEC, 0, 0)):
                likely = (body for body in part if any(hint in body for hint in hints))
                found = [found for body in likely if (found := flow_is_abandoned(body, marks))]
                answers = self._netlink.batch([(_DELETE, 0, _deletion(*flow)) for flow in found])
                count += sum(answer is None for answer in answers)
                if time.monotonic() > end:
                    break
        finally:
            reading.close()
        return count


def _deletion(family: int, original: bytes, keys: bytes) -> bytes:
    return struct.pack("!BBH", family, 0, 0) + attribute(_TUPLE_ORIG | _NESTED, original) + keys


def _hints(marks: Abandoned) -> tuple[bytes, ...]:
    """Bytes one of which every abandoned flow contains: searching for them is 30 times quicker than reading a flow."""
    return (*marks.addresses, *(net.network_address.packed[: net.prefixlen // 8] for net in marks.prefixes))

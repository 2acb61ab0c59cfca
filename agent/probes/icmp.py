"""ICMP and ICMPv6 echo as a Linux ping socket speaks it (RFC 792, RFC 4443 section 4). Pure: bytes in, values out.

The kernel fills in the identifier and the checksum, so neither is here. A probe is 36 bytes at the IPv4 layer: 20 of
header, 8 of ICMP, 8 of token. The token is random per process: what does not carry it is no reply of ours.
"""

import errno
import os
import socket
import struct
from typing import NamedTuple

TOKEN_BYTES = 8

_ECHO_REQUEST = {4: 8, 6: 128}
_ECHO_REPLY = {4: 0, 6: 129}
_HEADER = struct.Struct("!BBHHH")  # type, code, checksum, identifier, sequence number
_SOCK_EXTENDED_ERR = struct.Struct("=IBBBxII")  # errno, origin, type, code, info, data (linux/errqueue.h)
_SOCKADDR_FAMILY = struct.Struct("=H")

ORIGIN_LOCAL = 1
ORIGIN_ICMP = 2
ORIGIN_ICMP6 = 3
ORIGIN_TIMESTAMPING = 4

_UNREACHABLE = {
    0: "network unreachable",
    1: "host unreachable",
    2: "protocol unreachable",
    3: "port unreachable",
    4: "packet too big",
    5: "source route failed",
    9: "network administratively prohibited",
    10: "host administratively prohibited",
    13: "administratively prohibited",
}
_UNREACHABLE6 = {
    0: "no route",
    1: "administratively prohibited",
    2: "beyond the scope of the source address",
    3: "address unreachable",
    4: "port unreachable",
    5: "source address refused by policy",
    6: "route rejected",
}
_OTHER = {
    (ORIGIN_ICMP, 4): "source quench",
    (ORIGIN_ICMP, 5): "redirect",
    (ORIGIN_ICMP, 11): "time exceeded",
    (ORIGIN_ICMP, 12): "parameter problem",
    (ORIGIN_ICMP6, 2): "packet too big",
    (ORIGIN_ICMP6, 3): "time exceeded",
    (ORIGIN_ICMP6, 4): "parameter problem",
}
NOT_ALLOWED = (
    "not allowed to open an ICMP socket; let this process's group do so: "
    'sysctl -w net.ipv4.ping_group_range="0 2147483647"'
)
_LOCAL = {
    errno.EACCES: NOT_ALLOWED,
    errno.EPERM: NOT_ALLOWED,
    errno.ENODEV: "the interface does not exist",
    errno.ENXIO: "the interface does not exist",
    errno.ENETDOWN: "the interface is down",
    errno.ENETUNREACH: "no route over this interface",
    errno.EAGAIN: "the send queue is full",
    errno.ENOBUFS: "the send queue is full",
    errno.EMSGSIZE: "the probe is larger than the interface's MTU",
    errno.EADDRNOTAVAIL: "the interface has no address of this family",
}


class Echo(NamedTuple):
    """The sequence number and the token of an echo message; a quoting router may have cut the token short."""

    seq: int
    token: bytes


class QueuedError(NamedTuple):
    """`struct sock_extended_err` and the address that caused it ("" when the kernel names none)."""

    error: int
    origin: int
    type: int
    code: int
    info: int
    data: int
    offender: str


def encode_request(family: int, seq: int, token: bytes) -> bytes:
    """An echo request of `family` 4 or 6; `seq` counts modulo 65536."""
    return _HEADER.pack(_ECHO_REQUEST[family], 0, 0, 0, seq & 0xFFFF) + token


def decode_reply(family: int, data: bytes) -> Echo | None:
    """The echo reply in `data`, or None for anything else."""
    return _decode(data, _ECHO_REPLY[family])


def decode_quoted(family: int, data: bytes) -> Echo | None:
    """The echo request a router quoted in its error; the token has 0 to 8 bytes (RFC 792 quotes 8 bytes of ICMP)."""
    return _decode(data, _ECHO_REQUEST[family])


def _decode(data: bytes, wanted_type: int) -> Echo | None:
    if len(data) < _HEADER.size:
        return None
    kind, code, _, _, seq = _HEADER.unpack_from(data)
    if kind != wanted_type or code != 0:
        return None
    return Echo(seq, data[_HEADER.size : _HEADER.size + TOKEN_BYTES])


def decode_queued_error(data: bytes) -> QueuedError | None:
    """The control message IP_RECVERR or IPV6_RECVERR, or None when it is too short to be one."""
    if len(data) < _SOCK_EXTENDED_ERR.size:
        return None
    error, origin, kind, code, info, extra = _SOCK_EXTENDED_ERR.unpack_from(data)
    return QueuedError(error, origin, kind, code, info, extra, _offender(data[_SOCK_EXTENDED_ERR.size :]))


def _offender(sockaddr: bytes) -> str:
    if len(sockaddr) < _SOCKADDR_FAMILY.size:
        return ""
    (family,) = _SOCKADDR_FAMILY.unpack_from(sockaddr)
    if family == socket.AF_INET and len(sockaddr) >= 8:
        return socket.inet_ntop(socket.AF_INET, sockaddr[4:8])
    if family == socket.AF_INET6 and len(sockaddr) >= 24:
        return socket.inet_ntop(socket.AF_INET6, sockaddr[8:24])
    return ""


def describe(queued: QueuedError) -> str:
    """An error from the queue in words, for people: what, and who says so."""
    words = _OTHER.get((queued.origin, queued.type))
    if queued.origin == ORIGIN_ICMP and queued.type == 3:
        words = _UNREACHABLE.get(queued.code)
    elif queued.origin == ORIGIN_ICMP6 and queued.type == 1:
        words = _UNREACHABLE6.get(queued.code)
    elif queued.origin == ORIGIN_LOCAL:
        words = explain(queued.error)
    if words is None:
        words = f"ICMP type {queued.type} code {queued.code}"
    return f"{words}, says {queued.offender}" if queued.offender else words


def explain(error: int) -> str:
    """Why this machine did not send, in words, with the remedy where there is one. `error` is an errno."""
    if error not in errno.errorcode:
        return f"error {error}"  # 32 bits from the kernel's error queue: more than strerror takes
    return _LOCAL.get(error) or os.strerror(error)

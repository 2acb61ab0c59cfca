"""Links, addresses and rules out of rtnetlink's answers (linux/if_link.h, if_addr.h, fib_rules.h). Pure."""

import ipaddress
import socket
import struct
import sys

from failover.actuators.linux.netlink import attributes
from failover.actuators.linux.values import FOREVER, IfAddress, Link, Rule

_LINK = struct.Struct("=16xBxHiII")  # each after the 16-byte netlink header
_ADDRESS = struct.Struct("=16xBBBBI")
_RULE_BYTES = 28
_LIFETIMES = struct.Struct("=II")
_UP, _POINT_TO_POINT, _NO_ARP = 0x1, 0x10, 0x80
_IFLA_IFNAME, _IFLA_MTU = 3, 4
_IFA_ADDRESS, _IFA_LOCAL, _IFA_CACHEINFO, _IFA_FLAGS = 1, 2, 6, 8
_FRA_SRC, _FRA_PRIORITY, _FRA_SUPPRESS_PREFIXLEN, _FRA_TABLE, _FRA_OIFNAME, _FRA_PROTOCOL = 2, 6, 14, 15, 17, 21

LINK_REQUEST = _LINK.pack(0, 0, 0, 0, 0)[16:]


def address_request(index: int) -> bytes:
    """Ask for the addresses of one interface only."""
    return _ADDRESS.pack(0, 0, 0, 0, index)[16:]


def link(data: bytes) -> Link:
    """One RTM_NEWLINK."""
    _, _, index, flags, _ = _LINK.unpack_from(data)
    fields = attributes(data, _LINK.size)
    return Link(
        index,
        _text(fields, _IFLA_IFNAME),
        _number(fields, _IFLA_MTU) or 0,
        bool(flags & _UP),
        bool(flags & (_POINT_TO_POINT | _NO_ARP)),
    )


def address(data: bytes) -> IfAddress | None:
    """One RTM_NEWADDR; None if it bears no address."""
    _, length, short_flags, scope, index = _ADDRESS.unpack_from(data)
    fields = attributes(data, _ADDRESS.size)
    packed = fields.get(_IFA_LOCAL) or fields.get(_IFA_ADDRESS)
    if packed is None:
        return None
    life = fields.get(_IFA_CACHEINFO, b"")
    preferred_s, valid_s = _LIFETIMES.unpack_from(life) if life else (FOREVER, FOREVER)
    flags = _number(fields, _IFA_FLAGS)
    return IfAddress(
        index,
        ipaddress.ip_interface((packed, length)),
        scope == 0,
        valid_s,
        preferred_s,
        short_flags if flags is None else flags,
    )


def rule(family: int, protocol: int, data: bytes) -> Rule | None:
    """One RTM_NEWRULE; None if it does not carry our protocol number."""
    fields = attributes(data, _RULE_BYTES)
    if _number(fields, _FRA_PROTOCOL) != protocol:
        return None
    source = fields.get(_FRA_SRC)
    return Rule(
        family,
        _number(fields, _FRA_PRIORITY) or 0,
        _number(fields, _FRA_TABLE) or 0,
        socket.inet_ntop(family, source) if source else "",
        _text(fields, _FRA_OIFNAME),
        _number(fields, _FRA_SUPPRESS_PREFIXLEN) == 0,
    )


def _number(fields: dict[int, bytes], kind: int) -> int | None:
    return int.from_bytes(fields[kind], sys.byteorder) if kind in fields else None


def _text(fields: dict[int, bytes], kind: int) -> str:
    return fields.get(kind, b"").rstrip(b"\0").decode(errors="replace")

"""Routes and rules of this network namespace: the actor's own by its own code, other programs' by a plain dump."""

import socket
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from agent.actor.main import plan
from agent.config import BranchSettings
from failover.actuators.linux.kernel import PROTOCOL, Kernel
from failover.actuators.linux.netlink import NETLINK_ROUTE, Netlink, NetlinkError, attributes
from failover.actuators.linux.routes import IN_USE_TABLE, Routes, Sight, rules
from failover.actuators.linux.values import FAMILIES, Rule

__all__ = ["DefaultRoute", "ForeignRule", "NetlinkError", "NetworkSeen", "read"]

_GETROUTE, _GETRULE = 26, 34
_UNICAST, _UNREACHABLE = 1, 7
_NEXT_HOP = struct.Struct("=HBBi")
_HEADERS = 28  # netlink's 16 bytes and 12 of rtmsg or fib_rule_hdr
_LOOKUP, _GOTO, _NOTHING = 1, 2, 3
_ACTIONS = {6: "blackhole", 7: "unreachable", 8: "prohibit"}
_INVERTED = 2
# Attributes of a rule that narrow what it catches (linux/fib_rules.h), besides the fields of its header.
_NARROWING = {1, 2, 3, 10, 12, 17, 19, 20, 22, 23, 24}
_IPV6 = Path("/proc/sys/net/ipv6")


@dataclass(frozen=True, slots=True)
class DefaultRoute:
    """A default route of any table. `protocol` says who put it there (/etc/iproute2/rt_protos)."""

    family: int
    table: int
    interface: str
    gateway: str
    metric: int
    protocol: int


@dataclass(frozen=True, slots=True)
class ForeignRule:
    """A rule that is not the actor's. `text` is how `ip rule` writes it, `everything`: it catches every packet.

    `action`: "lookup", or what becomes of the packet. `specific_only`: default routes of its table do not count.
    """

    family: int
    priority: int
    text: str
    action: str
    table: int
    everything: bool
    specific_only: bool
    protocol: int


@dataclass(frozen=True, slots=True)
class NetworkSeen:
    """`wanted` are the rules the actor keeps for these settings, `own` those of its protocol number in place."""

    sights: tuple[Sight, ...]
    wanted: tuple[Rule, ...]
    own: tuple[Rule, ...]
    foreign: tuple[ForeignRule, ...]
    defaults: tuple[DefaultRoute, ...]
    ipv6: bool

    @property
    def interface_in_use(self) -> str:
        """Where table 188 leads; empty: nowhere."""
        there = (route for family in FAMILIES for route in self.in_table(IN_USE_TABLE, family))
        return next((route.interface for route in there if route.interface), "")

    def in_table(self, table: int, family: int) -> tuple[DefaultRoute, ...]:
        """The default routes of one table, best first."""
        found = [route for route in self.defaults if (route.table, route.family) == (table, family)]
        return tuple(sorted(found, key=lambda route: route.metric))


def read(settings: BranchSettings) -> NetworkSeen:
    """Everything at once; needs no privilege.

    Raises:
        NetlinkError: the kernel refuses.
    """
    families = FAMILIES if _IPV6.exists() else FAMILIES[:1]
    kernel, netlink = Kernel(), Netlink(NETLINK_ROUTE)
    try:
        sights = Routes(kernel, plan(settings)).look()
        names = {link.index: link.name for link in kernel.links().values()}
        return NetworkSeen(
            sights,
            tuple(rule for family in families for rule in rules(family, sights)),
            tuple(rule for family in families for rule in kernel.rules(family)),
            tuple(rule for family in families for rule in _foreign(netlink, family)),
            tuple(route for family in families for route in _defaults(netlink, family, names)),
            len(families) > 1,
        )
    finally:
        kernel.close()
        netlink.close()


def _defaults(netlink: Netlink, family: int, names: dict[int, str]) -> Iterator[DefaultRoute]:
    for data in netlink.dump(_GETROUTE, struct.pack("=8BI", family, 0, 0, 0, 0, 0, 0, 0, 0)):
        _, length, _, _, table, protocol, _, kind = data[16:24]
        if length or kind not in {_UNICAST, _UNREACHABLE}:
            continue
        fields = attributes(data, _HEADERS)
        metric, table = _number(fields, 6), _number(fields, 15) or table
        for index, gateway in _hops(fields) if kind == _UNICAST else [(0, "")]:
            yield DefaultRoute(family, table, names.get(index, ""), gateway, metric, protocol)


def _hops(fields: dict[int, bytes]) -> list[tuple[int, str]]:
    hops, many = [], fields.get(9, b"")
    while len(many) >= _NEXT_HOP.size:
        size, _, _, index = _NEXT_HOP.unpack_from(many)
        hops.append((index, _text(attributes(many[:size], _NEXT_HOP.size).get(5))))
        many = many[max(size, _NEXT_HOP.size) :]
    return hops or [(_number(fields, 4), _text(fields.get(5)))]


def _foreign(netlink: Netlink, family: int) -> Iterator[ForeignRule]:
    for data in netlink.dump(_GETRULE, struct.pack("=8BI", family, 0, 0, 0, 0, 0, 0, 0, 0)):
        _, dst_len, src_len, tos, short_table, _, _, action, flags = struct.unpack_from("=8BI", data, 16)
        fields = attributes(data, _HEADERS)
        if _number(fields, 21) == PROTOCOL or action in {_GOTO, _NOTHING}:
            continue
        priority, table = _number(fields, 6), _number(fields, 15) or short_table
        narrow = bool(dst_len or src_len or tos or set(fields) & _NARROWING)
        words = [f"{priority}:", "not" if flags & _INVERTED else ""]
        words += ["from", f"{_text(fields.get(2))}/{src_len}" if src_len else "all"]
        words += ["to", f"{_text(fields.get(1))}/{dst_len}"] if dst_len else []
        words += ["fwmark", f"{_number(fields, 10):#x}/{_number(fields, 16):#x}"] if 10 in fields else []
        words += ["iif", _name(fields[3])] if 3 in fields else []
        words += ["oif", _name(fields[17])] if 17 in fields else []
        done = _ACTIONS.get(action, "lookup")
        words += ["lookup", {253: "default", 254: "main", 255: "local"}.get(table, str(table))] if table else [done]
        specific = 14 in fields and int.from_bytes(fields[14], sys.byteorder, signed=True) >= 0
        words += ["suppress_prefixlength", str(_number(fields, 14))] if specific else []
        text = " ".join(word for word in words if word)
        # An inverted rule catches all but what it names: what it leaves out is the exception.
        everything = not narrow or bool(flags & _INVERTED)
        yield ForeignRule(family, priority, text, done, table, everything, specific, _number(fields, 21))


def _number(fields: dict[int, bytes], kind: int) -> int:
    return int.from_bytes(fields.get(kind, b""), sys.byteorder)


def _text(packed: bytes | None) -> str:
    if not packed:
        return ""
    return socket.inet_ntop(socket.AF_INET if len(packed) == 4 else socket.AF_INET6, packed)


def _name(raw: bytes) -> str:
    return raw.rstrip(b"\0").decode(errors="replace")

"""Links, addresses, routes and rules of this network namespace, through pyroute2's rtnetlink messages.

The only file that imports pyroute2, and only its message classes: its package initialiser loads every socket it has
and asyncio (31 MiB resident, 12 without). The initialiser still runs, late, if something else asks the package for a name.
"""

import importlib
import importlib.util
import ipaddress
import socket
import sys
import types
from dataclasses import dataclass
from typing import Any

from failover.actuators.linux.netlink import (
    NETLINK_ROUTE,
    NLM_F_CREATE,
    NLM_F_EXCL,
    NLM_F_REPLACE,
    Netlink,
    NetlinkError,
)

MAIN_TABLE = 254
PROTOCOL = 178  # marks our routes and rules; 188 itself is OSPF, whose daemon sweeps what carries it
FAMILIES = (socket.AF_INET, socket.AF_INET6)
FOREVER = 0xFFFFFFFF

_UNICAST, _UNREACHABLE = 1, 7
_NEWLINK, _GETLINK, _NEWADDR, _GETADDR = 16, 18, 20, 22
_NEWROUTE, _DELROUTE, _GETROUTE = 24, 25, 26
_NEWRULE, _DELRULE, _GETRULE = 32, 33, 34
_UP, _POINT_TO_POINT, _NO_ARP, _CARRIER = 0x1, 0x10, 0x80, 0x10000
_ONLINK = 0x4
_LINK_SCOPE = 253
_NOT_FOUND = frozenset({2, 3, 19, 97})  # ENOENT, ESRCH, ENODEV, EAFNOSUPPORT
_EXISTS = 17
_METRIC_IPV6 = 1024  # what the kernel gives an IPv6 route without one


def _messages() -> tuple[Any, Any, Any, Any]:
    spec = importlib.util.find_spec("pyroute2")
    if spec is None or spec.loader is None:
        raise ImportError("pyroute2 is not installed; install branchline[agent]")
    if "pyroute2" not in sys.modules:
        package, loader = types.ModuleType("pyroute2"), spec.loader
        package.__spec__, package.__path__ = spec, list(spec.submodule_search_locations or ())

        def late(name: str) -> Any:
            if name.startswith("__"):
                raise AttributeError(name)
            if importlib.util.find_spec(f"pyroute2.{name}") is not None:
                return importlib.import_module(f"pyroute2.{name}")
            package.__dict__.pop("__getattr__", None)
            loader.exec_module(package)
            return getattr(package, name)

        package.__dict__["__getattr__"] = late
        sys.modules["pyroute2"] = package
    rtnl = "pyroute2.netlink.rtnl"
    return (
        importlib.import_module(f"{rtnl}.rtmsg").rtmsg,
        importlib.import_module(f"{rtnl}.fibmsg").fibmsg,
        importlib.import_module(f"{rtnl}.ifinfmsg").ifinfmsg,
        importlib.import_module(f"{rtnl}.ifaddrmsg").ifaddrmsg,
    )


_route_message, _rule_message, _link_message, _address_message = _messages()


@dataclass(frozen=True, slots=True)
class Link:
    """One interface; `mtu` in bytes; `point_to_point`: it has no neighbours to resolve, so no gateway is needed."""

    index: int
    name: str
    mtu: int
    up: bool
    carrier: bool
    point_to_point: bool


@dataclass(frozen=True, slots=True)
class IfAddress:
    """One address of an interface. Lifetimes in seconds, FOREVER for no end; `glob`: global scope."""

    index: int
    address: ipaddress.IPv4Interface | ipaddress.IPv6Interface
    glob: bool
    valid_s: int
    preferred_s: int
    flags: int


@dataclass(frozen=True, slots=True)
class Route:
    """A default route, or with `destination` a specific one. index 0: unreachable. mtu 0: the interface's."""

    family: int
    table: int
    index: int
    gateway: str = ""
    mtu: int = 0
    onlink: bool = False
    metric: int = 0
    destination: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """A routing rule; exactly what we install. `suppress_default`: skip the table's default routes."""

    family: int
    priority: int
    table: int
    source: str = ""
    interface: str = ""
    suppress_default: bool = False


class Kernel:
    """Reads and changes rtnetlink state. Every method raises NetlinkError when the kernel refuses."""

    def __init__(self) -> None:
        self._netlink = Netlink(NETLINK_ROUTE)

    def close(self) -> None:
        """Give the socket back."""
        self._netlink.close()

    def link(self, name: str) -> Link | None:
        """The interface called `name`, if it is there now."""
        return self.links().get(name)

    def links(self) -> dict[str, Link]:
        """All interfaces by name."""
        found = {}
        for message in self._dump(_link_message, _GETLINK):
            flags = message["flags"]
            link = Link(
                message["index"],
                message.get_attr("IFLA_IFNAME"),
                message.get_attr("IFLA_MTU") or 0,
                bool(flags & _UP),
                bool(flags & _CARRIER),
                bool(flags & (_POINT_TO_POINT | _NO_ARP)),
            )
            found[link.name] = link
        return found

    def addresses(self, index: int) -> tuple[IfAddress, ...]:
        """The addresses of one interface, both families, the tentative and failed left in."""
        found = []
        for message in self._dump(_address_message, _GETADDR, index=index):
            if message["index"] != index:
                continue
            text = message.get_attr("IFA_LOCAL") or message.get_attr("IFA_ADDRESS")
            life = message.get_attr("IFA_CACHEINFO") or {}
            flags = message.get_attr("IFA_FLAGS")
            found.append(
                IfAddress(
                    index,
                    ipaddress.ip_interface(f"{text}/{message['prefixlen']}"),
                    message["scope"] == 0,
                    life.get("ifa_valid", FOREVER),
                    life.get("ifa_preferred", FOREVER),
                    message["flags"] if flags is None else flags,
                )
            )
        return tuple(found)

    def prefer(self, address: IfAddress, preferred_s: int) -> None:
        """Set the preferred lifetime of an address, its valid lifetime kept."""
        message = _address_message()
        message["family"], message["index"] = _family(address), address.index
        message["prefixlen"] = address.address.network.prefixlen
        text = str(address.address.ip)
        message["attrs"] = [
            ["IFA_LOCAL", text],
            ["IFA_ADDRESS", text],
            ["IFA_FLAGS", address.flags & ~0x20],  # deprecated: the kernel derives it from the lifetime
            ["IFA_CACHEINFO", {"ifa_preferred": preferred_s, "ifa_valid": address.valid_s}],
        ]
        self._change(_NEWADDR, NLM_F_REPLACE, message)

    def routes(self, family: int, table: int, index: int = 0) -> tuple[Route, ...]:
        """Unicast and unreachable routes of one table, of one interface if given, best metric first."""
        message = _route_message()
        message["family"] = family
        message["attrs"] = [["RTA_TABLE", table], *([["RTA_OIF", index]] if index else [])]
        found: list[Route] = []
        try:
            raw = self._netlink.dump(_GETROUTE, _body(message))
        except NetlinkError as error:
            if error.code in _NOT_FOUND:  # the table was never used, or IPv6 is off
                return ()
            raise
        for data in raw:
            found += _routes_of(_decode(_route_message, data), family, table, index)
        return tuple(sorted(found, key=lambda route: route.metric))

    def put_default(self, route: Route) -> None:
        """Put a default route in place of the one its table has, in one step: no moment without one."""
        self._change(_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, _as_message(route))

    def delete_default(self, route: Route) -> None:
        """Delete a default route; one that is gone is fine."""
        self._drop(_DELROUTE, _as_message(route))

    def rules(self, family: int) -> tuple[Rule, ...]:
        """The rules that carry our protocol number."""
        message = _rule_message()
        message["family"] = family
        try:
            raw = self._netlink.dump(_GETRULE, _body(message))
        except NetlinkError as error:
            if error.code in _NOT_FOUND:
                return ()
            raise
        found = []
        for data in raw:
            rule = _decode(_rule_message, data)
            if rule.get_attr("FRA_PROTOCOL") == PROTOCOL:
                found.append(
                    Rule(
                        family,
                        rule.get_attr("FRA_PRIORITY") or 0,
                        rule.get_attr("FRA_TABLE") or rule["table"],
                        rule.get_attr("FRA_SRC") or "",
                        rule.get_attr("FRA_OIFNAME") or "",
                        rule.get_attr("FRA_SUPPRESS_PREFIXLEN") == 0,
                    )
                )
        return tuple(found)

    def add_rule(self, rule: Rule) -> None:
        """Add a rule; one that is there is fine."""
        try:
            self._change(_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, _rule_as_message(rule))
        except NetlinkError as error:
            if error.code != _EXISTS:
                raise

    def delete_rule(self, rule: Rule) -> None:
        """Delete a rule; one that is gone is fine."""
        self._drop(_DELRULE, _rule_as_message(rule))

    def _dump(self, kind: Any, request: int, *, index: int = 0) -> list[Any]:
        message = kind()
        if index:
            message["index"] = index  # the kernel leaves out the other interfaces' (strict dumps)
        return [_decode(kind, data) for data in self._netlink.dump(request, _body(message))]

    def _change(self, request: int, flags: int, message: Any) -> None:
        self._netlink.request(request, flags, _body(message))

    def _drop(self, request: int, message: Any) -> None:
        try:
            self._change(request, 0, message)
        except NetlinkError as error:
            if error.code not in _NOT_FOUND:
                raise


def _body(message: Any) -> bytes:
    message.encode()
    return bytes(message.data)[16:]


def _decode(kind: Any, data: bytes) -> Any:
    message = kind(data)
    message.decode()
    return message


def _family(address: IfAddress) -> int:
    return socket.AF_INET if address.address.version == 4 else socket.AF_INET6


def _as_message(route: Route) -> Any:
    message = _route_message()
    message["family"], message["table"], message["proto"] = route.family, min(route.table, 252), PROTOCOL
    message["type"] = _UNICAST if route.index else _UNREACHABLE
    if route.index and not route.gateway and route.family == socket.AF_INET:
        message["scope"] = _LINK_SCOPE
    message["flags"] = _ONLINK if route.onlink else 0
    attrs: list[list[Any]] = [["RTA_TABLE", route.table]]
    if route.family == socket.AF_INET6:
        attrs.append(["RTA_PRIORITY", _METRIC_IPV6])
    if route.gateway:
        attrs.append(["RTA_GATEWAY", route.gateway])
    if route.index:
        attrs.append(["RTA_OIF", route.index])
    if route.mtu:
        attrs.append(["RTA_METRICS", {"attrs": [["RTAX_MTU", route.mtu]]}])
    message["attrs"] = attrs
    return message


def _routes_of(message: Any, family: int, table: int, index: int) -> list[Route]:
    if message["type"] not in {_UNICAST, _UNREACHABLE} or (message.get_attr("RTA_TABLE") or message["table"]) != table:
        return []
    destination = f"{message.get_attr('RTA_DST')}/{message['dst_len']}" if message["dst_len"] else ""
    metrics = message.get_attr("RTA_METRICS")
    mtu = (metrics.get_attr("RTAX_MTU") if metrics else 0) or 0
    hops: list[tuple[int, str, int]] = []
    for hop in message.get_attr("RTA_MULTIPATH") or ():
        hops.append((hop["oif"], hop.get_attr("RTA_GATEWAY") or "", hop["flags"]))
    if message["type"] == _UNREACHABLE:
        hops = [(0, "", 0)]
    elif not hops:
        hops = [(message.get_attr("RTA_OIF") or 0, message.get_attr("RTA_GATEWAY") or "", message["flags"])]
    metric = message.get_attr("RTA_PRIORITY") or 0
    return [
        Route(family, table, oif, gateway, mtu, bool(flags & _ONLINK), metric, destination)
        for oif, gateway, flags in hops
        if not index or oif == index
    ]


def _rule_as_message(rule: Rule) -> Any:
    message = _rule_message()
    message["family"], message["action"] = rule.family, 1  # FR_ACT_TO_TBL
    message["table"] = rule.table if rule.table < 256 else 252
    attrs: list[list[Any]] = [
        ["FRA_TABLE", rule.table],
        ["FRA_PRIORITY", rule.priority],
        ["FRA_PROTOCOL", PROTOCOL],
    ]
    if rule.source:
        message["src_len"] = 32 if rule.family == socket.AF_INET else 128
        attrs.append(["FRA_SRC", rule.source])
    if rule.interface:
        attrs.append(["FRA_OIFNAME", rule.interface])
    if rule.suppress_default:
        attrs.append(["FRA_SUPPRESS_PREFIXLEN", 0])
    message["attrs"] = attrs
    return message

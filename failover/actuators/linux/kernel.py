"""Links, addresses, routes and rules of this network namespace, through pyroute2's rtnetlink messages.

The only file that imports pyroute2, and only its message classes: its package initialiser loads every socket it has
and asyncio (31 MiB resident, 12 without). The initialiser still runs, late, when something else asks the package for
a name. What is asked before each move is read in `parsing`: a link has 60 attributes and two of them matter.
"""

import importlib
import importlib.util
import socket
import sys
import types
from typing import Any

from failover.actuators.linux import parsing
from failover.actuators.linux.netlink import (
    NETLINK_ROUTE,
    NLM_F_CREATE,
    NLM_F_EXCL,
    NLM_F_REPLACE,
    Netlink,
    NetlinkError,
)
from failover.actuators.linux.values import IfAddress, Link, Route, Rule

PROTOCOL = 178  # marks our routes and rules; 188 itself is OSPF, whose daemon sweeps what carries it

_UNICAST, _UNREACHABLE, _TO_TABLE = 1, 7, 1
_GETLINK, _NEWADDR, _GETADDR = 18, 20, 22
_NEWROUTE, _GETROUTE = 24, 26
_DELROUTE, _NEWRULE, _DELRULE, _GETRULE = 25, 32, 33, 34
_DEPRECATED = 0x20
_ONLINK = 0x4
_LINK_SCOPE = 253
_NOT_FOUND = frozenset({2, 3, 19, 97})  # ENOENT, ESRCH, ENODEV, EAFNOSUPPORT
_EXISTS = 17
_METRIC_IPV6 = 1024  # what the kernel gives an IPv6 route without one
_COMPAT_TABLE = 252  # in the one-byte field of a table above 255


def _messages() -> tuple[Any, Any, Any]:
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
        importlib.import_module(f"{rtnl}.ifaddrmsg").ifaddrmsg,
    )


_route_message, _rule_message, _address_message = _messages()


class Kernel:
    """Reads and changes rtnetlink state. Every method raises NetlinkError when the kernel refuses."""

    def __init__(self) -> None:
        self._netlink = Netlink(NETLINK_ROUTE)

    def close(self) -> None:
        """Give the socket back."""
        self._netlink.close()

    def links(self) -> dict[str, Link]:
        """All interfaces by name."""
        found = map(parsing.link, self._netlink.dump(_GETLINK, parsing.LINK_REQUEST))
        return {link.name: link for link in found}

    def addresses(self, index: int) -> tuple[IfAddress, ...]:
        """The addresses of one interface, both families."""
        found = map(parsing.address, self._netlink.dump(_GETADDR, parsing.address_request(index)))
        return tuple(address for address in found if address is not None and address.index == index)

    def prefer(self, address: IfAddress, preferred_s: int) -> None:
        """Set the preferred lifetime of an address, its valid lifetime kept."""
        message = _address_message()
        message["family"] = socket.AF_INET if address.address.version == 4 else socket.AF_INET6
        message["index"], message["prefixlen"] = address.index, address.address.network.prefixlen
        text = str(address.address.ip)
        message["attrs"] = [
            ["IFA_LOCAL", text],
            ["IFA_ADDRESS", text],
            ["IFA_FLAGS", address.flags & ~_DEPRECATED],  # the kernel derives it from the lifetime
            ["IFA_CACHEINFO", {"ifa_preferred": preferred_s, "ifa_valid": address.valid_s}],
        ]
        self._netlink.request(_NEWADDR, NLM_F_REPLACE, _body(message))

    def routes(self, family: int, table: int, index: int = 0) -> tuple[Route, ...]:
        """Unicast and unreachable routes of one table, of one interface if given, best metric first."""
        message = _route_message()
        message["family"] = family
        message["attrs"] = [["RTA_TABLE", table], *([["RTA_OIF", index]] if index else [])]
        found: list[Route] = []
        for data in self._dump(_GETROUTE, message):
            found += _routes_of(_decode(_route_message, data), family, table, index)
        return tuple(sorted(found, key=lambda route: route.metric))

    def put_default(self, route: Route) -> None:
        """Put a default route in place of the one its table has, in one step: no moment without one."""
        self._netlink.request(_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, _body(_as_message(route)))

    def delete_default(self, route: Route) -> None:
        """Delete a default route; one that is gone is fine."""
        self._drop(_DELROUTE, _as_message(route))

    def rules(self, family: int) -> tuple[Rule, ...]:
        """The rules that carry our protocol number."""
        message = _rule_message()
        message["family"] = family
        found = (parsing.rule(family, PROTOCOL, data) for data in self._dump(_GETRULE, message))
        return tuple(rule for rule in found if rule is not None)

    def add_rule(self, rule: Rule) -> None:
        """Add a rule; one that is there is fine."""
        try:
            self._netlink.request(_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, _body(_rule_as_message(rule)))
        except NetlinkError as error:
            if error.code != _EXISTS:
                raise

    def delete_rule(self, rule: Rule) -> None:
        """Delete a rule; one that is gone is fine."""
        self._drop(_DELRULE, _rule_as_message(rule))

    def _dump(self, request: int, message: Any) -> list[bytes]:
        try:
            return self._netlink.dump(request, _body(message))
        except NetlinkError as error:
            if error.code in _NOT_FOUND:  # the table was never used, or IPv6 is off
                return []
            raise

    def _drop(self, request: int, message: Any) -> None:
        try:
            self._netlink.request(request, 0, _body(message))
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


def _as_message(route: Route) -> Any:
    message = _route_message()
    message["family"], message["table"], message["proto"] = route.family, _short(route.table), PROTOCOL
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
    hops = [
        (hop["oif"], hop.get_attr("RTA_GATEWAY") or "", hop["flags"]) for hop in message.get_attr("RTA_MULTIPATH") or ()
    ]
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
    message["family"], message["action"], message["table"] = rule.family, _TO_TABLE, _short(rule.table)
    attrs: list[list[Any]] = [["FRA_TABLE", rule.table], ["FRA_PRIORITY", rule.priority], ["FRA_PROTOCOL", PROTOCOL]]
    if rule.source:
        message["src_len"] = 32 if rule.family == socket.AF_INET else 128
        attrs.append(["FRA_SRC", rule.source])
    if rule.interface:
        attrs.append(["FRA_OIFNAME", rule.interface])
    if rule.suppress_default:
        attrs.append(["FRA_SUPPRESS_PREFIXLEN", 0])
    message["attrs"] = attrs
    return message


def _short(table: int) -> int:
    return table if table < 256 else _COMPAT_TABLE

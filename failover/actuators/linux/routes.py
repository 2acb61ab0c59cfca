"""Routing tables and rules: one table for the path in use, one for each path, chosen by rules before main.

    18800  lookup main suppress_prefixlength 0    connected and specific routes stay as they are
    18801  oif / from address / from canary -> 1880 + place of the path
    18802  lookup 188                             the default route in use

Each change is one netlink message and each prefix of them leaves a working default route.
"""

import ipaddress
import logging
import socket
from collections.abc import Iterable
from dataclasses import dataclass

from failover.actuators.linux.kernel import Kernel
from failover.actuators.linux.netlink import NetlinkError
from failover.actuators.linux.values import FAMILIES, MAIN_TABLE, IfAddress, Link, Route, Rule
from failover.actuators.settings import ActuatorSettings, PathPlan

_log = logging.getLogger(__name__)

IN_USE_TABLE = 188
PATH_TABLE = 1880
SPECIFIC_FIRST, BY_PATH, IN_USE = 18800, 18801, 18802


@dataclass(frozen=True, slots=True)
class Sight:
    """One path as the system has it now. `routes`: its default route by family, where it has one."""

    plan: PathPlan
    place: int
    link: Link | None
    addresses: tuple[IfAddress, ...]
    routes: dict[int, Route]

    def texts(self, family: int) -> tuple[str, ...]:
        """Its global addresses of one family, without prefix length."""
        version = 4 if family == socket.AF_INET else 6
        return tuple(
            str(item.address.ip) for item in self.addresses if item.everywhere and item.address.version == version
        )

    def gateway(self, family: int) -> str:
        """The gateway of one family, or empty."""
        route = self.routes.get(family)
        return route.gateway if route else ""


class Routes:
    """The routing side of the Linux actuator."""

    def __init__(self, kernel: Kernel, settings: ActuatorSettings) -> None:
        self._kernel = kernel
        self._settings = settings
        self._known: dict[tuple[str, int], Route] = {}  # a gateway outlives the route that named it
        self._refused: dict[tuple[str, int], str] = {}  # said once, not every 5 s

    def look(self) -> tuple[Sight, ...]:
        """How the system sees each path now."""
        links = self._kernel.links()
        return tuple(self._see(place, plan, links) for place, plan in enumerate(self._settings.paths))

    def see(self, name: str) -> Sight | None:
        """One path; None: not in the settings."""
        for place, plan in enumerate(self._settings.paths):
            if plan.name == name:
                return self._see(place, plan, self._kernel.links())
        return None

    def in_use(self, sights: Iterable[Sight]) -> str:
        """The path of the default route in use: table 188's, or main's best while that is empty. Empty: none."""
        names = {sight.link.index: sight.plan.name for sight in sights if sight.link}
        for table in (IN_USE_TABLE, MAIN_TABLE):
            for family in FAMILIES:
                for route in self._kernel.routes(family, table):
                    if not route.destination and route.index in names:
                        return names[route.index]
        return ""

    def put_in_use(self, sight: Sight, others_have: frozenset[int]) -> list[str]:
        """Make table 188 send new traffic by this path; returns what had to be changed.

        A family the path lacks but another path has is answered "unreachable" at once: falling through to main would
        send it down a path that is not in use. The same where the kernel refuses the second family's gateway: the
        first one has moved, and a broken IPv6 must not hold IPv4 on a dead path.
        """
        changed: list[str] = []
        first = next(iter(sight.routes), None)
        for family in FAMILIES:
            there = [item for item in self._kernel.routes(family, IN_USE_TABLE) if not item.destination]
            wanted = sight.routes.get(family)
            if wanted is not None:
                wanted = _in_table(wanted, IN_USE_TABLE)
                done = self._put_default(sight, wanted, there, must=family == first)
                changed += done or []
                if done is not None:
                    continue
            unreachable = Route(family, IN_USE_TABLE, 0)
            if wanted is not None or family in others_have:
                changed += self._put_default(sight, unreachable, there, must=True) or []
                continue
            for route in there:
                self._kernel.delete_default(route)
                changed.append(f"removed the {_name(family)} default route left in table {IN_USE_TABLE}")
        return changed

    def _put_default(self, sight: Sight, wanted: Route, there: list[Route], *, must: bool) -> list[str] | None:
        """One default route, unless it stands already; None if the kernel refuses it and it need not be."""
        key = sight.plan.name, wanted.family
        if [_essence(item) for item in there] == [_essence(wanted)]:
            if wanted.index:
                self._refused.pop(key, None)
            return []
        try:
            self._kernel.put_default(wanted)
        except NetlinkError as error:
            if must:
                raise
            if self._refused.get(key) != str(error):
                self._refused[key] = str(error)
                _log.warning("%s: the kernel refuses the %s gateway: %s", sight.plan.name, _name(wanted.family), error)
            return None
        where = f"default route by {sight.plan.name}" if wanted.index else f"route of {sight.plan.name}, unreachable,"
        return [f"put the {_name(wanted.family)} {where} in table {wanted.table}"]

    def put_rules(self, sights: Iterable[Sight]) -> list[str]:
        """Install the rules; returns what had to be changed.

        Rules come before tables: one that points at an empty table does no harm, while without a rule that reaches
        main the kernel refuses every gateway.
        """
        changed = []
        sights = tuple(sights)
        for family in FAMILIES:
            wanted = rules(family, sights)
            there = self._kernel.rules(family)
            for rule in wanted:
                if rule not in there:
                    self._kernel.add_rule(rule)
                    changed.append(f"put back the {_name(family)} rule {describe(rule)}")
            for rule in there:
                if rule not in wanted:
                    self._kernel.delete_rule(rule)
                    changed.append(f"removed the stale {_name(family)} rule {describe(rule)}")
        return changed

    def put_paths(self, sights: Iterable[Sight]) -> list[str]:
        """Fill each path's own table; returns what had to be changed. One path's bad gateway is its own affair."""
        changed: list[str] = []
        for sight in sights:
            table = PATH_TABLE + sight.place
            for family, route in sight.routes.items():
                there = [item for item in self._kernel.routes(family, table) if not item.destination]
                changed += self._put_default(sight, _in_table(route, table), there, must=False) or []
        return changed

    def _see(self, place: int, plan: PathPlan, links: dict[str, Link]) -> Sight:
        link = links.get(plan.interface)
        if link is None:
            return Sight(plan, place, None, (), {})
        addresses = self._kernel.addresses(link.index)
        routes: dict[int, Route] = {}
        for family in FAMILIES:
            route = self._default(family, plan, link, addresses) if link.up else None
            if route is not None:
                routes[family] = self._known[plan.name, family] = route
        return Sight(plan, place, link, addresses, routes)

    def _default(self, family: int, plan: PathPlan, link: Link, addresses: tuple[IfAddress, ...]) -> Route | None:
        version = 4 if family == socket.AF_INET else 6
        ours = [item for item in addresses if item.address.version == version]
        mtu = plan.mtu if plan.mtu < link.mtu else 0
        gateway = plan.gateway_ipv4 if version == 4 else plan.gateway_ipv6
        if gateway:
            return Route(family, 0, link.index, gateway, mtu, not _on_link(gateway, ours)) if ours else None
        for route in self._kernel.routes(family, MAIN_TABLE, link.index):
            if not route.destination and (route.gateway or link.point_to_point):
                return Route(family, 0, link.index, route.gateway, mtu, route.onlink)
        known = self._known.get((plan.name, family))
        if known and known.index == link.index and _on_link(known.gateway, ours):
            return known
        if link.point_to_point and any(item.everywhere for item in ours):
            return Route(family, 0, link.index, "", mtu)
        return None


def rules(family: int, sights: Iterable[Sight]) -> tuple[Rule, ...]:
    """The rules of one family, in the order the kernel asks them."""
    wanted = [Rule(family, SPECIFIC_FIRST, MAIN_TABLE, suppress_default=True)]
    for sight in sights:
        table = PATH_TABLE + sight.place
        wanted.append(Rule(family, BY_PATH, table, interface=sight.plan.interface))
        sources = list(dict.fromkeys(sight.texts(family)))
        if family == socket.AF_INET and sight.plan.canary_ipv4:
            sources.append(sight.plan.canary_ipv4)
        wanted += [Rule(family, BY_PATH, table, source=source) for source in sources]
    return (*wanted, Rule(family, IN_USE, IN_USE_TABLE))


def describe(rule: Rule) -> str:
    """A rule as `ip rule` writes it."""
    words = [str(rule.priority) + ":"]
    words += ["from", rule.source] if rule.source else []
    words += ["oif", rule.interface] if rule.interface else []
    words += ["lookup", "main" if rule.table == MAIN_TABLE else str(rule.table)]
    return " ".join(words) + (" suppress_prefixlength 0" if rule.suppress_default else "")


def _on_link(gateway: str, addresses: list[IfAddress]) -> bool:
    if not gateway:
        return False
    address = ipaddress.ip_address(gateway)
    return address.is_link_local or any(address in item.address.network for item in addresses)


def _in_table(route: Route, table: int) -> Route:
    return Route(route.family, table, route.index, route.gateway, route.mtu, route.onlink)


def _essence(route: Route) -> tuple[int, str, int]:
    return route.index, route.gateway, route.mtu


def _name(family: int) -> str:
    return "IPv4" if family == socket.AF_INET else "IPv6"

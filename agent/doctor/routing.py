"""The actor's own rules and tables: 188 for the path in use, 1880 and up for each path."""

import socket
from typing import TYPE_CHECKING

from agent.doctor.finding import Finding, fail, skip, warn, well
from agent.doctor.site import Missing, Site

if TYPE_CHECKING:
    from agent.doctor.network import NetworkSeen

_START = "start the actor (`systemctl start branchline-actor`), it puts them in place and keeps them there"
_REPAIR = "a running actor mends this within 5 s: see `journalctl -u branchline-actor`"


def rules(site: Site) -> list[Finding]:
    """Every rule the actor keeps for these settings, and none left over."""
    if not site.moves_traffic:
        return [skip("", f'actuator "{site.settings.actor.actuator}" installs none')]
    if isinstance(site.network, Missing):
        return [skip("", site.network.why)]
    from failover.actuators.linux.routes import describe  # noqa: PLC0415 - loads the netlink library

    wanted, own = site.network.wanted, site.network.own
    missing = [_family(rule.family) + describe(rule) for rule in wanted if rule not in own]
    stale = [_family(rule.family) + describe(rule) for rule in own if rule not in wanted]
    return [judge_rules(len(own), missing, stale, running=not isinstance(site.actor, Missing))]


def judge_rules(own: int, missing: list[str], stale: list[str], *, running: bool) -> Finding:
    """`missing` and `stale` as `ip rule` writes them."""
    remedy = _REPAIR if running else _START
    if missing and not own:
        return fail("", "none of the actor's rules is in place", f"no `ip rule` leads to table 188; {remedy}")
    if missing:
        said = f"{len(missing)} of the actor's rules missing"
        return fail("", said, f"the rule `{missing[0]}` is missing; {remedy}")
    if stale:
        said = f"{len(stale)} rules left over"
        return warn("", said, f"the rule `{stale[0]}` belongs to an address or path that is gone; {remedy}")
    return well("", f"{own} rules in place")


def tables(site: Site) -> list[Finding]:
    """A default route in each table."""
    if not site.moves_traffic:
        return [skip("", f'actuator "{site.settings.actor.actuator}" fills none')]
    if isinstance(site.network, Missing):
        return [skip("", site.network.why)]
    from failover.actuators.linux.routes import IN_USE_TABLE, PATH_TABLE  # noqa: PLC0415 - as above

    network = site.network
    running = not isinstance(site.actor, Missing)
    found = [_in_use(site, network, IN_USE_TABLE, running=running)]
    for sight in network.sights:
        table = PATH_TABLE + sight.place
        for family, wanted in sight.routes.items():
            there = [route.gateway for route in network.in_table(table, family)]
            found.append(judge_table(sight.plan.name, table, family, wanted.gateway, there, running=running))
    return found


def _in_use(site: Site, network: "NetworkSeen", table: int, *, running: bool) -> Finding:
    there = [route for family in (socket.AF_INET, socket.AF_INET6) for route in network.in_table(table, family)]
    interface = network.interface_in_use
    name = {path.interface: path.name for path in site.settings.path}.get(interface, "")
    remedy = _REPAIR if running else _START
    if not there:
        return fail("in use", f"table {table} is empty", f"table {table} has no default route; {remedy}")
    if not name:
        where = interface or "nowhere (unreachable)"
        return fail(
            "in use", f"table {table} leads to {where}", f"table {table} leads to no path's interface; {remedy}"
        )
    return well("in use", f"table {table} leads to {name} over {interface}")


def judge_table(path: str, table: int, family: int, wanted: str, there: list[str], *, running: bool) -> Finding:
    """`wanted`: the gateway that must be the only one there; empty: point to point."""
    what = f"table {table}, {_family(family).strip()}"
    if there == [wanted]:
        return well(path, f"{what} via {wanted or 'the link itself'}")
    remedy = _REPAIR if running else _START
    seen = ", ".join(there) or "no default route"
    said = f"{what} has {seen}"
    return fail(path, said, f"{what} must lead to {wanted or 'the link'} but has {seen}; {remedy}")


def _family(family: int) -> str:
    return "IPv4 " if family == socket.AF_INET else "IPv6 "

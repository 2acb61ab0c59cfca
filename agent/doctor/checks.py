"""The literal map of checks, in the order of the report. `docs/doctor.md` is made from it."""

from collections.abc import Callable
from typing import NamedTuple

from agent.doctor import (
    broker,
    clock,
    disk,
    foreign_rules,
    lines,
    masters,
    names,
    parts,
    reach,
    rights,
    routing,
    sysctls,
)
from agent.doctor.finding import Finding, fail
from agent.doctor.site import Site


class Check(NamedTuple):
    """`what` it makes sure of, for the documentation; `look` reads and judges."""

    what: str
    look: Callable[[Site], list[Finding]]


CHECKS: dict[str, Check] = {
    "agent user": Check("the user of `actor.agent_user` exists", rights.user),
    "ping socket": Check(
        "a group of the agent is within `net.ipv4.ping_group_range` (EACCES: the range; EPERM: a capability)",
        rights.ping_socket,
    ),
    "clock": Check("it was set, and somebody keeps it", clock.clock),
    "rp_filter": Check(
        "no uplink filters reverse paths strictly, which kills probes on a resting line", sysctls.reverse_path
    ),
    "forwarding": Check("IPv4 and, where a path has an `ipv6_prefix`, IPv6 forwarding is on", sysctls.forwarding),
    "interface": Check("each path's interface exists, has carrier and an address", lines.interfaces),
    "gateway": Check("each uplink has a default route in main, or a gateway in the settings", lines.gateways),
    "probes": Check(
        "each path can be probed whatever the default route, and which anchors answer", reach.anchors_by_path
    ),
    "rules": Check("the actor's `ip rule`s are in place, and none is left over", routing.rules),
    "tables": Check("table 188 leads to a path, each path's own table to its gateway", routing.tables),
    "other daemons": Check(
        "no second master runs: mwan3, keepalived, OpenMPTCProuter, NetworkManager's connectivity check, a routing "
        "daemon",
        masters.daemons,
    ),
    "other rules": Check("no other program's rule takes packets past the actor's tables", foreign_rules.foreign_rules),
    "equal metrics": Check("no two default routes in main have the same metric", masters.equal_metrics),
    "mended": Check("nobody keeps removing what the actor puts in place", masters.mended),
    "actor": Check("it answers, and which path is in use", parts.actor),
    "canary": Check("it lends ICMP, UDP and TCP sockets on the LAN side", parts.canary_lends),
    "agent": Check("it answers, with the settings file as it is now, and what it thinks of the branch", parts.agent),
    "resolvers": Check("`actor.resolv_file` lists the resolvers of the path in use", names.resolv_file),
    "forwarder": Check("a DNS forwarder is seen to read that file", names.forwarder),
    "broker": Check("name, TCP, TLS and MQTT: refused, no answer and not authorised are told apart", broker.reachable),
    "collector": Check(
        "it acknowledges what the running agent sends, or an ACL denies in silence", broker.acknowledged
    ),
    "spool disk": Check("the state folder can be written, has room and survives a reboot", disk.spool),
    "records": Check("how many wait and were dropped, by the running agent", disk.records),
}


def examine(name: str, site: Site) -> list[Finding]:
    """Look; what cannot even be looked at is a finding too, so that the other lines are still printed."""
    try:
        return CHECKS[name].look(site)
    except (OSError, LookupError, TypeError, ValueError) as error:
        remedy = (
            f"`{name}` could not be checked ({type(error).__name__}: {error}); if the agent is older than this "
            f"command, restart it, else please report this"
        )
        return [fail("", "could not be checked", remedy)]

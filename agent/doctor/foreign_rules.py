"""Rules of other programs that are asked before the actor's and lead past it."""

import socket
from typing import TYPE_CHECKING

from agent.doctor.finding import Finding, fail, skip, warn, well
from agent.doctor.masters import MAIN_TABLE, ROUTING_DAEMONS, tolerated
from agent.doctor.site import Missing, Site

if TYPE_CHECKING:
    from agent.doctor.network import ForeignRule

LOCAL_TABLE = 255
OUR_LAST_PRIORITY = 18802


def foreign_rules(site: Site) -> list[Finding]:
    """Rules of others that are asked before the actor's and lead to another default route."""
    if isinstance(site.network, Missing):
        return [skip("", site.network.why)]
    network = site.network
    found = []
    for rule in network.foreign:
        finding = judge_rule(rule, has_default=bool(network.in_table(rule.table, rule.family)))
        if finding is not None and finding not in found:
            found.append(finding if site.moves_traffic else tolerated(finding, site.settings.agent.master))
    return found or [well("", "none leads past the actor's tables")]


def judge_rule(rule: "ForeignRule", *, has_default: bool) -> Finding | None:
    """`has_default`: the table it leads to has a default route. None: the rule is harmless."""
    if rule.priority > OUR_LAST_PRIORITY or rule.specific_only or rule.table == LOCAL_TABLE:
        return None
    family = "-6 " if rule.family == socket.AF_INET6 else ""
    command = f"`ip {family}rule del priority {rule.priority}`"
    if rule.action == "lookup" and not has_default:
        return None
    who = _rule_owner(rule)
    if rule.everything or (rule.action == "lookup" and rule.table != MAIN_TABLE):
        remedy = (
            f"the rule `{rule.text}` ({who}) is asked before the actor's and takes packets past table 188, so they "
            f"stay on a dead line; end the program that keeps it, then {command}"
        )
        return fail(who, rule.text, remedy)
    if rule.action != "lookup":
        return None
    remedy = (
        f"what the rule `{rule.text}` catches follows main's default route and is not moved; "
        f"if that is not meant: {command}"
    )
    return warn(who, rule.text, remedy)


def _rule_owner(rule: "ForeignRule") -> str:
    if rule.protocol in ROUTING_DAEMONS:
        return ROUTING_DAEMONS[rule.protocol]
    if rule.action == "lookup" and "fwmark" in rule.text and rule.text.split("/")[-1].startswith("0x3f00"):
        return "mwan3"
    return "a rule of another program"

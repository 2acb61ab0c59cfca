"""From settings to what machine and prober need. Pure."""

import math

from agent.config import BranchSettings
from agent.probes import Target
from failover.state import START_GRACE_S, PathPlan, Plan


def plan_of(settings: BranchSettings) -> Plan:
    """The machine's plan of this branch."""
    return Plan(
        profile=settings.probing.profile,
        paths=tuple(
            PathPlan(path.name, path.rank, path.role, path.metered, _anchors_of(settings, path.name))
            for path in settings.path
        ),
        anchors=tuple(anchor.name for anchor in settings.anchor),
        # An agent that moves nothing needs no rule that ends a branch's start: what never answered stays unknown.
        start_grace_s=math.inf if settings.actor.actuator == "dry_run" else START_GRACE_S,
        hold_s=settings.failover.hold,
        hold_cap_s=settings.failover.hold_cap,
    )


def first_family(settings: BranchSettings) -> int:
    """The IP family that is judged; the other one labels only. IPv4 where any anchor has it."""
    return 4 if any(anchor.ipv4 for anchor in settings.anchor) else 6


def targets_of(settings: BranchSettings) -> list[Target]:
    """Every anchor over every path, in each family the anchor has."""
    return [
        Target(path.name, path.interface, anchor.name, family, address)
        for path in settings.path
        for family in (4, 6)
        for anchor in settings.anchor
        if anchor.name in _anchors_of(settings, path.name) and (address := anchor.ipv4 if family == 4 else anchor.ipv6)
    ]


def _anchors_of(settings: BranchSettings, path: str) -> tuple[str, ...]:
    return tuple(anchor.name for anchor in settings.anchor if not anchor.paths or path in anchor.paths)

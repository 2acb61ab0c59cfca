"""The wall's small measurements, counted from the board: `branch_state`, `fleet` and `fleet_isp`. Pure.

A silent branch's lines are unknown, not up: only what was last heard DOWN stays DOWN (docs/design.md principle 3).
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from statistics import mean, median

from collector.board import BranchNow
from collector.heard import PathHeard
from collector.incidents.model import AlertClass, Incident
from collector.inventory.places import Places
from collector.store.lines import Value, point, series
from wire.fields import BranchStateField, FleetField, FleetIspField, Measurement, Tag
from wire.messages import BranchState, LinkState, PowerSource, Role, SensorKind, SensorState

SILENT = frozenset({BranchState.ISOLATED, BranchState.UNKNOWN})
WORST_FIRST = (LinkState.DOWN, LinkState.DEGRADED, LinkState.UNKNOWN, LinkState.SUSPECT, LinkState.UP)
_BRANCHES = {
    BranchState.OK: FleetField.BRANCHES_OK,
    BranchState.DEGRADED: FleetField.BRANCHES_DEGRADED,
    BranchState.ON_5G: FleetField.BRANCHES_ON_5G,
    BranchState.ISOLATED: FleetField.BRANCHES_ISOLATED,
    BranchState.UNKNOWN: FleetField.BRANCHES_UNKNOWN,
}
_LINKS = {
    LinkState.UP: FleetField.LINKS_UP,
    LinkState.SUSPECT: FleetField.LINKS_UP,  # a quarter of a second of doubt is nothing to people
    LinkState.DEGRADED: FleetField.LINKS_DEGRADED,
    LinkState.DOWN: FleetField.LINKS_DOWN,
    LinkState.UNKNOWN: FleetField.LINKS_UNKNOWN,
}


def link_state(branch: BranchNow, path: PathHeard) -> LinkState:
    """The state of a path to show: what a silent branch said long ago is not known now."""
    if branch.state in SILENT and path.state is not LinkState.DOWN:
        return LinkState.UNKNOWN
    return path.state


def on_battery(branch: BranchNow) -> bool:
    """Whether any of its devices says that mains is lost."""
    return any(each.source in {PowerSource.BATTERY, PowerSource.NONE} for each in branch.heard.power.values())


def water_alarm(branch: BranchNow) -> bool:
    """Whether any of its flood sensors is wet."""
    return any(
        each.kind is SensorKind.FLOOD and each.state is SensorState.ALARM for each in branch.heard.sensors.values()
    )


def branch_state_line(branch: BranchNow, places: Places, at_ns: int) -> str:
    """One branch as the collector judges it."""
    tenant, name, agent = branch.key
    entry = places.branch(tenant, name)
    states = {link_state(branch, path) for path in branch.heard.paths.values()}
    active = branch.heard.paths.get(branch.heard.active)
    values: tuple[tuple[str, Value], ...] = (
        (BranchStateField.STATE, branch.state),
        (BranchStateField.WORST_LINK, next((state for state in WORST_FIRST if state in states), None)),
        (BranchStateField.ON_METERED, None if active is None else int(active.role is Role.CELL)),
        (BranchStateField.LATITUDE_DEG, entry.latitude_deg),
        (BranchStateField.LONGITUDE_DEG, entry.longitude_deg),
    )
    tags = ((Tag.TENANT, tenant), (Tag.BRANCH, name), (Tag.AGENT, agent), (Tag.REGION, entry.region))
    return point(series(Measurement.BRANCH_STATE, tags), values, at_ns)


def fleet_lines(branches: Iterable[BranchNow], places: Places, incidents: Iterable[Incident], at_ns: int) -> list[str]:
    """Counts of each tenant, and of each ISP in each region."""
    tenants: dict[str, list[BranchNow]] = defaultdict(list)
    for branch in branches:
        tenants[branch.key[0]].append(branch)
    open_now = list(incidents)
    lines = []
    for tenant, members in sorted(tenants.items()):
        own = [each for each in open_now if each.tenant == tenant]
        lines.append(_fleet_line(tenant, members, own, at_ns))
        lines += _isp_lines(tenant, members, places, at_ns)
    return [line for line in lines if line]


def _fleet_line(tenant: str, branches: list[BranchNow], incidents: list[Incident], at_ns: int) -> str:
    counts: Counter[str] = Counter({field.value: 0 for field in FleetField})
    for branch in branches:
        counts[_BRANCHES[branch.state]] += 1
        counts[FleetField.ON_BATTERY] += on_battery(branch)
        counts[FleetField.WATER_ALARMS] += water_alarm(branch)
        counts[FleetField.AGENTS_SILENT] += branch.state in SILENT
        for path in branch.heard.paths.values():
            counts[_LINKS[link_state(branch, path)]] += 1
    counts[FleetField.INCIDENTS_OPEN] = len(incidents)
    counts[FleetField.CARRIER_INCIDENTS_OPEN] = sum(each.alert_class is AlertClass.CARRIER for each in incidents)
    return point(series(Measurement.FLEET, ((Tag.TENANT, tenant),)), tuple(counts.items()), at_ns)


def _isp_lines(tenant: str, branches: list[BranchNow], places: Places, at_ns: int) -> list[str]:
    groups: dict[tuple[str, str], list[tuple[LinkState, PathHeard]]] = defaultdict(list)
    for branch in branches:
        region = places.branch(*branch.key[:2]).region
        for name, path in branch.heard.paths.items():
            line = places.line(*branch.key[:2], name)
            groups[path.isp or (line.isp if line else ""), region].append((link_state(branch, path), path))
    lines = []
    for (isp, region), paths in sorted(groups.items()):
        counts = Counter(FleetIspField(_LINKS[state].value) for state, _ in paths)
        rtts_ms = [path.rtt_ms for state, path in paths if state is LinkState.UP and path.rtt_ms is not None]
        losses_pct = [path.loss_pct for state, path in paths if state is LinkState.UP and path.loss_pct is not None]
        values: tuple[tuple[str, Value], ...] = (
            *((field, counts[field]) for field in FleetIspField if field.startswith("links_")),
            (FleetIspField.RTT_MEDIAN_MS, median(rtts_ms) if rtts_ms else None),
            (FleetIspField.LOSS_PCT, mean(losses_pct) if losses_pct else None),
        )
        tags = ((Tag.TENANT, tenant), (Tag.ISP, isp or "unknown"), (Tag.REGION, region))
        lines.append(point(series(Measurement.FLEET_ISP, tags), values, at_ns))
    return lines

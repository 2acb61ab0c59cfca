"""What the collector itself writes about a fleet."""

import random
from collections.abc import Iterator

from msgspec.structs import replace

from collector.board import BranchNow
from collector.counters import Counters
from collector.fleet import branch_state_line, fleet_lines
from collector.heard import BranchHeard, PathHeard, PowerHeard
from collector.incidents.model import AlertClass, Cause, Entry, EntryKind, Incident, Member, Phase, Severity
from collector.incidents.points import incident_points
from collector.inventory.model import BranchEntry, Inventory
from collector.inventory.places import Places
from collector.store.lines import pipeline_line, point, series
from tests.integration.dashboards.sites import FLOODED, ISPS, SECOND, TENANT, Site, Times, is_down
from wire.fields import (
    DeliveryField,
    LinkHourField,
    Measurement,
    Tag,
)
from wire.messages import (
    BranchState,
    LinkState,
    PowerSource,
    Role,
)


def branch_states(site: Site, times: Times, chance: random.Random) -> Iterator[str]:
    entry = BranchEntry(
        name=site.address.branch,
        region=site.region,
        latitude_deg=chance.uniform(43, 50),
        longitude_deg=chance.uniform(-3, 7),
    )
    places = Places([Inventory(tenant=TENANT, branch=(entry,))])
    for at_s in range(times.start_s, times.end_s, 60):
        yield branch_state_line(_now(site, flood=at_s >= times.flood_s), places, at_s * SECOND)


def _now(site: Site, *, flood: bool) -> BranchNow:
    """The branch as the collector's board has it."""
    wet = site.flooded and flood
    states = {True: LinkState.DOWN, False: LinkState.UP}
    paths = {
        name: PathHeard(states[wet and role is Role.WIRE], role, isp, rtt_ms=18.5, loss_pct=0.1)
        for name, role, isp in site.lines
    }
    power = {"ups1": PowerHeard(PowerSource.BATTERY if wet else PowerSource.MAINS, 1, 1)}
    heard = BranchHeard(active="5g" if wet else "wan1", paths=paths, power=power)
    isolated = int(site.address.branch[-3:]) % 5 == 0
    bad = BranchState.ISOLATED if isolated else BranchState.ON_5G
    key = (TENANT, site.address.branch, site.address.agent)
    return BranchNow(key, bad if wet else BranchState.OK, 0.0, heard)


def _tags(site: Site) -> tuple[tuple[str, str], ...]:
    return (Tag.TENANT, TENANT), (Tag.BRANCH, site.address.branch), (Tag.AGENT, site.address.agent)


def hours(site: Site, times: Times) -> Iterator[str]:
    for name, role, isp in site.lines:
        tags = (*_tags(site), (Tag.LINK, name), (Tag.ROLE, role), (Tag.ISP, isp), (Tag.FAMILY, "4"))
        head = series(Measurement.LINK_1H, tags)
        for at_s in range(times.start_s, times.end_s, 3600):
            down_s = 600.0 if is_down(site, role, at_s, times) else 0.0
            values: tuple[tuple[str, float | int], ...] = (
                (LinkHourField.SENT, 36000),
                (LinkHourField.RECEIVED, 35990),
                (LinkHourField.LOSS_PCT, 0.03),
                (LinkHourField.RTT_MEDIAN_MS, 20.0),
                (LinkHourField.MEASURED_S, 3600.0),
                (LinkHourField.UP_S, 3590.0 - down_s),
                (LinkHourField.DEGRADED_S, 0.0),
                (LinkHourField.DOWN_S, down_s),
            )
            yield point(head, values, at_s * SECOND)


def fleet_counts(fleet: list[Site], times: Times) -> Iterator[str]:
    """The collector's counts before and in the flood, each repeated every ten seconds."""
    entries = tuple(BranchEntry(name=each.address.branch, region=each.region) for each in fleet)
    places = Places([Inventory(tenant=TENANT, branch=entries)])
    counted = {
        flood: [
            line.rpartition(" ")[0]
            for line in fleet_lines([_now(each, flood=flood) for each in fleet], places, [], times.start_s)
        ]
        for flood in (False, True)
    }
    for at_s in range(times.start_s, times.end_s, 10):
        yield from (f"{line} {at_s * SECOND}" for line in counted[at_s >= times.flood_s])


def incidents(times: Times) -> Iterator[str]:
    """Three resolved, one with the flood still open."""
    steps: list[tuple[Incident, Entry]] = []
    for number, cause in enumerate((Cause.ISP, Cause.POWER, Cause.ACCESS_LINE)):
        at_s = times.start_s + number * 600 + 60
        steps.append((_incident(cause, f"20261121-0{number}", at_s), Entry(at_s, EntryKind.OPENED)))
        ended = replace(steps[-1][0], phase=Phase.RESOLVED, resolved_s=at_s + 1800.0)
        steps.append((ended, Entry(at_s + 1800, EntryKind.RESOLVED)))
    flood = _incident(Cause.FLOOD, "20261122-10", times.flood_s)
    steps += [
        (flood, Entry(times.flood_s, EntryKind.OPENED)),
        (flood, Entry(times.flood_s + 300, EntryKind.ACKNOWLEDGED)),
    ]
    yield from incident_points(steps, Places())


def _incident(cause: Cause, name: str, at_s: int) -> Incident:
    return Incident(
        id=name,
        key=f"{cause}/{TENANT}/{FLOODED}",
        tenant=TENANT,
        cause=cause,
        confidence=0.9,
        alert_class=AlertClass.ISOLATED,
        severity=Severity.PAGE,
        phase=Phase.OPEN,
        started_s=at_s,
        opened_s=at_s,
        changed_s=at_s,
        members=(Member(TENANT, "agence-000", "wan1", "DOWN", ISPS[0], at_s),),
    )


def deliveries(times: Times) -> Iterator[str]:
    for number, receiver in enumerate(("oncall-sms", "noc-mail")):
        values: tuple[tuple[str, float | int | str], ...] = (
            (DeliveryField.DELIVERED, number),
            (DeliveryField.ATTEMPTS, 3 - number),
            (DeliveryField.TOOK_S, 2.5),
            (DeliveryField.INCIDENT_ID, "20261122-10"),
        )
        yield point(
            series(Measurement.DELIVERY, ((Tag.TENANT, TENANT), (Tag.RECEIVER, receiver))),
            values,
            times.flood_s * SECOND,
        )


def pipeline(times: Times) -> Iterator[str]:
    counters = Counters()
    for at_s in range(times.start_s, times.end_s, 10):
        counters.messages += 90
        counters.records += 1800
        counters.lines_written += 1790
        yield pipeline_line("c1", counters, 8_000_000, 120_000, at_s * SECOND, held=False)

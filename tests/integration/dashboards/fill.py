"""Six hours of a plausible fleet as line protocol, made by the functions the collector writes with.

A river floods one region: its wired lines go down, its branches move to 5G, some are isolated; power is lost there too.
"""

import random
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from msgspec.structs import replace

from collector.board import BranchNow
from collector.counters import Counters
from collector.fleet import branch_state_line, fleet_lines
from collector.heard import BranchHeard, PathHeard, PowerHeard
from collector.incidents.model import AlertClass, Cause, Entry, EntryKind, Incident, Member, Phase, Severity
from collector.incidents.points import incident_points
from collector.inventory.model import BranchEntry, Inventory
from collector.inventory.places import Places
from collector.store.lines import batch_lines, pipeline_line, point, series
from wire.fields import (
    DeliveryField,
    LinkHourField,
    Measurement,
    Tag,
)
from wire.messages import (
    Act,
    ActKind,
    ActOutcome,
    Batch,
    BranchState,
    Digest,
    DigestPath,
    Environment,
    Flight,
    FlightProbe,
    Gap,
    LinkState,
    Power,
    PowerSource,
    Record,
    Role,
    SensorKind,
    SensorState,
    StateChange,
    Window,
)
from wire.topics import Address, Lane

TENANT = "acme"
REGIONS = ("Grand Est", "Bretagne", "Normandie", "Île-de-France", "Occitanie", "PACA", "Hauts-de-France")
FLOODED = "Grand Est"
ISPS = ("Orange", "SFR", "Bouygues", "Free Pro")
_SECOND = 1_000_000_000
WINDOW_S = 10


@dataclass(frozen=True)
class Site:
    """One branch with its lines: (name, role, ISP)."""

    address: Address
    region: str
    lines: tuple[tuple[str, Role, str], ...]

    @property
    def flooded(self) -> bool:
        return self.region == FLOODED


def sites(branches: int, lines: int) -> list[Site]:
    """`branches` branches that have `lines` lines together, each at least a wire and 5G."""
    out = []
    third = lines - 2 * branches
    for number in range(branches):
        wires = 2 if number < third else 1
        names = [(f"wan{n + 1}", Role.WIRE, ISPS[(number + n) % len(ISPS)]) for n in range(wires)]
        place = (*names, ("5g", Role.CELL, ISPS[(number + 2) % len(ISPS)]))
        address = Address(TENANT, f"agence-{number:03d}", f"rt-{number:03d}")
        out.append(Site(address, REGIONS[number % len(REGIONS)], place))
    return out


@dataclass(frozen=True)
class Times:
    """From `start_s` to `end_s`, the flood from `flood_s` on, Unix seconds."""

    start_s: int
    end_s: int

    @property
    def flood_s(self) -> int:
        return self.end_s - (self.end_s - self.start_s) // 3


def lines_of(fleet: list[Site], times: Times, seed: int = 7) -> Iterator[str]:
    """Every point, in no particular order."""
    chance = random.Random(seed)  # noqa: S311 - plausible points, no secret
    for site in fleet:
        yield from _samples(site, times, chance)
        yield from _events(site, times, chance)
        yield from _branch_states(site, times, chance)
        yield from _hours(site, times)
    yield from _fleet(fleet, times)
    yield from _incidents(times)
    yield from _deliveries(times)
    yield from _pipeline(times)


def write(port: int, database: str, lines: Iterator[str], at_once: int = 20_000) -> int:
    """Write them to InfluxDB 1.6 on loopback; how many there were."""
    total = 0
    while block := list(islice(lines, at_once)):
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/write?db={database}&precision=ns", data="\n".join(block).encode(), method="POST"
        )
        with urllib.request.urlopen(request, timeout=30):  # noqa: S310 - same
            total += len(block)
    return total


def _batch(site: Site, lane: Lane, records: tuple[Record, ...]) -> list[str]:
    return batch_lines(site.address, Batch(lane, "e1", 1, 1, False, 0, records))


def _down(site: Site, role: Role, at_s: int, times: Times) -> bool:
    return site.flooded and role is Role.WIRE and at_s >= times.flood_s


def _samples(site: Site, times: Times, chance: random.Random) -> Iterator[str]:
    for name, role, isp in site.lines:
        base_ms = chance.uniform(5, 40) if role is Role.WIRE else chance.uniform(40, 80)
        sent = 100 if role is Role.WIRE else 1
        records = []
        for at_s in range(times.start_s, times.end_s, WINDOW_S):
            down = _down(site, role, at_s, times)
            rtt = base_ms + chance.random() * 3
            records.append(
                Window(
                    at_s * _SECOND,
                    float(WINDOW_S),
                    name,
                    role,
                    isp,
                    4,
                    LinkState.DOWN if down else LinkState.UP,
                    sent,
                    0 if down else sent - (chance.random() < 0.02 and sent > 1),
                    0,
                    0,
                    0,
                    0,
                    None if down else rtt - 1,
                    None if down else rtt,
                    None if down else rtt + 4,
                    None if down else rtt + 9,
                    None if down else 0.4,
                )
            )
        yield from _batch(site, Lane.SAMPLES, tuple(records))


def _events(site: Site, times: Times, chance: random.Random) -> Iterator[str]:
    records: list[Record] = []
    for at_s in range(times.start_s, times.end_s, 60):
        paths = tuple(
            DigestPath(
                name,
                LinkState.DOWN if _down(site, role, at_s, times) else LinkState.UP,
                20.0,
                0.0,
                chance.randrange(1_000_000),
            )
            for name, role, _ in site.lines
        )
        flooded = site.flooded and at_s >= times.flood_s
        state = BranchState.ON_5G if flooded else BranchState.OK
        records.append(Digest(at_s * _SECOND, state, "5g" if flooded else "wan1", paths))
    for at_s in range(times.start_s, times.end_s, 300):
        source = PowerSource.BATTERY if site.flooded and at_s >= times.flood_s else PowerSource.MAINS
        wet = SensorState.ALARM if site.flooded and at_s >= times.flood_s else SensorState.OK
        records.append(Power(at_s * _SECOND, "ups1", source, 98.0, 2700.0, 23.0, 230.0))
        records.append(Environment(at_s * _SECOND, "cellar", SensorKind.FLOOD, wet))
        records.append(Environment(at_s * _SECOND, "rack", SensorKind.TEMPERATURE, SensorState.OK, 24.5, "C"))
    yield from _batch(site, Lane.EVENTS, tuple(records))
    number = int(site.address.branch[-3:])
    if site.flooded or number < 3:
        yield from _move(site, times.flood_s, number)


def _move(site: Site, at_s: int, number: int) -> Iterator[str]:
    at_ns = at_s * _SECOND
    end = (ActOutcome.COMMITTED, ActOutcome.ROLLED_BACK, ActOutcome.FAILED)[number if number < 3 else 0]
    probes = tuple(FlightProbe(n * 100.0 - 3000, "an1", 4, 20.0 if n < 30 else None) for n in range(60))
    records: tuple[Record, ...] = (
        StateChange(at_ns, "wan1", Role.WIRE, site.lines[0][2], LinkState.UP, LinkState.DOWN, "silence", 500.0),
        Act(at_ns + 1, "m1", ActKind.EMERGENCY, ActOutcome.APPLIED, "wan1", "5g", "wan1 is silent", 12.5),
        Act(at_ns + 2, "m1", ActKind.EMERGENCY, end, "wan1", "5g", "wan1 is silent"),
        Flight(at_ns, "down", "wan1", probes),
        Gap(at_ns, 1, 9, 9, "disk full"),
    )
    yield from _batch(site, Lane.EVENTS, records)


def _branch_states(site: Site, times: Times, chance: random.Random) -> Iterator[str]:
    entry = BranchEntry(
        name=site.address.branch,
        region=site.region,
        latitude_deg=chance.uniform(43, 50),
        longitude_deg=chance.uniform(-3, 7),
    )
    places = Places([Inventory(tenant=TENANT, branch=(entry,))])
    for at_s in range(times.start_s, times.end_s, 60):
        yield branch_state_line(_now(site, flood=at_s >= times.flood_s), places, at_s * _SECOND)


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


def _hours(site: Site, times: Times) -> Iterator[str]:
    for name, role, isp in site.lines:
        tags = (*_tags(site), (Tag.LINK, name), (Tag.ROLE, role), (Tag.ISP, isp), (Tag.FAMILY, "4"))
        head = series(Measurement.LINK_1H, tags)
        for at_s in range(times.start_s, times.end_s, 3600):
            down_s = 600.0 if _down(site, role, at_s, times) else 0.0
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
            yield point(head, values, at_s * _SECOND)


def _fleet(fleet: list[Site], times: Times) -> Iterator[str]:
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
        yield from (f"{line} {at_s * _SECOND}" for line in counted[at_s >= times.flood_s])


def _incidents(times: Times) -> Iterator[str]:
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


def _deliveries(times: Times) -> Iterator[str]:
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
            times.flood_s * _SECOND,
        )


def _pipeline(times: Times) -> Iterator[str]:
    counters = Counters()
    for at_s in range(times.start_s, times.end_s, 10):
        counters.messages += 90
        counters.records += 1800
        counters.lines_written += 1790
        yield pipeline_line("c1", counters, 8_000_000, 120_000, at_s * _SECOND, held=False)

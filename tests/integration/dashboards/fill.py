"""Six hours of a plausible fleet as line protocol, made by the functions the collector writes with.

A river floods one region: its wired lines go down, its branches move to 5G, some are isolated; power is lost there too.
"""

import random
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from collector.counters import Counters
from collector.store.lines import batch_lines, pipeline_line, point, series
from wire.fields import (
    INCIDENT_STEPS,
    BranchStateField,
    DeliveryField,
    FleetField,
    FleetIspField,
    IncidentField,
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
    head = series(Measurement.BRANCH_STATE, (*_tags(site), (Tag.REGION, site.region)))
    latitude, longitude = chance.uniform(43, 50), chance.uniform(-3, 7)
    isolated = site.flooded and int(site.address.branch[-3:]) % 5 == 0
    for at_s in range(times.start_s, times.end_s, 60):
        flooded = site.flooded and at_s >= times.flood_s
        bad = BranchState.ISOLATED if isolated else BranchState.ON_5G
        yield point(
            head,
            (
                (BranchStateField.STATE, bad if flooded else BranchState.OK),
                (BranchStateField.WORST_LINK, LinkState.DOWN if flooded else LinkState.UP),
                (BranchStateField.ON_METERED, int(flooded)),
                (BranchStateField.LATITUDE_DEG, latitude),
                (BranchStateField.LONGITUDE_DEG, longitude),
            ),
            at_s * _SECOND,
        )


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
    flooded = sum(each.flooded for each in fleet)
    isolated = sum(each.flooded and int(each.address.branch[-3:]) % 5 == 0 for each in fleet)
    for at_s in range(times.start_s, times.end_s, 10):
        now = at_s >= times.flood_s
        values: dict[FleetField, int] = dict.fromkeys(FleetField, 0)
        values[FleetField.BRANCHES_OK] = len(fleet) - flooded * now
        values[FleetField.BRANCHES_ON_5G] = (flooded - isolated) * now
        values[FleetField.BRANCHES_ISOLATED] = isolated * now
        values[FleetField.LINKS_DOWN] = flooded * 2 * now
        values[FleetField.INCIDENTS_OPEN] = int(now)
        yield point(series(Measurement.FLEET, ((Tag.TENANT, TENANT),)), tuple(values.items()), at_s * _SECOND)
        for isp in ISPS:
            for region in REGIONS:
                tags = ((Tag.TENANT, TENANT), (Tag.ISP, isp), (Tag.REGION, region))
                down = 5 if now and region == FLOODED else 0
                counts: tuple[tuple[str, float | int], ...] = (
                    (FleetIspField.LINKS_UP, 25 - down),
                    (FleetIspField.LINKS_DEGRADED, 0),
                    (FleetIspField.LINKS_DOWN, down),
                    (FleetIspField.LINKS_UNKNOWN, 0),
                    (FleetIspField.RTT_MEDIAN_MS, 18.5),
                    (FleetIspField.LOSS_PCT, 0.1),
                )
                yield point(series(Measurement.FLEET_ISP, tags), counts, at_s * _SECOND)


def _incidents(times: Times) -> Iterator[str]:
    """Three resolved, one with the flood still open."""
    causes = ("isp", "power", "access_line")
    for number, cause in enumerate(causes):
        at_s = times.start_s + number * 600 + 60
        yield _incident(cause, f"20261121-0{number}", "opened", at_s, until_s=at_s + 1800)
        yield _incident(cause, f"20261121-0{number}", "resolved", at_s + 1800, duration_s=1800.0)
    yield _incident("flood", "20261122-10", "opened", times.flood_s)
    yield _incident("flood", "20261122-10", "acknowledged", times.flood_s + 300)


def _incident(
    cause: str, name: str, step: str, at_s: int, *, duration_s: float | None = None, until_s: int | None = None
) -> str:
    values: tuple[tuple[str, float | int | str | None], ...] = (
        (IncidentField.ID, name),
        (IncidentField.STEP, INCIDENT_STEPS[step]),
        (IncidentField.TITLE, f"{cause}: 36 branches, {FLOODED}"),
        (IncidentField.BRANCHES, 36),
        (IncidentField.LINKS, 60),
        (IncidentField.PAGES, 1),
        (IncidentField.DURATION_S, duration_s),
        (IncidentField.UNTIL_MS, None if until_s is None else until_s * 1000.0),
    )
    return point(series(Measurement.INCIDENT, ((Tag.TENANT, TENANT), (Tag.CAUSE, cause))), values, at_s * _SECOND)


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

"""What the agents of a fleet report, as the collector writes it."""

import random
from collections.abc import Iterator

from collector.store.record_lines import batch_lines
from tests.integration.dashboards.sites import SECOND, WINDOW_S, Site, Times, is_down
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
from wire.topics import Lane


def _batch(site: Site, lane: Lane, records: tuple[Record, ...]) -> list[str]:
    return batch_lines(site.address, Batch(lane, "e1", 1, 1, False, 0, records))


def samples(site: Site, times: Times, chance: random.Random) -> Iterator[str]:
    for name, role, isp in site.lines:
        base_ms = chance.uniform(5, 40) if role is Role.WIRE else chance.uniform(40, 80)
        sent = 100 if role is Role.WIRE else 1
        records = []
        for at_s in range(times.start_s, times.end_s, WINDOW_S):
            down = is_down(site, role, at_s, times)
            rtt = base_ms + chance.random() * 3
            records.append(
                Window(
                    at_s * SECOND,
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


def events(site: Site, times: Times, chance: random.Random) -> Iterator[str]:
    records: list[Record] = []
    for at_s in range(times.start_s, times.end_s, 60):
        paths = tuple(
            DigestPath(
                name,
                LinkState.DOWN if is_down(site, role, at_s, times) else LinkState.UP,
                20.0,
                0.0,
                chance.randrange(1_000_000),
            )
            for name, role, _ in site.lines
        )
        flooded = site.flooded and at_s >= times.flood_s
        state = BranchState.ON_5G if flooded else BranchState.OK
        records.append(Digest(at_s * SECOND, state, "5g" if flooded else "wan1", paths))
    for at_s in range(times.start_s, times.end_s, 300):
        source = PowerSource.BATTERY if site.flooded and at_s >= times.flood_s else PowerSource.MAINS
        wet = SensorState.ALARM if site.flooded and at_s >= times.flood_s else SensorState.OK
        records.append(Power(at_s * SECOND, "ups1", source, 98.0, 2700.0, 23.0, 230.0))
        records.append(Environment(at_s * SECOND, "cellar", SensorKind.FLOOD, wet))
        records.append(Environment(at_s * SECOND, "rack", SensorKind.TEMPERATURE, SensorState.OK, 24.5, "C"))
    yield from _batch(site, Lane.EVENTS, tuple(records))
    number = int(site.address.branch[-3:])
    if site.flooded or number < 3:
        yield from _move(site, times.flood_s, number)


def _move(site: Site, at_s: int, number: int) -> Iterator[str]:
    at_ns = at_s * SECOND
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

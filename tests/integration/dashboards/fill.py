"""Hours of a plausible fleet as line protocol, made by the functions the collector writes with, into InfluxDB 1.6."""

import random
import urllib.request
from collections.abc import Iterator
from itertools import islice

from tests.integration.dashboards.agents_lines import events, samples
from tests.integration.dashboards.collector_lines import (
    branch_states,
    deliveries,
    fleet_counts,
    hours,
    incidents,
    pipeline,
)
from tests.integration.dashboards.sites import Site, Times


def lines_of(fleet: list[Site], times: Times, seed: int = 7) -> Iterator[str]:
    """Every point, in no particular order."""
    chance = random.Random(seed)  # noqa: S311 - plausible points, no secret
    for site in fleet:
        yield from samples(site, times, chance)
        yield from events(site, times, chance)
        yield from branch_states(site, times, chance)
        yield from hours(site, times)
    yield from fleet_counts(fleet, times)
    yield from incidents(times)
    yield from deliveries(times)
    yield from pipeline(times)


def write(port: int, database: str, lines: Iterator[str], at_once: int = 20_000) -> int:
    """Write them to InfluxDB 1.6 on loopback; how many there were."""
    total = 0
    while block := list(islice(lines, at_once)):
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/write?db={database}&precision=ns", data="\n".join(block).encode(), method="POST"
        )
        with urllib.request.urlopen(request, timeout=30):  # noqa: S310 - http on loopback
            total += len(block)
    return total

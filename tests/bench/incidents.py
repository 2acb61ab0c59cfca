"""One look of the incident desk at 10,000 branches with 3,000 lines down: judging, reconciling, writing.

`python -m tests.bench.incidents` prints one JSON document. A power cut, a flood and an ISP's outage strike within a
minute; the first look finds them, later looks find one branch changed each, as when branches report one by one.
"""

import argparse
import asyncio
import json
import os
import sqlite3
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from collector.database import open_database
from collector.incidents import book
from collector.incidents.causes import judge, ongoing
from collector.incidents.picture import Eyes
from collector.incidents.reconcile import Changes, Now, reconcile
from collector.incidents.settings import IncidentSettings
from tests.unit.collector.incidents.scene import DOWN, START_S, UP, Fleet, battery, entry, places

if TYPE_CHECKING:
    from collector.incidents.model import Incident

BRANCHES = 10_000
GOAL_MS = 200.0


def make() -> Fleet:
    """10,000 branches: 500 in three dark grid areas, 500 in two wet valleys, 1,000 lines of an ISP elsewhere."""
    entries = []
    for number in range(BRANCHES):
        area = f"area {number % 3}" if number < 500 else ""
        zone = f"valley {number % 2}" if 500 <= number < 1000 else ""
        isp = "Orange" if 1000 <= number < 2500 else ("Free", "SFR")[number % 2]
        other = "Celeste"
        entries.append(entry(f"b{number}", area=area, zone=zone, region=f"r{number % 12}", isps=(isp, other)))
    return Fleet(places(*entries))


def strike(fleet: Fleet) -> int:
    """All within a minute; how many lines are down."""
    for number in range(2000):
        fleet.now_s = START_S + number * 0.03
        name = f"b{number}"
        if number < 500:
            battery(fleet, name)
        elif number < 520:
            fleet.water(name)
        if number < 1000:
            fleet.lines(name, isp1=DOWN, isp2=DOWN)
        else:
            fleet.lines(name, isp1=DOWN)
    return sum(each.state is DOWN for branch in fleet.board.values() for each in branch.heard.paths.values())


def _save(connection: sqlite3.Connection, changes: Changes) -> None:
    book.merge(connection, changes.merged)
    book.save(connection, changes.incidents.values(), changes.entries, changes.notices)


def measure() -> dict[str, object]:
    """Time the looks."""
    fleet = make()
    eyes, settings = Eyes(fleet.places), IncidentSettings()
    incidents: dict[str, Incident] = {}
    looks_ms: list[float] = []
    writes_ms: list[float] = []
    with tempfile.TemporaryDirectory() as directory:
        database = open_database(Path(directory) / "records.db", book.SCHEMA)

        def look() -> Changes:
            began = time.perf_counter()
            picture = eyes.look(dict(fleet.board))
            groups = judge(picture, ongoing(incidents.values()), settings)
            changes = reconcile(groups, incidents, picture, Now(fleet.now_s, START_S - 100), settings)
            looks_ms.append(1000 * (time.perf_counter() - began))
            return changes

        def write(changes: Changes) -> None:
            began = time.perf_counter()
            asyncio.run(database.run(lambda connection: _save(connection, changes)))
            writes_ms.append(1000 * (time.perf_counter() - began))
            incidents.update(changes.incidents)

        look()
        lines = strike(fleet)
        fleet.now_s += 1
        write(look())
        found = sorted(incidents.values(), key=lambda each: each.key)
        for number in range(20):
            fleet.now_s += 0.2
            fleet.lines(f"b{9000 + number // 2}", isp1=(DOWN, UP)[number % 2])
            fleet.lines(f"b{number}", isp1=UP)
            write(look())
        database.close()
    return {
        "bench": "incidents",
        "branches": BRANCHES,
        "lines_down": lines,
        "incidents": {each.key: len(each.branches) for each in found},
        "calm_look_ms": round(looks_ms[0], 1),
        "first_look_ms": round(looks_ms[1], 1),
        "next_look_median_ms": round(median(looks_ms[2:]), 1),
        "next_look_max_ms": round(max(looks_ms[2:]), 1),
        "first_write_ms": round(writes_ms[0], 1),
        "next_write_median_ms": round(median(writes_ms[1:]), 1),
        "goal_ms": GOAL_MS,
        "met": max(looks_ms[1], median(looks_ms[2:])) < GOAL_MS,
        "load_average": os.getloadavg()[0],
    }


def main() -> int:
    """Print the document; exit code 0 when a look stays below the goal."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None).parse_args()
    result = measure()
    print(json.dumps(result, indent=2))
    return 0 if result["met"] else 1


if __name__ == "__main__":
    sys.exit(main())

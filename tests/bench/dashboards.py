"""What the dashboards cost a real InfluxDB 1.6 with six hours of 255 branches and 700 lines. Prints JSON.

    python -m tests.bench.dashboards [--branches 255] [--lines 700] [--hours 6] [--rounds 3]

Each query is asked `--rounds` times and its median counts. `wall_ms` is all queries of the wall one after the other, as
when it is opened; goal: under 500 ms.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

from dashboards import model
from dashboards.build import GENERATED
from dashboards.check import Report, check
from dashboards.influx import Influx
from dashboards.names import WALL
from tests.integration.collector.servers import InfluxDB, free_port, influxd
from tests.integration.dashboards.fill import lines_of, write
from tests.integration.dashboards.sites import Times, sites

GOAL_MS = 500.0


def main() -> int:
    """Fill, ask, print. Exit code 1 when the goal is missed or a query fails."""
    parser = argparse.ArgumentParser(description="What the dashboards cost InfluxDB 1.6.")
    parser.add_argument("--branches", type=int, default=255)
    parser.add_argument("--lines", type=int, default=700)
    parser.add_argument("--hours", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        server = influxd(Path(directory), free_port())
        server.start()
        try:
            assert server.port is not None
            InfluxDB(server.port).create("bl")
            end_s = int(time.time()) // 10 * 10
            began_s = time.monotonic()
            times = Times(end_s - options.hours * 3600, end_s)
            points = write(server.port, "bl", lines_of(sites(options.branches, options.lines), times))
            fill_s = time.monotonic() - began_s
            influx = Influx(f"http://127.0.0.1:{server.port}", "bl")
            boards = model.read(GENERATED)
            reports = [
                check(boards, influx=influx, need_rows=True, now_ms=end_s * 1000 - 1) for _ in range(options.rounds)
            ]
        finally:
            server.kill()
    return _print(options, points, fill_s, reports)


def _print(options: argparse.Namespace, points: int, fill_s: float, reports: list[Report]) -> int:
    queries = []
    for same in zip(*(each.answers for each in reports), strict=True):
        first = same[0]
        queries.append(
            {
                "dashboard": first.uid,
                "what": f"{first.asked.kind} {first.asked.where} {first.asked.ref_id}",
                "ms": round(statistics.median(each.reply.took_ms for each in same), 1),
                "rows": first.reply.rows,
                "bytes": first.reply.size,
            }
        )
    sums: dict[str, float] = {}
    for query in queries:
        sums[str(query["dashboard"])] = round(sums.get(str(query["dashboard"]), 0.0) + float(str(query["ms"])), 1)
    faults = [fault for each in reports[0].layers for fault in each.faults]
    document = {
        "branches": options.branches,
        "lines": options.lines,
        "hours": options.hours,
        "points": points,
        "fill_s": round(fill_s, 1),
        "queries": queries,
        "dashboards_ms": sums,
        "wall_ms": sums[WALL.uid],
        "goal_ms": GOAL_MS,
        "faults": faults,
    }
    print(json.dumps(document, indent=2, ensure_ascii=False))
    return 0 if sums[WALL.uid] < GOAL_MS and not faults else 1


if __name__ == "__main__":
    sys.exit(main())

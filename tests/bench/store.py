"""What the embedded store costs and how fast it answers, on this disk. Prints JSON.

Writes windows of a fleet with ten-second windows the way the writer does (a body for each turn of ten seconds while
they are live), then reads as the page and Grafana would: the last hour of one branch's lines, thirty days of its hours,
the wall's counts of the last hour. `--days` scales the file; figures for thirty days are extrapolated from it.

    python -m tests.bench.store [--links 60] [--days 1] [--folder DIR]
"""

import argparse
import asyncio
import json
import random
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

from collector.store.base import Written
from collector.store.history import Pick, Series
from collector.store.lines import batch_lines
from collector.store.sqlite import Sqlite
from collector.store.sqlite_history import SqliteHistory
from collector.store.sqlite_layout import DAY_NS
from wire.messages import Batch, LinkState, Role, Window
from wire.topics import Address, Lane

START_NS = 20_700 * DAY_NS
HOUR_NS = 3600 * 10**9
TURN_NS = 10 * 10**9
LINKS_A_BRANCH = 3
WINDOWS_A_DAY = 8640
READS = 15


def window(path: str, at_ns: int, chance: random.Random) -> Window:
    """A window with figures as unlike each other as real ones."""
    rtt_ms = 8 + chance.random() * 4
    return Window(
        at_ns, 10.0, path, Role.WIRE, "Some Carrier", 4, LinkState.UP, 300, 300 - chance.randrange(3), 0, 0, 0, 0,
        rtt_ms, rtt_ms * 1.1, rtt_ms * 1.7, rtt_ms * 2.3, chance.random(),
    )  # fmt: skip


def turn(links: int, at_ns: int, chance: random.Random) -> Iterator[str]:
    """Lines of ten seconds of the whole fleet, and the wall's counts."""
    for first in range(0, links, LINKS_A_BRANCH):
        address = Address("t1", f"b{first // LINKS_A_BRANCH}", "a1")
        count = min(LINKS_A_BRANCH, links - first)
        records = tuple(window(f"line{n}", at_ns, chance) for n in range(count))
        yield from batch_lines(address, Batch(Lane.SAMPLES, "e1", 1, 1, False, 0, records))
    yield f"fleet,tenant=t1 branches_ok=255i,links_up={links}i,links_down=0i {at_ns}"


def hours(links: int, start_ns: int, count: int, chance: random.Random) -> Iterator[str]:
    """Lines of `link_1h`."""
    for number in range(links):
        tags = f"tenant=t1,branch=b{number // LINKS_A_BRANCH},agent=a1,link=line{number % LINKS_A_BRANCH},family=4"
        for hour in range(count):
            figures = f"rtt_median_ms={chance.random() * 9!r},up_s=3600.0,measured_s=3600.0,sent=108000i"
            yield f"link_1h,{tags} {figures} {start_ns + hour * HOUR_NS}"


async def write(store: Sqlite, lines: list[str]) -> None:
    """One body."""
    answer = await store.write("\n".join(lines).encode())
    if answer != Written():
        raise RuntimeError(answer)


async def timed(read: Callable[[], Awaitable[list[Series]]]) -> dict[str, float]:
    """Milliseconds of one read, and points it gave."""
    taken_ms = []
    for _ in range(READS):
        begin_s = time.perf_counter()
        found = await read()
        taken_ms.append(1000 * (time.perf_counter() - begin_s))
    points = sum(len(each.at_ns) for each in found)
    return {"p50_ms": round(statistics.median(taken_ms), 1), "max_ms": round(max(taken_ms), 1), "points": points}


def written_bytes() -> int:
    """What this process caused to be written to the disk so far."""
    lines = Path("/proc/self/io").read_text().splitlines()
    return int(dict(line.split(": ") for line in lines)["write_bytes"])


async def measure(file: Path, links: int, days: float) -> dict[str, object]:
    """Fill, then read."""
    chance = random.Random(7)
    store, history = Sqlite(file), SqliteHistory(file, timeout_s=60)
    turns = round(days * WINDOWS_A_DAY)
    body: list[str] = []
    write_s = 0.0
    live_from = turns - 360
    for number in range(live_from):  # in the writer's largest bodies, as after an outage
        body += turn(links, START_NS + number * TURN_NS, chance)
        if len(body) >= 5000 or number == live_from - 1:
            begin_s = time.perf_counter()
            await write(store, body)
            write_s += time.perf_counter() - begin_s
            body = []
    windows = live_from * links
    size_bytes = sum(each.stat().st_size for each in file.parent.glob(f"{file.name}*"))
    live_ms, before_bytes = [], written_bytes()
    for number in range(live_from, turns):
        lines = list(turn(links, START_NS + number * TURN_NS, chance))
        begin_s = time.perf_counter()
        await write(store, lines)
        live_ms.append(1000 * (time.perf_counter() - begin_s))
    live_bytes = written_bytes() - before_bytes
    end_ns = START_NS + turns * TURN_NS
    await write(store, list(hours(links, end_ns - 30 * DAY_NS, 720, chance)))
    branch = {"tenant": "t1", "branch": f"b{links // LINKS_A_BRANCH // 2}"}
    fields = ("rtt_median_ms", "loss_pct", "state")
    result: dict[str, object] = {
        "links": links,
        "days": days,
        "windows": windows,
        "bulk_windows_per_s": round(windows / write_s),
        "file_mb": round(size_bytes / 1e6, 1),
        "bytes_per_window": round(size_bytes / windows, 1),
        "file_gb_in_30_days": round(size_bytes / windows * links * WINDOWS_A_DAY * 30 / 1e9, 1),
        "live_turn_ms": {"p50": round(statistics.median(live_ms), 1), "max": round(max(live_ms), 1)},
        "written_gb_per_day": round(live_bytes * 24 / 1e9, 2),
        "last_hour_of_a_branch": await timed(
            lambda: history.read(
                "link", fields, where=branch, group=("link",), start_ns=end_ns - HOUR_NS, end_ns=end_ns
            )
        ),
        "hours_of_30_days_of_a_branch": await timed(
            lambda: history.read(
                "link_1h", ("rtt_median_ms", "up_s"), where=branch, group=("link",),
                start_ns=end_ns - 30 * DAY_NS, end_ns=end_ns,
            )
        ),
        "days_of_a_branch_by_5_min": await timed(
            lambda: history.read(
                "link", fields, where=branch, group=("link",), every_s=300,
                start_ns=end_ns - round(days * DAY_NS), end_ns=end_ns, pick=Pick.MEAN,
            )
        ),
        "wall_counts_of_the_last_hour": await timed(
            lambda: history.read(
                "fleet", ("branches_ok", "links_up", "links_down"), where={"tenant": "t1"}, group=(),
                start_ns=end_ns - HOUR_NS, end_ns=end_ns,
            )
        ),
    }  # fmt: skip
    begin_s = time.perf_counter()
    await store.forget("link", START_NS + DAY_NS)
    result["forget_a_day_s"] = round(time.perf_counter() - begin_s, 1)
    await history.close()
    await store.close()
    return result


def main() -> None:
    """Measure in a folder that is removed afterwards."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--links", type=int, default=60, help="lines of the fleet")
    parser.add_argument("--days", type=float, default=1, help="days of windows to write")
    parser.add_argument("--folder", type=Path, default=None, help="on the disk to measure")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        print(json.dumps(asyncio.run(measure(Path(name) / "history.db", options.links, options.days)), indent=2))


if __name__ == "__main__":
    main()

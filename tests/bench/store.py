"""What the embedded store costs and how fast it answers, on this disk. Prints JSON.

Fills a file with ten-second windows and digests of a fleet, as after an outage. Then an hour as the writer writes it
live: each branch sends its windows at a moment of its own, and a commit takes what came in `--commit-s` seconds. Then
a branch that was cut off for two hours sends its backlog. Then reads as the page does. `--days` scales the file;
figures for a day and thirty days are extrapolated.

    python -m tests.bench.store [--links 60] [--days 1] [--commit-s 5] [--folder DIR]
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
from collector.store.record_lines import batch_lines
from collector.store.sqlite import Sqlite
from collector.store.sqlite_history import SqliteHistory
from collector.store.sqlite_layout import DAY_NS
from wire.messages import Batch, BranchState, Digest, DigestPath, LinkState, Role, Window
from wire.topics import Address, Lane

START_NS = 20_700 * DAY_NS
HOUR_NS = 3600 * 10**9
TURN_NS = 10 * 10**9
LINKS_A_BRANCH = 3
MAX_LINES = 5000
WINDOWS_A_DAY = 8640
READS = 15


def window(path: str, at_ns: int, chance: random.Random) -> Window:
    """A window with figures as unlike each other as real ones."""
    rtt_ms = 8 + chance.random() * 4
    return Window(
        at_ns, 10.0, path, Role.WIRE, "Some Carrier", 4, LinkState.UP, 300, 300 - chance.randrange(3), 0, 0, 0, 0,
        rtt_ms, rtt_ms * 1.1, rtt_ms * 1.7, rtt_ms * 2.3, chance.random(),
    )  # fmt: skip


def branch(links: int, number: int, at_ns: int, chance: random.Random) -> Iterator[str]:
    """Lines of ten seconds of one branch; each minute its digest."""
    address = Address("t1", f"b{number}", "a1")
    names = [f"line{n}" for n in range(min(LINKS_A_BRANCH, links - number * LINKS_A_BRANCH))]
    records: list[Window | Digest] = [window(name, at_ns, chance) for name in names]
    if (at_ns // TURN_NS + number) % 6 == 0:
        paths = tuple(DigestPath(name, LinkState.UP, 8 + chance.random(), 0.0, None) for name in names)
        records.append(Digest(at_ns, BranchState.OK, names[0], paths))
    yield from batch_lines(address, Batch(Lane.SAMPLES, "e1", 1, 1, False, 0, tuple(records)))


def turn(links: int, at_ns: int, chance: random.Random, commits: int = 1) -> Iterator[list[str]]:
    """Lines of ten seconds of the whole fleet, and the wall's counts, in this many commits."""
    branches = -(-links // LINKS_A_BRANCH)
    for part in range(commits):
        lines: list[str] = []
        for number in range(branches):
            moment = number * 7919 % branches  # its own, the same each turn
            if moment * commits // branches == part:
                lines += branch(links, number, at_ns + moment * TURN_NS // branches, chance)
        if part == 0:
            lines.append(f"fleet,tenant=t1 branches_ok=255i,links_up={links}i,links_down=0i {at_ns}")
        yield lines


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


async def fill(store: Sqlite, links: int, turns: int, chance: random.Random) -> float:
    """Seconds it took to write these turns, in the writer's largest bodies."""
    body: list[str] = []
    write_s = 0.0
    for number in range(turns):
        for lines in turn(links, START_NS + number * TURN_NS, chance):
            body += lines
        if len(body) >= MAX_LINES or number == turns - 1:
            begin_s = time.perf_counter()
            await write(store, body)
            write_s += time.perf_counter() - begin_s
            body = []
    return write_s


async def live(store: Sqlite, links: int, turns: range, chance: random.Random, commits: int) -> dict[str, object]:
    """An hour as it comes."""
    taken_ms, before_bytes = [], written_bytes()
    for number in turns:
        for lines in turn(links, START_NS + number * TURN_NS, chance, commits):
            begin_s = time.perf_counter()
            await write(store, lines)
            taken_ms.append(1000 * (time.perf_counter() - begin_s))
    written_gb = (written_bytes() - before_bytes) / 1e9
    return {
        "commit_ms": {"p50": round(statistics.median(taken_ms), 1), "max": round(max(taken_ms), 1)},
        "written_gb_per_day": round(written_gb * WINDOWS_A_DAY / len(turns), 2),
    }


async def backlog(store: Sqlite, end_turn: int, chance: random.Random) -> dict[str, object]:
    """Two hours of one more branch, among what the others wrote."""
    first = max(0, end_turn - 720)
    times_ns = [START_NS + number * TURN_NS + 5 for number in range(first, end_turn)]
    lines = [line for at_ns in times_ns for line in branch(10**6, 9999, at_ns, chance)]
    before_bytes, begin_s = written_bytes(), time.perf_counter()
    for start in range(0, len(lines), MAX_LINES):
        await write(store, lines[start : start + MAX_LINES])
    taken_s = time.perf_counter() - begin_s
    return {"lines_per_s": round(len(lines) / taken_s), "written_mb": round((written_bytes() - before_bytes) / 1e6)}


async def measure(file: Path, links: int, days: float, commits: int) -> dict[str, object]:
    """Fill, then read."""
    chance = random.Random(7)
    store, history = Sqlite(file), SqliteHistory(file, timeout_s=60)
    turns = round(days * WINDOWS_A_DAY)
    live_from = turns - 360
    write_s = await fill(store, links, live_from, chance)
    windows = live_from * links
    size_bytes = sum(each.stat().st_size for each in file.parent.glob(f"{file.name}*"))
    lived = await live(store, links, range(live_from, turns), chance, commits)
    end_ns = START_NS + turns * TURN_NS
    await write(store, list(hours(links, end_ns - 30 * DAY_NS, 720, chance)))
    late = await backlog(store, turns, chance)
    where = {"tenant": "t1", "branch": f"b{links // LINKS_A_BRANCH // 2}"}

    def of_links(length_ns: int, every_s: float | None) -> Callable[[], Awaitable[list[Series]]]:
        return lambda: history.read(
            "link", ("rtt_median_ms", "loss_pct", "state"),
            where=where, group=("link",), start_ns=end_ns - length_ns, end_ns=end_ns, every_s=every_s, pick=Pick.MEAN,
        )  # fmt: skip

    result: dict[str, object] = {
        "links": links,
        "days": days,
        "commits_a_turn": commits,
        "windows": windows,
        "bulk_windows_per_s": round(windows / write_s),
        "bytes_per_window": round(size_bytes / windows, 1),
        "file_gb_in_30_days": round(size_bytes / windows * links * WINDOWS_A_DAY * 30 / 1e9, 1),
        "live": lived,
        "backlog_of_a_branch": late,
        "last_hour_of_a_branch": await timed(of_links(HOUR_NS, None)),
        "last_day_of_a_branch_by_5_min": await timed(of_links(min(DAY_NS, turns * TURN_NS), 300)),
        "last_day_of_a_branch_as_written": await timed(of_links(min(DAY_NS, turns * TURN_NS), None)),
        "hours_of_30_days_of_a_branch": await timed(
            lambda: history.read(
                "link_1h", ("rtt_median_ms", "up_s"), where=where, group=("link",),
                start_ns=end_ns - 30 * DAY_NS, end_ns=end_ns,
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
    parser.add_argument("--commit-s", type=float, default=5.0, help="seconds of points in one commit")
    parser.add_argument("--folder", type=Path, default=None, help="on the disk to measure")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        commits = max(1, round(TURN_NS / 1e9 / options.commit_s))
        found = asyncio.run(measure(Path(name) / "history.db", options.links, options.days, commits))
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()

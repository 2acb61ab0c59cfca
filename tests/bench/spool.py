"""What keeping records costs a branch, on this disk. Prints JSON.

`append_us`: time the event loop spends for one record. `commit_ms`: from an event's `append` to its durable commit, one
at a time. `records_per_s`: samples committed as fast as the disk takes them. `written_mb_per_day`: what the kernel
counts as written for three links, both families, one window each 10 s and a commit each 10 s, acknowledged at once;
measured over `--windows` rounds without waiting, then scaled to a day (metadata of the file system not counted).
`move_to_event_ms`: from `use_path` to the event of the move at the collector's side of a mosquitto on loopback.

    python -m tests.bench.spool [--folder DIR] [--commits 1000] [--windows 500] [--moves 50]
"""

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from pathlib import Path

import aiomqtt

from agent.config import BrokerSettings
from agent.spool import Spool
from agent.uplink import Uplink
from tests.integration.agent.uplink_records import ADDRESS, event, presence, sample
from tests.integration.collector.servers import Server, free_port, mosquitto
from wire.codec import decode_batch
from wire.messages import Ack, StateChange
from wire.topics import Lane, lane_filters

SERIES = 6  # three links, two families
ROUNDS_A_DAY = 86_400 / 10
RATE_RECORDS, TOGETHER = 50_000, 500
MAX_BYTES = 200_000_000


def percentile(values: list[float], share: float) -> float:
    """The value below which a share of them lies, to a thousandth."""
    return round(sorted(values)[min(len(values) - 1, int(len(values) * share))], 3)


def figures(values: list[float]) -> dict[str, float]:
    """Median, p99 and maximum."""
    return {"p50": round(statistics.median(values), 3), "p99": percentile(values, 0.99), "max": percentile(values, 1)}


def spool_in(folder: Path) -> Spool:
    """A spool that commits when told, or at an event."""
    return Spool(folder, max_bytes=MAX_BYTES, commit_every_s=3600, now_ns=time.time_ns)


def written_bytes() -> int:
    """What this process caused to be written to the disk so far."""
    lines = Path("/proc/self/io").read_text().splitlines()
    return int(dict(line.split(": ") for line in lines)["write_bytes"])


async def commits(folder: Path, count: int) -> dict[str, float]:
    """Events one at a time, milliseconds."""
    spool = spool_in(folder)
    await spool.open()
    took_ms = []
    for number in range(count):
        began_s = time.perf_counter()
        spool.append(event(number))
        await spool.committed_beyond(Lane.EVENTS, number)
        took_ms.append(1000 * (time.perf_counter() - began_s))
    await spool.close()
    return figures(took_ms)


async def rate(folder: Path) -> tuple[dict[str, float], int]:
    """Cost of `append` in microseconds, and records a second committed."""
    spool = spool_in(folder)
    await spool.open()
    records = [sample(number) for number in range(RATE_RECORDS)]
    append_us = []
    began_s = time.perf_counter()
    for number, record in enumerate(records, 1):
        at_s = time.perf_counter()
        spool.append(record)
        append_us.append(1e6 * (time.perf_counter() - at_s))
        if number % TOGETHER == 0:
            await spool.flush()
    per_s = RATE_RECORDS / (time.perf_counter() - began_s)
    assert spool.stats.samples.rows == RATE_RECORDS
    await spool.close()
    return figures(append_us), round(per_s)


async def wear(folder: Path, rounds: int) -> float:
    """Megabytes a day."""
    spool = spool_in(folder)
    await spool.open()
    began = written_bytes()
    for number in range(rounds):
        for each in range(SERIES):
            spool.append(sample(number * SERIES + each))
        await spool.flush()
        await spool.acknowledge(Ack(Lane.SAMPLES, spool.epoch, spool.stats.samples.last_seq))
    await spool.close()  # with the last checkpoint of the log
    return round((written_bytes() - began) / rounds * ROUNDS_A_DAY / 1e6, 1)


async def moves(folder: Path, broker: Server, count: int) -> dict[str, float]:
    """Reconnect over another path, and how long the event of the move takes."""
    assert broker.port
    spool = spool_in(folder)
    await spool.open()
    arrived: asyncio.Queue[str] = asyncio.Queue()
    listening = asyncio.Event()

    async def listen(port: int) -> None:
        async with aiomqtt.Client("127.0.0.1", port, identifier="listener") as client:
            await client.subscribe(lane_filters(ADDRESS.part)[0], 1)
            listening.set()
            async for message in client.messages:
                for record in decode_batch(message.payload).records:
                    if isinstance(record, StateChange):
                        arrived.put_nowait(record.reason)

    uplink = Uplink(BrokerSettings(host="127.0.0.1", port=broker.port), ADDRESS, spool, presence)
    tasks = [asyncio.create_task(listen(broker.port)), asyncio.create_task(uplink.run())]
    await listening.wait()
    took_ms = []
    for number in range(count):
        began_s = time.perf_counter()
        uplink.use_path(f"wan{number % 2}", f"127.0.0.{2 + number % 2}", metered=False)
        spool.append(event(number))
        while await asyncio.wait_for(arrived.get(), 30) != str(number):
            pass  # sent again: nobody acknowledges here
        took_ms.append(1000 * (time.perf_counter() - began_s))
        await spool.acknowledge(Ack(Lane.EVENTS, spool.epoch, spool.stats.events.last_seq))
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    await spool.close()
    return figures(took_ms)


async def measure(folder: Path, options: argparse.Namespace) -> dict[str, object]:
    """All of it, one after the other."""
    commit_ms = await commits(folder / "commits", options.commits)
    append_us, per_s = await rate(folder / "rate")
    wear_mb = await wear(folder / "wear", options.windows)
    broker = mosquitto(folder, free_port())
    try:
        await asyncio.to_thread(broker.start)
        move_ms = await moves(folder / "moves", broker, options.moves)
    finally:
        if broker.running:
            broker.kill()
    return {
        "append_us": append_us,
        "commit_ms": {"commits": options.commits, **commit_ms},
        "records_per_s": per_s,
        "written_mb_per_day": wear_mb,
        "move_to_event_ms": {"moves": options.moves, **move_ms},
    }


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, help="on the disk to measure; a temporary one when not given")
    parser.add_argument("--commits", type=int, default=1000, help="events committed one at a time")
    parser.add_argument("--windows", type=int, default=500, help="rounds of 10 s whose writes are counted")
    parser.add_argument("--moves", type=int, default=50, help="changes of path")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        print(json.dumps(asyncio.run(measure(Path(name), options)), indent=2))


if __name__ == "__main__":
    main()

"""Hours of windows, a flight record, changes and a move of one branch, in the embedded store."""

import asyncio
import random
from pathlib import Path

from collector.store.base import Written
from collector.store.record_lines import batch_lines
from collector.store.sqlite import Sqlite
from collector.store.sqlite_history import SqliteHistory
from tests.integration.collector.web.fleet import TENANT
from wire.messages import (
    Act,
    ActKind,
    ActOutcome,
    Batch,
    Flight,
    FlightProbe,
    LinkState,
    Record,
    Role,
    StateChange,
    Window,
)
from wire.topics import Address, Lane

HOURS = 6


def past_records(cut_s: float, now_s: float) -> list[Record]:
    """Both wires are fine, then silent from `cut_s` on; 5G is idle, then in use."""
    chance = random.Random(7)  # noqa: S311 - a picture, not a secret
    records: list[Record] = []
    start_s = now_s - HOURS * 3600
    for number in range(HOURS * 120):
        at_s = start_s + number * 30
        for path, role, isp, usual_ms in (
            ("fibre", Role.WIRE, "Orange", 11.0),
            ("vdsl", Role.WIRE, "SFR", 28.0),
            ("5g", Role.CELL, "Orange", 46.0),
        ):
            dead = role is Role.WIRE and at_s >= cut_s
            lost = 300 if dead else chance.choice((0, 0, 0, 0, 0, 3, 9 if role is Role.CELL else 1))
            rtt_ms = None if dead else usual_ms * (1 + 0.25 * chance.random()) + (15 if number % 97 < 4 else 0)
            jitter_ms = None if dead else 1.0
            state = LinkState.DOWN if dead else LinkState.UP
            records.append(
                Window(
                    int(at_s * 1e9), 10.0, path, role, isp, 4, state, 300, 300 - lost, 0, 0, 0, 0,
                    rtt_ms, rtt_ms, rtt_ms, rtt_ms, jitter_ms,
                )
            )  # fmt: skip
    cut_ns = int(cut_s * 1e9)
    for path, usual_ms in (("fibre", 11.0), ("5g", 46.0)):
        probes = tuple(
            FlightProbe(
                offset_ms,
                f"anchor{number % 3}",
                4,
                None if path == "fibre" and offset_ms > 0 else usual_ms * (1 + 0.3 * chance.random()),
            )
            for number, offset_ms in enumerate(range(-29_900, 30_000, 100 if path == "fibre" else 500))
        )
        records.append(Flight(cut_ns, "fibre is silent", path, probes))
    records.append(
        StateChange(cut_ns, "fibre", Role.WIRE, "Orange", LinkState.UP, LinkState.DOWN, "silent for 510 ms", 510.0)
    )
    records.append(
        Act(cut_ns + 600_000_000, "m1", ActKind.EMERGENCY, ActOutcome.COMMITTED, "fibre", "5g", "fibre is silent", 12.0)
    )
    return records


async def past_of(directory: Path, branch: str, cut_s: float, now_s: float) -> SqliteHistory:
    """The history of `branch`, to be closed by who asked."""
    address = Address(TENANT, branch, branch.replace("b", "a", 1))
    records = past_records(cut_s, now_s)
    store = Sqlite(directory / "history.db")
    for first in range(0, len(records), 500):
        batch = Batch(Lane.SAMPLES, "e1", first, 1, False, 0, tuple(records[first : first + 500]))
        lines = batch_lines(address, batch)
        for part in range(0, len(lines), 2000):
            answer = await store.write("\n".join(lines[part : part + 2000]).encode())
            if not isinstance(answer, Written):
                raise TypeError(f"the store says {answer}")
    await store.close()
    await asyncio.sleep(0)
    return SqliteHistory(store.file, timeout_s=5.0)

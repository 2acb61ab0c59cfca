"""The spool on a real file."""

import asyncio
import logging
import sqlite3
import time
from pathlib import Path

import pytest
from msgspec.structs import replace

from agent.spool import Spool
from agent.spool.ages import Ages
from agent.spool.gaps import Span, coalesce
from tests.unit.agent.spool_records import event, flight, sample
from wire.messages import Ack, Digest, Gap, Record, StateChange
from wire.messages import BranchState as State
from wire.topics import Lane

HOUR_S = 3600.0
MINUTE_NS = 60_000_000_000


def made(folder: Path, *, commit_every_s: float = HOUR_S, max_bytes: int = 20_000_000, retry_s: float = 0.02) -> Spool:
    return Spool(folder, max_bytes=max_bytes, commit_every_s=commit_every_s, now_ns=time.time_ns, retry_s=retry_s)


async def records(spool: Spool, lane: Lane, after: int = 0) -> dict[int, Record]:
    batch = await spool.next_batch(lane, after, max_records=10**6, max_bytes=10**9)
    return {} if batch is None else {batch.first_seq + index: record for index, record in enumerate(batch.records)}


async def until_well(spool: Spool) -> None:
    async with asyncio.timeout(10):
        while spool.stats.trouble or not spool.epoch:
            await spool.flush()


def _bytes_in(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.iterdir())


def _broken(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.glob("*broken*"))


async def test_only_what_is_committed_is_given_out(tmp_path: Path) -> None:
    spool = made(tmp_path)
    await spool.open()
    spool.append(sample(1))
    assert await spool.next_batch(Lane.SAMPLES, 0, max_records=9, max_bytes=9999) is None
    spool.append(event(2))  # at once, and takes the sample along
    await spool.committed_beyond(Lane.EVENTS, 0)
    batch = await spool.next_batch(Lane.SAMPLES, 0, max_records=9, max_bytes=9999)
    assert batch
    assert (batch.epoch, batch.first_seq, batch.base, batch.hist) == (spool.epoch, 1, 1, False)
    assert batch.records == (sample(1),)
    await spool.close()


async def test_samples_are_committed_when_their_time_has_come(tmp_path: Path) -> None:
    spool = made(tmp_path, commit_every_s=0.02)
    await spool.open()
    spool.append(sample(1))
    async with asyncio.timeout(5):
        await spool.committed_beyond(Lane.SAMPLES, 0)
    await spool.close()


async def test_numbers_go_on_after_emptying_and_restarting(tmp_path: Path) -> None:
    for number in (1, 2, 3):
        spool = made(tmp_path)
        await spool.open()
        for lane, record in ((Lane.EVENTS, event(number)), (Lane.SAMPLES, sample(number))):
            spool.append(record)
            await spool.flush()
            assert list(await records(spool, lane))[-1] == number
            assert await spool.acknowledge(Ack(lane, spool.epoch, number))
            assert await records(spool, lane) == {}
        await spool.close()


async def test_a_restart_keeps_what_was_acknowledged(tmp_path: Path) -> None:
    spool = made(tmp_path)
    await spool.open()
    epoch = spool.epoch
    assert len(epoch) == 16
    int(epoch, 16)
    for number in range(3):
        spool.append(event(number))
        spool.append(sample(number))
    spool.append(Digest(1, State.OK, "isp1", ()))
    await spool.flush()
    assert await spool.acknowledge(Ack(Lane.EVENTS, epoch, 4))
    assert await spool.acknowledge(Ack(Lane.SAMPLES, epoch, 2))
    spool.append(sample(3))
    await spool.close()
    with sqlite3.connect(tmp_path / "spool.db") as db:
        # State changes stay, marked; the digest stays only because it is the newest; samples are gone.
        assert db.execute("SELECT seq, acked FROM events").fetchall() == [(1, 1), (2, 1), (3, 1), (4, 1)]
        assert db.execute("SELECT seq, acked FROM samples").fetchall() == [(3, 0), (4, 0)]
    db.close()
    spool = made(tmp_path)
    await spool.open()
    assert spool.epoch == epoch
    assert await records(spool, Lane.EVENTS) == {}
    assert list(await records(spool, Lane.SAMPLES)) == [3, 4]
    spool.append(event(5))
    await spool.flush()
    assert list(await records(spool, Lane.EVENTS)) == [5]
    await spool.close()


async def test_foreign_and_impossible_acknowledgements(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    spool = made(tmp_path)
    await spool.open()
    epoch = spool.epoch
    spool.append(event(1))
    await spool.flush()
    assert not await spool.acknowledge(Ack(Lane.EVENTS, "0" * 16, 1))
    assert spool.epoch == epoch
    assert not await spool.acknowledge(Ack(Lane.EVENTS, epoch, 2))
    await spool.flush()
    assert spool.epoch != epoch
    assert "the disk forgot what it had confirmed" in caplog.text
    assert spool.stats.acks_ignored == 2
    assert list(await records(spool, Lane.EVENTS)) == [1]
    await spool.close()


@pytest.mark.parametrize("damage", ["torn", "noise", "another version"])
async def test_a_damaged_file_is_put_aside(tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: str) -> None:
    spool = made(tmp_path)
    await spool.open()
    epoch = spool.epoch
    spool.append(flight(1, 50_000))
    await spool.close()
    file = tmp_path / "spool.db"
    if damage == "torn":
        file.write_bytes(file.read_bytes()[:6_000])
    elif damage == "noise":
        file.write_bytes(b"\x5a" * 20_000)
    else:
        db = sqlite3.connect(file)
        db.execute("PRAGMA user_version=99")
        db.close()
    caplog.set_level(logging.WARNING)
    spool = made(tmp_path)
    await spool.open()
    spool.append(event(2))
    await spool.flush()
    await spool.flush()
    assert spool.epoch not in {epoch, ""}
    assert (tmp_path / "spool.db.broken-1").exists()
    assert caplog.text.count("put aside as spool.db.broken-1, a new epoch starts") == 1
    assert event(2) in (await records(spool, Lane.EVENTS)).values()
    await spool.close()


async def test_only_the_newest_damaged_files_are_kept(tmp_path: Path) -> None:
    for _ in range(5):
        (tmp_path / "spool.db").write_bytes(b"\x5a" * 20_000)
        spool = made(tmp_path)
        await spool.open()
        await spool.close()
    assert _broken(tmp_path) == [f"spool.db.broken-{n}" for n in (3, 4, 5)]


async def test_a_full_spool_drops_the_oldest_samples_and_tells_it_once(tmp_path: Path) -> None:
    spool = made(tmp_path, max_bytes=3_000_000)
    await spool.open()
    for number in range(50):
        spool.append(event(number))
    for number in range(3000):
        spool.append(flight(number, 1000))
        if number % 100 == 0:
            await spool.flush()
    await spool.flush()
    stats = spool.stats
    assert _bytes_in(tmp_path) <= 3_000_000
    assert stats.events.rows == 50
    assert stats.samples.committed == 3000
    held = await records(spool, Lane.SAMPLES)
    gaps = [record for record in held.values() if isinstance(record, Gap)]
    assert [gap.count for gap in gaps] == [stats.samples.dropped]
    assert len(held) - 1 + stats.samples.dropped == 3000
    assert gaps[0].first_seq == 1
    assert gaps[0].last_seq == min(held) - 1
    await spool.close()


async def test_without_a_disk_memory_holds_and_the_hole_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    blocked = tmp_path / "state"
    blocked.write_text("a file where the folder should be")
    spool = made(blocked, max_bytes=2_000_000)
    await spool.open()
    assert spool.epoch == ""
    assert "cannot be written" in (spool.stats.trouble or "")
    assert await spool.next_connection() == 1
    for number in range(400):
        spool.append(flight(number, 1000))
    spool.append(event(0))
    await spool.flush()
    assert spool.stats.memory_bytes <= 300_000
    blocked.unlink()
    await until_well(spool)
    await spool.flush()
    held = await records(spool, Lane.SAMPLES)
    gap = held[1]
    assert isinstance(gap, Gap)
    assert (gap.first_seq, gap.last_seq) == (1, 1)
    assert gap.count + len(held) - 1 == 400
    assert held[max(held)] == flight(399, 1000)
    assert list((await records(spool, Lane.EVENTS)).values()) == [event(0)]
    assert caplog.text.count("cannot be written") == 1
    assert caplog.text.count("can be written again") == 1
    assert await spool.next_connection() == 2
    await spool.close()


async def test_two_agents_on_one_spool(tmp_path: Path) -> None:
    first, second = made(tmp_path), made(tmp_path)
    await first.open()
    await second.open()
    assert "in use by another agent" in (second.stats.trouble or "")
    await first.close()
    await until_well(second)
    await second.close()


async def test_a_record_too_large_for_the_wire_is_counted(tmp_path: Path) -> None:
    spool = made(tmp_path)
    await spool.open()
    spool.append(flight(1, 300_000), Lane.EVENTS)
    spool.append(event(2))
    await spool.flush()
    first, second = (await records(spool, Lane.EVENTS)).values()
    assert isinstance(first, Gap)
    assert first.count == 1
    assert second == event(2)
    await spool.close()


async def test_a_record_the_wire_refuses_costs_no_other(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    spool = made(tmp_path)
    await spool.open()
    for reason in ("1", "two\nlines", "3"):
        spool.append(replace(event(1), reason=reason))
    await spool.flush()
    held = await records(spool, Lane.EVENTS)
    assert [record.reason for record in held.values() if isinstance(record, StateChange)] == ["1", "3"]
    assert sum(record.count for record in held.values() if isinstance(record, Gap)) == 1
    assert "a record was dropped, a fault in the agent" in caplog.text
    await spool.close()


async def test_batches_respect_both_limits(tmp_path: Path) -> None:
    spool = made(tmp_path)
    await spool.open()
    for number in range(20):
        spool.append(flight(number, 1000))
    await spool.flush()
    for limits, length in (((5, 10**6), 5), ((100, 3500), 3), ((100, 1), 1)):
        batch = await spool.next_batch(Lane.SAMPLES, 2, max_records=limits[0], max_bytes=limits[1])
        assert batch
        assert (batch.first_seq, len(batch.records)) == (3, length)
    batch = await spool.next_batch(Lane.SAMPLES, 2, max_records=100, max_bytes=10**6, until_seq=4)
    assert batch
    assert len(batch.records) == 2
    await spool.close()


async def test_connections_are_counted_for_ever(tmp_path: Path) -> None:
    for expected in (1, 2, 3):
        spool = made(tmp_path)
        await spool.open()
        assert await spool.next_connection() == expected
        await spool.close()


def test_what_is_live_is_judged_by_the_right_clock() -> None:
    now_ns = 10 * MINUTE_NS
    ages = Ages(60.0, lambda: now_ns)
    assert not ages.live(Lane.EVENTS, 7, 8 * MINUTE_NS, 0.0)  # an earlier process's, two minutes old
    assert ages.live(Lane.EVENTS, 7, now_ns - 1, 0.0)
    assert not ages.live(Lane.EVENTS, 7, now_ns + MINUTE_NS, 0.0)  # from the future: the clock was set back
    ages.committed(Lane.EVENTS, 8, 100.0)
    ages.committed(Lane.EVENTS, 9, 100.5)
    ages.committed(Lane.EVENTS, 10, 150.0)
    assert ages.live(Lane.EVENTS, 8, 0, 159.0)  # whatever the wall clock says
    assert ages.live_from(Lane.EVENTS, 159.0) == 8
    assert not ages.live(Lane.EVENTS, 9, now_ns, 161.0)
    assert ages.live_from(Lane.EVENTS, 161.0) == 10
    assert ages.live_from(Lane.EVENTS, 211.0) is None
    assert ages.live_from(Lane.SAMPLES, 0.0) is None


def test_holes_grow_together_only_when_they_touch() -> None:
    assert coalesce([Span(5, 9, 5), Span(1, 4, 4)]) == [Span(1, 9, 9)]
    assert coalesce([Span(6, 9, 4), Span(1, 4, 4)]) == [Span(1, 4, 4), Span(6, 9, 4)]
    assert coalesce([Span(1, 9, 8), Span(4, 4, 30)]) == [Span(1, 9, 38)]

"""The group commit on a real journal; answers are recorded, and looked at against what is on disk when they leave."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from collector import ingest as ingest_module
from collector.clock import SteadyClock
from collector.counters import Counters
from collector.dead_letters import DeadLetters, read_letters
from collector.dedupe import lane_key
from collector.delivery import Delivery
from collector.ingest import Ingest
from collector.journal.journal import Journal, JournalLimits, open_journal
from collector.journal.reader import read_chunk
from collector.journal.records import Kind, Record, unpack_message
from collector.journal.segments import Position
from tests.unit.collector.records import AGENT, batch, birth, will, window
from wire.codec import decode_ack, encode
from wire.messages import Batch, Presence
from wire.topics import Lane, ack_topic, lane_topic, presence_topic

LIMITS = JournalLimits(max_bytes=1_000_000, segment_bytes=5_000)
TOPIC = lane_topic(Lane.SAMPLES, AGENT)


class RecordingAnswers:
    """Keeps the answers in order, and how far the journal was on disk when each left."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.pubacks: list[tuple[int, Position]] = []
        self.acks: list[tuple[str, int]] = []

    def puback(self, deliveries: Iterable[Delivery]) -> None:
        self.pubacks += [(each.mid, self._journal.end) for each in deliveries]

    def publish(self, topic: str, payload: bytes) -> None:
        self.acks.append((topic, decode_ack(payload).watermark))


class Rig:
    """One ingest over one directory."""

    def __init__(self, directory: Path, limits: JournalLimits = LIMITS) -> None:
        self.directory = directory / "journal"
        self.journal = open_journal(self.directory, limits)
        self.letters = directory / "letters"
        self.counters = Counters()
        self.ingest = Ingest(
            journal=self.journal,
            letters=DeadLetters(self.letters, 1_000_000),
            clock=SteadyClock(),
            counters=self.counters,
        )
        self.ingest.remember(self.records(self.journal.end.segment))
        self.answers = RecordingAnswers(self.journal)
        self.mid = 0

    def records(self, segment: int) -> list[Record]:
        out: list[Record] = []
        position = Position(segment, 0)
        while position < self.journal.end:
            chunk = read_chunk(self.directory, position, self.journal.end)
            out += chunk.records
            position = chunk.next
        return out

    def payloads(self) -> list[bytes]:
        return [unpack_message(each.body).payload for each in self.records(0) if each.kind == Kind.MESSAGE]

    def send(self, message: Batch | Presence | bytes, topic: str = TOPIC, qos: int = 1) -> None:
        self.mid += 1
        payload = message if isinstance(message, bytes) else encode(message)
        self.ingest.offer(Delivery(topic, payload, qos, self.mid, 1))

    async def until(self, met: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not met():  # noqa: ASYNC110 - what is watched has no event
                await asyncio.sleep(0.005)

    async def acked(self, mid: int) -> None:
        await self.until(lambda: mid in [each for each, _ in self.answers.pubacks])


@asynccontextmanager
async def running(directory: Path, limits: JournalLimits = LIMITS) -> AsyncIterator[Rig]:
    rig = Rig(directory, limits)
    task = asyncio.create_task(rig.ingest.run(rig.answers))
    try:
        yield rig
    finally:
        task.cancel()
        await asyncio.wait([task])
        rig.journal.close()
        assert task.cancelled()


async def test_on_disk_before_any_answer(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        rig.send(batch(window(), window(), first=1))
        rig.send(batch(window(), first=3))
        await rig.acked(2)
        assert [mid for mid, _ in rig.answers.pubacks] == [1, 2]
        assert rig.answers.pubacks[0][1] == rig.journal.end
        assert rig.answers.acks == [(ack_topic(AGENT), 3)]
        assert len(rig.payloads()) == 2


async def test_duplicates_are_acknowledged_again_but_not_kept(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        rig.send(batch(window(), first=1))
        await rig.acked(1)
        rig.send(batch(window(), first=1))
        await rig.acked(2)
        assert rig.answers.acks == [(ack_topic(AGENT), 1)] * 2
        assert len(rig.payloads()) == 1
        assert rig.counters.duplicates == 1


async def test_a_birth_repeats_the_acknowledgement(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        rig.send(batch(window(), first=1))
        await rig.acked(1)
        rig.send(birth(1), presence_topic(AGENT))
        await rig.acked(2)
        assert rig.answers.acks == [(ack_topic(AGENT), 1)] * 2
        rig.send(birth(1, epoch="other"), presence_topic(AGENT))
        await rig.acked(3)
        assert len(rig.answers.acks) == 2


async def test_a_hole_is_not_acknowledged(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        rig.send(batch(window(), first=1))
        rig.send(batch(window(), first=3))
        await rig.acked(2)
        rig.send(batch(window(), first=2))
        await rig.acked(3)
        assert rig.answers.acks == [(ack_topic(AGENT), 1), (ack_topic(AGENT), 3)]


async def test_what_cannot_be_used_is_kept_then_acknowledged(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        rig.send(b"\x09junk")
        await rig.acked(1)
        (letter,) = read_letters(rig.letters)
        assert (letter.source, letter.payload) == (TOPIC, b"\x09junk")
        assert rig.counters.dead_letters == 1
        assert rig.answers.acks == []


async def test_memory_survives_a_kill_and_the_end_of_old_segments(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        for number in range(1, 101):
            rig.send(batch(window(), first=number))
            await rig.acked(number)
        rig.send(birth(1), presence_topic(AGENT))
        await rig.acked(101)
        assert rig.journal.end.segment > 2
        rig.journal.delete_before(rig.journal.end.segment)
    async with running(tmp_path) as rig:
        key = lane_key(AGENT, Lane.SAMPLES)
        assert {epoch: state.watermark for epoch, state in rig.ingest.books.epochs(key).items()} == {"e1": 100}
        assert rig.ingest.branches.get(AGENT).connection == 1
        rig.send(batch(window(), first=50))
        await rig.acked(1)
        assert rig.counters.duplicates == 1
        assert rig.answers.acks == [(ack_topic(AGENT), 100)]


async def test_full_journal_stops_answers_until_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(ingest_module, "RETRY_DISK_S", 0.01)
    async with running(tmp_path, JournalLimits(max_bytes=20_000, segment_bytes=5_000)) as rig:
        for number in range(1, 200):
            rig.send(batch(window(), first=number))
        await rig.until(lambda: rig.ingest.held)
        stuck = len(rig.answers.pubacks)
        rig.ingest.offer_lines(b"m x=1i 1")
        assert stuck < 199
        assert "the journal does not take records" in caplog.text

        def written() -> bool:
            rig.journal.delete_before(rig.journal.end.segment)
            return bool(rig.answers.pubacks) and rig.answers.pubacks[-1][0] == 199

        await rig.until(written)
        assert [mid for mid, _ in rig.answers.pubacks] == list(range(1, 200))
        await rig.until(lambda: not rig.ingest.held)


async def test_presence_reaches_the_branch_table_once(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        for _ in range(3):
            rig.send(birth(1), presence_topic(AGENT))
        rig.send(will(1), presence_topic(AGENT))
        await rig.acked(4)
        assert rig.ingest.branches.get(AGENT).online is False
        rig.send(will(1), presence_topic(AGENT))
        await rig.acked(5)
        kept = len(rig.payloads())
        rig.send(b"", presence_topic(AGENT))
        await rig.acked(6)
        assert rig.ingest.branches.review(0.0, 1.0) == []
    assert kept <= 4


async def test_qos0_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest_module, "MAX_WAITING_QOS0", 5)
    rig = Rig(tmp_path)
    for number in range(1, 10):
        rig.send(batch(window(), first=number), qos=0)
    rig.send(batch(window(), first=10))
    assert rig.counters.dropped_qos0 == 4
    rig.journal.close()

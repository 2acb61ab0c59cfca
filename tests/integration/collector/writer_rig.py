"""A writer over a journal of its own, for tests of the databases."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from collector.clock import SteadyClock
from collector.counters import Counters
from collector.dead_letters import DeadLetter, DeadLetters, read_letters
from collector.journal.journal import JournalLimits, open_journal
from collector.journal.records import Kind, Message, frame, pack_message
from collector.journal.segments import list_segments
from collector.store.base import Store
from collector.store.writer import Notes, Writer
from tests.integration.collector.agents import window
from tests.integration.collector.servers import wait_for
from wire.codec import encode
from wire.messages import Batch, Record
from wire.topics import Address, Lane, lane_topic

ADDRESS = Address("t1", "b1", "a1")


class WriterRig:
    """Puts records into the journal; the writer under test takes them to the store."""

    def __init__(
        self, directory: Path, store: Store, segment_bytes: int = 1_000_000, notes: Notes | None = None
    ) -> None:
        self.directory = directory / "journal"
        self.letters_directory = directory / "letters"
        self.journal = open_journal(self.directory, JournalLimits(10**9, segment_bytes))
        self.counters = Counters()
        self.committed = asyncio.Event()
        self.writer = Writer(
            store=store,
            journal=self.journal,
            directory=self.directory,
            checkpoint_file=directory / "checkpoint.json",
            letters=DeadLetters(self.letters_directory, 100_000_000),
            counters=self.counters,
            clock=SteadyClock(),
            committed=self.committed,
            notes=notes,
            pause_s=0.05,
        )
        self.writer.resume()
        self._seq = 0

    def put_windows(self, count: int) -> None:
        """One batch of windows, one line each."""
        records = tuple(window(seq) for seq in range(self._seq, self._seq + count))
        batch = Batch(Lane.SAMPLES, "e1", self._seq, 0, False, 0, records)
        self._seq += count
        self._commit(pack_message(Message(0, lane_topic(Lane.SAMPLES, ADDRESS), encode(batch))))

    def put_batch(self, address: Address, records: tuple[Record, ...]) -> None:
        """One batch as an agent sends it; the same records again as a redelivery the books did not catch."""
        batch = Batch(Lane.SAMPLES, "e1", 1, 0, False, 0, records)
        self._commit(pack_message(Message(0, lane_topic(Lane.SAMPLES, address), encode(batch))))

    def put_lines(self, *lines: str) -> None:
        """Ready lines, good or bad."""
        self._commit(frame(Kind.LINES, "\n".join(lines).encode()))

    def _commit(self, data: bytes) -> None:
        roll = self.journal.must_roll
        self.journal.commit((frame(Kind.STATE, b"") if roll else b"") + data, roll=roll)
        self.committed.set()

    async def drained(self, wait_s: float = 20.0) -> None:
        """Wait until the store has everything."""
        await wait_for(lambda: self.writer.position == self.journal.end, wait_s, "everything in the store")

    def letters(self) -> list[DeadLetter]:
        return read_letters(self.letters_directory)

    @property
    def segments(self) -> int:
        return len(list_segments(self.directory))


@asynccontextmanager
async def writing(
    directory: Path, store: Store, segment_bytes: int = 1_000_000, notes: Notes | None = None
) -> AsyncIterator[WriterRig]:
    """A running writer; stopped as a kill would, without any farewell."""
    rig = WriterRig(directory, store, segment_bytes, notes)
    task = asyncio.create_task(rig.writer.run())
    try:
        yield rig
    finally:
        task.cancel()
        await asyncio.wait([task])
        await store.close()
        rig.journal.close()
        if not task.cancelled() and (error := task.exception()) is not None:
            raise error

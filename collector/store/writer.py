"""From the journal to the database: in batches, for as long as it takes, never dropping what the database may take."""

import asyncio
import logging
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from tenacity import AsyncRetrying, RetryCallState, retry_if_result
from tenacity.wait import wait_random_exponential

from collector.admission import BatchIn, admit
from collector.clock import SteadyClock
from collector.counters import Counters
from collector.dead_letters import DeadLetter, DeadLetters
from collector.events import tell
from collector.journal.checkpoint import Checkpoint, Mark, load_checkpoint, save_checkpoint
from collector.journal.journal import Journal
from collector.journal.reader import read_chunk
from collector.journal.records import Kind, Record, unpack_message
from collector.journal.segments import Position, list_segments
from collector.store.base import Answer, Later, Partial, Paused, Store, TooLarge, Written
from collector.store.lines import batch_lines

MAX_LINES = 5000
MAX_BODY_BYTES = 1_000_000  # above a mebibyte aiohttp warns that one send would hold up the event loop
LINGER_S = 0.2
RECORDS_A_TURN = 8
ASK_STORE_S = 5.0
CHECKPOINT_S = 1.0
MARK_S = 30.0
PAUSE_S = 10.0
NOTE_LINES = 1000


class Notes(Protocol):
    """Who is told what the database has: the downsampler."""

    def note(self, lines: Sequence[bytes]) -> None:
        """These lines are in the database, or refused for good."""

    async def save(self) -> None:
        """Put on disk what was noted. Raises sqlite3.Error when that does not work."""


def record_lines(record: Record) -> list[bytes]:
    """The lines one journal record stands for."""
    if record.kind == Kind.LINES:
        return record.body.split(b"\n")
    if record.kind != Kind.MESSAGE:
        return []
    message = unpack_message(record.body)
    admitted = admit(message.topic, message.payload)
    if not isinstance(admitted, BatchIn):
        return []
    return [line.encode() for line in batch_lines(admitted.address, admitted.batch)]


def slice_end(lines: list[bytes], start: int, max_lines: int, max_bytes: int) -> int:
    """Where a body that begins with line `start` ends: at least one line, then as many as the limits allow. Pure."""
    end, size = start + 1, len(lines[start])
    while end < len(lines) and end - start < max_lines and size + 1 + len(lines[end]) <= max_bytes:
        size += 1 + len(lines[end])
        end += 1
    return end


class Writer:
    """The only reader of the journal, and the one who lets go of its segments."""

    def __init__(
        self,
        *,
        store: Store,
        journal: Journal,
        directory: Path,
        checkpoint_file: Path,
        letters: DeadLetters,
        counters: Counters,
        clock: SteadyClock,
        committed: asyncio.Event,
        notes: Notes | None = None,
        pause_s: float = PAUSE_S,
    ) -> None:
        """`directory` holds the journal's segments; `pause_s` is the wait after an answer that needs a person."""
        self._notes = notes
        self._store = store
        self._journal = journal
        self._directory = directory
        self._file = checkpoint_file
        self._letters = letters
        self._counters = counters
        self._clock = clock
        self._committed = committed
        self._pause_s = pause_s
        self._slice = MAX_LINES
        self._said = ""
        self.trouble = ""
        """Why the database does not take records now; "" when it does."""
        self._asked_s = float("-inf")
        self._saved_s = 0.0
        self._started_s: float | None = None
        self._kept: tuple[Mark, ...] = ()
        self._rewound = False
        self._back_off = wait_random_exponential(multiplier=0.2, max=15)
        self.position = Position(0, 0)
        """The database has everything before this."""

    def resume(self) -> None:
        """Find where the database stands. Blocking; call once before `run`."""
        segments = list_segments(self._directory)
        first = Position(segments[0], 0) if segments else self._journal.end
        saved = load_checkpoint(self._file)
        self.position = first
        if saved is not None and saved.done.position <= self._journal.end:
            self.position = max(first, saved.done.position)
            self._kept, self._started_s = saved.kept, saved.store_started_s

    async def run(self) -> None:
        """Write for ever."""
        loop = asyncio.get_running_loop()
        while True:
            began_s = loop.time()
            await self._ask_store()
            self._committed.clear()
            try:
                lines, behind = await self._load()
            except OSError as error:
                self._say("journal.unreadable", f"{self._directory}: {error.strerror}; trying again")
                await asyncio.sleep(self._pause_s)
                continue
            self._rewound = False
            await self._write_all(lines)
            await self._note(lines)
            if not self._rewound:  # else the database restarted meanwhile, and these lines come again as well
                moved = behind != self.position
                self.position = behind
                await self._keep(moved=moved)
            if len(lines) < MAX_LINES:
                await asyncio.sleep(max(0.0, began_s + LINGER_S - loop.time()))
                await self._wait_for_more()

    async def _load(self) -> tuple[list[bytes], Position]:
        """Lines of the next records, at least `MAX_LINES` unless the journal ends, and the position behind them.

        Made in the event loop a few records at a time, so that acknowledgements come in between: a thread that formats
        holds the interpreter lock for 5 ms at a time.
        """
        lines: list[bytes] = []
        position, end = self.position, self._journal.end
        while position < end and len(lines) < MAX_LINES:
            chunk = await asyncio.to_thread(read_chunk, self._directory, position, end)
            position = chunk.next
            if chunk.damage:
                self._counters.damaged_segments += 1
                tell(logging.ERROR, "journal.damaged", chunk.damage)
            for number, record in enumerate(chunk.records, 1):
                lines += record_lines(record)
                if len(lines) >= MAX_LINES:
                    position = chunk.positions[number - 1]
                    break
                if number % RECORDS_A_TURN == 0:
                    await asyncio.sleep(0)
        return lines, position

    async def _wait_for_more(self) -> None:
        try:
            async with asyncio.timeout(ASK_STORE_S):
                await self._committed.wait()
        except TimeoutError:
            return

    async def _write_all(self, lines: list[bytes]) -> None:
        start = 0
        while start < len(lines):
            end = slice_end(lines, start, self._slice, MAX_BODY_BYTES)
            await self._write(lines[start:end])
            start = end
            self._slice = min(MAX_LINES, self._slice + self._slice // 8 + 1)

    async def _note(self, lines: list[bytes]) -> None:
        if self._notes is not None:
            for start in range(0, len(lines), NOTE_LINES):
                self._notes.note(lines[start : start + NOTE_LINES])
                await asyncio.sleep(0)

    async def _write(self, lines: list[bytes]) -> None:
        answer = await self._persist(b"\n".join(lines))
        if isinstance(answer, Written):
            self._counters.lines_written += len(lines)
            return
        if isinstance(answer, TooLarge):
            self._slice = max(1, len(lines) // 2)
        if len(lines) == 1 or (isinstance(answer, Partial) and answer.all_refused):
            await self._reject(lines, answer.reason)
            return
        half = len(lines) // 2
        await self._write(lines[:half])
        await self._write(lines[half:])

    async def _persist(self, body: bytes) -> Written | Partial | TooLarge:
        """Try until the database gives an answer about the lines themselves."""
        retrying = AsyncRetrying(
            retry=retry_if_result(lambda answer: isinstance(answer, Later | Paused)),
            wait=self._wait_s,
            before_sleep=self._before_retry,
            sleep=self._rest,
        )
        answer: Answer = await retrying(self._store.write, body)
        if isinstance(answer, Later | Paused):
            raise TypeError(answer)  # the retry condition above lets neither through
        if self._said:
            self._said = self.trouble = ""
            tell(logging.WARNING, "store.recovered", "the database takes records again")
        return answer

    def _wait_s(self, state: RetryCallState) -> float:
        answer = state.outcome.result() if state.outcome is not None else None
        jittered_s = self._back_off(state)
        if isinstance(answer, Paused):
            return self._pause_s
        if isinstance(answer, Later) and answer.wait_s is not None:
            return answer.wait_s + min(jittered_s, 1.0)
        return jittered_s

    def _before_retry(self, state: RetryCallState) -> None:
        self._counters.store_retries += 1
        answer = state.outcome.result() if state.outcome is not None else None
        if isinstance(answer, Paused):
            sentence = "the database refuses every record; correct [store] or the database, nothing is lost meanwhile"
            self._say("store.paused", f"{sentence} ({answer.reason})")
        elif isinstance(answer, Later):
            self._say("store.later", f"the database does not take records now; trying again ({answer.reason})")

    async def _rest(self, wait_s: float) -> None:
        await asyncio.sleep(wait_s)
        await self._ask_store()

    def _say(self, event: str, sentence: str) -> None:
        if event != self._said:
            self._said, self.trouble = event, sentence
            tell(logging.ERROR, event, sentence)

    async def _reject(self, lines: list[bytes], reason: str) -> None:
        at_ns = self._clock.now_ns()
        letters = [DeadLetter(at_ns, "store", reason, line) for line in lines]
        while True:
            try:
                await asyncio.to_thread(self._letters.add, letters)
                break
            except OSError as error:
                self._say("dead_letters.held", f"dead letters cannot be kept ({error}); trying again")
                await asyncio.sleep(1.0)
        self._counters.lines_rejected += len(lines)
        self._counters.dead_letters += len(lines)
        self._counters.dead_letters_dropped = self._letters.dropped
        sentence = f"the database refused {len(lines)} lines for good; they are in the dead letters ({reason})"
        tell(logging.ERROR, "store.rejected", sentence, lines=len(lines))

    async def _ask_store(self) -> None:
        """A database that forgets and has restarted is told again what the journal still keeps."""
        now_s = asyncio.get_running_loop().time()
        if self._store.keep_s == 0 or now_s - self._asked_s < ASK_STORE_S:
            return
        self._asked_s = now_s
        started_s = await self._store.started_s()
        if started_s is None or started_s == self._started_s:
            return
        known, self._started_s = self._started_s, started_s
        if known is not None and self._kept:
            self._kept = self._kept[:1]
            self.position = min(self.position, self._kept[0].position)
            self._rewound = True
            sentence = "the database restarted and may have forgotten what it took; writing the last minutes again"
            tell(logging.WARNING, "store.replay", sentence, segment=self.position.segment)
        self._saved_s = float("-inf")
        await self._keep(moved=True)

    async def _keep(self, *, moved: bool) -> None:
        """Save the checkpoint now and then; let go of segments that nobody needs."""
        now_s = self._clock.now_s()
        if not moved or now_s - self._saved_s < CHECKPOINT_S:
            return
        self._saved_s = now_s
        if self._notes is not None:
            try:
                await self._notes.save()
            except sqlite3.Error as error:
                # The journal is what these hours can be found in again: it stays.
                self._say("hours.unsaved", f"the hours to make cannot be kept on disk ({error}); trying again")
                return
        done = Mark(now_s, *self.position)
        keep_s = self._store.keep_s
        self._kept = kept_marks(self._kept, done, keep_s)
        needed = self._kept[0].segment if self._kept else done.segment
        try:
            await asyncio.to_thread(save_checkpoint, self._file, Checkpoint(done, self._kept, self._started_s))
        except OSError as error:
            # Deleting without a checkpoint is safe: the oldest segment there is becomes the start. On a full disk it
            # is what makes room.
            self._say("checkpoint.failed", f"{self._file}: {error.strerror}; records may be written twice, harmlessly")
        try:
            await asyncio.to_thread(self._journal.delete_before, min(needed, done.segment))
        except OSError as error:
            self._say("journal.delete_failed", f"{self._directory}: {error.strerror}; trying again")


def kept_marks(kept: tuple[Mark, ...], done: Mark, keep_s: float) -> tuple[Mark, ...]:
    """Marks a database that forgets for `keep_s` may need: one at least that old, if there is one, and one each 30 s.

    Pure. With `keep_s` 0 there are none.
    """
    if keep_s == 0:
        return ()
    if not kept or done.at_s - kept[-1].at_s >= MARK_S:
        kept = (*kept, done)
    old = [mark for mark in kept if mark.at_s <= done.at_s - keep_s]
    return kept[max(0, len(old) - 1) :]

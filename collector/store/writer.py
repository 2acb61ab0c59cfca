"""From the journal to the database: in batches, for as long as it takes, never dropping what the database may take."""

import asyncio
import logging
import sqlite3
from pathlib import Path
from typing import Protocol

from collector.clock import SteadyClock
from collector.counters import Counters
from collector.dead_letters import DeadLetters
from collector.downsampling.touched import Touch
from collector.events import tell
from collector.journal.checkpoint import Checkpoint, Mark, load_checkpoint, save_checkpoint
from collector.journal.journal import Journal
from collector.journal.segments import Position, list_segments
from collector.store.base import Store
from collector.store.kept_marks import kept_marks
from collector.store.loading import MAX_LINES, load
from collector.store.sender import Sender

ASK_STORE_S = 5.0
CHECKPOINT_S = 1.0
PAUSE_S = 10.0


class Notes(Protocol):
    """Who is told what the database has: the downsampler."""

    def note(self, touch: Touch) -> None:
        """Lines with these hours are in the database, or refused for good."""

    async def save(self) -> None:
        """Put on disk what was noted. Raises sqlite3.Error when that does not work."""


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
        self._counters = counters
        self._clock = clock
        self._committed = committed
        self._pause_s = pause_s
        self._sender = Sender(
            store=store, letters=letters, counters=counters, clock=clock, rested=self._ask_store, pause_s=pause_s
        )
        self._asked_s = float("-inf")
        self._saved_s = 0.0
        self._started_s: float | None = None
        self._kept: tuple[Mark, ...] = ()
        self._rewound = False
        self.position = Position(0, 0)
        """The database has everything before this."""

    @property
    def trouble(self) -> str:
        """Why the database does not take records now; "" when it does."""
        return self._sender.trouble

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
                lines, touch, behind = await load(self._directory, self.position, self._journal.end, self._counters)
            except OSError as error:
                self._sender.say("journal.unreadable", f"{self._directory}: {error.strerror}; trying again")
                await asyncio.sleep(self._pause_s)
                continue
            self._rewound = False
            await self._sender.write_all(lines)
            if self._notes is not None:
                self._notes.note(touch)
            if not self._rewound:  # else the database restarted meanwhile, and these lines come again as well
                moved = behind != self.position
                self.position = behind
                await self._keep(moved=moved)
            if len(lines) < MAX_LINES:
                await asyncio.sleep(max(0.0, began_s + self._store.linger_s - loop.time()))
                await self._wait_for_more()

    async def _wait_for_more(self) -> None:
        try:
            async with asyncio.timeout(ASK_STORE_S):
                await self._committed.wait()
        except TimeoutError:
            return

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
                self._sender.say("hours.unsaved", f"the hours to make cannot be kept on disk ({error}); trying again")
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
            self._sender.say(
                "checkpoint.failed", f"{self._file}: {error.strerror}; records may be written twice, harmlessly"
            )
        try:
            await asyncio.to_thread(self._journal.delete_before, min(needed, done.segment))
        except OSError as error:
            self._sender.say("journal.delete_failed", f"{self._directory}: {error.strerror}; trying again")

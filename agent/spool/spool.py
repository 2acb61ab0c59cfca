"""The spool as the agent sees it: one thread owns the disk, the event loop only ever touches memory."""

import asyncio
import contextlib
import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from agent.spool.inbox import Inbox, Load, Row, keep_of
from agent.spool.keeper import Keeper
from agent.spool.stats import Extent, SpoolStats
from agent.spool.store import load_limit_bytes
from wire.codec import MAX_PAYLOAD_BYTES, encode_record
from wire.messages import Ack, Act, Batch, Digest, Event, Sample, StateChange
from wire.topics import Lane

log = logging.getLogger("agent.spool")

MAX_RECORD_BYTES = MAX_PAYLOAD_BYTES - 1024  # so that every record fits into a payload of its own
RETRY_S = 5.0

_T = TypeVar("_T")


class Spool:
    """Records on disk until the collector has them; both lanes.

    `append` may be called at any time, also before `open`, also while the disk is full, gone or slow: records then wait
    in at most 4 MB of memory, and what that forces out is told by a Gap.

    Args:
        directory: holds `spool.db`; created when missing.
        max_bytes: limit of the file and its log.
        commit_every_s: how long samples may wait in memory; events are committed at once and take them along.
        now_ns: the wall clock, Unix nanoseconds.
        retry_s: how long to leave a failing disk alone.
    """

    def __init__(
        self,
        directory: Path,
        *,
        max_bytes: int,
        commit_every_s: float,
        now_ns: Callable[[], int],
        retry_s: float = RETRY_S,
    ) -> None:
        self._commit_every_s = commit_every_s
        self._now_ns = now_ns
        # Shared between loop and thread, under `_wake`.
        self._wake = threading.Condition()
        self._inbox = Inbox(load_limit_bytes(max_bytes))
        self._calls: deque[tuple[Callable[[], Any], asyncio.Future[Any]]] = deque()
        self._commit_at_s = math.inf
        self._closing = False
        # The thread's own.
        self._answering: deque[tuple[Callable[[], Any], asyncio.Future[Any]]] = deque()
        self._keeper = Keeper(directory / "spool.db", max_bytes=max_bytes, now_ns=now_ns, retry_s=retry_s)
        self._thread = threading.Thread(target=self._work, name="spool", daemon=True)
        # The loop's own.
        self._loop: asyncio.AbstractEventLoop | None = None
        self._news = asyncio.Event()
        self._stats = SpoolStats()

    @property
    def stats(self) -> SpoolStats:
        """The figures as of the last commit or call."""
        return self._stats

    @property
    def epoch(self) -> str:
        """16 hexadecimal characters that name this file's numbering; empty while the file cannot be opened."""
        return self._stats.epoch

    async def open(self) -> None:
        """Start the thread and wait for its first try to open the file. A failure is logged and tried again."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()
        await self._call(self._nothing)

    async def close(self) -> None:
        """Commit what waits and stop the thread. A fast kill loses no more than samples not committed yet."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        await asyncio.to_thread(self._thread.join)

    def append(self, record: Event | Sample, lane: Lane | None = None) -> None:
        """Take a record; never blocks, never touches the disk.

        State changes, acts and digests are events, the rest samples, unless `lane` says otherwise.
        """
        lane = lane or (Lane.EVENTS if isinstance(record, (StateChange, Act, Digest)) else Lane.SAMPLES)
        body = encode_record(record)
        if len(body) > MAX_RECORD_BYTES:
            log.warning("a record of %d bytes is over the limit of %d; dropped", len(body), MAX_RECORD_BYTES)
        due_s = time.monotonic() + (0.0 if lane is Lane.EVENTS else self._commit_every_s)
        with self._wake:
            if len(body) > MAX_RECORD_BYTES:
                self._inbox.lose(lane)
            else:
                self._inbox.put(lane, Row(self._now_ns(), keep_of(record), body))
            if due_s < self._commit_at_s:
                self._commit_at_s = due_s
                self._wake.notify()

    async def flush(self) -> None:
        """Commit what waits in memory now, if the disk lets us."""
        with self._wake:
            self._commit_at_s = 0.0
        await self._call(self._nothing)

    async def next_batch(
        self, lane: Lane, after_seq: int, *, max_records: int, max_bytes: int, until_seq: int | None = None
    ) -> Batch | None:
        """The next committed records above `after_seq` (and up to `until_seq`), at least one, or None.

        `base` and `hist` are filled in: a batch is either all live or all backlog. `max_bytes` counts record bodies.
        """
        return await self._call(lambda: self._keeper.read(lane, after_seq, max_records, max_bytes, until_seq))

    async def extent(self, lane: Lane) -> Extent:
        """Which numbers wait."""
        return await self._call(lambda: self._keeper.extent(lane))

    async def acknowledge(self, ack: Ack) -> bool:
        """Let acknowledged rows go. False: ignored and counted, being of another epoch or of rows never committed.

        An acknowledgement, under our epoch, of rows the file does not have means that the disk forgot committed rows (a
        power cut, and a card that lied about its cache). Their numbers would be used twice, so a new epoch starts.
        """
        return await self._call(lambda: self._keeper.acknowledge(ack))

    async def next_connection(self) -> int:
        """The number of the connection about to be made: counted for ever, from memory while the disk is away."""
        return await self._call(self._keeper.next_connection)

    async def committed_beyond(self, lane: Lane, seq: int) -> None:
        """Wait until this lane has a committed row above `seq`."""
        while self._stats.lane(lane).last_seq <= seq:
            await self._news.wait()

    async def epoch_other_than(self, epoch: str) -> None:
        """Wait until the file is open and its epoch is not this one."""
        while self.epoch in {epoch, ""}:
            await self._news.wait()

    async def _call(self, work: Callable[[], _T]) -> _T:
        future: asyncio.Future[_T] = asyncio.get_running_loop().create_future()
        with self._wake:
            if self._closing or not self._thread.is_alive():
                raise RuntimeError("the spool is not open")
            self._calls.append((work, future))
            self._wake.notify()
        return await future

    @staticmethod
    def _nothing() -> None:
        """To be called in the thread, to know that it has come this far."""

    # From here on: the thread.

    def _work(self) -> None:
        try:
            while self._turn():
                pass
        except BaseException:
            log.critical("the spool stopped, records are lost from now on; restart the agent and report this")
            raise
        finally:
            with self._wake:
                self._closing = True
                calls = [*self._answering, *self._calls]
            for _, future in calls:
                self._tell(self._settle, future, None, RuntimeError("the spool is not open"))
            self._keeper.close()

    def _turn(self) -> bool:
        """One round: sleep until something is due, open, commit, answer. False: closing."""
        with self._wake:
            while (due_in_s := self._due_in_s()) > 0:
                self._wake.wait(None if due_in_s == math.inf else due_in_s)
            self._answering, self._calls = self._calls, deque()
            closing = self._closing
        now_s = time.monotonic()
        if not self._keeper.ready and (closing or now_s >= self._keeper.retry_at_s):
            self._keeper.open()
        if self._keeper.ready and (closing or self._keeper.unproved or now_s >= self._commit_at_s):
            self._commit()
        answers = [(future, work()) for work, future in self._answering]
        self._keeper.purge_if_due()
        # The figures first: who was answered must not see those of before.
        self._tell(self._publish, self._keeper.stats(self._inbox.bytes))
        for future, result in answers:
            self._tell(self._settle, future, result, None)
        return not closing

    def _due_in_s(self) -> float:
        if self._closing or self._calls:
            return 0.0
        return (self._commit_at_s if self._keeper.ready else self._keeper.retry_at_s) - time.monotonic()

    def _commit(self) -> None:
        with self._wake:
            load, self._commit_at_s = self._inbox.take(), math.inf
        if (load or self._keeper.unproved) and not self._keeper.commit(load):
            self._give_back(load)

    def _give_back(self, load: Load) -> None:
        with self._wake:
            self._inbox.give_back(load)
            self._commit_at_s = 0.0  # as soon as the file is there again

    def _tell(self, callback: Callable[..., None], *arguments: object) -> None:
        # The loop is gone when a program ends without close(); there is nobody left to be told.
        if self._loop:
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(callback, *arguments)

    # From here on: the loop again, called by the thread.

    def _publish(self, stats: SpoolStats) -> None:
        self._stats = stats
        self._news.set()
        self._news = asyncio.Event()

    @staticmethod
    def _settle(future: "asyncio.Future[object]", result: object, error: Exception | None) -> None:
        if future.done():
            return
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)

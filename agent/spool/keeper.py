"""The spool's thread side: the store when the disk is well, and the way back to it when it is not."""

import logging
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

from agent.spool.ages import Ages
from agent.spool.inbox import Load
from agent.spool.stats import Extent, LaneStats, SpoolStats
from agent.spool.store import Store
from agent.spool.trouble import damaged, put_aside, sentence
from wire.codec import decode_record
from wire.errors import MalformedError
from wire.messages import Ack, Batch, Record
from wire.topics import Lane

log = logging.getLogger("agent.spool")

LIVE_S = 60.0
LOST_REASON = "no room in memory while the disk could not be written, or not a valid record"


class Keeper:
    """Owns the file. Every method answers also while there is none; trouble is logged once, and its end too.

    Args:
        file: the SQLite file.
        max_bytes: limit of the file and its log.
        now_ns: the wall clock, Unix nanoseconds.
        retry_s: how long to leave a failing disk alone.
    """

    def __init__(self, file: Path, *, max_bytes: int, now_ns: Callable[[], int], retry_s: float) -> None:
        self._file = file
        self._max_bytes = max_bytes
        self._now_ns = now_ns
        self._retry_s = retry_s
        self._store: Store | None = None
        self._ages = Ages(LIVE_S, now_ns)
        self._trouble: str | None = None
        self._connections = 0
        self._acks_ignored = 0
        self._committed = dict.fromkeys(Lane, 0)
        self._dropped = dict.fromkeys(Lane, 0)
        self._renew_at_s = 0.0
        self.retry_at_s = 0.0

    @property
    def ready(self) -> bool:
        """Whether the file is open."""
        return self._store is not None

    @property
    def unproved(self) -> bool:
        """Whether the file could be opened after trouble, but nothing was written since: a commit will tell."""
        return self.ready and self._trouble is not None

    def close(self) -> None:
        """Close the file."""
        if self._store:
            self._count()
            self._store.close()
            self._store = None

    def open(self) -> None:
        """Try to open the file; a damaged one is put aside and a new epoch begins."""
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._opened(Store(self._file, max_bytes=self._max_bytes, now_ns=self._now_ns))
        except (sqlite3.Error, OSError) as error:
            self._fail(error)

    def commit(self, load: Load) -> bool:
        """Write a load. False: not now; the caller keeps it."""
        if self._store is None:
            return False
        self._refuse_invalid(load)
        before = {lane: table.state.last for lane, table in self._store.lanes.items()}
        try:
            if self._trouble and not load:
                self._store.touch()
            self._store.commit(load, lost_reason=LOST_REASON)
        except sqlite3.Error as error:
            self._fail(error)
            return False
        if self._trouble:
            log.warning("%s: can be written again", self._file)
            self._trouble = None
        now_s = time.monotonic()
        for lane, table in self._store.lanes.items():
            if table.state.last > before[lane]:
                self._ages.committed(lane, before[lane] + 1, now_s)
        return True

    def purge_if_due(self) -> None:
        """Delete acknowledged rows when they have become many."""
        if self._store and self._store.purge_due:
            self.commit(Load())

    def read(self, lane: Lane, after_seq: int, max_records: int, max_bytes: int, until_seq: int | None) -> Batch | None:
        """See `Spool.next_batch`."""
        if self._store is None:
            return None
        state = self._store.lanes[lane].state
        now_s = time.monotonic()
        records: list[Record] = []
        first_seq, size_bytes, live = 0, 0, True
        try:
            for row in self._store.lanes[lane].read(after_seq, max_records):
                row_live = self._ages.live(lane, row.seq, row.at_ns, now_s)
                if until_seq is not None and row.seq > until_seq:
                    break
                if not records:
                    first_seq, live = row.seq, row_live
                elif row_live != live or size_bytes + row.size_bytes > max_bytes:
                    break
                records.append(row.record)
                size_bytes += row.size_bytes
        except sqlite3.Error as error:
            self._fail(error)
            return None
        if not records:
            return None
        state.handed = max(state.handed, first_seq + len(records) - 1)
        return Batch(lane, self._store.epoch, first_seq, state.base, not live, self._now_ns(), tuple(records))

    def extent(self, lane: Lane) -> Extent:
        """See `Spool.extent`."""
        if self._store is None:
            return Extent(1, 1)
        state = self._store.lanes[lane].state
        live = self._ages.live_from(lane, time.monotonic())
        return Extent(state.base, max(state.base, state.last + 1 if live is None else live))

    def acknowledge(self, ack: Ack) -> bool:
        """See `Spool.acknowledge`."""
        if self._store is None:
            return False
        if self._store.acknowledge(ack):
            return True
        self._acks_ignored += 1
        if ack.epoch == self._store.epoch:
            log.warning(
                "%s: the collector has record %d of lane %s, this file only went to %d: the disk forgot what it had"
                " confirmed; a new epoch starts, replace the card if this comes again",
                self._file, ack.watermark, ack.lane, self._store.lanes[ack.lane].state.last,
            )  # fmt: skip
            try:
                self._store.renew_epoch()
            except sqlite3.Error as error:
                self._fail(error)
        return False

    def next_connection(self) -> int:
        """See `Spool.next_connection`."""
        self._connections += 1
        if self._store:
            try:
                self._connections = self._store.next_connection(at_least=self._connections)
            except sqlite3.Error as error:
                self._fail(error)
        return self._connections

    def stats(self, memory_bytes: int) -> SpoolStats:
        """The figures now."""
        if store := self._store:
            try:
                return SpoolStats(
                    epoch=store.epoch,
                    events=self._lane_stats(store, Lane.EVENTS),
                    samples=self._lane_stats(store, Lane.SAMPLES),
                    file_bytes=store.used_bytes,
                    memory_bytes=memory_bytes,
                    acks_ignored=self._acks_ignored,
                    trouble=self._trouble,
                )
            except sqlite3.Error as error:
                self._fail(error)
        return SpoolStats(memory_bytes=memory_bytes, acks_ignored=self._acks_ignored, trouble=self._trouble)

    @staticmethod
    def _refuse_invalid(load: Load) -> None:
        """The wire's limits are checked by the reader only: one bad record would have its whole batch refused."""
        for lane, rows in load.rows.items():
            for row in list(rows):
                try:
                    decode_record(row.body)
                except MalformedError as error:
                    log.warning("a record was dropped, a fault in the agent, please report it: %s", error)
                    rows.remove(row)
                    load.lost[lane] += 1

    def _lane_stats(self, store: Store, lane: Lane) -> LaneStats:
        state = store.lanes[lane].state
        return LaneStats(
            rows=state.last - state.base + 1,
            last_seq=state.last,
            oldest_ns=store.lanes[lane].oldest_ns(),
            committed=self._committed[lane] + state.committed,
            dropped=self._dropped[lane] + state.dropped,
        )

    def _opened(self, store: Store) -> None:
        self._store = store
        self._ages.forget()

    def _fail(self, error: sqlite3.Error | OSError) -> None:
        lost = dict.fromkeys(Lane, 0)
        if self._store:
            lost = {lane: table.state.last - table.state.base + 1 for lane, table in self._store.lanes.items()}
        self.close()
        now_s = time.monotonic()
        # A disk that damages the new file as well is left alone for a while.
        if isinstance(error, sqlite3.Error) and damaged(error) and now_s >= self._renew_at_s:
            self._renew_at_s = now_s + self._retry_s
            try:
                self._start_again(error, lost)
            except (sqlite3.Error, OSError) as again:
                error = again
            else:
                return
        self.retry_at_s = now_s + self._retry_s
        told = sentence(error, self._file)
        if told != self._trouble:
            log.warning("%s", told)
            self._trouble = told

    def _start_again(self, error: sqlite3.Error, lost: dict[Lane, int]) -> None:
        aside = put_aside(self._file)
        log.warning("%s: damaged (%s); put aside as %s, a new epoch starts", self._file, error, aside.name)
        self._opened(store := Store(self._file, max_bytes=self._max_bytes, now_ns=self._now_ns))
        store.commit(Load(lost=lost), lost_reason=f"the spool's file was damaged, put aside as {aside.name}")

    def _count(self) -> None:
        for lane, table in (self._store.lanes if self._store else {}).items():
            self._committed[lane] += table.state.committed
            self._dropped[lane] += table.state.dropped

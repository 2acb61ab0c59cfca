"""The spool's SQLite file. Synchronous: it belongs to the spool's thread and to nobody else.

Sequence numbers of a lane are consecutive from 1, and the newest row is never deleted, only marked, so that a number is
never used twice, whatever was acknowledged or restarted in between. The rows that wait are always `base` to `last`
without a hole: rows leave at the low end only, acknowledged or dropped.
"""

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from agent.spool.inbox import Load
from agent.spool.lane import LaneTable
from wire.messages import Ack
from wire.topics import Lane

SCHEMA_VERSION = 1
# A page no smaller than what a card rewrites: a power cut while one is written back cannot hurt its neighbours.
PAGE_BYTES = 4096
MIN_FILE_BYTES = 2 * 1024 * 1024
MAX_LOAD_BYTES = 4_000_000
MIN_LOAD_BYTES = 300_000  # room for the largest record
KEEP_ACKED_NS = 30 * 86_400 * 1_000_000_000
EXPIRE_EVERY_NS = 3_600 * 1_000_000_000
PURGE_ROWS = 500


def load_limit_bytes(max_bytes: int) -> int:
    """How much may be committed together into a file of this size."""
    return max(MIN_LOAD_BYTES, min(max_bytes // 16, MAX_LOAD_BYTES))


class Store:
    """One open file.

    Args:
        file: where it is; created when missing.
        max_bytes: the file and its log together stay below this (2 MiB at least).
        now_ns: the wall clock, Unix nanoseconds.

    Raises:
        sqlite3.Error: not to be opened, damaged, in use by another process, or of another version.
    """

    def __init__(self, file: Path, *, max_bytes: int, now_ns: Callable[[], int]) -> None:
        size = max(max_bytes, MIN_FILE_BYTES)
        # The log holds what awaits a checkpoint. One load comes on top of it, and on top of the file as well, because
        # room is made after it was written; the pages that making room changes are logged too, about a load again.
        log_pages = min(1000, size // PAGE_BYTES // 8)
        self._max_used_bytes = size - log_pages * PAGE_BYTES - 3 * load_limit_bytes(max_bytes) * 5 // 4
        self._now_ns = now_ns
        self._expire_at_ns = 0
        self._db = sqlite3.connect(file, timeout=0.5, isolation_level=None)
        try:
            # One process, one connection: an exclusive lock needs no shared memory, and a second agent is refused.
            self._db.execute("PRAGMA locking_mode=EXCLUSIVE")
            self._db.execute(f"PRAGMA page_size={PAGE_BYTES}")
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.execute(f"PRAGMA wal_autocheckpoint={log_pages}")
            self._db.execute(f"PRAGMA journal_size_limit={log_pages * PAGE_BYTES}")
            self.lanes = {lane: LaneTable(self._db, lane) for lane in Lane}
            self._create()
            meta = dict(self._db.execute("SELECT key, value FROM meta"))
            self.epoch, self.connections = str(meta["epoch"]), int(meta["connections"])
            for table in self.lanes.values():
                table.load()
        except BaseException:
            self._db.close()
            raise

    def close(self) -> None:
        """Close the file. Everything committed is already safe."""
        self._db.close()

    @property
    def used_bytes(self) -> int:
        """Bytes of the pages in use, the log not counted."""
        return (self._pragma("page_count") - self._pragma("freelist_count")) * PAGE_BYTES

    def commit(self, load: Load, *, lost_reason: str) -> None:
        """Write a load, forget what was acknowledged, stay below the size: all of it in one transaction, or nothing.

        Raises:
            sqlite3.Error: nothing was written.
        """
        with self._transaction():
            for lane, table in self.lanes.items():
                if lost := load.lost[lane]:
                    table.append_lost(lost, self._now_ns(), lost_reason)
                table.append(load.rows[lane])
                table.state.committed += len(load.rows[lane])
                table.purge()
            self._expire()
            self._shrink()

    def acknowledge(self, ack: Ack) -> bool:
        """Let rows up to the watermark go, with the next commit. False: not of this epoch, or never committed here.

        The mark is in memory first: lost with the process, it costs a second sending, which the collector knows.
        """
        state = self.lanes[ack.lane].state
        if ack.epoch != self.epoch or ack.watermark > state.last:
            return False
        state.base = max(state.base, ack.watermark + 1)
        return True

    @property
    def purge_due(self) -> bool:
        """Whether so much was acknowledged that it should go without waiting for the next commit."""
        return any(table.state.base - table.state.purged > PURGE_ROWS for table in self.lanes.values())

    def next_connection(self, *, at_least: int) -> int:
        """Count one more connection of this agent, for ever; `at_least` what memory counted without the disk."""
        number = max(self.connections + 1, at_least)
        with self._transaction():
            self._db.execute("UPDATE meta SET value = ? WHERE key = 'connections'", (str(number),))
        self.connections = number
        return number

    def touch(self) -> None:
        """Write something, to see whether that is possible."""
        with self._transaction():
            self._db.execute("UPDATE meta SET value = ? WHERE key = 'connections'", (str(self.connections),))

    def renew_epoch(self) -> None:
        """Start a new epoch with the rows that wait; numbers go on."""
        epoch = os.urandom(8).hex()
        with self._transaction():
            self._db.execute("UPDATE meta SET value = ? WHERE key = 'epoch'", (epoch,))
        self.epoch = epoch

    def _create(self) -> None:
        version = self._pragma("user_version")
        if version == SCHEMA_VERSION:
            return
        if version:
            raise sqlite3.NotSupportedError(f"its schema version {version} is not {SCHEMA_VERSION}")
        with self._transaction():
            self._db.execute("CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID")
            for table in self.lanes.values():
                table.create()
            meta = [("epoch", os.urandom(8).hex()), ("connections", "0")]
            self._db.executemany("INSERT INTO meta VALUES (?, ?)", meta)
            self._db.execute(f"PRAGMA user_version={SCHEMA_VERSION}")

    def _expire(self) -> None:
        now_ns = self._now_ns()
        if now_ns >= self._expire_at_ns:
            self._expire_at_ns = now_ns + EXPIRE_EVERY_NS
            self.lanes[Lane.EVENTS].expire(now_ns - KEEP_ACKED_NS)

    def _shrink(self) -> None:
        events, samples = self.lanes[Lane.EVENTS], self.lanes[Lane.SAMPLES]
        now_ns, reason = self._now_ns(), "the spool was full"
        drops: tuple[Callable[[], bool], ...] = (
            lambda: samples.drop_waiting(now_ns, reason),
            events.drop_acked,
            lambda: events.drop_waiting(now_ns, reason),
        )
        for drop in drops:
            while self.used_bytes > self._max_used_bytes and drop():
                pass

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        before = {lane: replace(table.state) for lane, table in self.lanes.items()}
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            for lane, table in self.lanes.items():
                table.state = before[lane]
            # A full disk or a read error may have ended the transaction already.
            if self._db.in_transaction:
                with contextlib.suppress(sqlite3.Error):
                    self._db.execute("ROLLBACK")
            raise

    def _pragma(self, name: str) -> int:
        return int(self._db.execute(f"PRAGMA {name}").fetchone()[0])

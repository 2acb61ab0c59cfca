"""One lane as a table of the spool's file. Every call that writes runs inside the store's transaction."""
# ruff: noqa: S608 - the table's name is one of two constants, values are always bound

import contextlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from agent.spool.gaps import Span, coalesce
from agent.spool.inbox import Keep, Row
from wire.codec import decode_record, encode_record
from wire.errors import MalformedError
from wire.messages import Gap, Record
from wire.topics import Lane

DROP_ROWS = 64

_TABLE = {Lane.EVENTS: "events", Lane.SAMPLES: "samples"}


class Stored(NamedTuple):
    """One row as read. A row of another version of this program reads as a Gap of one."""

    seq: int
    at_ns: int
    size_bytes: int
    record: Record


@dataclass(slots=True)
class LaneState:
    """What is known of a lane without reading it.

    `base` to `last` waits for an acknowledgement; rows below `purged` were already deleted or marked; `handed` is the
    highest number given out to be sent; `gap` is a gap's row that was not given out yet, so it may still grow.
    """

    base: int = 1
    last: int = 0
    purged: int = 1
    handed: int = 0
    gap: tuple[int, Span] | None = None
    committed: int = 0
    dropped: int = 0


class LaneTable:
    """The rows of one lane, and its state."""

    def __init__(self, db: sqlite3.Connection, lane: Lane) -> None:
        self._db = db
        self._table = _TABLE[lane]
        self.state = LaneState()

    def create(self) -> None:
        """Make the table."""
        self._db.execute(
            f"CREATE TABLE {self._table} (seq INTEGER PRIMARY KEY, at_ns INTEGER NOT NULL, keep INTEGER NOT NULL,"
            " acked INTEGER NOT NULL DEFAULT 0, body BLOB NOT NULL)"
        )

    def load(self) -> None:
        """Read where the lane stands. Reads no further than the first row that waits: acknowledged ones lie below."""
        first, last = self._db.execute(f"SELECT min(seq), max(seq) FROM {self._table}").fetchone()
        waiting = self._db.execute(f"SELECT seq FROM {self._table} WHERE acked = 0 ORDER BY seq LIMIT 1").fetchone()
        last = last or 0
        self.state = LaneState(base=waiting[0] if waiting else last + 1, last=last, purged=first or 1, handed=last)

    def read(self, after_seq: int, max_records: int) -> Iterator[Stored]:
        """Waiting rows above `after_seq`, lowest first, without a hole."""
        rows = self._db.execute(
            f"SELECT seq, at_ns, body FROM {self._table} WHERE seq > ? ORDER BY seq LIMIT ?",
            (max(after_seq, self.state.base - 1), max_records),
        )
        with contextlib.closing(rows):
            for seq, at_ns, body in rows:
                yield Stored(seq, at_ns, len(body), _decode(seq, at_ns, body))

    def oldest_ns(self) -> int | None:
        """When the oldest waiting row was taken in."""
        row = self._db.execute(f"SELECT at_ns FROM {self._table} WHERE seq = ?", (self.state.base,)).fetchone()
        return int(row[0]) if row else None

    def append(self, rows: list[Row]) -> None:
        """Give rows the next numbers."""
        state = self.state
        numbered = ((state.last + 1 + index, *row) for index, row in enumerate(rows))
        self._db.executemany(f"INSERT INTO {self._table} (seq, at_ns, keep, body) VALUES (?, ?, ?, ?)", numbered)
        state.last += len(rows)

    def append_lost(self, count: int, now_ns: int, reason: str) -> None:
        """Tell of records that never got a number: the gap stands in their place, under its own number."""
        here = self.state.last + 1
        self._append_gap(Span(here, here, count), now_ns, reason)
        self.state.dropped += count

    def purge(self) -> None:
        """Delete what was acknowledged, mark what stays: kept rows, and the newest, so that no number is used twice."""
        state = self.state
        if state.purged >= state.base:
            return
        low = state.purged - 1  # the newest row of an earlier purge was only marked
        self._db.execute(
            f"DELETE FROM {self._table} WHERE seq >= ? AND seq < ? AND keep != ?",
            (low, min(state.base, state.last), Keep.AFTER_ACK),
        )
        self._db.execute(f"UPDATE {self._table} SET acked = 1 WHERE seq >= ? AND seq < ?", (low, state.base))
        state.purged = state.base

    def expire(self, before_ns: int) -> None:
        """Delete acknowledged rows taken in before a time."""
        self._db.execute(
            f"DELETE FROM {self._table} WHERE acked = 1 AND seq < ? AND at_ns < ?",
            (min(self.state.base, self.state.last), before_ns),
        )

    def drop_acked(self) -> bool:
        """Delete some of the oldest acknowledged rows. False: there are none."""
        rows = self._db.execute(
            f"DELETE FROM {self._table} WHERE seq IN"
            f" (SELECT seq FROM {self._table} WHERE acked = 1 AND seq < ? ORDER BY seq LIMIT ?)",
            (min(self.state.base, self.state.last), DROP_ROWS),
        )
        return rows.rowcount > 0

    def drop_waiting(self, now_ns: int, reason: str) -> bool:
        """Drop some of the oldest rows that wait and record the hole. False: only the newest is left."""
        state = self.state
        first, last = state.base, min(state.base + DROP_ROWS, state.last) - 1
        if last < first:
            return False
        gaps = self._db.execute(
            f"SELECT seq, at_ns, body FROM {self._table} WHERE seq BETWEEN ? AND ? AND keep = ?",
            (first, last, Keep.GAP),
        ).fetchall()
        carried = [gap for row in gaps if isinstance(gap := _decode(*row), Gap)]
        lost = last - first + 1 - len(carried)
        # The row below `first` is there only if it was the newest of a purge.
        self._db.execute(
            f"DELETE FROM {self._table} WHERE seq BETWEEN ? AND ? AND (seq >= ? OR keep != ?)",
            (first - 1, last, first, Keep.AFTER_ACK),
        )
        state.base = state.purged = last + 1
        state.dropped += lost
        self._tell(
            [Span(first, last, lost), *(Span(g.first_seq, g.last_seq, g.count) for g in carried)], now_ns, reason
        )
        return True

    def _tell(self, spans: list[Span], now_ns: int, reason: str) -> None:
        """Record holes: in the gap's row that was not given out yet if they touch, else in a row of their own."""
        state = self.state
        grows = state.gap if state.gap and state.gap[0] > max(state.handed, state.base - 1) else None
        for span in coalesce([*spans, *([grows[1]] if grows else [])]):
            if grows and span.first <= grows[1].first and grows[1].last <= span.last:
                body = encode_record(Gap(now_ns, *span, reason))
                self._db.execute(f"UPDATE {self._table} SET body = ? WHERE seq = ?", (body, grows[0]))
                state.gap = (grows[0], span)
            else:
                self._append_gap(span, now_ns, reason)

    def _append_gap(self, span: Span, now_ns: int, reason: str) -> None:
        self.append([Row(now_ns, Keep.GAP, encode_record(Gap(now_ns, *span, reason)))])
        self.state.gap = (self.state.last, span)


def _decode(seq: int, at_ns: int, body: bytes) -> Record:
    try:
        return decode_record(body)
    except MalformedError:
        return Gap(at_ns, seq, seq, 1, "written by another version of the agent")

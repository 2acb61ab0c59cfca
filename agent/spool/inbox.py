"""Records between the probing thread and the disk: bounded memory, oldest samples go first, what goes is counted."""

from collections import deque
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple

from wire.messages import Act, Record, StateChange
from wire.topics import Lane

ROW_BYTES = 200  # what one waiting row costs in memory beside its body


class Keep(IntEnum):
    """What happens to a row once the collector has it. The numbers are stored."""

    UNTIL_ACKED = 0
    AFTER_ACK = 1  # state changes and acts: a rebuilt collector can be told again
    GAP = 2  # goes as UNTIL_ACKED, but its count is carried over when it must be dropped


class Row(NamedTuple):
    """One record on its way to the disk. `at_ns` is when the spool took it (Unix nanoseconds)."""

    at_ns: int
    keep: Keep
    body: bytes


def keep_of(record: Record) -> Keep:
    """State changes and acts stay after their acknowledgement; the rest goes."""
    return Keep.AFTER_ACK if isinstance(record, (StateChange, Act)) else Keep.UNTIL_ACKED


@dataclass(slots=True)
class Load:
    """What is committed together: rows per lane, and how many were lost per lane before the first of them."""

    rows: dict[Lane, list[Row]] = field(default_factory=lambda: {lane: [] for lane in Lane})
    lost: dict[Lane, int] = field(default_factory=lambda: dict.fromkeys(Lane, 0))

    def __bool__(self) -> bool:
        return any(self.rows.values()) or any(self.lost.values())


class Inbox:
    """At most `max_bytes` of rows. Not locked: its owner does that."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._rows: dict[Lane, deque[Row]] = {lane: deque() for lane in Lane}
        self._lost = dict.fromkeys(Lane, 0)
        self.bytes = 0

    def put(self, lane: Lane, row: Row) -> None:
        """Take a row in. The oldest sample, then the oldest event, makes room."""
        self._rows[lane].append(row)
        self.bytes += _cost(row)
        self._make_room()

    def lose(self, lane: Lane) -> None:
        """Count a record that could not be taken in."""
        self._lost[lane] += 1

    def waiting(self, lane: Lane) -> bool:
        """Whether this lane has something to commit."""
        return bool(self._rows[lane]) or self._lost[lane] > 0

    def take(self) -> Load:
        """Everything, to be committed."""
        load = Load({lane: list(rows) for lane, rows in self._rows.items()}, dict(self._lost))
        for rows in self._rows.values():
            rows.clear()
        self._lost = dict.fromkeys(Lane, 0)
        self.bytes = 0
        return load

    def give_back(self, load: Load) -> None:
        """Put what could not be committed back in front."""
        for lane, rows in load.rows.items():
            self._rows[lane].extendleft(reversed(rows))
            self.bytes += sum(map(_cost, rows))
            self._lost[lane] += load.lost[lane]
        self._make_room()

    def _make_room(self) -> None:
        while self.bytes > self._max_bytes:
            lane = Lane.SAMPLES if self._rows[Lane.SAMPLES] else Lane.EVENTS
            self.bytes -= _cost(self._rows[lane].popleft())
            self._lost[lane] += 1


def _cost(row: Row) -> int:
    return len(row.body) + ROW_BYTES

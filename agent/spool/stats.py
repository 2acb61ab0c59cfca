"""What the spool says about itself, for `status` and doctor."""

from typing import NamedTuple

import msgspec

from wire.topics import Lane


class Extent(NamedTuple):
    """The lowest number that waits, and the lowest live one; either is the next to be given when there is none."""

    base: int
    live_from: int


class LaneStats(msgspec.Struct, frozen=True, kw_only=True):
    """One lane. `rows` waits for an acknowledgement; `committed` and `dropped` count since this process started.

    `oldest_ns` is the Unix time at which the oldest waiting row was taken in, None when nothing waits.
    """

    rows: int = 0
    last_seq: int = 0
    oldest_ns: int | None = None
    committed: int = 0
    dropped: int = 0


class SpoolStats(msgspec.Struct, frozen=True, kw_only=True):
    """The whole spool. `trouble` is the sentence of what keeps it from the disk now, None when nothing does."""

    epoch: str = ""
    events: LaneStats = LaneStats()
    samples: LaneStats = LaneStats()
    file_bytes: int = 0
    memory_bytes: int = 0
    acks_ignored: int = 0
    trouble: str | None = None

    def lane(self, lane: Lane) -> LaneStats:
        """The figures of one lane."""
        return self.events if lane is Lane.EVENTS else self.samples

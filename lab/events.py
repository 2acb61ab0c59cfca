"""What the agent says on standard output (`--events-stdout`) and what headquarters hears, brought to one clock."""

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from lab.measure import Moved
from lab.samples import Tail
from wire.messages import Act, LinkState, StateChange


def wall_offset_ns() -> int:
    """CLOCK_REALTIME minus CLOCK_MONOTONIC, to bring the agent's times to the PC's clock."""
    before_ns = time.monotonic_ns()
    wall_ns = time.time_ns()
    return wall_ns - (before_ns + time.monotonic_ns()) // 2


class EventLog:
    """The agent's standard output, read while it grows; over restarts."""

    def __init__(self, file: Path) -> None:
        self._tail = Tail(file)
        self.offset_ns = wall_offset_ns()
        self.moved: list[Moved] = []
        self.ready_count = 0

    def update(self) -> list[Moved]:
        """All state changes and acts so far."""
        for line in self._tail.lines():
            value = json.loads(line)
            kind = value.pop("event")
            if kind == "ready":
                self.ready_count += 1
            event = parse(kind, value)
            if event is not None:
                self.moved.append(Moved(event.at_ns - self.offset_ns, event))
        return self.moved

    def states(self) -> dict[str, LinkState]:
        """The last state each path was reported in."""
        return {m.event.path: m.event.new for m in self.moved if isinstance(m.event, StateChange)}

    def acts(self) -> list[Act]:
        """All acts so far."""
        return [m.event for m in self.moved if isinstance(m.event, Act)]


def parse(kind: str, value: dict[str, object]) -> StateChange | Act | None:
    """One printed event; None for kinds the lab does not measure."""
    known = {"StateChange": StateChange, "Act": Act}.get(kind)
    if known is None:
        return None
    # The wire's records are arrays that begin with their tag; the agent prints them by name.
    array = [known.__struct_config__.tag, *(value[name] for name in known.__struct_fields__)]
    return msgspec.convert(array, StateChange | Act)


class Heard(NamedTuple):
    """One batch as it arrived at headquarters: when (CLOCK_MONOTONIC), and which records, by number and time."""

    at_ns: int
    lane: str
    epoch: str
    first_seq: int
    newest_ns: int
    windows: Sequence[tuple[int, str, int, int]]  # number, path, family, start_ns
    length: int  # of records, windows and others


class HeardLog:
    """The listener's file, read while it grows."""

    def __init__(self, file: Path) -> None:
        self._tail = Tail(file)
        self.offset_ns = wall_offset_ns()
        self.heard: list[Heard] = []

    def update(self) -> list[Heard]:
        """All batches so far."""
        self.heard.extend(Heard(*json.loads(line)) for line in self._tail.lines())
        return self.heard

    def first_event_ns(self, cut_ns: int) -> int | None:
        """When the first batch with an event later than the cut arrived."""
        wall_ns = cut_ns + self.offset_ns
        return next((h.at_ns for h in self.heard if h.lane == "e" and h.newest_ns > wall_ns), None)

"""When to send which stream. Pure: a heap of due times, no clock, no timer.

Periodic streams with a random start (RFC 3432 section 3.1). A group (the anchors of one path) is staggered: with N
streams of interval I one of them is due every I/N.
"""

import heapq
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)


@dataclass(slots=True)
class _Stream:
    interval_s: float
    due_s: float
    last_s: float | None
    turn: int  # a heap entry of another turn is stale


class Schedule(Generic[Key]):
    """Due times of streams, in seconds of one monotonic clock."""

    def __init__(self) -> None:
        self._streams: dict[Key, _Stream] = {}
        self._heap: list[tuple[float, int, Key]] = []
        self._turn = 0

    def pace(self, group: Sequence[Key], interval_s: float, now_s: float, start_s: float) -> None:
        """Send each stream of `group` every `interval_s` from now on, staggered.

        New streams start `start_s` after now (the caller's random phase). A group that ran keeps its rhythm: the next
        probe comes one spacing after the last one of the group, at once when that is past, the longest waiting first.
        """
        spacing_s = interval_s / len(group)
        last_sent_s = [last_s for key in group if (last_s := self._last_s(key)) is not None]
        base_s = max(now_s, max(last_sent_s) + spacing_s) if last_sent_s else now_s + start_s
        order = sorted(group, key=lambda key: -1.0 if (last_s := self._last_s(key)) is None else last_s)
        for place, key in enumerate(order):
            self._put(key, interval_s, base_s + place * spacing_s)

    def join(self, key: Key, group: Iterable[Key], now_s: float) -> None:
        """Add a stream to a running `group` without touching the others: in the widest hole between them."""
        others = [stream for other in group if (stream := self._streams.get(other)) is not None]
        interval_s = others[0].interval_s
        phases_s = sorted((stream.due_s - now_s) % interval_s for stream in others)
        holes = [
            (after_s - before_s, before_s)
            for before_s, after_s in zip(phases_s, [*phases_s[1:], phases_s[0] + interval_s], strict=True)
        ]
        width_s, before_s = max(holes)
        self._put(key, interval_s, now_s + (before_s + width_s / 2) % interval_s)

    def drop(self, key: Key) -> None:
        """Forget a stream; unknown ones are no error."""
        self._streams.pop(key, None)

    def interval_s(self, key: Key) -> float | None:
        """The interval of a stream, or None when it is not scheduled."""
        stream = self._streams.get(key)
        return None if stream is None else stream.interval_s

    def next_s(self) -> float | None:
        """When the next stream is due, or None when there is none."""
        while self._heap and self._is_stale(self._heap[0]):
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def take_due(self, now_s: float) -> list[Key]:
        """The streams to send now. Due times keep their grid: no drift.

        A stream late by a whole interval or more is not sent: what was missed is skipped, not made up in a burst, and
        it goes on at the next place of its grid.
        """
        due: list[Key] = []
        while (next_s := self.next_s()) is not None and next_s <= now_s:
            _, _, key = heapq.heappop(self._heap)
            stream = self._streams[key]
            missed = int((now_s - stream.due_s) / stream.interval_s)
            if missed == 0:
                due.append(key)
                stream.last_s = stream.due_s
            self._put(key, stream.interval_s, stream.due_s + (missed + 1) * stream.interval_s)
        return due

    def _last_s(self, key: Key) -> float | None:
        stream = self._streams.get(key)
        return None if stream is None else stream.last_s

    def _put(self, key: Key, interval_s: float, due_s: float) -> None:
        self._turn += 1
        self._streams[key] = _Stream(interval_s, due_s, self._last_s(key), self._turn)
        heapq.heappush(self._heap, (due_s, self._turn, key))

    def _is_stale(self, entry: tuple[float, int, Key]) -> bool:
        stream = self._streams.get(entry[2])
        return stream is None or stream.turn != entry[1]

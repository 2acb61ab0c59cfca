"""Which rows are live and which are backlog, without trusting the wall clock more than needed."""

from collections import deque
from collections.abc import Callable

from wire.topics import Lane

MARK_EVERY_S = 1.0


class Ages:
    """Remembers when rows were committed, to the second, for as long as they are live.

    Rows of this process are judged by the monotonic clock, so that a set clock does not turn news into history. Rows of
    an earlier process can only be judged by the time they carry.

    Args:
        live_s: how long a row is live.
        now_ns: the wall clock, Unix nanoseconds.
    """

    def __init__(self, live_s: float, now_ns: Callable[[], int]) -> None:
        self._live_s = live_s
        self._now_ns = now_ns
        self._marks: dict[Lane, deque[tuple[int, float]]] = {lane: deque() for lane in Lane}
        self._ours_from: dict[Lane, int] = {}

    def forget(self) -> None:
        """The file was opened again: its numbers mean something else, or the same rows are an earlier process's."""
        self._ours_from.clear()
        for marks in self._marks.values():
            marks.clear()

    def committed(self, lane: Lane, first_seq: int, now_s: float) -> None:
        """Rows from `first_seq` on were committed at `now_s` (monotonic)."""
        self._ours_from.setdefault(lane, first_seq)
        marks = self._marks[lane]
        self._forget_old(lane, now_s)
        if not marks or now_s - marks[-1][1] >= MARK_EVERY_S:
            marks.append((first_seq, now_s))

    def live(self, lane: Lane, seq: int, at_ns: int, now_s: float) -> bool:
        """Whether the row `seq`, taken in at `at_ns`, is live."""
        if seq >= self._ours_from.get(lane, seq + 1):
            self._forget_old(lane, now_s)
            marks = self._marks[lane]
            return bool(marks) and seq >= marks[0][0]
        return 0 <= self._now_ns() - at_ns < self._live_s * 1e9

    def live_from(self, lane: Lane, now_s: float) -> int | None:
        """The lowest live number among the rows of this process, None when there is none."""
        self._forget_old(lane, now_s)
        marks = self._marks[lane]
        return marks[0][0] if marks else None

    def _forget_old(self, lane: Lane, now_s: float) -> None:
        marks = self._marks[lane]
        while marks and now_s - marks[0][1] >= self._live_s:
            marks.popleft()

"""One lane of a simulated branch: its records wait in memory until the collector says that it has them on disk."""

from collections import deque
from collections.abc import Callable
from itertools import islice

from agent.uplink.window import LaneWindow
from wire.messages import Ack, Batch, Record
from wire.topics import Lane

LIVE_S = 30.0
BATCH_RECORDS = 250


class LaneBook:
    """Numbers the records of one lane and says what to send next, as the agent's spool and sender do."""

    def __init__(self, lane: Lane, epoch: str) -> None:
        self.lane = lane
        self._epoch = epoch
        self._records: deque[tuple[float, Record]] = deque()
        self._base = 1
        self.window = LaneWindow()

    @property
    def produced(self) -> int:
        """How many records there ever were."""
        return self._base - 1 + len(self._records)

    @property
    def waiting(self) -> int:
        """How many of them the collector has not acknowledged."""
        return len(self._records)

    def append(self, at_s: float, record: Record) -> None:
        """Take a record of the moment `at_s`."""
        self._records.append((at_s, record))

    def reconnected(self) -> None:
        """A new session: what is not acknowledged is sent again."""
        self.window = LaneWindow()
        self.window.on_base(self._base, 0.0)

    def next_batch(self, now_s: float, at_ns: Callable[[], int]) -> Batch | None:
        """What to publish now; a batch is all live or all backlog. `now_s` as in `append`."""
        resend_in_s = self.window.resend_in_s(now_s)
        if resend_in_s is not None and resend_in_s <= 0:
            self.window.on_silence(now_s)
        first = max(self.window.sent + 1, self._base)
        if first > self.produced or not self.window.may_send():
            return None
        start = first - self._base
        most = 1 if self.window.probing else BATCH_RECORDS
        hist = self._is_old(self._records[start][0], now_s)
        records = []
        for at_s, record in islice(self._records, start, start + most):
            if self._is_old(at_s, now_s) is not hist:
                break
            records.append(record)
        self.window.on_sent(first + len(records) - 1, now_s)
        return Batch(self.lane, self._epoch, first, self._base, hist, at_ns(), tuple(records))

    def on_ack(self, ack: Ack, now_s: float) -> None:
        """Forget what the collector has."""
        if ack.epoch != self._epoch or ack.watermark > self.produced:
            return
        while self._base <= ack.watermark:
            self._records.popleft()
            self._base += 1
        self.window.on_ack(ack.watermark, now_s)

    @staticmethod
    def _is_old(at_s: float, now_s: float) -> bool:
        return now_s - at_s >= LIVE_S

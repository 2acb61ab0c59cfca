"""Go-back-N for one lane: what to send next, when to send again. Pure: no I/O, no clock.

Two acknowledgements are kept apart. The broker's PUBACK frees a slot of the window and means nothing else. Only the
collector's acknowledgement moves the watermark, and only that is progress.
"""

from dataclasses import dataclass, field

WINDOW_BATCHES = 8  # sent, not yet confirmed by the broker
UNACKED_BATCHES = 64  # sent, not yet acknowledged by the collector
RESEND_AFTER_S = 10.0
RESEND_AFTER_MAX_S = 60.0


@dataclass(slots=True)
class LaneWindow:
    """The sending side of one lane within one MQTT session. Numbers are sequence numbers, times monotonic seconds.

    After a silence everything unacknowledged is sent again, but at first one record only, until the collector answers:
    an absent collector must not cost the line its whole backlog again and again. `resend_s` is the first silence's
    length; it doubles up to a minute.

    Live records may overtake the backlog: `ahead_first` to `ahead_last` was sent early. They count as sent once the
    backlog below them was.

    `acked` is what the collector said, `watermark` also counts what the spool dropped or knew before this session.
    """

    resend_s: float = RESEND_AFTER_S
    acked: int = 0
    watermark: int = 0
    sent: int = 0
    slots_used: int = 0
    unacked: list[int] = field(default_factory=list)  # the last number of each batch above the watermark
    silences: int = 0
    progress_s: float = 0.0
    owed_since_s: float | None = None
    ahead_first: int | None = None
    ahead_last: int = 0

    @property
    def probing(self) -> bool:
        """Whether the collector did not answer the last sending."""
        return self.silences > 0

    @property
    def until(self) -> int | None:
        """Where the backlog ends and what was sent ahead begins; None: nothing was."""
        return None if self.ahead_first is None else self.ahead_first - 1

    @property
    def highest(self) -> int:
        """The highest number sent."""
        return max(self.sent, self.ahead_last)

    def may_send(self) -> bool:
        """Whether there is room for one more batch."""
        limit = 1 if self.probing else UNACKED_BATCHES
        return self.slots_used < WINDOW_BATCHES and len(self.unacked) < limit

    def may_overtake(self) -> bool:
        """Whether a live batch may be sent before the backlog."""
        return self.slots_used < WINDOW_BATCHES and not self.probing

    def on_sent(self, last: int, now_s: float) -> None:
        """The next batch, up to `last`, was handed to the broker."""
        self.slots_used += 1
        self._count(last, now_s)
        self._close_up(now_s)

    def on_overtaken(self, first: int, last: int) -> None:
        """A live batch was handed to the broker before the backlog below it."""
        self.slots_used += 1
        if self.ahead_first is None or first != self.ahead_last + 1:
            self.ahead_first = first
        self.ahead_last = last

    def on_base(self, base: int, now_s: float) -> None:
        """The spool holds nothing below `base`: acknowledged earlier, or dropped."""
        if base - 1 > self.watermark:
            self.watermark = base - 1
            self.sent = max(self.sent, self.watermark)
            self.unacked = [last for last in self.unacked if last > self.watermark]
            self.owed_since_s = now_s if self.unacked else None
            self._close_up(now_s)

    def on_broker_has_it(self) -> None:
        """One PUBACK came."""
        self.slots_used -= 1

    def on_ack(self, watermark: int, now_s: float) -> None:
        """The collector has everything up to `watermark`."""
        if watermark <= self.acked and not self.probing:
            return
        if self.probing:
            # It is back, and may have missed anything that was sent meanwhile.
            self._go_back()
        self.acked = max(self.acked, watermark)
        self.silences = 0
        self.progress_s = now_s
        self.on_base(watermark + 1, now_s)

    def silent_s(self, now_s: float) -> float | None:
        """How long the collector has owed an answer, None while it owes none."""
        return None if self.owed_since_s is None else now_s - self.owed_since_s

    def resend_in_s(self, now_s: float) -> float | None:
        """How long until everything is sent again, None while the collector owes nothing."""
        wait_s = min(self.resend_s * 2**self.silences, max(self.resend_s, RESEND_AFTER_MAX_S))
        return self.progress_s + wait_s - now_s if self.unacked else None

    def on_silence(self, now_s: float) -> None:
        """Go back to the record after the watermark, more patient each time."""
        self._go_back()
        self.silences = min(self.silences + 1, 10)
        self.progress_s = now_s

    def _go_back(self) -> None:
        self.sent = self.watermark
        self.unacked.clear()
        self.ahead_first, self.ahead_last = None, 0

    def _count(self, last: int, now_s: float) -> None:
        if not self.unacked:
            self.progress_s = now_s
            self.owed_since_s = now_s if self.owed_since_s is None else self.owed_since_s
        self.sent = last
        self.unacked.append(last)

    def _close_up(self, now_s: float) -> None:
        """The backlog reached what was sent ahead: from now on that counts like the rest."""
        if self.ahead_first is None or self.sent < self.ahead_first - 1:
            return
        last, self.ahead_first, self.ahead_last = self.ahead_last, None, 0
        if last > self.sent:
            self._count(last, now_s)

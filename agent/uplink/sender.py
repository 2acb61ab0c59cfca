"""Publishes one lane of the spool over one session, and sends again what the collector does not acknowledge."""

import asyncio
import time
from collections.abc import Callable

from agent.spool import Extent, Spool
from agent.uplink.status import LaneStatus
from agent.uplink.transport import Session
from agent.uplink.window import LaneWindow
from wire.codec import encode
from wire.messages import Ack, Batch
from wire.topics import Address, Lane, lane_topic

BATCH_RECORDS = 250
BATCH_BYTES = 32_000


class LaneSender:
    """One lane during one session.

    Args:
        spool: where the records are.
        lane: which ones.
        address: whose they are.
        backlog_per_s: backlog records a second; None: backlog is not slowed and nothing overtakes it.
        resend_s: how long the collector may be silent before everything is sent again.
        now_s: the monotonic clock.
    """

    def __init__(
        self,
        spool: Spool,
        lane: Lane,
        address: Address,
        *,
        backlog_per_s: float | None,
        resend_s: float,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._spool = spool
        self._lane = lane
        self._topic = lane_topic(lane, address)
        self._backlog_per_s = backlog_per_s
        self._now_s = now_s
        self._window = LaneWindow(resend_s)
        self._resend_s = resend_s
        self._nudge = asyncio.Event()
        self._backlog_at_s = 0.0
        self._epoch = spool.epoch

    @property
    def silent_s(self) -> float | None:
        """How long the collector has owed an acknowledgement, None while it owes none."""
        return self._window.silent_s(self._now_s())

    @property
    def status(self) -> LaneStatus:
        """The lane's figures."""
        window = self._window
        return LaneStatus(sent=window.highest, acked=window.watermark, unacked_s=self.silent_s)

    def on_ack(self, ack: Ack) -> None:
        """The spool believed this acknowledgement."""
        self._window.on_ack(ack.watermark, self._now_s())
        self._nudge.set()

    async def run(self, session: Session, tasks: asyncio.TaskGroup) -> None:
        """Send until cancelled. Raises as `Session.publish`, through the task group."""
        tasks.create_task(self._watch_spool(), name=f"uplink spool {self._lane}")
        while True:
            self._nudge.clear()
            now_s = self._now_s()
            self._start_again_if_due(now_s)
            extent = await self._spool.extent(self._lane)
            self._window.on_base(extent.base, now_s)
            batch = await self._overtaking(extent) or await self._next(extent, now_s)
            if batch is None:
                await self._sleep(now_s)
                continue
            tasks.create_task(self._publish(session, batch), name=f"uplink {self._lane}")

    def _start_again_if_due(self, now_s: float) -> None:
        if self._spool.epoch not in {self._epoch, ""}:
            self._window, self._epoch = (
                LaneWindow(self._resend_s, slots_used=self._window.slots_used),
                self._spool.epoch,
            )
        resend_in_s = self._window.resend_in_s(now_s)
        if resend_in_s is not None and resend_in_s <= 0:
            self._window.on_silence(now_s)

    async def _overtaking(self, extent: Extent) -> Batch | None:
        """Live records above a backlog that has to wait its turn."""
        window = self._window
        if self._backlog_per_s is None or extent.live_from <= window.sent + 1 or not window.may_overtake():
            return None
        batch = await self._read(max(extent.live_from - 1, window.ahead_last), None)
        if batch is None or batch.hist:
            return None
        window.on_overtaken(batch.first_seq, _last(batch))
        return batch

    async def _next(self, extent: Extent, now_s: float) -> Batch | None:
        window = self._window
        paused = now_s < self._backlog_at_s and window.sent + 1 < extent.live_from
        if paused or not window.may_send():
            return None
        batch = await self._read(window.sent, window.until)
        if batch is None:
            return None
        window.on_sent(_last(batch), now_s)
        if batch.hist and self._backlog_per_s:
            self._backlog_at_s = max(self._backlog_at_s, now_s) + len(batch.records) / self._backlog_per_s
        return batch

    async def _read(self, after: int, until: int | None) -> Batch | None:
        records = 1 if self._window.probing else BATCH_RECORDS
        return await self._spool.next_batch(
            self._lane, after, max_records=records, max_bytes=BATCH_BYTES, until_seq=until
        )

    async def _sleep(self, now_s: float) -> None:
        waits = [wait for wait in (self._window.resend_in_s(now_s), self._backlog_at_s - now_s) if wait and wait > 0]
        try:
            async with asyncio.timeout(min(waits, default=None)):
                await self._nudge.wait()
        except TimeoutError:
            return

    async def _publish(self, session: Session, batch: Batch) -> None:
        await session.publish(self._topic, encode(batch))
        self._window.on_broker_has_it()
        self._nudge.set()

    async def _watch_spool(self) -> None:
        seen = -1
        while True:
            await self._spool.committed_beyond(self._lane, seen)
            seen = self._spool.stats.lane(self._lane).last_seq
            self._nudge.set()


def _last(batch: Batch) -> int:
    return batch.first_seq + len(batch.records) - 1

"""Sees that each message arrives: each receiver by itself, at least once, in order for each incident.

Nothing is only in memory: a notice becomes rows (`deliveries.py`), a row is sent and then noted (`courier.py`). A crash
in between sends it again under the same key.
"""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial

from collector.clock import SteadyClock
from collector.database import Database
from collector.notify import deliveries
from collector.notify.base import Keeper, Notifier
from collector.notify.composer import Composer
from collector.notify.courier import Courier, wait
from collector.notify.deliveries import State
from collector.notify.ledger import Ledger
from collector.notify.outcome import Outcome
from collector.notify.settings import NotifySettings

LOOK_S = 1.0
SWEEP_S = 3600.0
SHORTEST_BACK_OFF_S = 1.0
KEEP_FOR_S = 1826 * 86400.0


class Outbox:
    """Fans notices out to receivers and delivers them."""

    def __init__(
        self,
        *,
        database: Database,
        receivers: Sequence[tuple[NotifySettings, Notifier]],
        composer: Composer,
        clock: SteadyClock,
        offer_lines: Callable[[bytes], None],
        keep_for_s: float = KEEP_FOR_S,
        shortest_back_off_s: float = SHORTEST_BACK_OFF_S,
    ) -> None:
        """`offer_lines` takes points, as `Ingest.offer_lines`; what was told is known for `keep_for_s`."""
        self._ledger = Ledger(database, clock, offer_lines)
        self._keep_for_s = keep_for_s
        self._news = asyncio.Event()
        self._couriers = [
            Courier(settings, notifier, composer, self._ledger, shortest_back_off_s) for settings, notifier in receivers
        ]

    def wake(self) -> None:
        """There are new notices; without this they are seen a second later."""
        self._news.set()

    async def run(self) -> None:
        """Deliver for ever."""
        names = [each.name for each in self._couriers]
        now_s = self._ledger.clock.now_s()
        for row in await self._ledger.run(partial(deliveries.forget_receivers, names=names, now_s=now_s)):
            await self._ledger.record(Outcome(row.receiver, (row,), State.GIVEN_UP, "no longer in the settings"))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._fan_out(), name="outbox")
            for courier in self._couriers:
                tasks.create_task(courier.serve(), name=f"outbox {courier.name}")
                if isinstance(courier.notifier, Keeper):
                    tasks.create_task(courier.keep(courier.notifier), name=f"outbox {courier.name} keep")

    async def close(self) -> None:
        """Let go of connections."""
        for courier in self._couriers:
            await courier.notifier.close()

    async def _fan_out(self) -> None:
        wanted = [(each.name, each.settings.severities) for each in self._couriers]
        swept_s = float("-inf")
        while True:
            self._news.clear()
            now_s = self._ledger.clock.now_s()
            if await self._ledger.run(partial(deliveries.make, receivers=wanted, now_s=now_s)):
                for courier in self._couriers:
                    courier.news.set()
            if now_s - swept_s >= SWEEP_S:
                swept_s = now_s
                await self._ledger.run(partial(deliveries.forget_before, before_s=now_s - self._keep_for_s))
            await wait(self._news, LOOK_S)

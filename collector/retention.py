"""Once a day, points older than `[retention]` go from the database, whichever it is."""

import asyncio
import logging
from collections.abc import Iterable

from collector.clock import SteadyClock
from collector.config import RetentionSettings
from collector.events import tell
from collector.store.base import Later, OwnRetention, Paused, Store
from wire.fields import Measurement

FIRST_S = 300.0  # after the start: what waits in the journal goes first
EVERY_S = 86_400.0
RETRY_S = 3600.0

WINDOWS = (
    Measurement.LINK,
    Measurement.FLIGHT,
    Measurement.DIGEST,
    Measurement.POWER,
    Measurement.ENVIRONMENT,
    Measurement.FLEET,
    Measurement.FLEET_ISP,
    Measurement.PIPELINE,
)
HOURLY = (Measurement.LINK_1H,)
RECORDS = (
    Measurement.LINK_STATE,
    Measurement.ACT,
    Measurement.BRANCH_STATE,
    Measurement.INCIDENT,
    Measurement.DELIVERY,
)


def cuts(settings: RetentionSettings, now_ns: int) -> Iterable[tuple[Measurement, int]]:
    """Each measurement and the time before which its points go, in nanoseconds. Pure."""
    for measurements, keep_s in ((WINDOWS, settings.windows), (HOURLY, settings.hourly), (RECORDS, settings.records)):
        for measurement in measurements:
            yield measurement, now_ns - round(keep_s * 1e9)


class Retention:
    """One for each collector."""

    def __init__(
        self, store: Store, settings: RetentionSettings, clock: SteadyClock, *, first_s: float = FIRST_S
    ) -> None:
        self._store = store
        self._settings = settings
        self._clock = clock
        self._first_s = first_s

    async def run(self) -> None:
        """Delete once a day for ever; end when the database deletes by a setting of its own only."""
        wait_s = self._first_s
        while True:
            await asyncio.sleep(wait_s)
            answer = await self._once()
            if isinstance(answer, OwnRetention):
                sentence = f"[retention] has no effect on this database, set its own: {answer.reason}"
                tell(logging.WARNING, "retention.own", sentence)
                return
            wait_s = EVERY_S if answer is None else RETRY_S

    async def _once(self) -> OwnRetention | Paused | Later | None:
        """None when everything old is gone."""
        for measurement, before_ns in cuts(self._settings, self._clock.now_ns()):
            answer = await self._store.forget(measurement, before_ns)
            if isinstance(answer, OwnRetention):
                return answer
            if isinstance(answer, Paused | Later):
                sentence = f"old points of {measurement} cannot be deleted; trying again in an hour ({answer.reason})"
                tell(logging.WARNING, "retention.later", sentence)
                return answer
        tell(logging.INFO, "retention.done", "points older than [retention] are gone")
        return None

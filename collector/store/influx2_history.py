"""Reading what `Influx2` writes to: InfluxQL or, when it is VictoriaMetrics, MetricsQL."""

from typing import Unpack

from collector.store.asking import Asker
from collector.store.history import History, HistoryError, Series, Words
from collector.store.influx_history import InfluxHistory
from collector.store.victoria import is_victoria
from collector.store.victoria_history import VictoriaHistory


class Influx2History:
    """Finds out at the first question what answers, by the page `Influx2` looks at too."""

    def __init__(self, *, url: str, bucket: str, token: str, timeout_s: float) -> None:
        """Nothing is asked yet."""
        self._asker = Asker(url, timeout_s=timeout_s)
        self._influx = InfluxHistory(url=url, database=bucket, token=token, timeout_s=timeout_s)
        self._victoria = VictoriaHistory(url=url, token=token, timeout_s=timeout_s)
        self._found: History | None = None

    async def read(self, measurement: str, fields: tuple[str, ...], **words: Unpack[Words]) -> list[Series]:
        """As `History.read`."""
        if self._found is None:
            self._found = await self._find()
        return await self._found.read(measurement, fields, **words)

    async def _find(self) -> History:
        """An InfluxDB may keep its metrics page to itself: an answer that is not VictoriaMetrics' page is enough."""
        status, page = await self._asker.look("/metrics")
        if status >= 500:
            raise HistoryError(f"{self._asker.url}: in trouble (HTTP {status}); is the database starting?")
        return self._victoria if is_victoria(page) else self._influx

    async def close(self) -> None:
        """Close connections."""
        for each in (self._asker, self._influx, self._victoria):
            await each.close()

"""Reading InfluxDB 1, 2 and 3 by InfluxQL at `/query`, the one language all three share."""

from typing import Unpack

import aiohttp

from collector.store.asking import Asker
from collector.store.history import Series, Words
from collector.store.influxql import read_answer, select
from collector.store.question import question


class InfluxHistory:
    """Reads one database (InfluxDB 2: the bucket, by the mapping it makes itself for each bucket)."""

    def __init__(
        self, *, url: str, database: str, timeout_s: float, auth: aiohttp.BasicAuth | None = None, token: str = ""
    ) -> None:
        """`token` for InfluxDB 2 and 3, `auth` for 1."""
        headers = {"Authorization": f"Token {token}"} if token else {}
        self._asker = Asker(url, timeout_s=timeout_s, auth=auth, headers=headers)
        self._database = database

    async def read(self, measurement: str, fields: tuple[str, ...], **words: Unpack[Words]) -> list[Series]:
        """As `History.read`."""
        asked = question(measurement, fields, **words)
        query = {"db": self._database, "epoch": "ns", "q": select(asked)}
        return read_answer(asked, await self._asker.get("/query", query))

    async def close(self) -> None:
        """Close connections."""
        await self._asker.close()

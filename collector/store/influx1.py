"""InfluxDB 1.x: plain POST to `/write`. Durable when it answers 204 (its WAL is synced; `wal-fsync-delay` is 0)."""

import aiohttp

from collector.store.answers import read_answer
from collector.store.asking import Asker
from collector.store.base import LINGER_S, Answer, Forgotten, Later, Paused, Written
from collector.store.day_cuts import cut_by_days
from collector.store.influxql import read_oldest, select_oldest

DELETE_TIMEOUT_S = 300.0


class Influx1:
    """Writes to one database with its default retention policy."""

    def __init__(self, *, url: str, database: str, username: str, password: str, timeout_s: float) -> None:
        """Call inside a running event loop."""
        self._url = url.rstrip("/") + "/write"
        self._url_of_queries = url.rstrip("/") + "/query"
        self._query = {"db": database, "precision": "ns"}
        auth = aiohttp.BasicAuth(username, password) if username else None
        self._asker = Asker(url, timeout_s=DELETE_TIMEOUT_S, auth=auth)
        self._session = aiohttp.ClientSession(
            auth=auth,
            timeout=aiohttp.ClientTimeout(total=timeout_s),
        )

    @property
    def keep_s(self) -> float:
        """It does not forget."""
        return 0.0

    @property
    def linger_s(self) -> float:
        """A write costs the database little."""
        return LINGER_S

    async def write(self, lines: bytes) -> Answer:
        """POST the lines."""
        try:
            async with self._session.post(self._url, params=self._query, data=lines, allow_redirects=False) as response:
                text = (await response.content.read(4096)).decode(errors="replace")
                after = response.headers.get("Retry-After")
                return read_answer(response.status, text, after, lines.count(b"\n") + 1)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return Later(str(error) or "no answer in time")

    async def started_s(self) -> float | None:
        """Not asked."""
        return None

    async def forget(self, measurement: str, before_ns: int) -> Forgotten:
        """One DELETE for each day that has points."""

        async def oldest() -> int | None:
            words = {"db": self._query["db"], "epoch": "ns", "q": select_oldest(measurement, before_ns)}
            return read_oldest(await self._asker.get("/query", words))

        return await cut_by_days(before_ns, oldest=oldest, delete=lambda end_ns: self._delete(measurement, end_ns))

    async def _delete(self, measurement: str, before_ns: int) -> Forgotten:
        words = {"db": self._query["db"], "q": f'DELETE FROM "{measurement}" WHERE time < {before_ns}'}  # noqa: S608 - both are ours
        limit = aiohttp.ClientTimeout(total=DELETE_TIMEOUT_S)
        try:
            async with self._session.post(self._url_of_queries, data=words, timeout=limit) as response:
                text = (await response.content.read(4096)).decode(errors="replace")
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return Later(str(error) or "no answer in time")
        if response.status == 200 and '"error"' not in text:
            return Written()
        reason = f"HTTP {response.status} {' '.join(text.split())[:300]}"
        return Paused(reason) if response.status in {200, 400, 401, 403, 404} else Later(reason)

    async def close(self) -> None:
        """Close connections."""
        await self._asker.close()
        await self._session.close()

"""InfluxDB 1.x: plain POST to `/write`. Durable when it answers 204 (its WAL is synced; `wal-fsync-delay` is 0)."""

import aiohttp

from collector.store.answers import read_answer
from collector.store.base import Answer, Later


class Influx1:
    """Writes to one database with its default retention policy."""

    def __init__(self, *, url: str, database: str, username: str, password: str, timeout_s: float) -> None:
        """Call inside a running event loop."""
        self._url = url.rstrip("/") + "/write"
        self._query = {"db": database, "precision": "ns"}
        self._session = aiohttp.ClientSession(
            auth=aiohttp.BasicAuth(username, password) if username else None,
            timeout=aiohttp.ClientTimeout(total=timeout_s),
        )

    @property
    def keep_s(self) -> float:
        """It does not forget."""
        return 0.0

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

    async def close(self) -> None:
        """Close the connection."""
        await self._session.close()

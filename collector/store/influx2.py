"""InfluxDB 1.8, 2 and 3, and VictoriaMetrics (writes only): `/api/v2/write` by influxdb-client's async client.

The client is fed with ready bytes: its Point and its batching API are slow and drop data without an error. It does not
retry either, which is right here: `writer.py` does. VictoriaMetrics answers 204 before the data is on disk (measured:
a kill loses 3 to 10 s), so the journal keeps ten minutes for it; run it with `-dedup.minScrapeInterval=1ms`.
"""

from datetime import UTC, datetime

import aiohttp
from influxdb_client.client.exceptions import InfluxDBError
from influxdb_client.client.influxdb_client_async import InfluxDBClientAsync
from influxdb_client.rest import ApiException

from collector.store.answers import read_answer
from collector.store.asking import Asker
from collector.store.base import LINGER_S, Answer, Forgotten, Later, OwnRetention, Paused, Written
from collector.store.day_cuts import cut_by_days
from collector.store.influxql import read_oldest, select_oldest
from collector.store.victoria import is_victoria, started_s

VICTORIA_KEEP_S = 600.0
DELETE_TIMEOUT_S = 300.0


class Influx2:
    """Writes to one bucket."""

    def __init__(self, *, url: str, bucket: str, org: str, token: str, timeout_s: float) -> None:
        """Call inside a running event loop."""
        self._url = url.rstrip("/")
        self._bucket, self._org, self._token = bucket, org or "-", token
        self._client = InfluxDBClientAsync(
            self._url, token, org=org or "-", timeout=round(timeout_s * 1000), allow_redirects=False
        )
        self._writer = self._client.write_api()
        headers = {"Authorization": f"Token {token}"} if token else {}
        self._asker = Asker(self._url, timeout_s=DELETE_TIMEOUT_S, headers=headers)
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=timeout_s))
        self._forgets: bool | None = None

    @property
    def keep_s(self) -> float:
        """Ten minutes for VictoriaMetrics, and until it is known what answers."""
        return 0.0 if self._forgets is False else VICTORIA_KEEP_S

    @property
    def linger_s(self) -> float:
        """A write costs the database little."""
        return LINGER_S

    async def write(self, lines: bytes) -> Answer:
        """POST the lines."""
        count = lines.count(b"\n") + 1
        try:
            taken = await self._writer.write(self._bucket, record=lines)
        except ApiException as error:
            body = error.body or error.reason or ""
            text = body.decode(errors="replace") if isinstance(body, bytes) else str(body)
            return read_answer(int(error.status or 0), text, error.retry_after, count)
        except InfluxDBError as error:
            return Later(str(error))
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return Later(str(error) or "no answer in time")
        return Written() if taken else Later("an answer that is neither 204 nor an error")

    async def started_s(self) -> float | None:
        """Ask `/metrics` whether this is VictoriaMetrics, and when it started."""
        try:
            async with self._session.get(f"{self._url}/metrics") as response:
                page = await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError):
            return None
        if response.status >= 500:
            return None
        self._forgets = is_victoria(page)
        return started_s(page) if self._forgets else None

    async def forget(self, measurement: str, before_ns: int) -> Forgotten:
        """`/api/v2/delete`, which InfluxDB 2 has, for each day that has points.

        VictoriaMetrics and InfluxDB 3 keep to a setting of their own.
        """
        if self._forgets is None:
            await self.started_s()
        if self._forgets:
            return OwnRetention("VictoriaMetrics deletes by its flag -retentionPeriod only")

        async def oldest() -> int | None:
            words = {"db": self._bucket, "epoch": "ns", "q": select_oldest(measurement, before_ns)}
            return read_oldest(await self._asker.get("/query", words))

        return await cut_by_days(before_ns, oldest=oldest, delete=lambda end_ns: self._delete(measurement, end_ns))

    async def _delete(self, measurement: str, before_ns: int) -> Forgotten:
        stop = datetime.fromtimestamp(before_ns // 10**9, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        body = {"start": "1970-01-01T00:00:00Z", "stop": stop, "predicate": f'_measurement="{measurement}"'}
        try:
            async with self._session.post(
                f"{self._url}/api/v2/delete",
                params={"bucket": self._bucket, "org": self._org},
                headers={"Authorization": f"Token {self._token}"},
                json=body,
                timeout=aiohttp.ClientTimeout(total=DELETE_TIMEOUT_S),
                allow_redirects=False,
            ) as response:
                text = (await response.content.read(4096)).decode(errors="replace")
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return Later(str(error) or "no answer in time")
        return read_deletion(response.status, text)

    async def close(self) -> None:
        """Close connections."""
        await self._client.close()  # type: ignore[no-untyped-call]  # influxdb-client is half typed
        await self._asker.close()
        await self._session.close()


def read_deletion(status: int, text: str) -> Forgotten:
    """Judge the answer to a request to delete. InfluxDB 2 says "not found" of a bucket; 3 does not know the path."""
    reason = f"HTTP {status} {' '.join(text.split())[:300]}".strip()
    if status == 204:
        return Written()
    if status in {404, 405, 501} and '"not found"' not in text:
        return OwnRetention(
            f"it does not delete by /api/v2/delete ({reason}); InfluxDB 3 has a retention period of its own"
        )
    return Paused(reason) if status in {400, 401, 403, 404} else Later(reason)

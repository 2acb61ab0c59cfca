"""Reading VictoriaMetrics: `/api/v1/export` for points as written, `/api/v1/query_range` for intervals.

It shows what was written a second or two late, and keeps whole milliseconds. In a range with steps below a minute it
replaces the values of the last half minute by older ones, so those intervals are made here, from points as written.
"""

import time
from typing import Unpack

from collector.store.asking import Asker
from collector.store.history import Series, Words
from collector.store.metricsql import (
    MS,
    Exported,
    Intervals,
    first_last_ms,
    numbers,
    read_export,
    rollups,
    selector,
    written,
)
from collector.store.question import Question, question

ADJUSTED_BELOW_MS = 60_000
TAIL_MS = 120_000
MAX_INTERVALS = 10_000  # of one query; VictoriaMetrics' own limit is 30,000 points a series


class VictoriaHistory:
    """Reads one VictoriaMetrics."""

    def __init__(self, *, url: str, timeout_s: float, token: str = "") -> None:
        """Nothing is asked yet."""
        headers = {"Authorization": f"Token {token}"} if token else {}
        self._asker = Asker(url, timeout_s=timeout_s, headers=headers)

    async def read(self, measurement: str, fields: tuple[str, ...], **words: Unpack[Words]) -> list[Series]:
        """As `History.read`; texts are None."""
        asked = question(measurement, fields, **words)
        low, high = first_last_ms(asked)
        if high < low:
            return []
        return await (self._intervals(asked, low, high) if asked.every_ns else self._written(asked, low, high))

    async def _written(self, asked: Question, low_ms: int, high_ms: int) -> list[Series]:
        return written(asked, {field: await self._export(asked, field, low_ms, high_ms) for field in numbers(asked)})

    async def _intervals(self, asked: Question, low_ms: int, high_ms: int) -> list[Series]:
        """A rollup at t covers (t - interval, t]: asked for at the last millisecond of each interval."""
        intervals = Intervals(asked)
        every_ms = asked.every_ns // MS
        tail_ms = high_ms + 1
        if every_ms < ADJUSTED_BELOW_MS:
            tail_ms = max(low_ms, min(tail_ms, (round(time.time() * 1000) - TAIL_MS) // every_ms * every_ms))
        first, last = low_ms // every_ms, tail_ms // every_ms - 1
        for field in numbers(asked):
            for start in range(first, last + 1, MAX_INTERVALS):
                end = min(start + MAX_INTERVALS - 1, last)
                answers = []
                for query in rollups(asked, field):
                    words = {
                        "query": query,
                        "start": _seconds((start + 1) * every_ms - 1),
                        "end": _seconds((end + 1) * every_ms - 1),
                        "step": f"{every_ms}ms",
                        "nocache": "1",
                    }
                    answers.append(await self._asker.get("/api/v1/query_range", words))
                intervals.add(field, answers)
            if tail_ms <= high_ms:
                intervals.add_samples(field, await self._export(asked, field, tail_ms, high_ms))
        return intervals.series()

    async def _export(self, asked: Question, field: str, low_ms: int, high_ms: int) -> list[Exported]:
        words = {"match[]": selector(asked, field), "start": _seconds(low_ms), "end": _seconds(high_ms)}
        return read_export(await self._asker.get("/api/v1/export", words))

    async def close(self) -> None:
        """Close connections."""
        await self._asker.close()


def _seconds(at_ms: int) -> str:
    return f"{at_ms // 1000}.{at_ms % 1000:03d}"

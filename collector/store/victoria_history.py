"""Reading VictoriaMetrics: `/api/v1/export` for points as written, `/api/v1/query_range` for intervals.

It shows what was written a second or two late, and keeps whole milliseconds.
"""

from collections.abc import Mapping

from collector.store.asking import Asker
from collector.store.history import Pick, Series
from collector.store.metricsql import (
    MS,
    Intervals,
    first_last_ms,
    numbers,
    read_export,
    rollups,
    selector,
    written,
)
from collector.store.question import Question, question

MAX_INTERVALS = 10_000  # of one query; VictoriaMetrics' own limit is 30,000 points a series


class VictoriaHistory:
    """Reads one VictoriaMetrics."""

    def __init__(self, *, url: str, timeout_s: float, token: str = "") -> None:
        """Call inside a running event loop."""
        headers = {"Authorization": f"Token {token}"} if token else {}
        self._asker = Asker(url, timeout_s=timeout_s, headers=headers)

    async def read(
        self,
        measurement: str,
        fields: tuple[str, ...],
        *,
        where: Mapping[str, str],
        group: tuple[str, ...],
        start_ns: int,
        end_ns: int,
        every_s: float | None = None,
        pick: Pick = Pick.MEAN,
        limit: int = 10_000,
    ) -> list[Series]:
        """As `History.read`; texts are None."""
        asked = question(
            measurement, fields,
            where=where, group=group, start_ns=start_ns, end_ns=end_ns, every_s=every_s, pick=pick, limit=limit,
        )  # fmt: skip
        low, high = first_last_ms(asked)
        if high < low:
            return []
        return await (self._intervals(asked, low, high) if asked.every_ns else self._written(asked, low, high))

    async def _written(self, asked: Question, low_ms: int, high_ms: int) -> list[Series]:
        exports = {}
        for field in numbers(asked):
            words = {"match[]": selector(asked, field), "start": _seconds(low_ms), "end": _seconds(high_ms)}
            exports[field] = read_export(await self._asker.get("/api/v1/export", words))
        return written(asked, exports)

    async def _intervals(self, asked: Question, low_ms: int, high_ms: int) -> list[Series]:
        """A rollup at t covers (t - interval, t]: asked for at the last millisecond of each interval."""
        intervals = Intervals(asked)
        every_ms = asked.every_ns // MS
        first, last = low_ms // every_ms, high_ms // every_ms
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
                        "latency_offset": "1ms",
                    }
                    answers.append(await self._asker.get("/api/v1/query_range", words))
                intervals.add(field, answers)
        return intervals.series()

    async def close(self) -> None:
        """Close connections."""
        await self._asker.close()


def _seconds(at_ms: int) -> str:
    return f"{at_ms // 1000}.{at_ms % 1000:03d}"

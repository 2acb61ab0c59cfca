"""Deleting from an InfluxDB a day at a time: however much has gathered, no request holds it up for long."""

import asyncio
from collections.abc import Awaitable, Callable

from collector.store.base import Forgotten, Later, Written
from collector.store.history import HistoryError

DAY_NS = 86_400 * 10**9
BETWEEN_S = 0.2  # writes come in between


async def cut_by_days(
    before_ns: int,
    *,
    oldest: Callable[[], Awaitable[int | None]],
    delete: Callable[[int], Awaitable[Forgotten]],
    between_s: float = BETWEEN_S,
) -> Forgotten:
    """Delete what is older than `before_ns`, day by day from the oldest point on; days without points cost nothing.

    Args:
        before_ns: Unix nanoseconds.
        oldest: the time of the oldest point before `before_ns`, None when there is none; raises HistoryError.
        delete: delete what is older than this, in one request.
        between_s: wait between two requests.
    """
    done_ns = -1
    while True:
        try:
            oldest_ns = await oldest()
        except HistoryError as error:
            return Later(str(error))
        if oldest_ns is not None and oldest_ns < done_ns:
            return Later("it said that points were deleted, and they are still there")
        end_ns = before_ns if oldest_ns is None else min(before_ns, (oldest_ns // DAY_NS + 1) * DAY_NS)
        answer = await delete(end_ns)
        if end_ns == before_ns or not isinstance(answer, Written):
            return answer
        done_ns = end_ns
        await asyncio.sleep(between_s)

"""`/events`: server-sent events. What a reader missed first, then each change; a slow reader is cut off."""

import asyncio
from collections.abc import Awaitable, Callable

from starlette.types import Receive, Scope, Send

from collector.web.live import Live, Reader

RETRY_MS = 2000
PING_S = 15.0
CHECK_S = 15.0  # a user who was removed, or whose session ended, sees no more after so long
_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]


class EventStream:
    """The answer to one reader."""

    def __init__(self, live: Live, language: str, last_id: str, may_stay: Callable[[], Awaitable[bool]]) -> None:
        self._live = live
        self._language = language
        self._last_id = last_id
        self._may_stay = may_stay

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the reader leaves, or is too slow."""
        await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        with self._live.read(self._language) as reader:
            missed = await self._live.catch_up(self._last_id, self._language)
            first = f"retry: {RETRY_MS}\n\n".encode() + b"".join(missed)
            ends = [
                asyncio.create_task(_send(first, reader, send), name="page events"),
                asyncio.create_task(_left(receive), name="page reader left"),
                asyncio.create_task(reader.too_slow.wait(), name="page reader too slow"),
                asyncio.create_task(_until_not(self._may_stay), name="page reader may stay"),
            ]
            try:
                done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
                for each in done:
                    each.result()  # a fault is told, not swallowed
            finally:
                for each in ends:
                    each.cancel()
                await asyncio.gather(*ends, return_exceptions=True)
        if ends[3] in done:
            await send({"type": "http.response.body", "body": b""})


async def _send(first: bytes, reader: Reader, send: Send) -> None:
    await send({"type": "http.response.body", "body": first, "more_body": True})
    while True:
        try:
            async with asyncio.timeout(PING_S):
                event = await reader.waiting.get()
        except TimeoutError:
            event = b": ping\n\n"
        await send({"type": "http.response.body", "body": event, "more_body": True})


async def _until_not(may_stay: Callable[[], Awaitable[bool]]) -> None:
    while True:
        if not await may_stay():
            return
        await asyncio.sleep(CHECK_S)


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass

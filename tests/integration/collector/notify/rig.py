"""An outbox on a real database, and a real HTTP server that answers as a test says."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import msgspec
from aiohttp import web

from collector.clock import SteadyClock
from collector.database import Database, open_database
from collector.incidents import book
from collector.incidents.model import Incident, Severity
from collector.notify import deliveries
from collector.notify.base import Notifier
from collector.notify.composer import Composer
from collector.notify.deliveries import Row
from collector.notify.model import NoticeEvent
from collector.notify.notifiers import make_notifiers
from collector.notify.outbox import Outbox
from collector.notify.settings import NotifySettings
from tests.unit.collector.notify.incidents import board, places, put

BASE_URL = "http://collector:8480"
SCHEMA = (*book.SCHEMA, *deliveries.SCHEMA)


class Post(msgspec.Struct):
    """What the server was sent."""

    key: str
    document: dict[str, object]
    authorization: str = ""


class Web:
    """A real HTTP server. `answer` says how the next POSTs end; `slow_s` how long each takes."""

    def __init__(self) -> None:
        self.posts: list[Post] = []
        self.answer: Callable[[Post], web.Response] = lambda _: web.Response(status=204)
        self.slow_s = 0.0
        self.port = 0
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        app = web.Application()
        app.router.add_post("/hook", self._post)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()
        self.port = int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    async def _post(self, request: web.Request) -> web.Response:
        headers = request.headers
        post = Post(headers.get("Idempotency-Key", ""), await request.json(), headers.get("Authorization", ""))
        if self.slow_s:
            await asyncio.sleep(self.slow_s)
        answer = self.answer(post)
        self.posts.append(post)
        return answer

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    @property
    def keys(self) -> list[str]:
        return [post.key for post in self.posts]

    @property
    def events(self) -> list[str]:
        return [str(post.document.get("event", "digest")) for post in self.posts]


@asynccontextmanager
async def served() -> AsyncIterator[Web]:
    server = Web()
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


def webhook(url: str, name: str = "hook", **changes: object) -> NotifySettings:
    settings = NotifySettings(name=name, kind="webhook", url=url)
    return msgspec.structs.replace(settings, **changes)


def outbox(
    database: Database,
    receivers: list[tuple[NotifySettings, Notifier]],
    lines: list[bytes] | None = None,
    shortest_back_off_s: float = 0.05,
) -> Outbox:
    clock = SteadyClock()
    composer = Composer(board=board(), places=places(), clock=clock, base_url=BASE_URL, language="en")
    taken = [] if lines is None else lines
    return Outbox(
        database=database,
        receivers=receivers,
        composer=composer,
        clock=clock,
        offer_lines=taken.append,
        shortest_back_off_s=shortest_back_off_s,
    )


async def poll(met: Callable[[], Awaitable[bool]], wait_s: float = 15.0) -> None:
    """Ask until it is so, with a deadline."""
    async with asyncio.timeout(wait_s):
        while True:
            if await met():
                return
            await asyncio.sleep(0.02)


class Rig:
    """One collector's messages: told incidents by `tell`, delivered while `running`."""

    def __init__(self, file: Path, *settings: NotifySettings) -> None:
        self.database = open_database(file, SCHEMA)
        self.settings = settings
        self.lines: list[bytes] = []
        self.box: Outbox | None = None

    async def tell(self, *told: tuple[NoticeEvent, Incident]) -> None:
        """What the incident desk does."""
        now_s = SteadyClock().now_s()

        def write(connection: sqlite3.Connection) -> None:
            put(connection, told, now_s)

        await self.database.run(write)
        if self.box is not None:
            self.box.wake()

    async def rows(self) -> list[Row]:
        def read(connection: sqlite3.Connection) -> list[Row]:
            return deliveries._rows(connection, "1 ORDER BY notice, receiver", ())

        return await self.database.run(read)

    async def states(self) -> list[str]:
        return [str(row.state) for row in await self.rows()]

    async def until(self, *states: str, wait_s: float = 15.0) -> list[Row]:
        """Poll until the rows are in these states."""

        async def reached() -> bool:
            return await self.states() == list(states)

        await poll(reached, wait_s)
        return await self.rows()

    async def until_tried(self) -> Row:
        """Poll until the first row was tried at least once."""

        async def tried() -> bool:
            rows = await self.rows()
            return bool(rows) and rows[0].attempts > 0

        await poll(tried)
        return (await self.rows())[0]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Deliver meanwhile; ends as a kill does, between any two steps."""
        self.box = outbox(self.database, make_notifiers(self.settings, "c1"), self.lines)
        task = asyncio.create_task(self.box.run())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            await self.box.close()
            self.box = None

    def points(self) -> list[str]:
        return b"\n".join(self.lines).decode().splitlines()


PAGE_AND_WORK = (Severity.PAGE, Severity.WORK)

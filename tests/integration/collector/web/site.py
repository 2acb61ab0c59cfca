"""The page on a real socket, made from a board that a test fills."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from collector.board import Board
from collector.clock import SteadyClock
from collector.config import BrokerSettings, CollectorSettings, WhoSettings
from collector.database import Database, open_database
from collector.incidents.model import Incident
from collector.inventory.places import Places
from collector.store.history import History
from collector.web.app import make_app
from collector.web.parts import WebParts
from collector.web.serve import listen, serve_on
from collector.web.settings import WebSettings


class FakeListener:
    def __init__(self) -> None:
        self.ids: set[str] = set()
        self.event = asyncio.Event()

    async def changes(self) -> set[str]:
        await self.event.wait()
        self.event.clear()
        ids, self.ids = self.ids, set()
        return ids


class FakeDesk:
    """Holds incidents a test made."""

    def __init__(self) -> None:
        self.open_incidents: dict[str, Incident] = {}
        self._listeners: set[FakeListener] = set()

    def put(self, incidents: Iterable[Incident]) -> None:
        for each in incidents:
            self.open_incidents[each.id] = each
            for listener in self._listeners:
                listener.ids.add(each.id)
                listener.event.set()

    @contextmanager
    def listen(self) -> Iterator[FakeListener]:
        listener = FakeListener()
        self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)

    async def acknowledge(self, incident_id: str, *, by: str, comment: str, for_s: float | None = None) -> None:
        raise NotImplementedError

    async def comment(self, incident_id: str, *, by: str, text: str) -> None:
        raise NotImplementedError


@dataclass
class Site:
    """A running page."""

    url: str
    board: Board
    desk: FakeDesk
    clock: SteadyClock
    database: Database


@asynccontextmanager
async def site(
    directory: Path,
    places: Places,
    *,
    web: WebSettings | None = None,
    history: History | None = None,
) -> AsyncIterator[Site]:
    """Serve for the length of an `async with`."""
    web = web or WebSettings(listen="127.0.0.1:0")
    settings = CollectorSettings(collector=WhoSettings(name="c1"), broker=BrokerSettings(host="127.0.0.1"), web=web)
    database = open_database(directory / "records.db", ())
    board, desk, clock = Board(), FakeDesk(), SteadyClock()
    parts = WebParts(board, desk, places, history, database, settings, clock=clock)
    listener = listen(web)
    port = listener.getsockname()[1]
    task = asyncio.create_task(serve_on(listener, web, make_app(parts)))
    try:
        yield Site(f"http://127.0.0.1:{port}", board, desk, clock, database)
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        database.close()

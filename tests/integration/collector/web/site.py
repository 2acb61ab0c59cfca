"""The page on a real socket, with the real incident desk and the embedded store, from a board that a test fills."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from collector.board import Board
from collector.clock import SteadyClock
from collector.config import BrokerSettings, CollectorSettings, WhoSettings
from collector.database import Database, open_database
from collector.incidents import book
from collector.incidents.desk import Desk
from collector.incidents.settings import IncidentSettings
from collector.inventory.places import Places
from collector.store.history import History
from collector.web import users
from collector.web.app import make_app
from collector.web.parts import WebParts
from collector.web.serve import listen, serve_on
from collector.web.settings import WebSettings


@dataclass
class Site:
    """A running page."""

    url: str
    port: int
    board: Board
    desk: Desk
    clock: SteadyClock
    database: Database


@asynccontextmanager
async def site(
    directory: Path,
    places: Places,
    *,
    web: WebSettings | None = None,
    history: History | None = None,
    alive: bool = True,
) -> AsyncIterator[Site]:
    """Serve for the length of an `async with`. `alive`: reviews and desk run, as `Watch` makes them run."""
    web = web or WebSettings(listen="127.0.0.1:0")
    settings = CollectorSettings(collector=WhoSettings(name="c1"), broker=BrokerSettings(host="127.0.0.1"), web=web)
    database = open_database(directory / "records.db", (*users.SCHEMA, *book.SCHEMA))
    board, clock = Board(), SteadyClock()
    desk = Desk(
        board=board,
        places=places,
        database=database,
        settings=IncidentSettings(),
        clock=clock,
        offer_lines=lambda lines: None,
    )
    parts = WebParts(board, desk, places, history, database, settings, lambda: b"branchline_up 1\n", lambda: "", clock)
    listener = listen(web)
    port = listener.getsockname()[1]
    tasks = [asyncio.create_task(serve_on(listener, web, make_app(parts)))]
    if alive:
        tasks += [asyncio.create_task(_review(board, clock)), asyncio.create_task(desk.run())]
    try:
        yield Site(f"http://127.0.0.1:{port}", port, board, desk, clock, database)
    finally:
        for each in tasks:
            each.cancel()
        for each in tasks:
            with suppress(asyncio.CancelledError):
                await each
        database.close()


async def _review(board: Board, clock: SteadyClock) -> None:
    while True:
        board.show((), (), clock.now_s(), hearing=board.hearing)
        await asyncio.sleep(0.5)

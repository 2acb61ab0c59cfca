"""Keeps open pages live: what changed is rendered once in each language and handed to every reader."""

import asyncio
import secrets
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import msgspec

from collector.board import BranchNow
from collector.branches import BranchKey
from collector.incidents.model import Incident
from collector.web.parts import WebParts
from collector.web.renderer import Renderer
from collector.web.tiles import BranchName, Tile, newest_agents, tile_of
from collector.web.wall import MAX_TILES, Wall, accessible_name, blindness, make_wall
from collector.web.wall_page import carriers_view, incidents_view
from collector.web.workshop import Workshop
from collector.words import LANGUAGES

GATHER_S = 0.1  # changes of so long are one event
BEAT_S = 5.0
RING = 256  # events a reader can have missed
MAX_WAITING = 64  # events one reader may be behind
MAX_READERS = 200
MAX_DIGITS = 18


class Reader:
    """One open page."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.waiting: asyncio.Queue[bytes] = asyncio.Queue(MAX_WAITING)
        self.too_slow = asyncio.Event()

    def offer(self, event: bytes) -> None:
        """Hand over an event; a reader too far behind is dropped, and comes again."""
        try:
            self.waiting.put_nowait(event)
        except asyncio.QueueFull:
            self.too_slow.set()


class Live:
    """Run it beside the server. Ids of events are `<life>-<number>`: those of a former life are not known."""

    def __init__(self, parts: WebParts, renderer: Renderer, workshop: Workshop) -> None:
        self._parts = parts
        self._workshop = workshop
        self._renderer = renderer
        self._life = secrets.token_hex(4)
        self._number = 0
        self._ring: deque[tuple[int, dict[str, bytes]]] = deque(maxlen=RING)
        self._readers: set[Reader] = set()
        self._changed: set[BranchName] = set()
        self._incidents: set[str] = set()
        self._wake = asyncio.Event()
        self._told: dict[str, dict[str, object]] = {each: {} for each in LANGUAGES}
        self._signatures: dict[BranchName, object] = {}
        self._tiles: dict[BranchName, Tile] = {}
        self._wall: Wall | None = None
        self._whole: dict[str, tuple[int, dict[str, object]]] = {}

    @property
    def last_id(self) -> str:
        """Id of the newest event."""
        return f"{self._life}-{self._number}"

    @property
    def full(self) -> bool:
        """Whether there are as many readers as there may be."""
        return len(self._readers) >= MAX_READERS

    @contextmanager
    def read(self, language: str) -> Iterator[Reader]:
        """Be a reader for the length of a `with`."""
        reader = Reader(language)
        self._readers.add(reader)
        try:
            yield reader
        finally:
            self._readers.discard(reader)

    async def catch_up(self, last_id: str, language: str) -> list[bytes]:
        """What a reader has to be told first: the events since `last_id`, or everything when they are forgotten."""
        life, _, number = last_id.rpartition("-")
        if life == self._life and number.isdecimal() and len(number) < MAX_DIGITS:
            missed = self._number - int(number)
            if 0 <= missed <= len(self._ring):
                return [event[language] for _, event in list(self._ring)[len(self._ring) - missed :]]
        branches, incidents = dict(self._parts.board.branches), dict(self._parts.desk.open_incidents)
        return [await self._workshop.run(lambda: self._snapshot(language, branches, incidents))]

    async def run(self) -> None:
        """Follow board and desk for ever."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow_board(), name="page follows board")
            tasks.create_task(self._follow_desk(), name="page follows incidents")
            tasks.create_task(self._tell(), name="page tells")
            tasks.create_task(self._beat(), name="page beats")

    async def _follow_board(self) -> None:
        with self._parts.board.listen() as listener:
            while True:
                keys = await listener.changes()  # before the set is looked up: it is replaced meanwhile
                self._changed.update(key[:2] for key in keys)
                self._wake.set()

    async def _follow_desk(self) -> None:
        with self._parts.desk.listen() as listener:
            while True:
                ids = await listener.changes()
                self._incidents.update(ids)
                self._wake.set()

    async def _tell(self) -> None:
        while True:
            try:
                async with asyncio.timeout(1.0):  # a board that stopped makes no event
                    await self._wake.wait()
            except TimeoutError:
                pass
            self._wake.clear()
            began_s = time.monotonic()
            await self.tell()
            took_s = time.monotonic() - began_s
            await asyncio.sleep(max(GATHER_S, took_s))  # never more than half of a core

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(BEAT_S)
            event = _event("beat", {"now": self._parts.clock.now_s(), "updated": self._parts.board.updated_s})
            for reader in self._readers:
                reader.offer(event)

    async def tell(self) -> None:
        """Make one event of all that changed since the last, if anything that is shown did."""
        changed, self._changed = self._changed, set()
        incidents, self._incidents = self._incidents, set()
        branches, standing = dict(self._parts.board.branches), dict(self._parts.desk.open_incidents)
        news = await self._workshop.run(lambda: self._gather(changed, sorted(incidents), branches, standing))
        if any(news.values()):
            self._publish(news)

    def _gather(
        self,
        changed: set[BranchName],
        incidents: list[str],
        branches: Mapping[BranchKey, BranchNow],
        standing: Mapping[str, Incident],
    ) -> dict[str, dict[str, object]]:
        """News by language. In a thread, one call at a time: it alone knows what was told."""
        newest = newest_agents(branches)
        wall = self._wall = make_wall(branches, self._parts.places)
        tiles: list[Tile] = []
        moved: list[str] = []
        layout = False
        for name in changed:
            signature = _signature(newest.get(name))
            if self._signatures.get(name) != signature:
                self._signatures[name] = signature
                moved.append("/".join(name))
            gone = name not in newest and not self._parts.places.known(*name)
            tile = tile_of(name, newest.get(name), self._parts.places)
            known = self._tiles.get(name)
            if gone:
                self._tiles.pop(name, None)
                layout = True
            elif tile != known:
                self._tiles[name] = tile
                tiles.append(tile)
                layout = layout or (known is None and not self._parts.places.known(*name))
        layout = layout or (bool(tiles) and wall.shown < wall.total)
        tiles = tiles if len(tiles) <= MAX_TILES else []
        news = {}
        for language in LANGUAGES:
            shown = self._standing(language, wall, standing)
            changes = {key: value for key, value in shown.items() if self._told[language].get(key) != value}
            self._told[language] = shown
            news[language] = changes | self._changes(language, tiles, moved, incidents, layout=layout)
        return news

    def _changes(
        self, language: str, tiles: list[Tile], branches: list[str], incidents: list[str], *, layout: bool
    ) -> dict[str, object]:
        news: dict[str, object] = {}
        if tiles:
            now_s = self._parts.clock.now_s()
            news["tiles"] = [
                (each.id, each.state.name, accessible_name(each, self._parts.places, language, now_s)) for each in tiles
            ]
        if branches:
            news["branches"] = branches
        if incidents:
            news["changed_incidents"] = incidents
        if layout:
            news["layout"] = True
        return news

    def _standing(self, language: str, wall: Wall, incidents: Mapping[str, Incident]) -> dict[str, object]:
        parts = self._parts
        return {
            "counts": {state.name: count for state, count in wall.counts.items()},
            "blind": blindness(parts.board, language, parts.clock.now_s()),
            "incidents": self._renderer.render(
                "incidents_panel.html", language, incidents_view(incidents, parts.places, language)
            ),
            "carriers": self._renderer.render("carriers_panel.html", language, carriers_view(wall)),
        }

    def _publish(self, news: dict[str, dict[str, object]]) -> None:
        self._number += 1
        now = {"now": self._parts.clock.now_s(), "updated": self._parts.board.updated_s}
        event = {language: _event("change", {**each, **now}, self.last_id) for language, each in news.items()}
        self._ring.append((self._number, event))
        for reader in self._readers:
            reader.offer(event[reader.language])

    def _snapshot(
        self, language: str, branches: Mapping[BranchKey, BranchNow], incidents: Mapping[str, Incident]
    ) -> bytes:
        """Everything, in the same thread. Readers that come all at once, as after a restart, get the same."""
        parts, number = self._parts, self._number
        now_s = parts.clock.now_s()
        known = self._whole.get(language)
        if known is None or known[0] != number:
            wall = self._wall or make_wall(branches, parts.places)
            tiles = [
                (each.id, each.state.name, accessible_name(each, parts.places, language, now_s))
                for _, region in wall.regions
                for each in region
            ]
            known = self._whole[language] = number, {**self._standing(language, wall, incidents), "tiles": tiles}
        whole = {**known[1], "now": now_s, "updated": parts.board.updated_s}
        return _event("change", whole, f"{self._life}-{number}")


def _signature(now: BranchNow | None) -> object:
    """What a branch's page shows beside figures: a change of it is told at once."""
    if now is None:
        return None
    heard = now.heard
    return (
        now.state,
        heard.active,
        tuple((name, path.state) for name, path in heard.paths.items()),
        heard.acts[-1:],
        tuple((name, each.source) for name, each in heard.power.items()),
        tuple((name, each.state) for name, each in heard.sensors.items()),
    )


def _event(kind: str, data: object, number: str = "") -> bytes:
    body = msgspec.json.encode(data)  # one line: JSON escapes line breaks
    head = f"id: {number}\n" if number else ""
    return f"{head}event: {kind}\ndata: ".encode() + body + b"\n\n"

"""The incident desk: looks at the board, judges, writes what changed, then tells those who listen.

What one look found is one transaction, notices included, so that a kill between any two steps loses and repeats
nothing: the next look finds the same from the incidents on disk and the board. When the disk refuses, the look counts
for nothing.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from datetime import UTC, datetime

import msgspec

from collector.board import Board
from collector.branches import BranchKey
from collector.clock import SteadyClock
from collector.database import Database
from collector.events import tell
from collector.incidents import book
from collector.incidents.acts import Told, new_acts, told_acts
from collector.incidents.causes import judge, ongoing
from collector.incidents.deafness import Deafness
from collector.incidents.errors import UnknownIncidentError
from collector.incidents.model import Acknowledgement, Entry, EntryKind, Incident, Phase
from collector.incidents.picture import Eyes
from collector.incidents.points import incident_points
from collector.incidents.reconcile import Changes, Now, reconcile
from collector.incidents.settings import IncidentSettings
from collector.inventory.places import Places
from collector.listening import Listener, Listeners
from collector.notify.model import NoticeEvent

TICK_S = 1.0
AT_MOST_EVERY_S = 0.2
MAX_OPEN = 20_000
OPEN_PHASES = (Phase.MERGING, Phase.OPEN, Phase.RECOVERING)


class Desk:
    """The only writer of incidents. `open_incidents` is every one that is not resolved, by id; do not change it."""

    def __init__(
        self,
        *,
        board: Board,
        places: Places,
        database: Database,
        settings: IncidentSettings,
        clock: SteadyClock,
        offer_lines: Callable[[bytes], object],
    ) -> None:
        self.open_incidents: dict[str, Incident] = {}
        self._board = board
        self._places = places
        self._database = database
        self._settings = settings
        self._clock = clock
        self._offer_lines = offer_lines
        self._eyes = Eyes(places)
        self._deafness = Deafness(clock.now_s(), settings.blind_after)
        self._told: dict[str, Told] = {}
        self._listeners: Listeners[str] = Listeners()
        self._writing = asyncio.Lock()
        self._refused = False
        self._loaded = False

    def listen(self) -> AbstractContextManager[Listener[str]]:
        """Be told which incidents changed, for the length of a `with`."""
        return self._listeners.listen()

    async def run(self) -> None:
        """Look for ever: when the board changes, and every second since silence and waits make no event."""
        loop = asyncio.get_running_loop()
        due_s = loop.time()
        with self._board.listen() as listener:
            while True:
                whole = loop.time() >= due_s
                due_s = loop.time() + TICK_S if whole else due_s
                await self.look(whole=whole)
                await asyncio.sleep(AT_MOST_EVERY_S)
                await _within(listener, TICK_S - AT_MOST_EVERY_S)

    async def look(self, *, whole: bool = True) -> None:
        """One look. What it finds is on disk and told when this returns, or nothing of it is.

        Not `whole`: only if trouble changed. A fleet that lives changes the board many times a second.
        """
        async with self._writing:
            try:
                await self._load()
                changes, entries = await asyncio.to_thread(self._think, self._clock.now_s(), whole=whole)
                if changes or entries:
                    await self._save(changes, entries)
                self._refused = False
            except sqlite3.OperationalError as error:
                if not self._refused:
                    self._refused = True
                    sentence = f"{self._database.file}: {error}; make room on this disk, nobody is told until then"
                    tell(logging.ERROR, "incidents.failed", sentence)

    async def acknowledge(self, incident_id: str, *, by: str, comment: str, for_s: float | None = None) -> Incident:
        """Somebody has it, until `for_s` seconds from now ([incidents] acknowledge_for); again is longer or another.

        Raises:
            UnknownIncidentError: no incident that is not resolved has this id.
            sqlite3.OperationalError: the disk refuses.
        """
        async with self._writing:
            await self._load()
            incident = await self._find(incident_id)
            if incident is None or incident.id not in self.open_incidents:
                raise UnknownIncidentError(f"{incident_id}: no open incident has this id; it may be resolved")
            now_s = self._clock.now_s()
            until_s = now_s + (self._settings.acknowledge_for if for_s is None else for_s)
            held = Acknowledgement(by, now_s, until_s, comment)
            incident = msgspec.structs.replace(incident, acknowledgement=held, changed_s=now_s)
            words = {"until": f"{datetime.fromtimestamp(until_s, UTC):%Y-%m-%d %H:%M} UTC"}
            entry = incident.id, Entry(now_s, EntryKind.ACKNOWLEDGED, words, by=by, text=comment)
            notices = [(NoticeEvent.UPDATE, now_s, incident)] if incident.told_s is not None else []
            await self._save(Changes({incident.id: incident}, [entry], notices, []), [])
        return incident

    async def comment(self, incident_id: str, *, by: str, text: str) -> None:
        """Somebody says something; a resolved incident takes comments too.

        Raises:
            UnknownIncidentError: no incident has this id.
            sqlite3.OperationalError: the disk refuses.
        """
        async with self._writing:
            incident = await self._find(incident_id)
            if incident is None:
                raise UnknownIncidentError(f"{incident_id}: no incident has this id")
            entry = Entry(self._clock.now_s(), EntryKind.COMMENT, by=by, text=text)
            found = incident
            await self._database.run(lambda connection: book.add_entry(connection, found.id, entry))
        self._announce([incident.id])

    async def _find(self, incident_id: str) -> Incident | None:
        known = self.open_incidents.get(incident_id)
        return known or await self._database.run(lambda connection: book.get(connection, incident_id))

    async def _load(self) -> None:
        """Go on where the process before this one was killed."""
        if self._loaded:
            return

        def read(connection: sqlite3.Connection) -> tuple[list[Incident], dict[str, list[Entry]]]:
            found = book.load(connection, phases=OPEN_PHASES, limit=MAX_OPEN)
            return found, {each.id: book.timeline(connection, each.id) for each in found}

        incidents, timelines = await self._database.run(read)
        self.open_incidents.update((each.id, each) for each in incidents)
        self._told = told_acts(timelines)
        self._loaded = True
        self._announce(self.open_incidents)

    def _think(self, now_s: float, *, whole: bool) -> tuple[Changes, list[tuple[str, Entry]]]:
        """In a thread: nothing else changes what it reads, but the board, of which it takes a copy."""
        picture = self._eyes.look(dict(self._board.branches))
        hearing = self._board.hearing
        if not whole and not picture.news and hearing == (self._deafness.hearing_since_s is not None):
            return Changes(), []
        began = {each.key: each.started_s for each in self.open_incidents.values()}
        groups = self._deafness.judge(now_s, began, hearing=hearing, deaf_since_s=self._board.deaf_since_s)
        if hearing:
            groups += judge(picture, ongoing(self.open_incidents.values()), self._settings)
        now = Now(now_s, self._deafness.hearing_since_s)
        changes = reconcile(groups, self.open_incidents, picture, now, self._settings)
        entries = []
        merged = {old for old, _ in changes.merged}
        for incident in {**self.open_incidents, **changes.incidents}.values():
            if incident.id in merged or not hearing:
                continue
            told = self._told.setdefault(incident.id, set())
            entries += [(incident.id, each) for each in new_acts(incident, picture, told, now_s)]
        return changes, entries

    async def _save(self, changes: Changes, acts: list[tuple[str, Entry]]) -> None:
        entries = [*changes.entries, *acts]

        def write(connection: sqlite3.Connection) -> None:
            book.merge(connection, changes.merged)
            book.save(connection, changes.incidents.values(), entries, changes.notices)

        try:
            await self._database.run(write)
        except sqlite3.OperationalError:
            for incident_id, each in acts:
                name = each.words["branch"], each.words["act"], each.words["outcome"]
                self._told[incident_id].discard(name)
            # What was to be opened gets another id the next time.
            self._told = {name: told for name, told in self._told.items() if name in self.open_incidents}
            raise
        known = {**self.open_incidents, **changes.incidents}
        for incident in changes.incidents.values():
            if incident.phase is Phase.RESOLVED:
                self._forget(incident.id)
            else:
                self.open_incidents[incident.id] = incident
        for old, _ in changes.merged:
            self._forget(old)
        lines = incident_points([(known[name], each) for name, each in entries if name in known], self._places)
        if lines:
            self._offer_lines("\n".join(lines).encode())
        self._announce({*changes.incidents, *(old for old, _ in changes.merged), *(name for name, _ in acts)})

    def _forget(self, incident_id: str) -> None:
        self.open_incidents.pop(incident_id, None)
        self._told.pop(incident_id, None)

    def _announce(self, ids: Iterable[str]) -> None:
        ids = tuple(ids)
        if ids:
            self._listeners.tell(ids)


async def _within(listener: Listener[BranchKey], wait_s: float) -> None:
    try:
        async with asyncio.timeout(wait_s):
            await listener.changes()
    except TimeoutError:
        return

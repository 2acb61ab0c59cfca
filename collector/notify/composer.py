"""Makes messages of deliveries: looks up what is known around an incident, and has it written."""

import asyncio
import sqlite3
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import msgspec

from collector.board import Board, BranchNow
from collector.branches import BranchKey
from collector.clock import SteadyClock
from collector.incidents import book
from collector.incidents.model import Entry, Incident
from collector.inventory.places import Places
from collector.notify import deliveries
from collector.notify.base import Message
from collector.notify.deliveries import Work
from collector.notify.model import Notice
from collector.notify.page_text import compose, digest, incident_url
from collector.notify.scene import fleet_of
from collector.notify.settings import NotifySettings

PREVIOUS = 3


class Material(msgspec.Struct, frozen=True):
    """What the database knows of one message."""

    notices: tuple[Notice, ...]
    first: Incident
    entries: tuple[Entry, ...] = ()
    previous: tuple[Incident, ...] = ()


class Composer:
    """Knows the board, the inventory and the address of the page; `language` is that of receivers who name none."""

    def __init__(self, *, board: Board, places: Places, clock: SteadyClock, base_url: str, language: str) -> None:
        self._board = board
        self._places = places
        self._clock = clock
        self._base_url = base_url
        self._language = language
        self._thread = ThreadPoolExecutor(1, "messages")

    def read(self, connection: sqlite3.Connection, receiver: str, work: Work) -> Material:
        """Look up, in a transaction."""
        notices = tuple(deliveries.notice(connection, row.notice) for row in work.rows)
        newest = notices[-1]
        if work.digest is not None:
            return Material(notices, newest.incident)
        incident = newest.incident
        first = deliveries.first_told(connection, receiver, incident, newest.number)
        previous: list[Incident] = []
        if incident.branches:
            tenant, branch = incident.branches[0]
            found = book.load(connection, tenant=tenant, branch=branch, limit=PREVIOUS + 5)
            previous = [each for each in found if each.id != incident.id and each.started_s <= incident.started_s]
        entries = tuple(book.timeline(connection, incident.id))
        return Material(notices, first, entries, tuple(previous[:PREVIOUS]))

    async def message(self, settings: NotifySettings, work: Work, material: Material) -> Message:
        """Write it, in the receiver's language, in a thread: one about thousands of branches takes long."""
        branches = dict(self._board.branches)
        write = partial(self._write, settings, work, material, branches)
        return await asyncio.get_running_loop().run_in_executor(self._thread, write)

    def _write(
        self, settings: NotifySettings, work: Work, material: Material, branches: Mapping[BranchKey, BranchNow]
    ) -> Message:
        language = settings.language or self._language
        newest = material.notices[-1]
        now_s = self._clock.now_s()
        if work.digest is not None:
            told = [(each.event, each.incident) for each in material.notices]
            text = digest(told, places=self._places, language=language, base_url=self._base_url, now_s=now_s)
            key = f"{settings.name}/digest/{work.rows[0].incident}/{work.digest}"
            url = f"{self._base_url}/incidents"
            return Message(key=key, event=work.event, at_s=newest.at_s, text=text, url=url)
        text = compose(
            work.event,
            newest.incident,
            places=self._places,
            language=language,
            base_url=self._base_url,
            now_s=now_s,
            fleet=fleet_of((each.key, each.state, each.heard) for each in branches.values()),
            entries=material.entries,
            previous=material.previous,
        )
        return Message(
            key=f"{settings.name}/{newest.incident.id}/{newest.number}",
            event=work.event,
            at_s=newest.at_s,
            text=text,
            incident=newest.incident,
            first=material.first,
            url=incident_url(self._base_url, newest.incident.id),
        )

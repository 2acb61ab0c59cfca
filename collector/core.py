"""The record's way: broker, journal, database. Everything that must run whether or not people look."""

from collections.abc import Callable, Coroutine, Iterable
from pathlib import Path
from typing import Any

from collector.board import Board
from collector.branch_file import BRANCHES_FILE
from collector.clock import SteadyClock
from collector.config import CollectorSettings
from collector.counters import Counters
from collector.database import Database
from collector.dead_letters import DeadLetters
from collector.downsampling.downsampler import Downsampler
from collector.errors import CollectorError
from collector.incidents.model import Incident
from collector.ingest import Ingest
from collector.inventory.places import Places
from collector.journal.journal import Journal, JournalLimits, open_journal
from collector.journal.reader import read_chunk
from collector.journal.segments import Position
from collector.retention import Retention
from collector.store import STORES
from collector.store.history import History
from collector.store.writer import Writer
from collector.transport import Transport
from collector.watch import Watch


class Core:
    """Made once, inside the running event loop.

    Raises:
        CollectorError: the data directory cannot be used.
        SettingsError: a secret or a certificate cannot be used.
    """

    def __init__(self, settings: CollectorSettings, places: Places, database: Database, history: History) -> None:
        self.incidents: Callable[[], Iterable[Incident]] = tuple
        """The open ones, for the counts; none until somebody judges."""
        self.clock, self.counters, self.board = SteadyClock(), Counters(), Board()
        directory = settings.data_dir / "journal"
        limits = JournalLimits(settings.journal.max_size, settings.journal.segment_size)
        try:
            self.journal = open_journal(directory, limits)
            letters = DeadLetters(settings.data_dir / "dead-letters", settings.journal.dead_letters_max_size)
            self.ingest = Ingest(journal=self.journal, letters=letters, clock=self.clock, counters=self.counters)
            _replay(directory, self.journal, self.ingest)
        except OSError as error:
            raise CollectorError(
                f"{settings.data_dir}: cannot be used ({error.strerror}); check disk and rights"
            ) from None
        self.transport = Transport(
            settings.broker,
            client_id=settings.collector.name,
            parts=settings.collector.owned_parts,
            deliver=self.ingest.offer,
            counters=self.counters,
        )
        self.ingest.max_group = self.transport.max_group
        self._store = STORES[settings.store.kind](settings.store, settings.data_dir)
        self.hours = Downsampler(
            history=history,
            database=database,
            offer=self.ingest.offer_lines,
            clock=self.clock,
            windows_s=settings.retention.windows,
        )
        self._retention = Retention(self._store, settings.retention, self.clock)
        self.writer = Writer(
            store=self._store,
            journal=self.journal,
            directory=directory,
            checkpoint_file=settings.data_dir / "checkpoint.json",
            letters=letters,
            counters=self.counters,
            clock=self.clock,
            committed=self.ingest.committed,
            notes=self.hours,
        )
        self.writer.resume()
        self.watch = Watch(
            name=settings.collector.name,
            ingest=self.ingest,
            board=self.board,
            journal=self.journal,
            directory=directory,
            file=settings.data_dir / BRANCHES_FILE,
            counters=self.counters,
            clock=self.clock,
            connected=lambda: self.transport.connected,
            stored=lambda: self.writer.position,
            places=places,
            incidents=self._open_incidents,
        )

    def work(self) -> dict[str, Coroutine[Any, Any, None]]:
        """What runs for ever, by name."""
        return {
            "transport": self.transport.run(),
            "ingest": self.ingest.run(self.transport),
            "writer": self._write(),
            "hours": self.hours.run(),
            "retention": self._retention.run(),
            "watch": self.watch.run(),
        }

    async def _write(self) -> None:
        await self.hours.resume()
        await self.writer.run()

    def _open_incidents(self) -> Iterable[Incident]:
        return self.incidents()

    def trouble(self) -> str:
        """Why this collector does not do its work now; "" when it does."""
        if self.ingest.held:
            return "the journal does not take records; make room on this disk"
        if not self.transport.connected:
            return "the broker does not answer"
        if self.board.deaf_since_s is not None:
            return "most branches fell silent together; look at the broker's own line"
        return self.writer.trouble

    async def close(self) -> None:
        """Let go of connections."""
        await self._store.close()


def _replay(directory: Path, journal: Journal, ingest: Ingest) -> None:
    position = Position(journal.end.segment, 0)
    while position < journal.end:
        chunk = read_chunk(directory, position, journal.end)
        ingest.remember(chunk.records)
        position = chunk.next

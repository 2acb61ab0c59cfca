"""Wires the tasks of the collector, nothing else."""

import asyncio
import fcntl
import os
import signal
from pathlib import Path

from collector.board import Board
from collector.branch_file import BRANCHES_FILE
from collector.clock import SteadyClock
from collector.config import CollectorSettings
from collector.counters import Counters
from collector.dead_letters import DeadLetters
from collector.errors import CollectorError
from collector.events import LOG
from collector.ingest import Ingest
from collector.inventory.places import Places
from collector.journal.journal import Journal, JournalLimits, open_journal
from collector.journal.reader import read_chunk
from collector.journal.segments import Position
from collector.store import STORES
from collector.store.writer import Writer
from collector.transport import Transport
from collector.watch import Watch

_locks: list[int] = []


def lock(directory: Path) -> None:
    """Keep a second collector off this data directory for the life of the process.

    Raises:
        CollectorError: somebody else holds it, or the directory cannot be used.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        handle = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    except OSError as error:
        raise CollectorError(
            f"{directory}: data_dir cannot be used ({error.strerror}); create it and give it to the collector's user"
        ) from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        raise CollectorError(f"{directory}: another collector uses this data_dir; give each its own") from None
    _locks.append(handle)


async def run(settings: CollectorSettings) -> None:
    """Run until SIGTERM or SIGINT. Stopping is a fast kill with exit code 0: no step exists only in shutdown code.

    Raises:
        CollectorError: the data directory cannot be used.
        SettingsError: a secret or a certificate cannot be used.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        # Not a cancellation: `asyncio.wait_for` of Python 3.11, which aiomqtt uses, can swallow one.
        asyncio.get_running_loop().add_signal_handler(number, os._exit, 0)
    lock(settings.data_dir)
    directory = settings.data_dir / "journal"
    clock, counters = SteadyClock(), Counters()
    limits = JournalLimits(settings.journal.max_size, settings.journal.segment_size)
    try:
        journal = open_journal(directory, limits)
        letters = DeadLetters(settings.data_dir / "dead-letters", settings.journal.dead_letters_max_size)
        ingest = Ingest(journal=journal, letters=letters, clock=clock, counters=counters)
        _replay(directory, journal, ingest)
    except OSError as error:
        raise CollectorError(f"{settings.data_dir}: cannot be used ({error.strerror}); check disk and rights") from None
    transport = Transport(
        settings.broker,
        client_id=settings.collector.name,
        parts=settings.collector.owned_parts,
        deliver=ingest.offer,
        counters=counters,
    )
    ingest.max_group = transport.max_group
    store = STORES[settings.store.kind](settings.store, settings.data_dir)
    writer = Writer(
        store=store,
        journal=journal,
        directory=directory,
        checkpoint_file=settings.data_dir / "checkpoint.json",
        letters=letters,
        counters=counters,
        clock=clock,
        committed=ingest.committed,
    )
    writer.resume()
    board = Board()
    watch = Watch(
        name=settings.collector.name,
        ingest=ingest,
        board=board,
        journal=journal,
        directory=directory,
        file=settings.data_dir / BRANCHES_FILE,
        counters=counters,
        clock=clock,
        connected=lambda: transport.connected,
        stored=lambda: writer.position,
        places=Places(),
        incidents=tuple,
    )
    try:
        async with asyncio.TaskGroup() as tasks:
            for name, work in (
                ("transport", transport.run()),
                ("ingest", ingest.run(transport)),
                ("writer", writer.run()),
                ("watch", watch.run()),
            ):
                tasks.create_task(work, name=name).add_done_callback(_end)
    finally:
        await store.close()


def _end(part: asyncio.Task[None]) -> None:
    """One part failed: end all of them at once, for the service manager to start again.

    Left to the task group, a cancellation that aiomqtt swallows (see above) would keep half a collector running, which
    neither acknowledges nor ends.
    """
    if not part.cancelled() and (error := part.exception()) is not None:
        fault = f"a fault in the collector's {part.get_name()}, please report it; nothing acknowledged is lost"
        LOG.critical("%s", fault, exc_info=error, extra={"event": "collector.failed"})
        os._exit(1)


def _replay(directory: Path, journal: Journal, ingest: Ingest) -> None:
    position = Position(journal.end.segment, 0)
    while position < journal.end:
        chunk = read_chunk(directory, position, journal.end)
        ingest.remember(chunk.records)
        position = chunk.next

"""Wires the tasks of the collector, nothing else."""

import asyncio
import fcntl
import gc
import os
import signal
from pathlib import Path

from collector.config import CollectorSettings
from collector.core import Core
from collector.database import FILE_NAME, open_database
from collector.downsampling import touched
from collector.errors import CollectorError
from collector.events import LOG
from collector.incidents import book
from collector.inventory.file import load_places
from collector.notify import deliveries
from collector.people import People
from collector.store import history_of
from collector.web import users

SCHEMA = (*book.SCHEMA, *deliveries.SCHEMA, *users.SCHEMA, *touched.SCHEMA)
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
        CollectorError: the data directory or the page's address cannot be used.
        SettingsError: a secret, a certificate or the inventory cannot be used.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        # Not a cancellation: `asyncio.wait_for` of Python 3.11, which aiomqtt uses, can swallow one.
        asyncio.get_running_loop().add_signal_handler(number, os._exit, 0)
    places = load_places([Path(file) for file in settings.inventory.files])
    lock(settings.data_dir)
    database = open_database(settings.data_dir / FILE_NAME, SCHEMA)
    history = history_of(settings.store, settings.data_dir)
    core = Core(settings, places, database, history)
    people = People(settings, places, core, database, history)
    core.incidents = people.desk.open_incidents.values
    # Inventory and branch table stay: going through them again and again would hold up the loop (0.2 s for 10,000).
    gc.collect()
    gc.freeze()
    try:
        async with asyncio.TaskGroup() as tasks:
            for name, work in {**core.work(), **people.work()}.items():
                tasks.create_task(work, name=name).add_done_callback(_end)
    finally:
        await people.close()
        await core.close()
        await history.close()
        database.close()


def _end(part: asyncio.Task[None]) -> None:
    """One part failed: end all of them at once, for the service manager to start again.

    Left to the task group, a cancellation that aiomqtt swallows (see above) would keep half a collector running, which
    neither acknowledges nor ends.
    """
    if not part.cancelled() and (error := part.exception()) is not None:
        fault = f"a fault in the collector's {part.get_name()}, please report it; nothing acknowledged is lost"
        LOG.critical("%s", fault, exc_info=error, extra={"event": "collector.failed"})
        os._exit(1)

"""The collector's own SQLite file: incidents, messages to people, users. One connection, on one thread of its own.

What `run` was given is one transaction: it is on disk when `run` returns, or nothing of it is.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from collector.errors import CollectorError

T = TypeVar("T")

FILE_NAME = "records.db"


class Database:
    """Open it with `open_database`."""

    def __init__(self, file: Path, connection: sqlite3.Connection, thread: ThreadPoolExecutor) -> None:
        self.file = file
        self._connection = connection
        self._thread = thread

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do `work` in one transaction, rolled back when it raises.

        Raises:
            sqlite3.OperationalError: the disk is full or broken; the same work may be tried again.
        """
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._work, work)

    def _work(self, work: Callable[[sqlite3.Connection], T]) -> T:
        with self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            return work(self._connection)

    def close(self) -> None:
        """Let go of the file. Nothing waits to be written."""
        self._thread.submit(self._connection.close)
        self._thread.shutdown(wait=True)


def open_database(file: Path, schema: Iterable[str]) -> Database:
    """Open or create the file and make what is missing of `schema` (statements that may be run again). Blocking.

    Raises:
        CollectorError: it cannot be used.
    """
    thread = ThreadPoolExecutor(1, "database")
    try:
        connection = thread.submit(_connect, file, tuple(schema)).result()
    except sqlite3.Error as error:
        thread.shutdown()
        raise CollectorError(
            f"{file}: cannot be used ({error}); check disk and rights, or restore it from a backup"
        ) from None
    return Database(file, connection, thread)


def read_only(file: Path) -> sqlite3.Connection:
    """A connection for the command line, beside a running collector.

    Raises:
        CollectorError: there is no such file, or it cannot be read.
    """
    if not file.exists():
        raise CollectorError(f"{file}: no such file; has the collector run with this data_dir?")
    try:
        connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.Error as error:
        raise CollectorError(f"{file}: cannot be read ({error}); run this as the collector's user") from None
    return connection


def _connect(file: Path, schema: tuple[str, ...]) -> sqlite3.Connection:
    connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")  # NORMAL may lose what was committed in a power cut
        connection.execute("PRAGMA foreign_keys=ON")
        for statement in schema:
            connection.execute(statement)
    except sqlite3.Error:
        connection.close()
        raise
    return connection

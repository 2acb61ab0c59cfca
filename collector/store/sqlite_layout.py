"""How the embedded store lays out its file.

`series` numbers each measurement with its tags; `fields` holds each field's type, which never changes. Each
measurement has a table of points `p_<measurement>`, one column `f_<field>` for each field, with the primary key (day,
series, time): one series is read by one seek for each day, a day ends up in one place of the file, and retention cuts
whole days off the front of the table without touching the rest.
"""

import json
import sqlite3
from pathlib import Path

DAY_NS = 86_400 * 10**9
VERSION = 1
MAX_FIELDS = 500  # of one measurement; SQLite's own limit is 2000 columns
MAX_WAL_BYTES = 64 * 1024 * 1024

SCHEMA = (
    """CREATE TABLE IF NOT EXISTS series
        (id INTEGER PRIMARY KEY, measurement TEXT NOT NULL, tags TEXT NOT NULL, UNIQUE (measurement, tags))""",
    """CREATE TABLE IF NOT EXISTS fields
        (measurement TEXT NOT NULL, name TEXT NOT NULL, type TEXT NOT NULL, PRIMARY KEY (measurement, name))
        WITHOUT ROWID""",
)
TYPES: dict[type, str] = {float: "REAL", int: "INTEGER", str: "TEXT"}


class NewerFileError(Exception):
    """Written by a later version."""


def table(measurement: str) -> str:
    """Name of the table of a measurement, which `line_reader.NAME` has passed: nothing in it needs quoting."""
    return f"p_{measurement}"


def column(field: str) -> str:
    """Name of the column of a field."""
    return f"f_{field}"


def tags_text(tags: tuple[tuple[str, str], ...]) -> str:
    """Tags, sorted by name, as they are kept."""
    return json.dumps(dict(tags), ensure_ascii=False, separators=(",", ":"))


def open_for_writing(file: Path) -> sqlite3.Connection:
    """Open or create the file. Blocking.

    Raises:
        sqlite3.Error: it cannot be used.
        NewerFileError: a later version made it.
    """
    connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False, timeout=1.0)
    try:
        _check_version(file, connection)
        connection.execute("PRAGMA auto_vacuum=INCREMENTAL")  # counts only before the first table
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")  # NORMAL may lose what was committed in a power cut
        connection.execute(f"PRAGMA journal_size_limit={MAX_WAL_BYTES}")
        with connection:
            connection.execute("BEGIN IMMEDIATE")
            for statement in SCHEMA:
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version={VERSION}")
    except BaseException:
        connection.close()
        raise
    return connection


def _check_version(file: Path, connection: sqlite3.Connection) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > VERSION:
        raise NewerFileError(f"{file}: a later version of branchline wrote it; run that version or move the file")


def identity(file: Path) -> tuple[int, int] | None:
    """Which file stands under this name; None: none. Writing into one that was moved away would lose points."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def has_table(connection: sqlite3.Connection, name: str) -> bool:
    """Whether the file has it."""
    found = connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (name,))
    return found.fetchone() is not None

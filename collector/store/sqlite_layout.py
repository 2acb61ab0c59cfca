"""How the embedded store lays out its file.

`series` numbers each measurement with its tags; `fields` holds each field's type, which never changes. Each
measurement has a table of points `p_<measurement>`, one column `f_<field>` for each field, with the primary key (slot,
series, time): one series is read by one seek for each slot, and retention cuts whole slots off the front of the table
without touching the rest.

A slot is a length of time. What the whole fleet writes all the time has short ones, so that the points of one moment
share pages of the file: with slots of a day each path has a page of its own, and each window rewrites one. What is
written seldom has slots of a day, so that long times are read by few seeks.
"""

import json
import sqlite3
from pathlib import Path

from wire.fields import Measurement

DAY_NS = 86_400 * 10**9
SHORT_NS = 30 * 10**9  # at 700 lines 60 s write 1.5 times as much, 10 s make reading a day three times as slow
STEADY = frozenset[str](
    (
        Measurement.LINK,
        Measurement.DIGEST,
        Measurement.BRANCH_STATE,
        Measurement.POWER,
        Measurement.ENVIRONMENT,
        Measurement.FLEET,
        Measurement.FLEET_ISP,
        Measurement.PIPELINE,
    )
)
"""Written by the whole fleet all the time: in short slots."""
VERSION = 2
MAX_FIELDS = 500  # of one measurement; SQLite's own limit is 2000 columns
MAX_WAL_BYTES = 64 * 1024 * 1024

SCHEMA = (
    """CREATE TABLE IF NOT EXISTS series
        (id INTEGER PRIMARY KEY AUTOINCREMENT, measurement TEXT NOT NULL, tags TEXT NOT NULL, last_day INTEGER NOT NULL,
        UNIQUE (measurement, tags))""",
    """CREATE TABLE IF NOT EXISTS fields
        (measurement TEXT NOT NULL, name TEXT NOT NULL, type TEXT NOT NULL, PRIMARY KEY (measurement, name))
        WITHOUT ROWID""",
)
TYPES: dict[type, str] = {float: "REAL", int: "INTEGER", str: "TEXT"}


class OtherLayoutError(Exception):
    """Another version of branchline made this file."""


def slot_ns(measurement: str) -> int:
    """Length of the slots of a measurement; a day is a whole number of them. Part of the layout: see `VERSION`."""
    return SHORT_NS if measurement in STEADY else DAY_NS


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
        OtherLayoutError: another version made it.
    """
    connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False, timeout=1.0)
    try:
        check_version(file, connection)
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


def check_version(file: Path, connection: sqlite3.Connection) -> None:
    """Look whether this file is laid out as this version does it; a new one has no layout yet.

    Raises:
        OtherLayoutError: it is not.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version not in (0, VERSION):
        raise OtherLayoutError(
            f"{file}: another version of branchline wrote it (layout {version}, this one has {VERSION}); run that"
            " version, or move the file away and a new one is begun"
        )


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

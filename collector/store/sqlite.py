"""The embedded store: one SQLite file, for a fleet that needs no database server. Layout: `sqlite_layout.py`.

A write that answered `Written` is on disk (WAL, synchronous=FULL). Points are merged as InfluxDB does it: the same
series and time again overwrites the fields it gives and keeps the others.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import NamedTuple, TypeVar

from collector.store.base import Answer, Forgotten, Later, Partial, Paused, Written
from collector.store.line_reader import BadLineError, Head, Line, Value, read_line
from collector.store.sqlite_cuts import delete_some, drop_some_series, shrink_some
from collector.store.sqlite_layout import (
    DAY_NS,
    MAX_FIELDS,
    TYPES,
    OtherLayoutError,
    column,
    identity,
    open_for_writing,
    slot_ns,
    table,
    tags_text,
)

T = TypeVar("T")

MAX_LINES = 5000
LINGER_S = 5.0  # each commit rewrites the pages that points of this minute share
STEP_PAUSE_S = 0.02
_FULL, _BUSY, _LOCKED, _IO = 13, 5, 6, 10
_PASSING = {
    _FULL: "the disk is full; make room",
    _BUSY: "another program holds it; close that program",
    _LOCKED: "another program holds it; close that program",
    _IO: "the disk does not read or write it; check the disk",
}


class _Row(NamedTuple):
    measurement: str
    names: tuple[str, ...]
    cells: tuple[Value, ...]


class Sqlite:
    """Writes to one file, from one thread of its own."""

    def __init__(self, file: Path, *, linger_s: float = LINGER_S) -> None:
        """The file is opened at the first write, so that a disk in trouble is an answer as any other."""
        self.file = file
        self.linger_s = linger_s
        self._thread = ThreadPoolExecutor(1, "sqlite-store")
        self._connection: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None
        self._series: dict[Head, tuple[int, int]] = {}  # number, and the last day known to have points
        self._types: dict[str, dict[str, str]] = {}

    @property
    def keep_s(self) -> float:
        """It does not forget."""
        return 0.0

    async def write(self, lines: bytes) -> Answer:
        """Write the lines, at most `MAX_LINES` in one transaction."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._write, lines)

    async def started_s(self) -> float | None:
        """Not asked."""
        return None

    async def close(self) -> None:
        """Let go of the file. Nothing waits to be written."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._forget)
        self._thread.shutdown(wait=False)

    async def _run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do it on the store's thread, between writes."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, lambda: work(self._open()))

    async def forget(self, measurement: str, before_ns: int) -> Forgotten:
        """Delete whole slots, some thousand points at a time, and series without points; writes come in between."""
        steps = (
            partial(delete_some, measurement=measurement, before_slot=before_ns // slot_ns(measurement)),
            partial(self._drop_some, measurement=measurement, before_day=before_ns // DAY_NS),
            shrink_some,
        )
        try:
            for step in steps:
                while await self._run(step):  # noqa: ASYNC110 - not polling: each turn does a step
                    await asyncio.sleep(STEP_PAUSE_S)
        except OtherLayoutError as error:
            return Paused(str(error))
        except sqlite3.Error as error:
            return self._judge(error)
        return Written()

    def _drop_some(self, connection: sqlite3.Connection, *, measurement: str, before_day: int) -> bool:
        dropped = drop_some_series(connection, measurement=measurement, before_day=before_day)
        if dropped:
            self._series.clear()  # a point of one of them that still comes begins it anew
        return dropped

    def _write(self, lines: bytes) -> Answer:
        texts = [line for line in lines.split(b"\n") if line]
        refused: list[str] = []
        try:
            connection = self._open()
            for start in range(0, len(texts), MAX_LINES):
                with connection:
                    connection.execute("BEGIN IMMEDIATE")
                    refused += self._write_some(connection, texts[start : start + MAX_LINES])
        except OtherLayoutError as error:
            return Paused(str(error))
        except sqlite3.Error as error:
            return self._trouble(error)
        if refused:
            return Partial(refused[0], all_refused=len(refused) == len(texts))
        return Written()

    def _open(self) -> sqlite3.Connection:
        if self._connection is not None and identity(self.file) == self._identity:
            return self._connection
        self._forget()
        connection = open_for_writing(self.file)
        self._connection, self._identity = connection, identity(self.file)
        for measurement, name, type_ in connection.execute("SELECT measurement, name, type FROM fields"):
            self._types.setdefault(measurement, {})[name] = type_
        return connection

    def _forget(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None
        self._series.clear()
        self._types.clear()

    def _trouble(self, error: sqlite3.Error) -> Later | Paused:
        """The transaction was rolled back; what is remembered of it goes, and the file is opened anew next time."""
        self._forget()
        return self._judge(error)

    def _judge(self, error: sqlite3.Error) -> Later | Paused:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in _PASSING:
            return Later(f"{self.file}: {_PASSING[code]} ({error})")
        return Paused(f"{self.file}: cannot be used ({error}); check its folder's rights, or move it away")

    def _write_some(self, connection: sqlite3.Connection, texts: list[bytes]) -> list[str]:
        """Write these; why lines were refused."""
        rows: list[_Row] = []
        refused: list[str] = []
        for text in texts:
            try:
                rows.append(self._row(connection, read_line(text.decode())))
            except (BadLineError, UnicodeDecodeError) as error:
                refused.append(f"line refused: {error}")
        # Consecutive ones of a kind only: a point given twice must end as it was given last.
        for (measurement, names), kind in groupby(rows, key=lambda row: (row.measurement, row.names)):
            connection.executemany(_insert(measurement, names), (row.cells for row in kind))
        return refused

    def _row(self, connection: sqlite3.Connection, line: Line) -> _Row:
        measurement = line.head.measurement
        types = self._types.get(measurement, {})
        for name, value in line.values.items():
            known = types.get(name)
            if known is not None and known != TYPES[type(value)]:
                raise BadLineError(f"field {name} of {measurement} is {known}, not {TYPES[type(value)]}")
        if not types.keys() >= line.values.keys():
            self._add_fields(connection, measurement, line.values)
        day = line.at_ns // DAY_NS
        number, last_day = self._series.get(line.head) or self._add_series(connection, line.head, day)
        if last_day < day:
            connection.execute("UPDATE series SET last_day = ? WHERE id = ?", (day, number))
            self._series[line.head] = number, day
        cells = (line.at_ns // slot_ns(measurement), number, line.at_ns, *line.values.values())
        return _Row(measurement, tuple(line.values), cells)

    def _add_fields(self, connection: sqlite3.Connection, measurement: str, values: dict[str, Value]) -> None:
        types = self._types.setdefault(measurement, {})
        if len(types.keys() | values.keys()) > MAX_FIELDS:
            raise BadLineError(f"{measurement} has more than {MAX_FIELDS} fields")
        connection.execute(
            f"CREATE TABLE IF NOT EXISTS {table(measurement)} (slot INTEGER NOT NULL, series INTEGER NOT NULL,"
            " at_ns INTEGER NOT NULL, PRIMARY KEY (slot, series, at_ns)) WITHOUT ROWID"
        )
        for name, value in values.items():
            if name not in types:
                type_ = TYPES[type(value)]
                connection.execute(f"ALTER TABLE {table(measurement)} ADD COLUMN {column(name)} {type_}")
                connection.execute("INSERT INTO fields VALUES (?, ?, ?)", (measurement, name, type_))
                types[name] = type_

    def _add_series(self, connection: sqlite3.Connection, head: Head, day: int) -> tuple[int, int]:
        key = head.measurement, tags_text(head.tags)
        connection.execute("INSERT OR IGNORE INTO series (measurement, tags, last_day) VALUES (?, ?, ?)", (*key, day))
        query = "SELECT id, last_day FROM series WHERE measurement = ? AND tags = ?"
        number, last_day = connection.execute(query, key).fetchone()
        if len(self._series) >= 65536:
            self._series.clear()
        self._series[head] = found = int(number), int(last_day)
        return found


def _insert(measurement: str, names: Iterable[str]) -> str:
    columns = [column(name) for name in names]
    marks = ", ".join("?" for _ in columns)
    merge = ", ".join(f"{name} = excluded.{name}" for name in columns)
    return (
        f"INSERT INTO {table(measurement)} (slot, series, at_ns, {', '.join(columns)}) VALUES (?, ?, ?, {marks})"  # noqa: S608 - names have passed line_reader.NAME
        f" ON CONFLICT (slot, series, at_ns) DO UPDATE SET {merge}"
    )

"""Reading the embedded store: a connection and a thread of its own, beside the writer (WAL lets both work at once)."""

import asyncio
import json
import sqlite3
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Unpack

from collector.store.history import HistoryError, Pick, Series, Value, Words
from collector.store.question import Point, Question, answer, in_order, question
from collector.store.sqlite_layout import (
    DAY_NS,
    OtherLayoutError,
    check_version,
    column,
    has_table,
    identity,
    slot_ns,
    table,
)

CACHE_KIB = 16 * 1024  # a day of one branch: its lines share pages and are read one after the other
STEPS_A_LOOK = 20_000  # of SQLite's machine, between looks at the clock: about a millisecond
_SQL_PICKS = {Pick.MEAN: "avg", Pick.MIN: "min", Pick.MAX: "max", Pick.SUM: "sum", Pick.COUNT: "count"}


class SqliteHistory:
    """Reads one file. A file that is not there yet is an empty history."""

    def __init__(self, file: Path, *, timeout_s: float) -> None:
        """The file is opened at the first question."""
        self.file = file
        self._timeout_s = timeout_s
        self._thread = ThreadPoolExecutor(1, "sqlite-history")
        self._connection: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None
        self._tags: dict[str, dict[int, dict[str, str]]] = {}
        self._last_id = 0

    async def read(self, measurement: str, fields: tuple[str, ...], **words: Unpack[Words]) -> list[Series]:
        """As `History.read`."""
        asked = question(measurement, fields, **words)
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._read, asked)

    async def close(self) -> None:
        """Let go of the file."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._forget)
        self._thread.shutdown(wait=False)

    def _read(self, asked: Question) -> list[Series]:
        end_s = time.monotonic() + self._timeout_s
        try:
            connection = self._open()
            if connection is None:
                return []
            check_version(self.file, connection)
            connection.set_progress_handler(lambda: time.monotonic() > end_s, STEPS_A_LOOK)
            return _answers(connection, asked, self._groups(connection, asked))
        except OtherLayoutError as error:
            self._forget()
            raise HistoryError(str(error)) from None
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_INTERRUPT:
                raise HistoryError(f"{self.file}: no answer in {self._timeout_s:g} s; ask for a shorter time") from None
            self._forget()
            raise HistoryError(f"{self.file}: cannot be read ({error}); check disk and rights") from None

    def _open(self) -> sqlite3.Connection | None:
        found = identity(self.file)
        if found is None or found != self._identity:
            self._forget()
        if found is not None and self._connection is None:
            path = self.file.absolute().as_uri()
            self._connection = sqlite3.connect(
                f"{path}?mode=ro", uri=True, isolation_level=None, check_same_thread=False, timeout=1.0
            )
            self._connection.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
            self._identity = found
        return self._connection

    def _forget(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None
        self._identity = None
        self._tags.clear()
        self._last_id = 0

    def _groups(self, connection: sqlite3.Connection, asked: Question) -> dict[tuple[str, ...], list[int]]:
        """Numbers of the matching series by the values of the tags asked for."""
        if not has_table(connection, "series"):
            return {}
        self._load_series(connection)
        (count,) = connection.execute("SELECT count(*) FROM series").fetchone()
        if count != sum(map(len, self._tags.values())):  # retention has dropped some
            self._tags.clear()
            self._last_id = 0
            self._load_series(connection)
        groups: dict[tuple[str, ...], list[int]] = {}
        for number, tags in self._tags.get(asked.measurement, {}).items():
            if all(tags.get(name, "") == value for name, value in asked.where):
                groups.setdefault(tuple(tags.get(name, "") for name in asked.group), []).append(number)
        return groups

    def _load_series(self, connection: sqlite3.Connection) -> None:
        """Those that are new: numbers only grow."""
        news = connection.execute("SELECT id, measurement, tags FROM series WHERE id > ? ORDER BY id", (self._last_id,))
        for number, measurement, tags in news:
            self._tags.setdefault(measurement, {})[number] = json.loads(tags)
            self._last_id = number


def _answers(
    connection: sqlite3.Connection, asked: Question, groups: Mapping[tuple[str, ...], list[int]]
) -> list[Series]:
    if not groups or asked.end_ns <= asked.start_ns:
        return []
    known = {row[1] for row in connection.execute(f"PRAGMA table_info({table(asked.measurement)})")}
    there = tuple(name for name in asked.fields if column(name) in known)
    if not there:
        return []
    slots = _slots(connection, asked)
    found = []
    for key, numbers in groups.items():
        source = _source(asked, numbers)
        if not asked.every_ns:
            points = _written(connection, asked, there, slots, source)
        elif asked.pick in _SQL_PICKS:
            points = _picked(connection, asked, there, slots, source)
        else:
            points = _first_or_last(connection, asked, there, slots, source)
        found.append(answer(asked, dict(zip(asked.group, key, strict=True)), points))
    return in_order(found)


def _slots(connection: sqlite3.Connection, asked: Question) -> range:
    """Slots asked for between the first and the last that have points: a long time with few points costs little."""
    name, length_ns = table(asked.measurement), slot_ns(asked.measurement)
    first, last = connection.execute(
        f"SELECT (SELECT min(slot) FROM {name}), (SELECT max(slot) FROM {name})"  # noqa: S608 - the name has passed NAME
    ).fetchone()
    if first is None:
        return range(0)
    return range(max(asked.start_ns // length_ns, first), min((asked.end_ns - 1) // length_ns, last) + 1)


def _source(asked: Question, numbers: Iterable[int]) -> str:
    """One seek for each slot and series; parameters: slots (a JSON list), start, end."""
    return (
        f"FROM json_each(?) AS d CROSS JOIN {table(asked.measurement)} AS p"
        f" ON p.slot = d.value AND p.series IN ({', '.join(map(str, numbers))}) AND p.at_ns >= ? AND p.at_ns < ?"
    )


def _written(
    connection: sqlite3.Connection, asked: Question, there: tuple[str, ...], slots: range, source: str
) -> list[Point]:
    """Points as written, about a day at a time from the newest, until there are enough."""
    columns = ", ".join(column(name) for name in there)
    some = " OR ".join(f"{column(name)} IS NOT NULL" for name in there)
    query = f"SELECT at_ns, {columns} {source} WHERE {some} ORDER BY at_ns DESC LIMIT ?"
    points: list[Point] = []
    some_slots = DAY_NS // slot_ns(asked.measurement)
    for end in range(slots.stop, slots.start, -some_slots):
        if len(points) >= asked.limit:
            break
        words = (
            json.dumps([*range(max(slots.start, end - some_slots), end)]),
            asked.start_ns,
            asked.end_ns,
            asked.limit - len(points),
        )
        points += _spread(asked, there, connection.execute(query, words))
    return points


def _picked(
    connection: sqlite3.Connection, asked: Question, there: tuple[str, ...], slots: range, source: str
) -> list[Point]:
    pick = _SQL_PICKS[asked.pick]
    columns = ", ".join(f"{pick}({column(name)})" for name in there)
    query = f"SELECT at_ns / ? * ? AS t, {columns} {source} GROUP BY t ORDER BY t DESC"
    words = (asked.every_ns, asked.every_ns, json.dumps([*slots]), asked.start_ns, asked.end_ns)
    points = _spread(asked, there, connection.execute(query, words))
    if asked.pick != Pick.COUNT:
        return points
    # Of an interval that has points but none of this field, InfluxDB counts 0: so do we.
    return [(at_ns, tuple(value or 0 for value in values)) for at_ns, values in points if any(values)]


def _first_or_last(
    connection: sqlite3.Connection, asked: Question, there: tuple[str, ...], slots: range, source: str
) -> list[Point]:
    """SQLite takes a bare column from the row with the least or greatest time."""
    pick = "min" if asked.pick == Pick.FIRST else "max"
    found: dict[int, dict[str, Value]] = {}
    words = (asked.every_ns, asked.every_ns, json.dumps([*slots]), asked.start_ns, asked.end_ns)
    for name in there:
        query = (
            f"SELECT at_ns / ? * ? AS t, {pick}(at_ns), {column(name)} {source}"
            f" WHERE {column(name)} IS NOT NULL GROUP BY t"
        )
        for at_ns, _, value in connection.execute(query, words):
            found.setdefault(at_ns, {})[name] = value
    return [(at_ns, tuple(values.get(name) for name in asked.fields)) for at_ns, values in found.items()]


def _spread(asked: Question, there: tuple[str, ...], rows: Iterable[tuple[Value, ...]]) -> list[Point]:
    """Rows of the fields there are as points of the fields asked for."""
    if there == asked.fields:
        return [(int(row[0] or 0), tuple(row[1:])) for row in rows]
    at = [there.index(name) + 1 if name in there else None for name in asked.fields]
    return [(int(row[0] or 0), tuple(None if index is None else row[index] for index in at)) for row in rows]

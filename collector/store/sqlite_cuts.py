"""Retention of the embedded store: each step takes some ten milliseconds and says whether more is left."""

import sqlite3

from collector.store.sqlite_layout import has_table, table

POINTS_A_STEP = 5000
SERIES_A_STEP = 1000
PAGES_A_STEP = 1000
SPARE = 8  # one eighth of the file may stay empty: the next day's points use it


def delete_some(connection: sqlite3.Connection, *, measurement: str, before_slot: int) -> bool:
    """Delete the oldest points of slots before this one."""
    name = table(measurement)
    if not has_table(connection, name):
        return False
    find = f"SELECT slot, series, at_ns FROM {name} WHERE slot < ? ORDER BY slot, series, at_ns LIMIT 1 OFFSET ?"  # noqa: S608 - a measurement's name
    edge = connection.execute(find, (before_slot, POINTS_A_STEP)).fetchone()
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        if edge is None:
            connection.execute(f"DELETE FROM {name} WHERE slot < ?", (before_slot,))  # noqa: S608 - as above
        else:
            connection.execute(f"DELETE FROM {name} WHERE (slot, series, at_ns) < (?, ?, ?)", edge)  # noqa: S608 - as above
    return edge is not None


def drop_some_series(connection: sqlite3.Connection, *, measurement: str, before_day: int) -> bool:
    """Delete numbers of series that had their last point before this day: call it when those points are deleted."""
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        dropped = connection.execute(
            "DELETE FROM series WHERE id IN (SELECT id FROM series WHERE measurement = ? AND last_day < ? LIMIT ?)",
            (measurement, before_day, SERIES_A_STEP),
        ).rowcount
    return dropped > 0


def shrink_some(connection: sqlite3.Connection) -> bool:
    """Give empty pages back to the disk."""
    (empty,) = connection.execute("PRAGMA freelist_count").fetchone()
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    if empty <= pages // SPARE:
        return False
    connection.executescript(f"PRAGMA incremental_vacuum({PAGES_A_STEP})")  # `execute` would stop after one page
    return True

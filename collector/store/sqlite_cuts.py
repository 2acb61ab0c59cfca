"""Retention of the embedded store: each step takes some ten milliseconds and says whether more is left."""

import sqlite3

from collector.store.sqlite_layout import has_table, table

POINTS_A_STEP = 5000
PAGES_A_STEP = 1000
SPARE = 8  # one eighth of the file may stay empty: the next day's points use it


def delete_some(connection: sqlite3.Connection, *, measurement: str, before_day: int) -> bool:
    """Delete the oldest points of days before this one."""
    name = table(measurement)
    if not has_table(connection, name):
        return False
    find = f"SELECT day, series, at_ns FROM {name} WHERE day < ? ORDER BY day, series, at_ns LIMIT 1 OFFSET ?"  # noqa: S608 - a measurement's name
    edge = connection.execute(find, (before_day, POINTS_A_STEP)).fetchone()
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        if edge is None:
            connection.execute(f"DELETE FROM {name} WHERE day < ?", (before_day,))  # noqa: S608 - as above
        else:
            connection.execute(f"DELETE FROM {name} WHERE (day, series, at_ns) < (?, ?, ?)", edge)  # noqa: S608 - as above
    return edge is not None


def shrink_some(connection: sqlite3.Connection) -> bool:
    """Give empty pages back to the disk."""
    (empty,) = connection.execute("PRAGMA freelist_count").fetchone()
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    if empty <= pages // SPARE:
        return False
    connection.executescript(f"PRAGMA incremental_vacuum({PAGES_A_STEP})")  # `execute` would stop after one page
    return True

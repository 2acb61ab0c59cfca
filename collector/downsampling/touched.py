"""Which hours of which branches have windows that their `link_1h` does not know yet.

An hour is remembered from the moment its windows are in the database until its lines of `link_1h` are there too. It is
on disk before the writer's checkpoint moves: after a kill an hour is made once too often, never once too seldom.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from collector.downsampling.hours import HOUR_NS
from wire.messages import Batch, Window
from wire.topics import Address

SCHEMA = (
    """CREATE TABLE IF NOT EXISTS touched_hours
        (hour INTEGER NOT NULL, tenant TEXT NOT NULL, branch TEXT NOT NULL, PRIMARY KEY (hour, tenant, branch))
        WITHOUT ROWID""",
)
_LINK, _LINK_1H, _AGENT = b"link,tenant=", b"link_1h,tenant=", b",agent="


class Hour(NamedTuple):
    """An hour of a branch; `hour` counts from 1970."""

    hour: int
    tenant: str
    branch: str


class Touch(NamedTuple):
    """What lines say: hours of windows, and hours that were made."""

    windows: set[Hour]
    made: set[Hour]


def read_touch(lines: Sequence[bytes]) -> Touch:
    """Look at lines as `lines.py` makes them: tenant and branch come first and are names without escapes. Pure."""
    windows: set[tuple[bytes, int]] = set()
    made: set[tuple[bytes, int]] = set()
    for line in lines:
        if line.startswith(_LINK):
            windows.add((line[len(_LINK) : line.find(_AGENT)], int(line[line.rfind(b" ") + 1 :]) // HOUR_NS))
        elif line.startswith(_LINK_1H):
            made.add((line[len(_LINK_1H) : line.find(_AGENT)], int(line[line.rfind(b" ") + 1 :]) // HOUR_NS))
    return Touch({_hour(*each) for each in windows}, {_hour(*each) for each in made})


def batch_hours(address: Address, batch: Batch) -> set[Hour]:
    """Hours of the windows in a batch. Pure. Costs a quarter of what reading the lines does."""
    numbers = {record.start_ns // HOUR_NS for record in batch.records if isinstance(record, Window)}
    return {Hour(number, address.tenant, address.branch) for number in numbers}


def _hour(names: bytes, hour: int) -> Hour:
    tenant, _, branch = names.decode().partition(",branch=")
    return Hour(hour, tenant, branch)


def load(connection: sqlite3.Connection) -> list[Hour]:
    """Every hour remembered."""
    return [Hour(*row) for row in connection.execute("SELECT hour, tenant, branch FROM touched_hours")]


def save(connection: sqlite3.Connection, touched: Iterable[Hour], done: Iterable[Hour]) -> None:
    """Remember some, forget others. An hour that is in both is remembered."""
    forget = "DELETE FROM touched_hours WHERE hour = ? AND tenant = ? AND branch = ?"
    connection.executemany(forget, done)
    connection.executemany("INSERT OR IGNORE INTO touched_hours VALUES (?, ?, ?)", touched)

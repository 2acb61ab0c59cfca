"""Which receiver was told what, in the collector's SQLite file. Each function takes part in its caller's transaction.

A notice becomes one row for each receiver it is for. What `next_step` returns as work is to be sent and then noted;
whoever dies in between sends it again, under the same key. Times are Unix seconds.
"""

import sqlite3
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import TypeVar

import msgspec

from collector.incidents.model import Incident, Severity
from collector.notify.model import Notice, NoticeEvent

SCHEMA: tuple[str, ...] = (
    """CREATE TABLE IF NOT EXISTS deliveries(
    receiver TEXT NOT NULL, notice INTEGER NOT NULL, tenant TEXT NOT NULL, incident TEXT NOT NULL, event TEXT NOT NULL,
    severity TEXT NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, made_s REAL NOT NULL,
    next_s REAL NOT NULL DEFAULT 0, digest INTEGER, error TEXT NOT NULL DEFAULT '', ended_s REAL,
    PRIMARY KEY(receiver, notice)) WITHOUT ROWID""",
    "CREATE INDEX IF NOT EXISTS deliveries_by_incident ON deliveries(incident, receiver)",
    "CREATE INDEX IF NOT EXISTS deliveries_waiting ON deliveries(receiver, notice) WHERE state = 'waiting'",
    "CREATE INDEX IF NOT EXISTS deliveries_by_end ON deliveries(receiver, ended_s)",
    "CREATE TABLE IF NOT EXISTS deliveries_made(only INTEGER PRIMARY KEY CHECK (only = 1), notice INTEGER NOT NULL)",
    "INSERT OR IGNORE INTO deliveries_made VALUES(1, 0)",
)
"""Statements for `open_database`, behind those of `collector.incidents.book`."""

MINUTE_S = 60.0
MAX_DIGEST = 1000


class State(StrEnum):
    """How far one delivery came."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    REFUSED = "refused"
    GIVEN_UP = "given_up"
    SUPERSEDED = "superseded"  # a newer one says it all, or there was nothing to say to this receiver


class Row(msgspec.Struct, frozen=True, array_like=True):
    """One notice for one receiver. Rows with the same `digest` are sent as one message."""

    receiver: str
    notice: int
    tenant: str
    incident: str
    event: NoticeEvent
    severity: Severity
    state: State
    attempts: int
    made_s: float
    next_s: float
    digest: int | None
    error: str
    ended_s: float | None


class Work(msgspec.Struct, frozen=True):
    """One message to send: one row, or those of a digest. `event` may differ from the notice's."""

    rows: tuple[Row, ...]
    event: NoticeEvent
    digest: int | None = None

    @property
    def attempts(self) -> int:
        """How often it was tried."""
        return max(row.attempts for row in self.rows)


class Step(msgspec.Struct, frozen=True):
    """What a receiver's turn found: work, or seconds to wait (None: until there is news); and rows given up."""

    work: Work | None = None
    wait_s: float | None = None
    given_up: tuple[Row, ...] = ()


class Allowance(msgspec.Struct, frozen=True):
    """What a receiver's settings say of numbers. `per_minute` None: as many as there are."""

    per_minute: int | None
    give_up_after_s: float


_COLUMNS = ", ".join(Row.__struct_fields__)
_INCIDENT = msgspec.msgpack.Decoder(Incident)
_RANK = {Severity.PAGE: 0, Severity.WORK: 1, Severity.LOG: 2}


def make(connection: sqlite3.Connection, receivers: Sequence[tuple[str, Sequence[Severity]]], now_s: float) -> int:
    """Turn new notices into rows; how many were made.

    A receiver hears of an incident from the first notice of a severity it is for, and of all that follows; an end is
    no beginning.
    """
    (done,) = connection.execute("SELECT notice FROM deliveries_made").fetchone()
    notices = connection.execute(
        "SELECT number, incident, event, body FROM notices WHERE number > ? ORDER BY number", (done,)
    ).fetchall()
    made = 0
    for number, incident_id, event, body in notices:
        told = _INCIDENT.decode(body)
        for name, severities in receivers:
            known = connection.execute(
                "SELECT 1 FROM deliveries WHERE incident = ? AND receiver = ? LIMIT 1", (incident_id, name)
            ).fetchone()
            if known is None and (told.severity not in severities or event == NoticeEvent.RESOLVE):
                continue
            begun = event if known is not None else NoticeEvent.TRIGGER
            made += connection.execute(
                "INSERT OR IGNORE INTO deliveries(receiver, notice, tenant, incident, event, severity, state, made_s) "
                "VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
                (name, number, told.tenant, incident_id, begun, str(told.severity), State.WAITING, now_s),
            ).rowcount
    if notices:
        connection.execute("UPDATE deliveries_made SET notice = ?", (notices[-1][0],))
    return made


def forget_receivers(connection: sqlite3.Connection, names: Sequence[str], now_s: float) -> tuple[Row, ...]:
    """End what waits for receivers that are no longer in the settings; the rows that were ended."""
    marks = ",".join("?" * len(names))
    gone = _rows(connection, f"state = 'waiting' AND receiver NOT IN ({marks})", names)
    for row in gone:
        _end(connection, row, State.GIVEN_UP, now_s, "the receiver is no longer in the settings")
    return tuple(gone)


def next_step(connection: sqlite3.Connection, receiver: str, allowance: Allowance, now_s: float) -> Step:
    """What this receiver is to be told next."""
    waiting = _rows(connection, "receiver = ? AND state = 'waiting' ORDER BY notice", (receiver,))
    given_up = tuple(row for row in waiting if row.made_s + allowance.give_up_after_s <= now_s)
    for row in given_up:
        _end(connection, row, State.GIVEN_UP, now_s, row.error or "no time was left to try")
    heads = _heads(connection, [row for row in waiting if row not in given_up], now_s)
    due = sorted((work for work in heads if work.rows[0].next_s <= now_s), key=_urgency)
    if not due:
        return Step(wait_s=min((work.rows[0].next_s - now_s for work in heads), default=None), given_up=given_up)
    if allowance.per_minute is None:
        return Step(due[0], given_up=given_up)
    sent, oldest_s = connection.execute(
        "SELECT count(DISTINCT coalesce(digest, notice)), min(ended_s) FROM deliveries "
        "WHERE receiver = ? AND state = 'delivered' AND ended_s > ?",
        (receiver, now_s - MINUTE_S),
    ).fetchone()
    # What wakes nobody leaves half of each minute to what does.
    pages = any(row.severity is Severity.PAGE for row in due[0].rows)
    limit = allowance.per_minute if pages else max(2, allowance.per_minute // 2)
    if sent >= limit:
        return Step(wait_s=max(0.1, oldest_s + MINUTE_S - now_s), given_up=given_up)
    single = [work for work in due if work.digest is None]
    if due[0].digest is None and len(single) > 1 and sent == limit - 1:
        return Step(_gather(connection, single), given_up=given_up)
    return Step(due[0], given_up=given_up)


def note(connection: sqlite3.Connection, work: Work, state: State, now_s: float, *, error: str, next_s: float) -> None:
    """Write down how an attempt ended; with WAITING it is tried again from `next_s` on."""
    for row in work.rows:
        if state is State.WAITING:
            connection.execute(
                "UPDATE deliveries SET attempts = attempts + 1, next_s = ?, error = ? "
                "WHERE receiver = ? AND notice = ? AND state = 'waiting'",
                (next_s, error[:500], row.receiver, row.notice),
            )
        else:
            _end(connection, row, state, now_s, error, attempts=row.attempts + 1)


def notice(connection: sqlite3.Connection, number: int) -> Notice:
    """One notice.

    Raises:
        LookupError: there is none of this number.
    """
    row = connection.execute("SELECT event, at_s, body FROM notices WHERE number = ?", (number,)).fetchone()
    if row is None:
        raise LookupError(number)
    return Notice(number, NoticeEvent(row[0]), row[1], _INCIDENT.decode(row[2]))


def first_told(connection: sqlite3.Connection, receiver: str, told: Incident, number: int) -> Incident:
    """The incident as `receiver` first had it with the severity it has in notice `number`."""
    row = connection.execute(
        "SELECT min(notice) FROM deliveries WHERE incident = ? AND receiver = ? AND severity = ? AND notice <= ?",
        (told.id, receiver, str(told.severity), number),
    ).fetchone()
    return told if row[0] is None else notice(connection, row[0]).incident


def standing(connection: sqlite3.Connection, receiver: str, since_s: float) -> tuple[list[Row], frozenset[str]]:
    """What a receiver was told last of each incident that is open, or was told resolved after `since_s`.

    Also the incidents of which something waits to be told. One whose end waits is left out of the first.
    """
    waiting = _rows(connection, "receiver = ? AND state = 'waiting'", (receiver,))
    ending = {row.incident for row in waiting if row.event is NoticeEvent.RESOLVE}
    last = _rows(
        connection,
        "receiver = ? AND state = 'delivered' AND notice = (SELECT max(notice) FROM deliveries AS other "
        "WHERE other.incident = deliveries.incident AND other.receiver = deliveries.receiver "
        "AND other.state = 'delivered') AND NOT EXISTS (SELECT 1 FROM deliveries AS other "
        "WHERE other.incident = deliveries.incident AND other.receiver = deliveries.receiver "
        "AND other.event = 'resolve' AND other.state NOT IN ('delivered', 'waiting')) "
        "AND (event != 'resolve' OR ended_s > ?) ORDER BY notice",
        (receiver, since_s),
    )
    return [row for row in last if row.incident not in ending], frozenset(row.incident for row in waiting)


def forget_before(connection: sqlite3.Connection, before_s: float) -> int:
    """Delete ended rows of incidents of which nothing happened after `before_s`, and their notices; how many rows."""
    old = "SELECT incident FROM notices GROUP BY incident HAVING max(at_s) < ?"
    count = connection.execute(
        f"DELETE FROM deliveries WHERE incident IN ({old}) AND state != 'waiting'",  # noqa: S608 - fixed words
        (before_s,),
    ).rowcount
    connection.execute(
        f"DELETE FROM notices WHERE incident IN ({old}) AND number <= (SELECT notice FROM deliveries_made) "  # noqa: S608
        "AND NOT EXISTS (SELECT 1 FROM deliveries WHERE deliveries.incident = notices.incident)",
        (before_s,),
    )
    return count


def _heads(connection: sqlite3.Connection, waiting: list[Row], now_s: float) -> list[Work]:
    """The first thing to say of each incident, and digests under way. Says what is superseded."""
    digests = _grouped([row for row in waiting if row.digest is not None], lambda row: row.digest)
    busy = {row.incident for row in waiting if row.digest is not None}
    heads = [Work(tuple(rows), NoticeEvent.UPDATE, number) for number, rows in digests.items()]
    single = _grouped([row for row in waiting if row.incident not in busy], lambda row: row.incident)
    for rows in single.values():
        wanted = [row for row in rows[:-1] if row.event is NoticeEvent.TRIGGER] + rows[-1:]
        for row in rows:
            if row not in wanted:
                _end(connection, row, State.SUPERSEDED, now_s, "")
        head = wanted[0]
        if head.event is NoticeEvent.TRIGGER or _told(connection, head):
            heads.append(Work((head,), head.event))
        elif head.event is NoticeEvent.RESOLVE:
            _end(connection, head, State.SUPERSEDED, now_s, "this receiver was not told that it began")
        else:
            heads.append(Work((head,), NoticeEvent.TRIGGER))
    return heads


def _told(connection: sqlite3.Connection, row: Row) -> bool:
    return (
        connection.execute(
            "SELECT 1 FROM deliveries WHERE incident = ? AND receiver = ? AND state = 'delivered' LIMIT 1",
            (row.incident, row.receiver),
        ).fetchone()
        is not None
    )


def _gather(connection: sqlite3.Connection, single: list[Work]) -> Work:
    """Bind rows together for good, before anything is sent: a digest that is sent twice is the same digest."""
    rows = tuple(sorted((work.rows[0] for work in single[:MAX_DIGEST]), key=lambda row: row.notice))
    number = rows[0].notice
    connection.executemany(
        "UPDATE deliveries SET digest = ? WHERE receiver = ? AND notice = ?",
        ((number, row.receiver, row.notice) for row in rows),
    )
    return Work(tuple(msgspec.structs.replace(row, digest=number) for row in rows), NoticeEvent.UPDATE, number)


def _urgency(work: Work) -> tuple[int, int, int]:
    """Pages before the rest, and what failed before after what was not tried yet."""
    return min(_RANK[row.severity] for row in work.rows), work.attempts, work.rows[0].notice


def _end(
    connection: sqlite3.Connection, row: Row, state: State, now_s: float, error: str, *, attempts: int | None = None
) -> None:
    connection.execute(
        "UPDATE deliveries SET state = ?, ended_s = ?, error = ?, attempts = ? WHERE receiver = ? AND notice = ?",
        (state, now_s, error[:500], row.attempts if attempts is None else attempts, row.receiver, row.notice),
    )


def _rows(connection: sqlite3.Connection, where: str, values: Sequence[object]) -> list[Row]:
    found = connection.execute(f"SELECT {_COLUMNS} FROM deliveries WHERE {where}", tuple(values))  # noqa: S608 - as above
    return msgspec.convert(found.fetchall(), list[Row], strict=False)


_Key = TypeVar("_Key")


def _grouped(rows: list[Row], key: Callable[[Row], _Key]) -> dict[_Key, list[Row]]:
    groups: dict[_Key, list[Row]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return groups

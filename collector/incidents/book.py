"""Incidents on disk, in the collector's SQLite file. Each function takes part in its caller's transaction."""

import sqlite3
from collections.abc import Iterable, Sequence

import msgspec

from collector.incidents.model import Entry, Incident, Phase
from collector.notify.model import NOTICES_SCHEMA, NoticeEvent

SCHEMA: tuple[str, ...] = (
    """CREATE TABLE IF NOT EXISTS incidents(
    id TEXT PRIMARY KEY, key TEXT NOT NULL, tenant TEXT NOT NULL, phase TEXT NOT NULL, started_s REAL NOT NULL,
    changed_s REAL NOT NULL, body BLOB NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS incidents_by_start ON incidents(started_s)",
    "CREATE INDEX IF NOT EXISTS incidents_by_phase ON incidents(phase)",
    """CREATE TABLE IF NOT EXISTS incident_branches(
    incident TEXT NOT NULL, tenant TEXT NOT NULL, branch TEXT NOT NULL, PRIMARY KEY(tenant, branch, incident))
    WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS incident_entries(
    number INTEGER PRIMARY KEY AUTOINCREMENT, incident TEXT NOT NULL, body BLOB NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS incident_entries_by_incident ON incident_entries(incident)",
    "CREATE TABLE IF NOT EXISTS incident_merged(id TEXT PRIMARY KEY, became TEXT NOT NULL) WITHOUT ROWID",
    NOTICES_SCHEMA,
)
"""Statements for `open_database`. `body` is MessagePack; the other columns only find it."""

MAX_ENTRIES = 2000
"""Lines of one timeline that are kept; how it began, and the newest."""
KEPT_FIRST = 20

MAX_MERGES = 20

_ENCODER = msgspec.msgpack.Encoder()
_INCIDENT = msgspec.msgpack.Decoder(Incident)
_ENTRY = msgspec.msgpack.Decoder(Entry)


def load(
    connection: sqlite3.Connection,
    *,
    phases: Sequence[Phase] | None = None,
    tenant: str | None = None,
    branch: str | None = None,
    limit: int = 200,
    before_s: float | None = None,
) -> list[Incident]:
    """Incidents, newest first: all that match every word given. `before_s` is for the next page (`started_s`)."""
    wanted: list[str] = []
    values: list[object] = []
    if phases is not None:
        wanted.append(f"phase IN ({','.join('?' * len(phases))})")
        values += [str(each) for each in phases]
    if tenant is not None:
        wanted.append("tenant = ?")
        values.append(tenant)
    if branch is not None:
        wanted.append("id IN (SELECT incident FROM incident_branches WHERE branch = ? AND tenant = incidents.tenant)")
        values.append(branch)
    if before_s is not None:
        wanted.append("started_s < ?")
        values.append(before_s)
    where = f"WHERE {' AND '.join(wanted)} " if wanted else ""
    rows = connection.execute(
        f"SELECT body FROM incidents {where}ORDER BY started_s DESC, id DESC LIMIT ?",  # noqa: S608  fixed words only
        (*values, limit),
    )
    return [_INCIDENT.decode(row[0]) for row in rows]


def get(connection: sqlite3.Connection, incident_id: str) -> Incident | None:
    """One incident, or the one it became part of; None where nobody has it."""
    for _ in range(MAX_MERGES):
        became = connection.execute("SELECT became FROM incident_merged WHERE id = ?", (incident_id,)).fetchone()
        if became is None:
            break
        (incident_id,) = became
    row = connection.execute("SELECT body FROM incidents WHERE id = ?", (incident_id,)).fetchone()
    return None if row is None else _INCIDENT.decode(row[0])


def timeline(connection: sqlite3.Connection, incident_id: str) -> list[Entry]:
    """What happened, oldest first."""
    rows = connection.execute(
        "SELECT body FROM incident_entries WHERE incident = ? ORDER BY number DESC LIMIT ?", (incident_id, MAX_ENTRIES)
    )
    return [_ENTRY.decode(row[0]) for row in rows][::-1]


def add_entry(connection: sqlite3.Connection, incident_id: str, entry: Entry) -> None:
    """Add one line to a timeline."""
    connection.execute(
        "INSERT INTO incident_entries(incident, body) VALUES(?, ?)", (incident_id, _ENCODER.encode(entry))
    )


def save(
    connection: sqlite3.Connection,
    incidents: Iterable[Incident],
    entries: Iterable[tuple[str, Entry]],
    notices: Iterable[tuple[NoticeEvent, float, Incident]],
) -> None:
    """Write incidents whole, add (incident id, entry) to timelines and (event, Unix seconds, incident) to `notices`."""
    for each in incidents:
        connection.execute(
            """INSERT INTO incidents(id, key, tenant, phase, started_s, changed_s, body) VALUES(?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT(id) DO UPDATE SET key=excluded.key, phase=excluded.phase, started_s=excluded.started_s,
            changed_s=excluded.changed_s, body=excluded.body""",
            (each.id, each.key, each.tenant, each.phase, each.started_s, each.changed_s, _ENCODER.encode(each)),
        )
        connection.executemany(
            "INSERT OR IGNORE INTO incident_branches(incident, tenant, branch) VALUES(?, ?, ?)",
            ((each.id, *branch) for branch in each.branches),
        )
    entries = tuple(entries)
    for incident_id, entry in entries:
        add_entry(connection, incident_id, entry)
    for incident_id in {each[0] for each in entries}:
        _cut(connection, incident_id)
    connection.executemany(
        "INSERT INTO notices(incident, event, at_s, body) VALUES(?, ?, ?, ?)",
        ((each.id, str(event), at_s, _ENCODER.encode(each)) for event, at_s, each in notices),
    )


def _cut(connection: sqlite3.Connection, incident_id: str) -> None:
    """A line that comes and goes for days fills no disk."""
    numbers = "SELECT number FROM incident_entries WHERE incident = :id ORDER BY number"
    connection.execute(
        f"""DELETE FROM incident_entries WHERE incident = :id
        AND number <= ({numbers} DESC LIMIT 1 OFFSET :newest) AND number >= ({numbers} LIMIT 1 OFFSET :first)""",  # noqa: S608  fixed words only
        {"id": incident_id, "newest": MAX_ENTRIES - KEPT_FIRST, "first": KEPT_FIRST},
    )


def merge(connection: sqlite3.Connection, merged: Iterable[tuple[str, str]]) -> None:
    """Forget incidents nobody was told of: (id, id of the one that has their members now); `get` finds that by both."""
    for old, new in merged:
        for table, column in (("incidents", "id"), ("incident_branches", "incident"), ("incident_entries", "incident")):
            connection.execute(f"DELETE FROM {table} WHERE {column} = ?", (old,))  # noqa: S608  fixed words only
        connection.execute("INSERT OR REPLACE INTO incident_merged(id, became) VALUES(?, ?)", (old, new))

"""Local users and their sessions in the collector's SQLite file, within the caller's transaction."""

import hashlib
import re
import secrets
import sqlite3
from enum import StrEnum

import msgspec

SCHEMA: tuple[str, ...] = (
    """CREATE TABLE IF NOT EXISTS users(
    name TEXT PRIMARY KEY, role TEXT NOT NULL, password TEXT NOT NULL, made_s REAL NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS sessions(
    token TEXT PRIMARY KEY, user TEXT NOT NULL REFERENCES users(name) ON DELETE CASCADE, until_s REAL NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS sessions_by_user ON sessions(user)",
)
"""Statements for `open_database`. `password` is argon2's own text, `token` the hash of a session's token."""

SESSION_S = 12 * 3600.0
MAX_SESSIONS = 20
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,62}\Z")


class UserRole(StrEnum):
    """What somebody may do: look, or also acknowledge and comment."""

    VIEWER = "viewer"
    OPERATOR = "operator"


class User(msgspec.Struct, frozen=True):
    """One user; `made_s` Unix seconds."""

    name: str
    role: UserRole
    made_s: float


def put_user(connection: sqlite3.Connection, name: str, role: UserRole, password: str, now_s: float) -> bool:
    """Add a user with that hashed password. False: there is one of this name."""
    done = connection.execute("INSERT OR IGNORE INTO users VALUES(?, ?, ?, ?)", (name, role.value, password, now_s))
    return done.rowcount == 1


def remove_user(connection: sqlite3.Connection, name: str) -> bool:
    """Remove a user and end their sessions. False: there is none of this name."""
    return connection.execute("DELETE FROM users WHERE name = ?", (name,)).rowcount == 1


def change_password(connection: sqlite3.Connection, name: str, password: str) -> bool:
    """Replace the hashed password and end all sessions. False: there is no such user."""
    connection.execute("DELETE FROM sessions WHERE user = ?", (name,))
    return connection.execute("UPDATE users SET password = ? WHERE name = ?", (password, name)).rowcount == 1


def list_users(connection: sqlite3.Connection) -> list[User]:
    """Every user by name."""
    rows = connection.execute("SELECT name, role, made_s FROM users ORDER BY name")
    return [User(name, UserRole(role), made_s) for name, role, made_s in rows]


def hashed_password(connection: sqlite3.Connection, name: str) -> str | None:
    """What is kept of a user's password; None: there is no such user."""
    row = connection.execute("SELECT password FROM users WHERE name = ?", (name,)).fetchone()
    return None if row is None else str(row[0])


def start_session(connection: sqlite3.Connection, name: str, now_s: float) -> str:
    """A new session's token. Ended ones go; of one user's many the oldest."""
    token = secrets.token_urlsafe(32)
    connection.execute("DELETE FROM sessions WHERE until_s < ?", (now_s,))
    connection.execute("INSERT INTO sessions VALUES(?, ?, ?)", (_hashed(token), name, now_s + SESSION_S))
    connection.execute(
        """DELETE FROM sessions WHERE user = ? AND token NOT IN
        (SELECT token FROM sessions WHERE user = ? ORDER BY until_s DESC LIMIT ?)""",
        (name, name, MAX_SESSIONS),
    )
    return token


def user_of_session(connection: sqlite3.Connection, token: str, now_s: float) -> User | None:
    """Whose session it is, if it has not ended."""
    row = connection.execute(
        """SELECT users.name, users.role, users.made_s FROM sessions JOIN users ON users.name = sessions.user
        WHERE sessions.token = ? AND sessions.until_s >= ?""",
        (_hashed(token), now_s),
    ).fetchone()
    return None if row is None else User(row[0], UserRole(row[1]), row[2])


def end_session(connection: sqlite3.Connection, token: str) -> None:
    """Log out."""
    connection.execute("DELETE FROM sessions WHERE token = ?", (_hashed(token),))


def _hashed(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()

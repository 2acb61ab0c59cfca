"""Users, sessions, and the command that makes them."""

import argparse
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.database import FILE_NAME
from collector.errors import CollectorError
from collector.web import users_cli
from collector.web.users import (
    MAX_SESSIONS,
    SCHEMA,
    SESSION_S,
    UserRole,
    change_password,
    end_session,
    list_users,
    put_user,
    remove_user,
    start_session,
    user_of_session,
)


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:")
    connection.execute("PRAGMA foreign_keys=ON")
    for statement in SCHEMA:
        connection.execute(statement)
    put_user(connection, "camille", UserRole.OPERATOR, "hash", 1.0)
    yield connection
    connection.close()


def test_a_session_ends_by_time_by_logging_out_and_with_the_password(connection: sqlite3.Connection) -> None:
    first, second, third = (start_session(connection, "camille", 100.0) for _ in range(3))
    user = user_of_session(connection, first, 100.0 + SESSION_S)
    assert user is not None
    assert (user.name, user.role) == ("camille", UserRole.OPERATOR)
    assert user_of_session(connection, first, 101.0 + SESSION_S) is None
    end_session(connection, second)
    assert user_of_session(connection, second, 101.0) is None
    assert change_password(connection, "camille", "other")
    assert user_of_session(connection, third, 101.0) is None


def test_tokens_are_not_on_disk(connection: sqlite3.Connection) -> None:
    token = start_session(connection, "camille", 100.0)
    assert token not in "\n".join(connection.iterdump())


def test_a_removed_user_is_logged_out(connection: sqlite3.Connection) -> None:
    token = start_session(connection, "camille", 100.0)
    assert remove_user(connection, "camille")
    assert not remove_user(connection, "camille")
    assert user_of_session(connection, token, 101.0) is None


def test_sessions_are_bounded_and_the_oldest_go(connection: sqlite3.Connection) -> None:
    tokens = [start_session(connection, "camille", 100.0 + number) for number in range(MAX_SESSIONS + 1)]
    assert user_of_session(connection, tokens[0], 130.0) is None
    assert user_of_session(connection, tokens[1], 130.0) is not None


def test_a_name_is_taken_once(connection: sqlite3.Connection) -> None:
    assert not put_user(connection, "camille", UserRole.VIEWER, "hash", 2.0)
    assert [each.role for each in list_users(connection)] == [UserRole.OPERATOR]


def run(tmp_path: Path, *words: str) -> int:
    settings = tmp_path / "collector.toml"
    settings.write_text(f'[collector]\nname = "c1"\ndata_dir = "{tmp_path / "data"}"\n[broker]\nhost = "127.0.0.1"\n')
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", type=Path)
    users_cli.add_arguments(parser)
    return users_cli.main(parser.parse_args(["--config", str(settings), *words]))


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    password = tmp_path / "password"
    password.write_text("correct horse\n")
    assert run(tmp_path, "list") == 0
    assert "no users yet" in capsys.readouterr().out
    assert run(tmp_path, "add", "camille", "--role", "operator", "--password-file", str(password)) == 0
    assert run(tmp_path, "password", "camille", "--password-file", str(password)) == 0
    capsys.readouterr()
    assert run(tmp_path, "list", "--json") == 0
    (user,) = json.loads(capsys.readouterr().out)
    assert (user["name"], user["role"]) == ("camille", "operator")
    assert b"correct horse" not in (tmp_path / "data" / FILE_NAME).read_bytes()
    assert run(tmp_path, "remove", "camille") == 0
    with pytest.raises(CollectorError, match="camille: no such user"):
        run(tmp_path, "remove", "camille")


def test_what_the_command_refuses(tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("short\n")
    with pytest.raises(CollectorError, match="shorter than 10 characters"):
        run(tmp_path, "add", "camille", "--password-file", str(password))
    with pytest.raises(CollectorError, match="cannot be a user name"):
        run(tmp_path, "add", "a b", "--password-file", str(password))

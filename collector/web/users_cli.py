"""`branchline collector user`: the people who may log in. Works beside a running collector."""

import argparse
import getpass
import json
import sqlite3
import sys
import time
from pathlib import Path

from branchline.settings import load
from collector.config import CollectorSettings
from collector.database import FILE_NAME, open_database
from collector.errors import CollectorError
from collector.secret_files import secret
from collector.web.passwords import hash_password, weakness
from collector.web.users import NAME, SCHEMA, User, UserRole, change_password, list_users, put_user, remove_user

EPILOG = """\
examples:
  branchline collector user --config /etc/branchline/collector.toml add camille --role operator
  branchline collector user --config /etc/branchline/collector.toml password camille
  branchline collector user --config /etc/branchline/collector.toml list --json

The password is asked for, or read from --password-file, one line. It has at least 10 characters. A change of password
and a removal end the user's sessions at once.

exit codes: 0 done, 1 it failed, 2 wrong usage or settings"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `branchline collector user`."""
    commands = parser.add_subparsers(dest="user_command", required=True, metavar="COMMAND")
    add = commands.add_parser("add", help="add a user")
    change = commands.add_parser("password", help="change a password")
    remove = commands.add_parser("remove", help="remove a user")
    shows = commands.add_parser("list", help="every user and their role")
    for each in (add, change, remove):
        each.add_argument("name", metavar="NAME", help="letters, digits and . _ @ -, at most 63")
    roles = [role.value for role in UserRole]
    add.add_argument("--role", choices=roles, default="viewer", help="operators may acknowledge and comment")
    for each in (add, change):
        each.add_argument("--password-file", type=Path, metavar="FILE", help="holds the password on one line")
    shows.add_argument("--json", action="store_true", help="print one JSON document")


def main(options: argparse.Namespace) -> int:
    """Run one sub-command on the options of `add_arguments` and `config`, the settings file. Exit codes as above.

    Raises:
        SettingsError: the settings or the password file cannot be used.
        CollectorError: the sentence to show; exit code 1.
    """
    settings = load(options.config, CollectorSettings)
    name: str = getattr(options, "name", "")
    if name and not NAME.match(name):
        raise CollectorError(f"{name[:80]!r} cannot be a user name: use 1 to 63 letters, digits and . _ @ -")
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CollectorError(f"{settings.data_dir}: data_dir cannot be used ({error.strerror})") from None
    password = hash_password(_password(options)) if options.user_command in {"add", "password"} else ""
    file = settings.data_dir / FILE_NAME
    database = open_database(file, SCHEMA)
    database.close()
    connection = sqlite3.connect(file)
    try:
        with connection:
            connection.execute("PRAGMA foreign_keys=ON")
            return _do(connection, options, name, password)
    except sqlite3.Error as error:
        raise CollectorError(f"{file}: cannot be written ({error}); run this as the collector's user") from None
    finally:
        connection.close()


def _do(connection: sqlite3.Connection, options: argparse.Namespace, name: str, password: str) -> int:
    match options.user_command:
        case "add":
            if not put_user(connection, name, UserRole(options.role), password, time.time()):
                raise CollectorError(f"{name}: there is a user of this name; remove it first, or choose another")
            _say(f"{name} may log in as {options.role}")
        case "password":
            if not change_password(connection, name, password):
                raise CollectorError(f"{name}: no such user; `list` shows them all")
            _say(f"{name} has a new password and is logged out everywhere")
        case "remove":
            if not remove_user(connection, name):
                raise CollectorError(f"{name}: no such user; `list` shows them all")
            _say(f"{name} is removed and logged out everywhere")
        case _:
            _show(list_users(connection), as_json=options.json)
    return 0


def _show(users: list[User], *, as_json: bool) -> None:
    if as_json:
        _say(json.dumps([{"name": each.name, "role": each.role.value, "made_s": each.made_s} for each in users]))
        return
    for each in users:
        _say(f"{each.name:32} {each.role}")
    if not users:
        _say("there are no users yet; add one with `add NAME --role operator`")


def _password(options: argparse.Namespace) -> str:
    if options.password_file is not None:
        password = secret(str(options.password_file), "--password-file")
    else:
        try:
            password = getpass.getpass("password: ")
            if getpass.getpass("again: ") != password:
                raise CollectorError("the two passwords differ; try again")
        except (EOFError, KeyboardInterrupt):
            raise CollectorError("no password was given; nothing was changed") from None
    if fault := weakness(password):
        raise CollectorError(f"{fault}; choose another")
    return password


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")

"""`branchline collector`: run the collector, and ask what it knows."""

import argparse
import asyncio
import sys
import time
from pathlib import Path

import msgspec

from branchline.settings import SettingsError, load
from collector.app import run
from collector.branch_file import BRANCHES_FILE, BranchFile, read_branches
from collector.config import CollectorSettings
from collector.errors import CollectorError
from collector.events import start_logging
from collector.notify import cli as notify_cli
from collector.web import users_cli

STALE_S = 15.0
_EPILOG = """\
examples:
  branchline collector run --config /etc/branchline/collector.toml
  branchline collector branches --config /etc/branchline/collector.toml --json
  branchline collector user --config /etc/branchline/collector.toml add camille

exit codes: 0 done, 1 it failed, 2 wrong usage or settings"""


def main(argv: list[str]) -> int:
    """Run one sub-command. Exit codes: 0 done, 1 it failed, 2 wrong usage or settings."""
    options = _parser().parse_args(argv)
    try:
        if options.command == "user":
            return users_cli.main(options)
        settings = load(options.config, CollectorSettings)
        if options.command == "test-page":
            return notify_cli.main(settings, to=options.to, as_json=options.json)
        if options.command == "branches":
            _show(read_branches(settings.data_dir / BRANCHES_FILE), as_json=options.json)
            return 0
        start_logging(form=settings.log.format)
        asyncio.run(run(settings))
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    except CollectorError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog="branchline collector", description="The collector.", epilog=_EPILOG, formatter_class=raw
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    runs = commands.add_parser(
        "run",
        help="take records from the broker, keep them, feed the database",
        description="Runs until SIGTERM or SIGINT. Events go to standard error, one on each line.",
        epilog=_EPILOG,
        formatter_class=raw,
    )
    branches = commands.add_parser(
        "branches",
        help="the state of each branch, as the collector saw it last",
        description="Reads the table that the running, or last, collector wrote into its data_dir.",
        epilog=_EPILOG,
        formatter_class=raw,
    )
    users = commands.add_parser(
        "user",
        help="who may log in to the page",
        description="Users of the page. Works beside a running collector.",
        epilog=users_cli.EPILOG,
        formatter_class=raw,
    )
    users_cli.add_arguments(users)
    tests = commands.add_parser(
        "test-page",
        help="send a test page to one receiver, or to all",
        description="Sends a test page as [[notify]] says and prints what each receiver answered.\n"
        "Exit codes: 0 all took it, 1 one did not, 2 wrong settings or name.",
        epilog=_EPILOG,
        formatter_class=raw,
    )
    tests.add_argument("--to", metavar="NAME", help="only to this [[notify]]")
    tests.add_argument("--json", action="store_true", help="print one JSON document")
    for each in (runs, branches, users, tests):
        each.add_argument("--config", type=Path, required=True, metavar="FILE", help="the collector's settings file")
    branches.add_argument("--json", action="store_true", help="print one JSON document")
    return parser


def _show(table: BranchFile, *, as_json: bool) -> None:
    age_s = max(0.0, time.time() - table.written_s)
    if as_json:
        document = {**msgspec.to_builtins(table), "age_s": round(age_s, 1)}
        print(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())
        return
    if age_s > STALE_S:
        print(f"as of {age_s:.0f} s ago: the collector does not seem to run")
    elif not table.hearing:
        print("the collector cannot hear its broker or cannot write its journal: states are old")
    if not table.branches:
        print("no branch has been heard of yet")
    for row in table.branches:
        name = f"{row.tenant}/{row.branch}/{row.agent}"
        paths = " ".join(f"{path}={state}" for path, state in row.paths.items())
        print(f"{name:40} {row.state:9} for {max(0.0, table.written_s - row.since_s):.0f} s  on {row.active}  {paths}")

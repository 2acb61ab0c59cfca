"""The commands a person gives on the branch router: run the agent, ask it, override it."""

import argparse
import asyncio
import json
import logging
import sys
from pathlib import Path

from branchline.settings import SettingsError
from branchline.units import Duration

DEFAULT_FILE = "/etc/branchline/agent.toml"
DEFAULT_RUN_DIR = "/run/branchline"


def run(words: list[str]) -> int:
    """Run one command; exit codes as `agent.cli`."""
    options = _parser().parse_args(words)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s", stream=sys.stderr)
    try:
        return int(options.run(options))
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="branchline agent",
        description="The agent of a branch and its two small neighbours.",
        epilog="example: sudo branchline-agent override wan2 --for 8h --why 'works on line 1'\n"
        "exit codes: 0 done, 1 it failed or nobody answers, 2 wrong usage or settings",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    start = commands.add_parser("run", help="probe, judge and move this branch's traffic")
    start.add_argument("--config", type=Path, default=Path(DEFAULT_FILE), help=f"settings file ({DEFAULT_FILE})")
    start.add_argument("--events-stdout", action="store_true", help="also print each event as one JSON line")
    start.set_defaults(run=_run)
    commands.add_parser("actor", help="the privileged process that moves traffic (actor --help)")
    commands.add_parser("canary", help="the process that lends sockets on the LAN side (canary --help)")
    commands.add_parser("page", help="the process that serves the branch's own page (page --help)")
    status = commands.add_parser("status", help="show this branch, with or without WAN")
    status.set_defaults(run=_status)
    override = commands.add_parser("override", help="prefer a path for a while")
    override.add_argument("path", help="name of the path")
    override.add_argument("--for", dest="span", default="8h", help="how long, such as 30min or 8h (8h)")
    override.add_argument("--why", required=True, help="the reason, for the record")
    override.set_defaults(run=_override)
    release = commands.add_parser("release", help="take the override back")
    release.set_defaults(run=_release)
    for each in (status, override, release):
        each.add_argument("--json", action="store_true", help="print one JSON document")
        each.add_argument("--run-dir", type=Path, default=Path(DEFAULT_RUN_DIR), help=f"({DEFAULT_RUN_DIR})")
    return parser


def _run(options: argparse.Namespace) -> int:
    from agent.app import Agent, StartError  # noqa: PLC0415 - status must not load the whole agent

    agent = Agent(options.config, events_stdout=options.events_stdout)
    try:
        asyncio.run(agent.run())
    except StartError as error:
        print(f"branchline agent: {error}", file=sys.stderr)
        return 1
    return 0


def _status(options: argparse.Namespace) -> int:
    from agent.control import Status  # noqa: PLC0415 - as above

    return _ask(options, Status())


def _override(options: argparse.Namespace) -> int:
    from agent.control import Override  # noqa: PLC0415 - as above

    try:
        span = Duration.parse(options.span)
    except ValueError as error:
        print(f"branchline agent override: --for {error}", file=sys.stderr)
        return 2
    return _ask(options, Override(options.path, float(span), options.why))


def _release(options: argparse.Namespace) -> int:
    from agent.control import Release  # noqa: PLC0415 - as above

    return _ask(options, Release())


def _ask(options: argparse.Namespace, ask: object) -> int:
    from agent.control import Override, Release, Status, ask_agent  # noqa: PLC0415 - as above
    from agent.status import draw  # noqa: PLC0415 - as above

    if not isinstance(ask, Status | Override | Release):
        raise TypeError(ask)
    file = options.run_dir / "agent.sock"
    try:
        answer = ask_agent(file, ask)
    except PermissionError:
        print(f"{file}: not yours to open; use sudo", file=sys.stderr)
        return 1
    except OSError as error:
        print(
            f"no agent answers on {file} ({error.strerror or error}); start it, or name its run_dir with --run-dir",
            file=sys.stderr,
        )
        return 1
    if "error" in answer:
        print(answer["error"], file=sys.stderr)
        return 1
    print(json.dumps(answer) if options.json else draw(answer))
    return 0

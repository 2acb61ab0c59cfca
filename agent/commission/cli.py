"""`branchline commission`: walk through the acceptance of a branch and print its sheet."""

import argparse
import getpass
import os
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from branchline import settings
from branchline.settings import SettingsError
from branchline.units import Duration

if TYPE_CHECKING:
    from agent.commission.record import Record
    from agent.commission.seen import Seen
    from agent.commission.talk import Talk
    from agent.config import BranchSettings

DEFAULT_FILE = Path("/etc/branchline/agent.toml")
NAME_CHARACTERS = 60
_EPILOG = """\
example: sudo branchline commission --by "Ana Silva" --json record.json

The agent must run. The record is kept after each step, in FILE of --json.
exit codes: 0 every step passed (or the branch has nothing of the kind),
1 a step failed, was skipped or is not done, 2 wrong usage or settings"""


class _UsageError(Exception):
    """The text is the one sentence to show; exit code 2."""


def main(argv: list[str]) -> int:
    """Run it. Exit codes: 0 every step passed, 1 not all of them, 2 wrong usage or settings."""
    options = _parser().parse_args(argv)
    from agent.commission.record import RecordError  # noqa: PLC0415 - --help must not load the agent

    try:
        return _commission(options)
    except (SettingsError, RecordError, _UsageError) as error:
        print(error, file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="branchline commission",
        description="Have each cable pulled in turn, watch what the branch does, and print\nthe acceptance sheet.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--config", type=Path, default=DEFAULT_FILE, help=f"settings file ({DEFAULT_FILE})")
    parser.add_argument("--by", help="who does it; otherwise you are asked")
    parser.add_argument("--language", choices=("en", "fr"), help="otherwise as LANG says")
    parser.add_argument("--wait", default="5min", metavar="SPAN", help="time for each cable (5min)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="the record (commission-BRANCH-AGENT.json)")
    parser.add_argument("--resume", action="store_true", help="go on with the record; what failed is done again")
    parser.add_argument("--yes", action="store_true", help="ask nothing: cables are pulled without a terminal")
    return parser


def _commission(options: argparse.Namespace) -> int:
    from agent.commission.record import save  # noqa: PLC0415 - as above
    from agent.commission.sheet import draw  # noqa: PLC0415 - as above
    from agent.commission.steps import plan  # noqa: PLC0415 - as above
    from agent.commission.talk import StoppedError, Terminal, Unattended  # noqa: PLC0415 - as above
    from agent.commission.walk import Walk  # noqa: PLC0415 - as above
    from agent.commission.words import say  # noqa: PLC0415 - as above
    from agent.config import BranchSettings  # noqa: PLC0415 - as above

    wait_s = _wait(options.wait)
    language = options.language or ("fr" if os.environ.get("LANG", "").startswith("fr") else "en")
    if not options.yes and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise _UsageError("branchline commission: nobody is at the terminal to pull a cable; use --yes if one is")
    text = settings.read(options.config)
    parsed = settings.parse(text, BranchSettings, str(options.config))
    steps = plan(parsed)
    file = options.json or Path(f"commission-{parsed.agent.branch}-{parsed.agent.name}.json")
    before = _before(file, settings.digest(text), resume=options.resume)
    socket = Path(parsed.agent.run_dir) / "agent.sock"
    if (trouble := _trouble(socket, settings.digest(text), options.config)) is not None:
        print(trouble, file=sys.stderr)
        return 1
    talk: Talk = Unattended() if options.yes else Terminal()
    try:
        who = _who(options.by or (before.by if before else None), talk, language)
        record = replace(before, by=who) if before else _new(options, parsed, settings.digest(text), who)
        save(file, record)  # whether it can be written is found out before the first cable
        walk = Walk(
            record,
            steps,
            language=language,
            wait_s=wait_s,
            look=lambda: _look(socket),
            talk=talk,
            now_s=time.monotonic,
            clock=lambda: datetime.now().astimezone(),
            keep=lambda kept: save(file, kept),
        )
        walk.run()
    except (StoppedError, KeyboardInterrupt):
        again = f"branchline commission --config {options.config} --json {file} --resume"
        print("\n" + say(language, "stopped", command=again), file=sys.stderr)
        return 1
    print("\n" + draw(walk.record, steps, language))
    return 0 if walk.record.accepted(steps) else 1


def _look(socket: Path) -> "Seen | None":
    from agent.commission.seen import seen_of  # noqa: PLC0415 - as above
    from agent.control import Status, ask_agent  # noqa: PLC0415 - as above

    try:
        return seen_of(ask_agent(socket, Status()))
    except (OSError, ValueError):
        return None


def _trouble(socket: Path, digest: str, config: Path) -> str | None:
    """Why no acceptance can begin; None: it can."""
    from agent.control import Status, ask_agent  # noqa: PLC0415 - as above

    try:
        answer = ask_agent(socket, Status())
    except PermissionError:
        return f"{socket}: not yours to open; use sudo"
    except OSError as error:
        return f"no agent answers on {socket} ({error.strerror or error}); start it first"
    if answer.get("config_hash") != digest:
        return f"the agent runs with other settings than {config}; give it SIGHUP, or restart it, and begin again"
    return None


def _before(file: Path, digest: str, *, resume: bool) -> "Record | None":
    """The record to go on with; None: a new one."""
    from agent.commission.record import load  # noqa: PLC0415 - as above

    if not resume:
        if os.path.lexists(file):  # unlike Path.exists, it does not raise in a folder that is not ours
            raise _UsageError(f"{file}: is there already; go on with it by --resume, or name another with --json")
        return None
    record = load(file)
    if record.config_hash != digest:
        raise _UsageError(f"{file}: was made with other settings; begin again without --resume, in another file")
    return record


def _new(options: argparse.Namespace, parsed: "BranchSettings", digest: str, who: str) -> "Record":
    from agent.commission import record, site  # noqa: PLC0415 - as above

    return record.Record(
        format=record.FORMAT,
        tenant=parsed.agent.tenant,
        branch=parsed.agent.branch,
        agent=parsed.agent.name,
        machine=site.model(),
        serial=site.serial(),
        versions=site.versions(),
        config_file=str(options.config),
        config_hash=digest,
        dry_run=parsed.actor.actuator == "dry_run",
        by=who,
        began=datetime.now().astimezone().isoformat(timespec="seconds"),
    )


def _who(given: str | None, talk: "Talk", language: str) -> str:
    from agent.commission.words import say  # noqa: PLC0415 - as above

    name = os.environ.get("SUDO_USER") or getpass.getuser()
    if given is None:
        given = talk.ask(say(language, "who", name=name)) or name
    given = given.strip()
    if not (0 < len(given) <= NAME_CHARACTERS and given.isprintable()):
        raise _UsageError(
            f"branchline commission: --by is no name; write one line of at most {NAME_CHARACTERS} printable characters"
        )
    return given


def _wait(text: str) -> float:
    try:
        return float(Duration.parse(text))
    except ValueError as error:
        raise _UsageError(f"branchline commission: --wait {error}") from None

"""`branchline doctor`: one line for each check, exit code 1 when one of them failed."""

import argparse
import json
import logging
import sys
from pathlib import Path

from branchline import settings
from branchline.settings import SettingsError

DEFAULT_FILE = Path("/etc/branchline/agent.toml")


def main(argv: list[str]) -> int:
    """Run it. Exit codes: 0 nothing worse than a warning, 1 a FAIL, 2 usage or settings."""
    options = _parser().parse_args(argv)
    logging.disable(logging.ERROR)  # what goes wrong here is a finding, not a log line
    try:
        return _bench(options) if options.bench else _examine(options)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    finally:
        logging.disable(logging.NOTSET)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="branchline doctor",
        description="Find what is wrong on this branch router, and what to do about it.\nChanges nothing.",
        epilog="example: sudo branchline doctor --config /etc/branchline/agent.toml\n"
        "exit codes: 0 nothing worse than a warning, 1 something failed,\n2 wrong usage or settings",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--config", type=Path, default=DEFAULT_FILE, help=f"settings file ({DEFAULT_FILE})")
    parser.add_argument("--bench", action="store_true", help="measure this machine instead, within half a minute")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    return parser


def _examine(options: argparse.Namespace) -> int:
    from agent.config import BranchSettings  # noqa: PLC0415 - --help must not load the agent
    from agent.doctor import report  # noqa: PLC0415 - as above
    from agent.doctor.checks import CHECKS, examine  # noqa: PLC0415 - as above
    from agent.doctor.finding import Finding, Mark  # noqa: PLC0415 - as above
    from agent.doctor.site import survey  # noqa: PLC0415 - as above

    text = settings.read(options.config)
    parsed = settings.parse(text, BranchSettings, str(options.config))
    site = survey(options.config, settings.digest(text), parsed)
    found: list[tuple[str, Finding]] = []
    for name in CHECKS:
        for finding in examine(name, site):
            found.append((name, finding))
            if not options.json:
                print("\n".join(report.lines(name, finding)), flush=True)
    if options.json:
        print(report.document(found))
    else:
        print(report.summary(finding for _, finding in found))
    return 1 if any(finding.mark is Mark.FAIL for _, finding in found) else 0


def _bench(options: argparse.Namespace) -> int:
    from agent.config import AgentSettings, BranchSettings  # noqa: PLC0415 - as above
    from agent.doctor.bench import run  # noqa: PLC0415 - as above

    own = AgentSettings(tenant="none", branch="none", name="none")  # its folders serve where nothing is set up yet
    if options.config != DEFAULT_FILE or options.config.exists():
        own = settings.load(options.config, BranchSettings).agent
    document = run.run(Path(own.state_dir), Path(own.run_dir))
    print(json.dumps(document) if options.json else run.draw(document))
    return 0

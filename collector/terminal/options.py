"""What `status`, `incidents` and `watch` share on the command line."""

import argparse
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec

from branchline.settings import SettingsError
from collector.config import CollectorSettings
from collector.errors import CollectorError
from collector.inventory.places import Places
from collector.terminal.drawing import COLUMNS, MAX_COLUMNS, MIN_COLUMNS
from collector.terminal.picture import DEFAULT_CONFIG, open_config
from collector.words import LANGUAGES

EXIT_CODES = "exit codes: 0 shown, 1 there is nothing to read, 2 wrong usage or settings"


def parser(prog: str, description: str, examples: str) -> argparse.ArgumentParser:
    """A parser with the options all three have."""
    made = argparse.ArgumentParser(
        prog=f"branchline {prog}",
        description=description,
        epilog=f"{examples}\n\n{EXIT_CODES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument(
        "--config", type=Path, default=DEFAULT_CONFIG, metavar="FILE", help="the collector's settings (%(default)s)"
    )
    made.add_argument("--language", choices=LANGUAGES, default="", help="of titles and reasons; else that of [web]")
    return made


def with_config(options: argparse.Namespace, work: Callable[[CollectorSettings, Places, str], int]) -> int:
    """Do `work` with settings, inventory and language; a mistake becomes one sentence and an exit code."""
    try:
        settings, places = open_config(options.config)
        return work(settings, places, options.language or (settings.web.language if settings.web else "en"))
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    except CollectorError as error:
        print(error, file=sys.stderr)
        return 1


def print_json(document: object) -> None:
    """One document, indented."""
    print(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())


def columns() -> int:
    """How wide the terminal is; 80 where there is none."""
    return min(max(MIN_COLUMNS, shutil.get_terminal_size((COLUMNS, 24)).columns), MAX_COLUMNS)

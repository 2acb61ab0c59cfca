"""`branchline incidents`: what is wrong, why, and what was done."""

import argparse
import sys
import time

from collector.config import CollectorSettings
from collector.inventory.places import Places
from collector.terminal.drawing import incident_lines, story_lines
from collector.terminal.options import columns, parser, print_json, with_config
from collector.terminal.picture import OPEN, incident, incidents


def main(argv: list[str]) -> int:
    """Print incidents. Exit codes: 0 shown, 1 nothing to read or no such incident, 2 wrong usage or settings."""
    made = parser(
        "incidents",
        "Open incidents; with an id one of them whole.",
        "examples:\n  branchline incidents\n  branchline incidents --all --limit 20\n"
        "  branchline incidents 20261122-031250-4f2a",
    )
    made.add_argument("id", nargs="?", help="show this one with its reasons and its timeline")
    made.add_argument("--all", action="store_true", help="past ones too, newest first")
    made.add_argument("--limit", type=int, default=50, help="at most so many (%(default)s)")
    made.add_argument("--json", action="store_true", help="print one JSON document")
    options = made.parse_args(argv)
    if options.limit < 1:
        made.error("--limit: write how many, 1 or more")
    show = _one if options.id else _many
    return with_config(options, lambda settings, places, language: show(options, settings, places, language))


def _one(options: argparse.Namespace, settings: CollectorSettings, places: Places, language: str) -> int:
    found = incident(settings, options.id)
    if found is None:
        print(f"no incident has the id {options.id[:80]!r}; branchline incidents --all lists them", file=sys.stderr)
        return 1
    if options.json:
        print_json({"incident": found[0], "timeline": found[1]})
    else:
        print("\n".join(story_lines(found, places, language, time.time(), columns=columns())))
    return 0


def _many(options: argparse.Namespace, settings: CollectorSettings, places: Places, language: str) -> int:
    found = incidents(settings, phases=None if options.all else OPEN, limit=options.limit)
    if options.json:
        print_json({"incidents": found})
        return 0
    if not found:
        print("no incident yet" if options.all else "no open incident")
    for each in found:
        print("\n".join(incident_lines(each, places, language, time.time(), columns=columns())))
    return 0

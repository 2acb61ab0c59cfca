"""`branchline status`: the fleet on one screen."""

import argparse

import msgspec

from collector.inventory.places import Places
from collector.terminal.drawing import status_lines
from collector.terminal.options import columns, parser, print_json, with_config
from collector.terminal.picture import Picture, look


def main(argv: list[str]) -> int:
    """Print the picture once. Exit codes: 0 shown, 1 there is nothing to read, 2 wrong usage or settings."""
    made = parser("status", "The fleet as the collector of this machine sees it.", "example: branchline status --json")
    made.add_argument("--json", action="store_true", help="print one JSON document")
    options = made.parse_args(argv)
    return with_config(options, lambda settings, places, language: _print(options, look(settings), places, language))


def _print(options: argparse.Namespace, picture: Picture, places: Places, language: str) -> int:
    if options.json:
        print_json({**msgspec.to_builtins(picture), "age_s": round(picture.age_s, 1)})
    else:
        print("\n".join(status_lines(picture, places, language, columns=columns())))
    return 0

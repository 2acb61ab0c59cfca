"""`branchline inventory check | import | show`: one tenant's inventory file.

Exit codes: 0 done; 1 the file exists, cannot be written, or has no such branch; 2 wrong usage, or files with faults.
"""

import argparse
import json
import sys
from pathlib import Path

import msgspec

from branchline.settings import SettingsError
from collector.inventory.csv_import import import_csv
from collector.inventory.faults import ImportRefusedError
from collector.inventory.file import load, save
from collector.inventory.model import Inventory
from collector.inventory.show import draw_all, draw_branch, draw_summary, summary


def main(words: list[str]) -> int:
    """Run one sub-command."""
    options = _parser().parse_args(words)
    try:
        return int(options.run(options))
    except (SettingsError, ImportRefusedError) as error:
        print(error, file=sys.stderr)
        return 2


_CODES = """\
exit codes: 0 done, 1 the file exists, cannot be written, or has no such branch,
            2 wrong usage or files with faults"""
_EXAMPLES = {
    "check": "example: branchline inventory check acme.toml",
    "import": "example:\n"
    "  branchline inventory import --tenant acme -o acme.toml \\\n"
    "      --branches branches.csv --lines lines.csv",
    "show": "example: branchline inventory show acme.toml nantes-2",
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="branchline inventory",
        description="What the company knows of its branches and lines: one file for each tenant.",
        epilog=f"{_EXAMPLES['import']}\n{_CODES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    check = commands.add_parser("check", help="say whether a file is correct, and what branches lack")
    check.add_argument("file", type=Path, help="of one tenant")
    check.set_defaults(run=_check)
    take = commands.add_parser("import", help="make the file from two CSV files, or list every fault in them")
    take.add_argument("--tenant", required=True, help="the customer, as in the agents' settings")
    take.add_argument("--branches", required=True, type=Path, help="CSV file, one branch a row")
    take.add_argument("--lines", required=True, type=Path, help="CSV file, one line a row, best first")
    take.add_argument("-o", "--output", required=True, type=Path, help="the file to make")
    take.add_argument("--force", action="store_true", help="overwrite it")
    take.set_defaults(run=_import)
    show = commands.add_parser("show", help="show all branches, or all of one")
    show.add_argument("file", type=Path, help="of one tenant")
    show.add_argument("branch", nargs="?", help="its name")
    show.set_defaults(run=_show)
    for name, each in (("check", check), ("import", take), ("show", show)):
        each.epilog = f"{_EXAMPLES[name]}\n{_CODES}"
        each.formatter_class = argparse.RawDescriptionHelpFormatter
        each.add_argument("--json", action="store_true", help="print one JSON document")
    return parser


def _check(options: argparse.Namespace) -> int:
    _tell(load(options.file), as_json=options.json)
    return 0


def _import(options: argparse.Namespace) -> int:
    try:
        imported = import_csv(options.tenant, options.branches, options.lines)
    except ValueError as error:
        print(f"branchline inventory import: --{error}", file=sys.stderr)
        return 2
    inventory, file = imported.inventory, options.output
    try:
        save(file, inventory, force=options.force)
    except FileExistsError:
        print(f"{file}: exists already; nothing was written. Choose another name, or add --force", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{file}: cannot be written ({error.strerror}); check the folder and its permissions", file=sys.stderr)
        return 1
    for note in imported.notes:
        print(note, file=sys.stderr)
    _tell(inventory, as_json=options.json)
    return 0


def _show(options: argparse.Namespace) -> int:
    inventory = load(options.file)
    if options.branch is None:
        shown = msgspec.to_builtins(inventory)
        lines = draw_all(inventory)
    else:
        branch = next((each for each in inventory.branch if each.name == options.branch), None)
        if branch is None:
            print(f"{options.file}: has no branch {options.branch[:63]!a}; show without it lists them", file=sys.stderr)
            return 1
        shown, lines = msgspec.to_builtins(branch), draw_branch(branch)
    print(json.dumps(shown) if options.json else "\n".join(lines))
    return 0


def _tell(inventory: Inventory, *, as_json: bool) -> None:
    print(json.dumps(summary(inventory)) if as_json else "\n".join(draw_summary(inventory)))

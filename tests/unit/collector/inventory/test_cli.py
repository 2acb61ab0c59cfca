"""`branchline inventory`: what it prints, how it ends, and what it never overwrites."""

import json
import unicodedata
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from branchline.__main__ import main
from collector.inventory.columns import BRANCH_COLUMNS, LINE_COLUMNS, Column
from collector.inventory.model import Inventory
from collector.inventory.show import draw_all, draw_branch
from tests.unit.collector.inventory.entries import inventories

DOCS = Path(__file__).parents[4] / "docs"
EXAMPLES = DOCS / "examples"
IMPORT = ["inventory", "import", "--tenant", "acme"]
IMPORT += ["--branches", str(EXAMPLES / "branches.csv"), "--lines", str(EXAMPLES / "lines.csv"), "-o"]


def test_import_then_check_then_show(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "acme.toml"
    assert main([*IMPORT, str(file)]) == 0
    assert main(["inventory", "check", str(file)]) == 0
    assert capsys.readouterr().out == "acme: 2 branches, 5 lines\n" * 2
    assert file.read_text() == (EXAMPLES / "inventory.toml").read_text()
    assert main(["inventory", "show", str(file)]) == 0
    assert capsys.readouterr().out == (
        "BRANCH             TITLE                  REGION         LINES REFERENT\n"
        "nantes-2           Nantes Beaujoire       Pays de la Lo~     3 +33 2 40 00 00 00\n"
        "saintes            Saintes                Nouvelle-Aqui~     2 +33 5 46 00 00 00\n"
        "acme: 2 branches, 5 lines\n"
    )
    assert main(["inventory", "show", str(file), "saintes"]) == 0
    assert "  referent     Paul Martin +33 5 46 00 00 00\n" in capsys.readouterr().out
    assert main(["inventory", "show", str(file), "saintes", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["referent"]["name"] == "Paul Martin"


def test_a_file_that_exists_is_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "acme.toml"
    file.write_text("mine")
    assert main([*IMPORT, str(file)]) == 1
    assert file.read_text() == "mine"
    assert capsys.readouterr().err == (
        f"{file}: exists already; nothing was written. Choose another name, or add --force\n"
    )
    assert main([*IMPORT, str(file), "--force", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"tenant": "acme", "branches": 2, "lines": 5, "without": {}}
    assert main([*IMPORT, str(tmp_path / "no" / "acme.toml")]) == 1
    assert "cannot be written (No such file or directory)" in capsys.readouterr().err


@pytest.mark.parametrize("output", ["", ".", "/"])
@pytest.mark.parametrize("more", [[], ["--force"]])
def test_what_is_no_name_of_a_file_is_said(output: str, more: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*IMPORT, output, *more]) == 1
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("command", ["check", "import", "show"])
def test_each_command_helps_with_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["inventory", command, "--help"])
    shown = capsys.readouterr().out
    assert ended.value.code == 0
    assert f"branchline inventory {command}" in shown[shown.index("example:") : shown.index("exit codes:")]


def test_with_a_fault_nothing_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines, file = tmp_path / "lines.csv", tmp_path / "acme.toml"
    lines.write_text("branch,line,isp\nlyon,wan1,\n")
    words = [*IMPORT, str(file)]
    words[words.index(str(EXAMPLES / "lines.csv"))] = str(lines)
    assert main(words) == 2
    assert capsys.readouterr().err == (
        f"{lines} line 2, column isp: empty; write it\n"
        f"{lines} line 2, column branch: 'lyon' has no row in {EXAMPLES / 'branches.csv'}; add one, or correct it\n"
    )
    assert main([word.replace("acme", "a/b", 1) if word == "acme" else word for word in words]) == 2
    assert capsys.readouterr().err.startswith("branchline inventory import: --tenant: 'a/b' cannot be a name")
    assert not file.exists()


def test_what_branches_lack_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "acme.toml"
    file.write_text('tenant = "acme"\n' + "".join(f'[[branch]]\nname = "b{number}"\n' for number in range(7)))
    assert main(["inventory", "check", str(file)]) == 0
    assert capsys.readouterr().out.splitlines()[:2] == [
        "acme: 7 branches, 0 lines",
        "without lines: b0, b1, b2, b3, b4 and 2 more",
    ]
    assert main(["inventory", "show", str(file), "lyon"]) == 1
    assert capsys.readouterr().err == f"{file}: has no branch 'lyon'; show without it lists them\n"
    file.write_text("tenant = 1\n")
    assert main(["inventory", "check", str(file)]) == 2
    assert capsys.readouterr().err.startswith(f"{file} line 1: tenant is a whole number, but must be text in quotes")


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(inventories)
def test_everything_shown_fits_80_columns(inventory: Inventory) -> None:
    shown = draw_all(inventory) + [line for branch in inventory.branch for line in draw_branch(branch)]
    for line in shown:
        assert line.isprintable()
        assert sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in line) <= 80


def _table(columns: tuple[Column, ...]) -> str:
    rows = [(f"`{column.name}`", "yes" if column.needed else "", column.what) for column in columns]
    lines = [f"| {name} | {needed} | {what.replace('|', chr(92) + '|')} |" for name, needed, what in rows]
    return "\n".join(["| column | needed | what |", "|---|---|---|", *lines]).replace("|  |", "| |")


def test_the_page_lists_the_columns_and_the_worked_example() -> None:
    page = (DOCS / "inventory.md").read_text()
    for columns in (BRANCH_COLUMNS, LINE_COLUMNS):
        assert _table(columns) in page
    for line in (EXAMPLES / "lines.csv").read_text().splitlines()[:4]:
        assert line in page
    branch = (EXAMPLES / "inventory.toml").read_text().split("\n\n")[1]
    assert "\n".join("    " + line for line in branch.splitlines()[:4]) in page

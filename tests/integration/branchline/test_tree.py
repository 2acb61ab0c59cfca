"""What the tree says of itself is true: links, folders, commands, locks."""

import re
import subprocess
from pathlib import Path

import pytest

from branchline.__main__ import COMMANDS

ROOT = Path(__file__).parents[3]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LOCKS = {name: (ROOT / "requirements" / f"{name}.txt").read_text() for name in ("run", "dev")}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_within_the_tree_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_folders_of_the_readme_exist() -> None:
    folders = re.findall(r"^\| `(\w+)/` \|", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert len(folders) == 6
    assert [folder for folder in folders if not (ROOT / folder).is_dir()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_of_the_pages_exist(page: Path) -> None:
    known = set(COMMANDS) | set(re.findall(r"^  (\w[\w-]+)  ", _usage(), re.MULTILINE)) | {"bench"}
    assert set(re.findall(r"\./run ([a-z][\w-]*)", page.read_text())) <= known


def test_the_lab_s_page_names_the_scenarios_there_are() -> None:
    named = set(re.findall(r"^\| `([a-z-]+)` \|", (ROOT / "docs" / "try-the-lab.md").read_text(), re.MULTILINE))
    from lab.scenarios import SCENARIOS  # noqa: PLC0415 - the lab is only needed here

    assert named == set(SCENARIOS)


def test_the_same_versions_are_run_and_tested() -> None:
    pins = {name: set(re.findall(r"^\S+==\S+", text, re.MULTILINE)) for name, text in LOCKS.items()}
    assert len(pins["run"]) > 10
    assert pins["run"] < pins["dev"]


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_names_no_registry_and_no_place(name: str) -> None:
    assert not re.search(r"https?:|/(?!renew\b)|index-url|find-links", LOCKS[name])
    pins = re.findall(r"^\S+==\S+.*\n( +--hash=sha256:[0-9a-f]{64})", LOCKS[name], re.MULTILINE)
    assert len(pins) == len(re.findall(r"^[a-z].*==", LOCKS[name], re.MULTILINE)) > 10


def _usage() -> str:
    return subprocess.run([str(ROOT / "run"), "--help"], capture_output=True, text=True, check=True).stdout

"""What the tree says of itself is true: links, folders, commands, locks."""

import re
import subprocess
from pathlib import Path

import pytest

from branchline.__main__ import COMMANDS

ROOT = Path(__file__).parents[3]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
CITATION = re.compile(r"design\.md(?:,| of)? (section|principle)s? (\d+(?:(?:, | and )\d+)*)", re.IGNORECASE)
LOCKS = {name: (ROOT / "requirements" / f"{name}.txt").read_text() for name in ("run", "dev")}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_within_the_tree_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_folders_of_the_readme_are_those_of_the_tree() -> None:
    folders = re.findall(r"^\| `(\w+)/` \|", (ROOT / "README.md").read_text(), re.MULTILINE)
    own = {folder for folder in folders if (ROOT / folder).is_dir()}
    packages = {folder.parent.name for folder in ROOT.glob("*/__init__.py")}
    assert (own, own - packages) == (set(folders), {"deploy", "docs", "requirements"})
    assert packages <= own


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_of_the_pages_exist(page: Path) -> None:
    known = set(COMMANDS) | set(re.findall(r"^  (\w[\w-]+)  ", _usage(), re.MULTILINE)) | {"bench"}
    assert set(re.findall(r"\./run ([a-z][\w-]*)", page.read_text())) <= known


def test_the_lab_s_page_names_the_scenarios_there_are() -> None:
    named = set(re.findall(r"^\| `([a-z-]+)` \|", (ROOT / "docs" / "try-the-lab.md").read_text(), re.MULTILINE))
    from lab.scenarios import SCENARIOS  # noqa: PLC0415 - the lab is only needed here

    assert named == set(SCENARIOS)


def test_each_citation_of_the_design_leads_to_a_section() -> None:
    design = (ROOT / "docs" / "design.md").read_text()
    there = {f"section {number}" for number in re.findall(r"^## (\d+)\. ", design, re.MULTILINE)}
    there |= {f"principle {number}" for number in re.findall(r"^(\d+)\. \*\*", design, re.MULTILINE)}
    cited = [(name, *found) for name, text in _texts() for found in CITATION.findall(text)]
    assert len(cited) > 15
    numbers = [(name, f"{what} {number}") for name, what, text in cited for number in re.findall(r"\d+", text)]
    assert [(name, number) for name, number in numbers if number not in there] == []


def test_the_design_stays_short() -> None:
    assert len((ROOT / "docs" / "design.md").read_text().splitlines()) <= 180


def test_the_tree_names_no_place_of_one_machine() -> None:
    place = re.compile(r"(?<![\w./-])/(?:home|work|root|Users)/\w|/tmp/\w|pypi\.org|pythonhosted")
    allowed = {"tests/integration/agent/test_doctor_house.py"}  # a file that even a service of root's must not need
    assert [name for name, text in _texts() if place.search(text) and name not in allowed] == []


def test_the_same_versions_are_run_and_tested() -> None:
    pins = {name: set(re.findall(r"^\S+==\S+", text, re.MULTILINE)) for name, text in LOCKS.items()}
    assert len(pins["run"]) > 10
    assert pins["run"] < pins["dev"]


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_names_no_registry_and_no_place(name: str) -> None:
    assert not re.search(r"https?:|/(?!renew\b)|index-url|find-links", LOCKS[name])
    pins = re.findall(r"^\S+==\S+.*\n( +--hash=sha256:[0-9a-f]{64})", LOCKS[name], re.MULTILINE)
    assert len(pins) == len(re.findall(r"^[a-z].*==", LOCKS[name], re.MULTILINE)) > 10


def _texts() -> list[tuple[str, str]]:
    """Path and text of each file of ours but this one."""
    folders = [
        ROOT / name
        for name in ("agent", "branchline", "collector", "deploy", "docs", "failover", "lab", "tests", "wire")
    ]
    files = [file for folder in folders for file in folder.rglob("*") if "__pycache__" not in file.parts]
    files += [*ROOT.glob("*.md"), ROOT / "run", ROOT / "pyproject.toml", ROOT / ".ci" / "run"]
    ours = [file for file in files if file.is_file() and file != Path(__file__)]
    return [(str(file.relative_to(ROOT)), file.read_text(errors="replace")) for file in ours]


def _usage() -> str:
    return subprocess.run([str(ROOT / "run"), "--help"], capture_output=True, text=True, check=True).stdout

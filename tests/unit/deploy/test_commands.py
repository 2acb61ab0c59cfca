"""Every command that `deploy/` and the pages of installation name exists, with every option they give it."""

import re
from pathlib import Path

import pytest

from branchline.__main__ import main
from tests.unit.deploy.shipped import DEPLOY, PAGES, ROOT, UNITS, commands

FILES = [*PAGES, *(DEPLOY / "systemd").iterdir(), DEPLOY / "compose" / "compose.yaml"]


def calls() -> list[tuple[str, tuple[str, ...]]]:
    found = []
    for file in FILES:
        text = file.read_text()
        if file.suffix == ".service":
            text = "\n".join(line for line in text.splitlines() if line.startswith("Exec"))
        elif file.suffix == ".md":
            fenced = re.findall(r"^```sh \w+\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
            indented = re.findall(r"^    (.*)$", text, re.MULTILINE)
            inline = re.findall(r"`([^`\n]+)`", text)
            text = "\n".join([*fenced, *indented, *inline])
        found += [(file.name, tuple(words)) for words in commands(text)]
    return found


CALLS = calls()


def test_there_is_something_to_check() -> None:
    named = {words[:2] for _, words in CALLS}
    assert {("branchline-agent", "run"), ("branchline", "collector"), ("branchline", "commission")} <= named
    assert set(UNITS) <= {file for file, _ in CALLS}


@pytest.mark.parametrize(("file", "words"), sorted(set(CALLS)))
def test_it_exists(file: str, words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    path = list(words[1:])
    if words[0] == "branchline-agent":
        path.insert(0, "agent")
    options = {word.partition("=")[0] for word in path if word.startswith("--")}
    names = [word for word in path if re.fullmatch(r"[a-z][a-z-]*", word)]
    said = helped(names[:1], capsys)
    if len(names) > 1 and re.search(rf"^\s+{names[1]}\b|[{{,]{names[1]}[,}}]", said, re.MULTILINE):
        said += helped(names[:2], capsys)
    if "collector" in names and "user" in names:
        said += helped(["collector", "user", "--config", "x", "add"], capsys)
    assert {option for option in options if option not in said} == set(), f"{file}: {' '.join(words)}"


def helped(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """What `--help` says; it ends with exit code 0 when there is such a command."""
    try:
        code = main([*words, "--help"])
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    said = capsys.readouterr()
    assert code == 0, said.err
    return said.out


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_file_a_page_names_is_in_the_tree(page: Path) -> None:
    named = re.findall(r"(?<![\w/.])((?:deploy|docs|requirements)/[\w./{},-]+)", page.read_text())
    every = []
    for name in named:
        before, brace, rest = name.partition("{")
        inner, _, after = rest.partition("}")
        every += [f"{before}{one}{after}".rstrip(".,") for one in (inner.split(",") if brace else [""])]
    assert [name for name in every if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_is_installed_after_secrets_were_made_can_be_read_by_its_users(page: Path) -> None:
    """All blocks are typed into one shell: a umask that is not given back would hide the program from its user."""
    for block in re.findall(r"^```sh \w+\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL):
        assert re.findall(r"^umask (\d+)$", block, re.MULTILINE)[-1:] in ([], ["022"])

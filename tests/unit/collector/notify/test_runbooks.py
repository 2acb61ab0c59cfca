"""Every alert class has its runbook in both languages, and what a runbook says can be typed is there."""

import re
import shlex
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

import pytest

from branchline.__main__ import main
from collector.incidents.model import AlertClass

FOLDER = Path(str(files("collector") / "runbooks"))
LANGUAGES = ("", ".fr")
FILES = sorted(FOLDER.glob("*.md"))
SYSTEM = {"systemctl", "journalctl", "df"}


def _commands(text: str) -> list[str]:
    """Lines of code blocks, and commands between backquotes."""
    lines = [line.strip() for line in re.findall(r"^ {4,}(?=\S)(.+)$", text, re.MULTILINE)]
    return [line for line in lines if re.match(r"(sudo )?(branchline|systemctl|journalctl|df)", line)]


@lru_cache
def _help(words: tuple[str, ...], capture: object) -> str:
    assert isinstance(capture, pytest.CaptureFixture)
    with pytest.raises(SystemExit) as stop:
        main([*words, "--help"])
    assert stop.value.code == 0
    return str(capture.readouterr().out)


def test_every_class_has_both_and_nothing_else_lies_there() -> None:
    wanted = {f"{each}{language}.md" for each in AlertClass for language in LANGUAGES}
    assert {each.name for each in FOLDER.iterdir() if each.name != "__pycache__"} == wanted


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.name))
def test_commands_exist(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    commands = _commands(file.read_text())
    assert commands, "a runbook without a command is advice"
    for line in commands:
        words = shlex.split(line.removeprefix("sudo "))
        if words[0] in SYSTEM:
            continue
        given = ["agent", *words[1:]] if words[0] == "branchline-agent" else words[1:]
        depth = 2 if given[0] in {"agent", "collector", "inventory"} else 1
        text = _help(tuple(given[:depth]), capsys)
        for option in [word for word in given if word.startswith("--")]:
            assert option in text, f"{line}: {option} is not an option"


@pytest.mark.parametrize("each", list(AlertClass))
def test_both_languages_name_the_same_commands(each: AlertClass) -> None:
    english, french = ((FOLDER / f"{each}{language}.md").read_text() for language in LANGUAGES)

    def shape(text: str) -> list[str]:
        return [re.sub(r"'.*'", "''", line) for line in _commands(text)]

    assert shape(english) == shape(french)
    assert english.startswith("# ")
    assert french.startswith("# ")

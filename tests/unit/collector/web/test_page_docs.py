"""`docs/web-page.md` says of states, limits and roles what the code says."""

import re
from importlib.resources import files
from pathlib import Path

from collector.web.attempts import LIMITS, WINDOW_S
from collector.web.tiles import WORST_FIRST
from collector.web.users import SESSION_S, UserRole
from collector.web.wall import MAX_TILES
from collector.words.incident_words import state_name

PAGE = (Path(__file__).parents[4] / "docs" / "web-page.md").read_text(encoding="utf-8")
_ROW = re.compile(r"^\| ([^|]+) \| ([A-Z0-9 ]+) \| [^|]+ \|$", re.MULTILINE)
_NUMBERS = {5: "five", 600: "ten minutes"}


def test_the_legend_names_each_state_worst_first() -> None:
    assert [word for _, word in _ROW.findall(PAGE)] == [state_name("en", state.name).upper() for state in WORST_FIRST]


def test_each_state_has_a_mark_and_a_style() -> None:
    marks = (files("collector.web") / "templates" / "marks.html").read_text(encoding="utf-8")
    style = (files("collector.web") / "static" / "page.css").read_text(encoding="utf-8")
    for state in WORST_FIRST:
        assert f'id="m-{state.name}"' in marks
        assert f'.tile[data-state="{state.name}"]' in style


def test_its_numbers_are_those_of_the_code() -> None:
    assert f"more than {MAX_TILES} branches" in PAGE
    assert re.search(rf"lasts {SESSION_S / 3600:.0f}\s+hours", PAGE)
    assert f"{_NUMBERS[LIMITS['both']]} wrong passwords" in PAGE
    assert f"waits {_NUMBERS[int(WINDOW_S)]}" in PAGE
    quiet = re.search(r"QUIET_S = (\d+)", (files("collector.web") / "static" / "page.js").read_text(encoding="utf-8"))
    assert quiet is not None
    assert f"hears nothing for {quiet[1]} s" in PAGE
    assert f"--role {UserRole.OPERATOR}" in PAGE


def test_nothing_of_the_page_comes_from_elsewhere_or_stands_in_line() -> None:
    for folder in ("templates", "static"):
        for file in (files("collector.web") / folder).iterdir():
            text = file.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
            assert "://" not in text, file.name
            if folder == "templates":
                assert not re.search(r"<style|<script(?! defer src=)|\sstyle=|\son[a-z]+=", text), file.name
                assert "|safe" not in text, file.name

"""Settings in general: typed, frozen, and one sentence for each mistake. Each kind of mistake: tests/bad_settings."""

from enum import StrEnum
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from branchline import settings
from branchline.settings import Settings, SettingsError
from branchline.units import Duration, Size


class _Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class _Item(Settings, frozen=True):
    name: str
    colour: _Colour = _Colour.RED
    size: Size | None = None

    def __post_init__(self) -> None:
        if not self.name:
            raise ValueError("name: empty; write one")


class _House(Settings, frozen=True):
    wait: Duration = Duration(10)
    item: tuple[_Item, ...] = ()
    mode: Literal["a", "b"] | tuple[int, ...] = "a"
    first: _Item | None = None

    def __post_init__(self) -> None:
        if len(self.item) > 2:
            raise ValueError("item[3].name: one too many; remove it")


def _refusal(text: str) -> str:
    with pytest.raises(SettingsError) as caught:
        settings.parse(text, _House, "house.toml")
    return str(caught.value)


def test_a_good_file_is_read_into_frozen_values() -> None:
    text = 'wait = "100ms"\nmode = [1]\n[[item]]\nname = "a"\nsize = "2kB"\n'
    house = settings.parse(text, _House, "house.toml")
    assert house == _House(wait=Duration(0.1), mode=(1,), item=(_Item(name="a", size=Size(2000)),))
    with pytest.raises(AttributeError):
        house.wait = Duration(1)  # type: ignore[misc]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('item = [{name = ""}]', "house.toml line 1: item[1].name: empty; write one"),
        ('first.name = ""', "house.toml line 1: first.name: empty; write one"),
        ("[first]\n", "house.toml line 1: first.name is missing; add it"),
        ("[[item]]\n[[item]]\nname = 'x'\n", "house.toml line 1: item[1].name is missing; add it"),
        (
            "[[item]]\nname='a'\n[[item]]\nname='b'\n[[item]]\nname='c'\n",
            "house.toml line 6: item[3].name: one too many; remove it",
        ),
        (
            "[[item]]\nname='a'\ncolour='green'\n",
            'house.toml line 3: item[1].colour is "green", but must be "red" or "blue"; correct it',
        ),
        ("mode = 'c'", 'house.toml line 1: mode is "c", but must be "a" or "b"; correct it'),
        ("mode = 1.5", "house.toml line 1: mode is a number, but must be text in quotes or a list in [ ]; correct it"),
        ("[first]\nnam = 'x'", "house.toml line 2: first.nam is not a known key; did you mean name?"),
        (
            '"odd`key" = 1',
            ("house.toml line 1: 'odd`key' is not a known key; remove it, or use one of: wait, item, mode, first"),
        ),
        (
            'wait = "1\\u0000s"',
            (
                "house.toml line 1: wait holds a character that cannot be printed ('1\\x00s'); "
                "write it on one line, without control characters"
            ),
        ),
        ("a = 1\na = 2\n", "house.toml line 2: not valid TOML (Cannot overwrite a value); correct this line"),
        ("a = [1,\n\n", "house.toml line 3: not valid TOML (Invalid value); correct this line"),
    ],
)
def test_a_mistake_is_one_sentence_with_file_line_and_key(text: str, sentence: str) -> None:
    assert _refusal(text) == sentence


@pytest.mark.parametrize("text", ["a = " + "9" * 5000, "a = " + "[" * 5000])
def test_what_the_parser_cannot_take_is_refused(text: str) -> None:
    assert _refusal(text) == "house.toml: a number or a list is far too long; this is not a settings file"


toml_words = st.sampled_from([*"[]{}=\n.,1", "[first]", "[[item]]", "[[first]]", "name", "size", '"10s"', '"""'])


@given(st.lists(toml_words, max_size=14).map(" ".join) | st.text(max_size=60))
def test_any_text_is_settings_or_one_line(text: str) -> None:
    try:
        settings.parse(text, _House, "house.toml")
    except SettingsError as error:
        refusal = str(error)
    else:
        refusal = "house.toml"
    assert refusal.startswith("house.toml")
    assert refusal.isprintable()


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    missing = tmp_path / "no.toml"
    with pytest.raises(SettingsError) as caught:
        settings.load(missing, _House)
    assert str(caught.value) == (
        f"{missing}: cannot be read (No such file or directory); check the path and its permissions"
    )
    with pytest.raises(SettingsError, match=r"cannot be read \(Is a directory\)"):
        settings.load(tmp_path, _House)


def test_a_file_that_is_too_large_is_not_parsed(tmp_path: Path) -> None:
    large = tmp_path / "large.toml"
    large.write_bytes(b"#" * (settings.MAX_FILE_BYTES + 1))
    with pytest.raises(SettingsError) as caught:
        settings.load(large, _House)
    assert str(caught.value) == f"{large}: larger than 1000000 bytes; this is not a settings file"


def test_a_file_that_is_not_utf_8_names_the_line(tmp_path: Path) -> None:
    latin = tmp_path / "latin.toml"
    latin.write_bytes(b"# one\n# caf\xe9\n")
    with pytest.raises(SettingsError) as caught:
        settings.load(latin, _House)
    assert str(caught.value) == f"{latin} line 2: not UTF-8; save the file as UTF-8"


def test_the_digest_names_the_text() -> None:
    assert settings.digest("a = 1\n") == "cb78bd8a17f7"
    assert settings.digest("a = 2\n") != settings.digest("a = 1\n")

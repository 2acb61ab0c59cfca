"""Settings files: TOML into typed, frozen structs, or one sentence that names file, line, key and remedy."""

import difflib
import hashlib
import re
import tomllib
import typing
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from branchline.toml_lines import Key, dotted, line_of
from branchline.units import Duration, Size

T = TypeVar("T")

MAX_FILE_BYTES = 1_000_000


class SettingsError(Exception):
    """A settings file cannot be used; the text is the one sentence to show. Exit code 2."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of every table of a settings file: immutable, unknown keys refused by name.

    Rules across keys stand in `__post_init__` and raise ValueError with a sentence that starts with the key, such as
    `rank: 0 is ...` or, from a table above, `path[2].rank: ...` (people count from 1).
    """


def load(file: Path, kind: type[T]) -> T:
    """Read `file` into `kind`.

    Raises:
        SettingsError: not readable, not TOML, an unknown or missing key, a wrong type or unit, a broken rule.
    """
    return parse(read(file), kind, str(file))


def read(file: Path, at_most_bytes: int = MAX_FILE_BYTES) -> str:
    """The text of a settings file.

    Raises:
        SettingsError: not readable, larger than `at_most_bytes` or not UTF-8.
    """
    try:
        with file.open("rb") as stream:
            raw = stream.read(at_most_bytes + 1)
    except OSError as error:
        raise SettingsError(f"{file}: cannot be read ({error.strerror}); check the path and its permissions") from None
    if len(raw) > at_most_bytes:
        raise SettingsError(f"{file}: larger than {at_most_bytes} bytes; this is not a settings file")
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise SettingsError(f"{file} line {line}: not UTF-8; save the file as UTF-8") from None


def parse(text: str, kind: type[T], name: str) -> T:
    """Read the text of a settings file called `name` into `kind`. Raises as `load`."""
    data = tables(text, name)
    try:
        return msgspec.convert(data, kind, dec_hook=_custom)
    except msgspec.ValidationError as error:
        raise SettingsError(_sentence(str(error), text, name, kind)) from None


def tables(text: str, name: str) -> dict[str, Any]:
    """The TOML of a settings file called `name`, before it is known what kind of file it is.

    Raises:
        SettingsError: not TOML, or a value no settings file can hold.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        where = re.search(r"\(at line (\d+), column \d+\)", str(error))
        line = where[1] if where else str(text.count("\n") + 1)
        what = re.sub(r" \(at .*\)\Z", "", str(error))
        raise SettingsError(f"{name} line {line}: not valid TOML ({what}); correct this line") from None
    except (ValueError, RecursionError):  # a number of thousands of digits; thousands of brackets
        raise SettingsError(f"{name}: a number or a list is far too long; this is not a settings file") from None
    for path, value in _texts(data, []):
        if not value.isprintable():
            raise SettingsError(
                f"{place(name, text, path)}: {dotted(path)} holds a character that cannot be printed "
                f"({value[:40]!a}); write it on one line, without control characters"
            )
    return data


def place(name: str, text: str, path: list[Key]) -> str:
    """`agent.toml line 7`: where a key of a settings text stands, as precisely as can be said."""
    line = line_of(text, path)
    return f"{name} line {line}" if line else name


def digest(text: str) -> str:
    """A short name of a settings text, to see from afar which one a process runs with."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _custom(kind: type[Any], value: object) -> object:
    if kind in (Duration, Size):
        return kind.parse(value)
    raise NotImplementedError(kind)  # msgspec's own protocol for "not mine"


def _texts(value: object, path: list[Key]) -> Iterator[tuple[list[Key], str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _texts(item, [*path, key])
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(item, [*path, index])


_UNKNOWN = re.compile(r"Object contains unknown field `(.+)`\Z", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(.+)`\Z")
_WRONG_TYPE = re.compile(r"Expected `(.+)`, got `(.+)`\Z")
_WRONG_CHOICE = re.compile(r"Invalid enum value (.+)\Z", re.DOTALL)
_RULE = re.compile(r"([a-z0-9_]+(?:\[\d+\])?(?:\.[a-z0-9_]+)*): (.+)\Z", re.DOTALL)
_TYPES = {
    "int": "a whole number",
    "float": "a number",
    "str": "text in quotes",
    "bool": "true or false",
    "array": "a list in [ ]",
    "object": "a table",
}


def _sentence(message: str, text: str, name: str, kind: type[Any]) -> str:
    what, _, at = (
        message.rpartition(" - at `$") if message.endswith("`") and " - at `$" in message else (message, "", "")
    )
    path = _keys(at.removesuffix("`"))
    if unknown := _UNKNOWN.match(what):
        known = list(_fields(_type_at(kind, path)))
        close = difflib.get_close_matches(unknown[1], known, n=1, cutoff=0.7)
        remedy = f"did you mean {close[0]}?" if close else f"remove it, or use one of: {', '.join(known)}"
        path, what = [*path, unknown[1]], f" is not a known key; {remedy}"
    elif missing := _MISSING.match(what):
        wanted_type = _fields(_type_at(kind, path))[missing[1]]
        header = f"[[{missing[1]}]]" if _is_list(wanted_type) else f"[{missing[1]}]"
        remedy = f"add the table {header}" if _fields(wanted_type) else "add it"
        return f"{place(name, text, path)}: {dotted([*path, missing[1]])} is missing; {remedy}"
    elif wrong := _WRONG_TYPE.match(what):
        wanted = " or ".join(_TYPES.get(word, word) for word in wrong[1].split(" | ") if word != "null")
        remedy = f"write [[{path[-1]}]]" if wrong[2] == "object" and _fields(_type_at(kind, path)) else "correct it"
        what = f" is {_TYPES.get(wrong[2], f'a {wrong[2]}')}, but must be {wanted}; {remedy}"
    elif choice := _WRONG_CHOICE.match(what):
        what = f" is {_quoted(choice[1])}, but must be {' or '.join(_choices(_type_at(kind, path)))}; correct it"
    elif rule := _RULE.match(what):
        path, what = [*path, *_keys("." + rule[1], first=1)], f": {rule[2]}"
    else:
        what = f": {what}"
    return f"{place(name, text, path)}: {dotted(path)}{what}"


def _keys(at: str, first: int = 0) -> list[Key]:
    """`.path[1].rank` as a list of keys; `first` is what the first item of a list is called."""
    return [key or int(index) - first for key, index in re.findall(r"\.([^.\[\]]+)|\[(\d+)\]", at)]


def _quoted(word: str) -> str:
    return f'"{word[1:-1]}"' if word.startswith("'") else word


def _plain(kind: Any) -> Any:
    """The type itself, without `| None`."""
    options = [option for option in typing.get_args(kind) if option is not type(None)]
    return options[0] if type(None) in typing.get_args(kind) else kind


def _is_list(kind: Any) -> bool:
    return typing.get_origin(_plain(kind)) in {tuple, list}


def _fields(kind: Any) -> dict[str, Any]:
    """The keys of a table, or of each table of a list, with their types; empty for anything else."""
    kind = _plain(kind)
    if _is_list(kind):
        kind = typing.get_args(kind)[0]
    if not (isinstance(kind, type) and issubclass(kind, msgspec.Struct)):
        return {}
    return {field.encode_name: field.type for field in msgspec.structs.fields(kind)}


def _type_at(kind: Any, path: list[Key]) -> Any:
    for key in path:
        kind = _plain(kind)
        kind = typing.get_args(kind)[0] if isinstance(key, int) else _fields(kind)[key]
    return _plain(kind)


def _choices(kind: Any) -> list[str]:
    if isinstance(kind, type) and issubclass(kind, Enum):
        return [f'"{item.value}"' for item in kind]
    if typing.get_origin(kind) is typing.Literal:
        return [f'"{word}"' for word in typing.get_args(kind)]
    return [word for option in typing.get_args(kind) for word in _choices(option)]

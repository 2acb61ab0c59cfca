"""Settings files: TOML into typed, frozen structs, or one sentence that names file, line, key and remedy."""

import hashlib
import re
import tomllib
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from branchline.units import Duration, Size

T = TypeVar("T")

MAX_FILE_BYTES = 1_000_000


class SettingsError(Exception):
    """A settings file cannot be used; the text is the one sentence to show. Exit code 2."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of every table of a settings file: immutable, unknown keys refused by name.

    Rules across keys stand in `__post_init__` and raise ValueError with a sentence that starts with the key.
    """


def load(file: Path, kind: type[T]) -> T:
    """Read `file` into `kind`.

    Raises:
        SettingsError: not readable, not TOML, an unknown or missing key, a wrong type or unit, a broken rule.
    """
    return parse(read(file), kind, str(file))


def read(file: Path) -> str:
    """The text of a settings file.

    Raises:
        SettingsError: not readable, too large or not UTF-8.
    """
    try:
        with file.open("rb") as stream:
            raw = stream.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise SettingsError(f"{file}: cannot be read ({error.strerror}); check the path and its permissions") from None
    if len(raw) > MAX_FILE_BYTES:
        raise SettingsError(f"{file}: larger than {MAX_FILE_BYTES} bytes; this is not a settings file")
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise SettingsError(f"{file} line {line}: not UTF-8; save the file as UTF-8") from None


def parse(text: str, kind: type[T], name: str) -> T:
    """Read the text of a settings file called `name` into `kind`. Raises as `load`."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        where = re.search(r"\(at line (\d+), column \d+\)", str(error))
        line = where[1] if where else str(text.count("\n") + 1)
        what = re.sub(r" \(at .*\)\Z", "", str(error))
        raise SettingsError(f"{name} line {line}: not valid TOML ({what}); correct this line") from None
    try:
        return msgspec.convert(data, kind, dec_hook=_custom)
    except msgspec.ValidationError as error:
        raise SettingsError(_sentence(str(error), text, name)) from None


def digest(text: str) -> str:
    """A short name of a settings text, to see from afar which one a process runs with."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _custom(kind: type[Any], value: object) -> object:
    if kind in (Duration, Size):
        return kind.parse(value)
    raise NotImplementedError(kind)  # msgspec's own protocol for "not mine"


_UNKNOWN = re.compile(r"Object contains unknown field `(.+?)`")
_MISSING = re.compile(r"Object missing required field `(.+?)`")


def _sentence(message: str, text: str, name: str) -> str:
    what, _, at = message.partition(" - at `$")
    keys = re.findall(r"\.([^.\[\]`]+)|\[(\d+)\]", at)
    path: list[str | int] = [key or int(index) for key, index in keys]
    if unknown := _UNKNOWN.match(what):
        key = [*path, unknown[1]]
        return f"{name} line {line_of(text, key)}: {dotted(key)} is not a known key; remove it or correct its spelling"
    if missing := _MISSING.match(what):
        return f"{name} line {line_of(text, path)}: {dotted([*path, missing[1]])} is missing; add it"
    if not path:
        return f"{name}: {what}"
    return f"{name} line {line_of(text, path)}: {dotted(path)}: {what[0].lower() + what[1:]}"


def dotted(path: list[str | int]) -> str:
    """`["path", 1, "rank"]` as people say it: `path[2].rank` (they count from 1)."""
    out = ""
    for key in path:
        out += f"[{key + 1}]" if isinstance(key, int) else f".{key}" if out else key
    return out


def line_of(text: str, path: list[str | int]) -> int:
    """The line, from 1, where a key or the closest table above it stands."""
    lines = text.splitlines()
    here, scope = 1, 0
    for position, key in enumerate(path):
        if isinstance(key, int):
            continue
        follow = path[position + 1] if position + 1 < len(path) else None
        nth = follow if isinstance(follow, int) else 0
        header = re.compile(rf"\s*\[\[?\s*(?:[\w-]+\.)*{re.escape(key)}\s*\]")
        assignment = re.compile(rf"\s*(?:[\w-]+\.)*[\"']?{re.escape(key)}[\"']?\s*=")
        found = [number for number in range(scope, len(lines)) if header.match(lines[number])]
        if not found:
            end = next((n for n in range(scope + 1, len(lines)) if lines[n].lstrip().startswith("[")), len(lines))
            found = [number for number in range(scope, end) if assignment.match(lines[number])][:1]
            nth = 0
        if len(found) > nth:
            scope = found[nth]
            here = scope + 1
    return here

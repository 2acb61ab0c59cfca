"""Line protocol read back, for the store that has no database server to read it. Pure.

Only what `lines.py` writes: names of lower-case letters, digits and underscores; floats, integers and texts; a time in
nanoseconds on every line. The rules of escaping are those of the line protocol reference: in a tag value a backslash
before a comma, an equals sign or a space makes it part of the value, in a text one before a quote or a backslash.
"""

import re
from functools import lru_cache
from typing import NamedTuple

MAX_INT = 2**63 - 1
NAME = re.compile(r"[a-z][a-z0-9_]{0,62}\Z")
_FLOAT = re.compile(r"-?[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?\Z")
_INT = re.compile(r"-?[0-9]{1,19}i\Z")
_ESCAPED = re.compile(r"\\([,= ])")
_COMMA = re.compile(r"(?<!\\),")
_SPACE = re.compile(r"(?<!\\) ")
_TEXT = re.compile(r'"((?:[^"\\]|\\.)*)"')
_TEXT_ESCAPED = re.compile(r'\\(["\\])')

Value = float | int | str


class Head(NamedTuple):
    """Measurement and tags, sorted by name."""

    measurement: str
    tags: tuple[tuple[str, str], ...]


class Line(NamedTuple):
    """One point. Names in `values` are in the order written; of a name written twice the last value counts."""

    head: Head
    values: dict[str, Value]
    at_ns: int


class BadLineError(ValueError):
    """Not a line this store takes; the text says why."""


def read_line(line: str) -> Line:
    """Take one line apart.

    Raises:
        BadLineError: it is none.
    """
    gap = _SPACE.search(line)
    if gap is None:
        raise BadLineError("no fields")
    body, space, stamp = line[gap.end() :].rpartition(" ")
    if not space:
        raise BadLineError("no time")
    return Line(_head(line[: gap.start()]), _values(body), _whole(stamp + "i", "time"))


@lru_cache(maxsize=65536)
def _head(text: str) -> Head:
    measurement, *pairs = _COMMA.split(text)
    tags: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not value or re.search(r"(?<!\\)=", value):
            raise BadLineError(f"{pair[:80]!r} is not a tag")
        if _name(name) in tags:
            raise BadLineError(f"tag {name} stands twice")
        tags[name] = _ESCAPED.sub(r"\1", value)
    return Head(_name(measurement), tuple(sorted(tags.items())))


def _name(text: str) -> str:
    if NAME.match(text) is None:
        raise BadLineError(f"{text[:80]!r} is not a name this store takes")
    return text


def _values(body: str) -> dict[str, Value]:
    if '"' not in body:
        pairs = [pair.partition("=") for pair in body.split(",")]
        return {_known_name(name): _number(value) for name, _, value in pairs}
    values: dict[str, Value] = {}
    at = 0
    while True:
        equals = body.find("=", at)
        name = _known_name(body[at:equals] if equals >= 0 else body[at:])
        text = _TEXT.match(body, equals + 1) if equals >= 0 else None
        if text is not None:
            values[name] = _TEXT_ESCAPED.sub(r"\1", text[1])
            at = text.end()
        else:
            end = body.find(",", equals)
            at = end if end >= 0 else len(body)
            values[name] = _number(body[equals + 1 : at] if equals >= 0 else "")
        if at == len(body):
            return values
        if body[at] != ",":
            raise BadLineError(f"{body[at : at + 80]!r} follows a text")
        at += 1


@lru_cache(maxsize=4096)
def _known_name(text: str) -> str:
    return _name(text)


def _number(text: str) -> float | int:
    if text.endswith("i"):
        return _whole(text, "integer")
    if _FLOAT.match(text) is None:
        raise BadLineError(f"{text[:80]!r} is not a float, integer or text")
    value = float(text)
    if value - value != 0:
        raise BadLineError(f"{text[:80]!r} is too large")
    return value


def _whole(text: str, what: str) -> int:
    if _INT.match(text) is None:
        raise BadLineError(f"{text[:-1][:80]!r} is not a {what}")
    number = int(text[:-1])
    if not -MAX_INT <= number <= MAX_INT:
        raise BadLineError(f"{text[:-1]!r} does not fit 64 bits")
    return number

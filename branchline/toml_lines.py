"""On which line of a TOML text a key stands. The standard parser does not say, and people need it.

A TOML document is a row of statements (headers and assignments), each of which is a small document of its own. So each
is parsed alone by the standard parser: inline tables, dotted and quoted keys and arrays of tables then come out right.
"""

import tomllib
from collections.abc import Iterator
from typing import Any

Key = str | int
MAX_STATEMENT_LINES = 200  # a longer one is reported by the line of what stands before it


def dotted(path: list[Key]) -> str:
    """`["path", 1, "rank"]` as people say it: `path[2].rank` (they count from 1)."""
    out = ""
    for key in path:
        if isinstance(key, int):
            out += f"[{key + 1}]"
        else:
            word = key if key.replace("-", "_").isidentifier() else ascii(key[:80])
            out += f".{word}" if out else word
    return out


def line_of(text: str, path: list[Key]) -> int | None:
    """The line, from 1, where a key or the closest table above it stands, if any. `text` must be valid TOML."""
    best, depth = None, 0
    table: list[Key] = []
    tables: dict[tuple[Key, ...], int] = {}  # arrays of tables met so far -> index of the last
    for line, data, is_header in _statements(text):
        if is_header:
            table = _header(data, tables)
            found = [table]
        else:
            found = [table + inner for inner in _paths(data)]
        for candidate in found:
            shared = _common(candidate, path)
            if shared > depth:
                best, depth = line, shared
    return best


def _statements(text: str) -> Iterator[tuple[int, dict[str, Any], bool]]:
    lines = text.replace("\r\n", "\n").split("\n")
    start = 0
    while start < len(lines):
        for end in range(start + 1, min(start + MAX_STATEMENT_LINES, len(lines)) + 1):
            statement = "\n".join(lines[start:end])
            try:
                data = tomllib.loads(statement)
            except ValueError:
                continue  # not closed yet
            if data:
                yield start + 1, data, statement.lstrip().startswith("[")
            start = end
            break
        else:
            return


def _header(data: dict[str, Any], tables: dict[tuple[Key, ...], int]) -> list[Key]:
    path: list[Key] = []
    here: Any = data
    while isinstance(here, dict) and here:
        key, here = next(iter(here.items()))
        path.append(key)
        if isinstance(here, list):  # [[key]]: one more of them
            tables[tuple(path)] = tables.get(tuple(path), -1) + 1
        if tuple(path) in tables:
            path.append(tables[tuple(path)])
    return path


def _paths(value: object) -> Iterator[list[Key]]:
    inside: Iterator[tuple[Key, Any]] = iter(())
    if isinstance(value, dict):
        inside = iter(value.items())
    elif isinstance(value, list):
        inside = iter(enumerate(value))
    for key, item in inside:
        yield [key]
        yield from ([key, *rest] for rest in _paths(item))


def _common(one: list[Key], other: list[Key]) -> int:
    same = 0
    for mine, theirs in zip(one, other, strict=False):
        if mine != theirs:
            break
        same += 1
    return same

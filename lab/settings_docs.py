"""`docs/configuration.md`, made from the settings structs: python -m lab.settings_docs > docs/configuration.md."""

import inspect
import re
import typing
from enum import Enum
from typing import Any

import msgspec

from agent.config import BranchSettings
from branchline.settings import Settings
from branchline.units import Duration, Size
from collector.config import CollectorSettings
from failover.actuators import ACTUATORS

# Keys whose choices are the entries of a map in the code.
CHOICES = {("actor", "actuator"): tuple(sorted(ACTUATORS))}

INTRODUCTION = """\
# Configuration

Made from the code by `./run docs`; do not edit. Settings are TOML. Times are written with their unit (`100ms`, `10s`,
`5min`, `4h`, `30d`), so are sizes (`512kB`, `64MB`, `2GB`; powers of 1000). An unknown key is refused by name. A
running agent reads its file again on SIGHUP; a bad file is refused whole and the old settings stay.

Check a file before you use it: `./run check-config FILE`. Passwords, tokens and keys are never in this file but in
files of their own, which nobody else may read. Whole examples: [agent](examples/agent.toml),
[collector](examples/collector.toml).
"""


def page() -> str:
    """The whole page."""
    parts = [INTRODUCTION]
    for title, whole in (("Agent and actor", BranchSettings), ("Collector", CollectorSettings)):
        parts.append(f"## {title}\n")
        parts += [_table(field) for field in msgspec.structs.fields(whole)]
    return "\n".join(parts)


def _table(field: msgspec.structs.FieldInfo) -> str:
    struct, many = _struct(field.type)
    text, keys = described(struct)
    header = f"[[{field.name}]]" if many else f"[{field.name}]"
    text = re.sub(r"^`\[+\w+\]+`: | \(docs/design\.md [^)]*\)", "", text)
    presence = "" if field.required or field.default is not None else " May be left out."
    lines = [f"### `{header}`\n", f"{text[0].upper()}{text[1:]}{presence}\n"]
    lines += ["| key | type | default | what |", "|---|---|---|---|"]
    for key in msgspec.structs.fields(struct):
        kind = _choices(CHOICES[field.name, key.name]) if (field.name, key.name) in CHOICES else _kind(key.type)
        lines.append(f"| `{key.name}` | {kind} | {_default(key)} | {keys[key.name]} |")
    return "\n".join(lines) + "\n"


def described(struct: type[Any]) -> tuple[str, dict[str, str]]:
    """What the docstring says of a table, and of each of its keys under `Attributes:`."""
    text, _, attributes = (inspect.getdoc(struct) or "").partition("\n\nAttributes:\n")
    keys = re.findall(r"^ {4}(\w+): (.+)$", attributes, re.MULTILINE)
    return " ".join(text.split()), dict(keys)


def _struct(kind: Any) -> tuple[type[Settings], bool]:
    """The settings behind `X`, `X | None` or `tuple[X, ...]`, and whether there may be many."""
    options = [option for option in typing.get_args(kind) if option not in {type(None), ...}]
    return (options[0] if options else kind), typing.get_origin(kind) is tuple


def _kind(kind: Any) -> str:
    words = {str: "text", int: "whole number", bool: "true or false", Duration: "time", Size: "size"}
    if kind in words:
        return words[kind]
    if isinstance(kind, type) and issubclass(kind, Enum):
        return _choices(tuple(item.value for item in kind))
    arguments = typing.get_args(kind)
    if typing.get_origin(kind) is typing.Literal:
        return _choices(arguments)
    if typing.get_origin(kind) is tuple:
        return f"list of {_kind(arguments[0])}{'s' if arguments[0] is int else ''}"
    return " or ".join(_kind(option) for option in arguments)


def _choices(words: tuple[str, ...]) -> str:
    return " or ".join(f'`"{word}"`' for word in words)


def _default(field: msgspec.structs.FieldInfo) -> str:
    if field.required:
        return "required"
    value = field.default
    if isinstance(value, Duration | Size):
        return f'`"{value.written()}"`'
    if isinstance(value, Enum):
        value = value.value
    if value == () or isinstance(value, bool | int):
        return f"`{'[]' if value == () else str(value).lower()}`"
    return f'`"{value}"`' if value else "none"


if __name__ == "__main__":
    print(page(), end="")

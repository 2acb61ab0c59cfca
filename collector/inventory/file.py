"""A tenant's inventory file: TOML read into `Inventory` and back, and all files together as `Places`."""

import json
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from branchline import settings
from branchline.settings import SettingsError
from collector.inventory.model import Inventory
from collector.inventory.places import Places

MAX_FILE_BYTES = 32_000_000  # 10,000 branches with three lines each are 7 MB
TABLES = ("branch", "line")  # written as [[branch]]; every other table is one line


def load(file: Path) -> Inventory:
    """Read one tenant's file.

    Raises:
        SettingsError: one sentence with file, line, key and remedy.
    """
    return settings.parse(settings.read(file, MAX_FILE_BYTES), Inventory, str(file))


def load_places(files: Iterable[Path]) -> Places:
    """Read every tenant's file.

    Raises:
        SettingsError: a file cannot be used, or two are of one tenant.
    """
    inventories: dict[str, tuple[Path, Inventory]] = {}
    for file in files:
        inventory = load(file)
        if inventory.tenant in inventories:
            raise SettingsError(
                f'{file}: tenant "{inventory.tenant}" has a file already, {inventories[inventory.tenant][0]}; '
                f"keep one file for each tenant"
            )
        inventories[inventory.tenant] = (file, inventory)
    return Places(inventory for _, inventory in inventories.values())


def written(inventory: Inventory) -> str:
    """The TOML text that reads back as exactly this inventory. What has its default is left out."""
    return "\n".join(_table(inventory, "")) + "\n"


def save(file: Path, inventory: Inventory, *, force: bool) -> None:
    """Write the file whole or not at all.

    Raises:
        SettingsError: it would be larger than what is read back.
        FileExistsError: it exists, and `force` is not set.
        OSError: it cannot be written.
    """
    raw = written(inventory).encode()
    if len(raw) > MAX_FILE_BYTES:
        raise SettingsError(
            f"{file}: would be larger than {MAX_FILE_BYTES} bytes and could not be read back; nothing was written. "
            f"Split the lists, or shorten what they hold"
        )
    partial = file.parent / f".{file.name}.{secrets.token_hex(4)}.new"
    try:
        with partial.open("xb") as stream:
            stream.write(raw)
            stream.flush()
            os.fsync(stream.fileno())
        if force:
            with suppress(FileNotFoundError):
                shutil.copymode(file, partial)
            partial.replace(file)
        else:
            file.hardlink_to(partial)  # unlike a rename, refuses when somebody made the file meanwhile
    finally:
        partial.unlink(missing_ok=True)


def _table(table: msgspec.Struct, name: str) -> Iterator[str]:
    """Lines of one table: first its own keys, then the lists of tables, which end them. Small tables stay inline."""
    lists: list[tuple[str, tuple[msgspec.Struct, ...]]] = []
    for key, value in _given(table):
        if key in TABLES:
            lists.append((name + key, value))
        elif isinstance(value, tuple):
            yield f"{key} = ["
            yield from (f"    {_value(item)}," for item in value)
            yield "]"
        else:
            yield f"{key} = {_value(value)}"
    for header, items in lists:
        for item in items:
            yield ""
            yield f"[[{header}]]"
            yield from _table(item, header + ".")


def _given(table: msgspec.Struct) -> Iterator[tuple[str, Any]]:
    for key, default in _keys(type(table)):
        value = getattr(table, key)
        if value != default:
            yield key, value


@cache
def _keys(kind: type[msgspec.Struct]) -> list[tuple[str, Any]]:
    return [(field.name, field.default) for field in msgspec.structs.fields(kind)]


def _value(value: Any) -> str:
    """A value on one line as TOML. JSON escapes whatever TOML wants escaped, but for DEL."""
    if isinstance(value, msgspec.Struct):
        return "{ " + ", ".join(f"{key} = {_value(inner)}" for key, inner in _given(value)) + " }"
    if isinstance(value, Enum):
        return _value(value.value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return repr(value)

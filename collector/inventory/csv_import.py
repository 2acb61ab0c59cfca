"""branches.csv and lines.csv into one tenant's inventory: all of it, or a list of every fault and nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from collector.inventory import rules
from collector.inventory.columns import BRANCH_COLUMNS, LINE_COLUMNS, Column
from collector.inventory.csv_table import Row, Table, read_table
from collector.inventory.faults import Faults, ImportRefusedError
from collector.inventory.model import LINES_AT_MOST, BranchEntry, Hours, Inventory, LineEntry, PowerEntry, Referent, Sim

T = TypeVar("T", bound=msgspec.Struct)

# Stand in for what is missing or refused, so that the rest of the row is judged too.
PLACEHOLDERS = {"name": "x", "isp": "x", "phone": "+33 2 00 00 00 00"}
TOGETHER = ("latitude_deg", "longitude_deg")  # one without the other is worth nothing


@dataclass(frozen=True, slots=True)
class Imported:
    """What came out. `notes` are sentences about the files, such as an encoding that was guessed."""

    inventory: Inventory
    notes: tuple[str, ...]


def import_csv(tenant: str, branches: Path, lines: Path) -> Imported:
    """Read both files.

    Raises:
        ValueError: the tenant's name cannot be one.
        ImportRefusedError: with every fault found.
    """
    rules.name(tenant, "tenant")
    faults = Faults()
    branch_table, line_table = (
        read_table(file, [each.name for each in columns], [each.name for each in columns if each.needed], faults)
        for file, columns in ((branches, BRANCH_COLUMNS), (lines, LINE_COLUMNS))
    )
    entries = _branches(branch_table, faults)
    lines_of = _lines(line_table, branch_table, faults)
    if faults.count:
        raise ImportRefusedError(faults)
    whole = (msgspec.structs.replace(entry, line=tuple(lines_of.get(entry.name, ()))) for entry in entries)
    notes = [
        f"{table.file} was read as {table.encoding}; look at the accents"
        for table in (branch_table, line_table)
        if table.encoding == "Windows-1252"
    ]
    return Imported(Inventory(tenant=tenant, branch=tuple(whole)), tuple(notes))


def _branches(table: Table, faults: Faults) -> list[BranchEntry]:
    entries = []
    first: dict[str, int] = {}
    for row in table.rows:
        reading = _Reading(table.file, row, BRANCH_COLUMNS, faults)
        name = row.cells.get("branch", "")
        if name and first.setdefault(name, row.line) != row.line:
            reading.fault("branch", f"{name[:63]!a} is also on line {first[name]}; give each branch one row")
        own = reading.values.pop("", {})
        hours = tuple(value for value in own.values() if isinstance(value, Hours))
        own = {key: value for key, value in own.items() if not isinstance(value, Hours)} | {"hours": hours}
        if "referent" in reading.values and (referent := reading.build(Referent, "referent")):
            own["referent"] = referent
        if "power" in reading.values and (power := reading.build(PowerEntry, "power")):
            own["power"] = power
        reading.values[""] = own
        if entry := reading.build(BranchEntry, ""):
            entries.append(entry)
    return entries


def _lines(table: Table, branch_table: Table, faults: Faults) -> dict[str, list[LineEntry]]:
    branches = {row.cells.get("branch") for row in branch_table.rows}
    lines: dict[str, list[LineEntry]] = {}
    first: dict[tuple[str, str], int] = {}
    for row in table.rows:
        reading = _Reading(table.file, row, LINE_COLUMNS, faults)
        branch, name = row.cells.get("branch", ""), row.cells.get("line", "")
        if branch and branches and branch not in branches:
            reading.fault("branch", f"{branch[:63]!a} has no row in {branch_table.file}; add one, or correct it")
        if branch and name and first.setdefault((branch, name), row.line) != row.line:
            reading.fault("line", f"{name[:63]!a} of {branch[:63]!a} is also on line {first[branch, name]}; remove one")
        if "sim" in reading.values and (sim := reading.build(Sim, "sim")):
            reading.values.setdefault("", {})["sim"] = sim
        reading.values.get("", {}).pop("branch", None)
        if entry := reading.build(LineEntry, ""):
            lines.setdefault(branch, []).append(entry)
            if len(lines[branch]) == LINES_AT_MOST + 1:
                reading.fault("branch", f"{branch[:63]!a} has more than {LINES_AT_MOST} lines; remove some")
    return lines


@dataclass(slots=True)
class _Reading:
    """One row: its cells as values by group and key; what cannot be read is told and left out."""

    file: str
    row: Row
    columns: Sequence[Column]
    faults: Faults
    values: dict[str, dict[str, Any]] = field(default_factory=dict)
    told: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.told |= self.row.refused
        for column in self.columns:
            cell = self.row.cells.get(column.name)
            if cell is None:
                if column.needed:
                    self.fault(column.name, "empty; write it")
                continue
            try:
                value = column.read(cell)
            except ValueError as error:
                self.fault(column.name, _sentence(error))
                continue
            self.values.setdefault(column.group, {})[column.field] = value

    def fault(self, column: str, text: str) -> None:
        """Tell one, but not what follows from a fault of the same cell."""
        if column not in self.told:
            self.told.add(column)
            self.faults.add(self.file, self.row.line, column, text)

    def build(self, kind: type[T], group: str) -> T | None:
        """The struct of a group. What the model refuses is told and left out, until the rest is accepted."""
        values = dict(self.values.get(group, {}))
        needed = _needed(kind)
        missing = [key for key in needed if key not in values]
        for key in missing:
            if group:  # those of the row itself were told
                self.fault(self._column(group, key), "empty, though the row has other columns of this kind; write it")
        good = not missing
        while True:
            try:
                built = kind(**{**{key: PLACEHOLDERS[key] for key in needed}, **values})
            except ValueError as error:
                key = str(error).partition(":")[0]
                self.fault(self._column(group, key), _sentence(error))
                good = False
                keys = TOGETHER if key in TOGETHER else (key,)
                if not [values.pop(each) for each in keys if each in values]:
                    return None
            else:
                return built if good else None

    def _column(self, group: str, key: str) -> str:
        """The header's name of a key of the model; for a whole group the first of its columns that has a cell."""
        return next(
            (each.name for each in self.columns if (each.group, each.field) == (group, key)),
            next((each.name for each in self.columns if each.group == key and each.name in self.row.cells), ""),
        )


@cache
def _needed(kind: type[msgspec.Struct]) -> list[str]:
    return [each.name for each in msgspec.structs.fields(kind) if each.required]


def _sentence(error: ValueError) -> str:
    """Without the key it begins with: the column says that."""
    key, colon, rest = str(error).partition(": ")
    return rest if colon and key.replace("_", "").isalpha() else str(error)

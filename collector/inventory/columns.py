"""The columns of branches.csv and lines.csv: how a cell is read, and where it goes. docs/inventory.md lists them."""

import re
import typing
from collections.abc import Callable
from dataclasses import dataclass

from collector.inventory.model import Freeze, Hours, LineEntry
from wire.messages import Role

_NUMBER = re.compile(r"[+-]?[0-9]{1,9}(?:[.,][0-9]{1,15})?\Z")
_HOURS = re.compile(r"([0-9]{1,2}:[0-9]{2}) ?[-\u2013] ?([0-9]{1,2}:[0-9]{2})(?: +([0-9]{1,6}))?\Z")
_FREEZE = re.compile(r"([0-9-]+) ?\.\. ?([0-9-]+)(?: +(.*))?\Z")
_YES_NO = {"yes": True, "true": True, "1": True, "oui": True, "vrai": True, "x": True}
_YES_NO |= dict.fromkeys(("no", "false", "0", "non", "faux"), False)
_DAYS = typing.get_args(typing.get_type_hints(Hours)["day"])
_ACCESS = typing.get_args(typing.get_type_hints(LineEntry)["access"])


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        name: in the header
        what: for the documentation
        read: cell to value; raises ValueError with a sentence
        key: of the model; empty: as `name`
        group: the model's inner table it belongs to; empty: the entry itself
        needed: whether every row must have it
    """

    name: str
    what: str
    read: Callable[[str], object] = str
    key: str = ""
    group: str = ""
    needed: bool = False

    @property
    def field(self) -> str:
        """Its key in the model."""
        return self.key or self.name


def _number(cell: str) -> float:
    if not _NUMBER.match(cell):
        raise ValueError(f"{cell[:40]!a} is no number; write it as 47.25 or 47,25")
    return float(cell.replace(",", "."))


def _yes_no(cell: str) -> bool:
    if cell.lower() not in _YES_NO:
        raise ValueError(f"{cell[:40]!a} is neither yes nor no")
    return _YES_NO[cell.lower()]


def _choice(options: tuple[str, ...]) -> Callable[[str], str]:
    def read(cell: str) -> str:
        if cell.lower() not in options:
            raise ValueError(f"{cell[:40]!a} is not one of: {', '.join(options)}")
        return cell.lower()

    return read


def _role(cell: str) -> Role:
    return Role(_choice(tuple(Role))(cell))


def _hours_on(day: typing.Any) -> Callable[[str], Hours]:
    def read(cell: str) -> Hours:
        found = _HOURS.match(cell)
        if not found:
            raise ValueError(
                f'{cell[:40]!a} is no opening time; write "08:30-18:00", or with 12 people "08:30-18:00 12"'
            )
        return Hours(day=day, open=found[1].zfill(5), close=found[2].zfill(5), people=int(found[3] or 0))

    return read


def _freezes(cell: str) -> tuple[Freeze, ...]:
    freezes = []
    for part in cell.split("|"):
        found = _FREEZE.match(part.strip())
        if not found:
            raise ValueError(f'{part.strip()[:40]!a} is no freeze; write "2026-12-20..2027-01-03 why", several with |')
        freezes.append(Freeze(first=found[1], last=found[2], why=found[3] or ""))
    return tuple(freezes)


BRANCH_COLUMNS = (
    Column("branch", "its name in the agents' settings", key="name", needed=True),
    Column("title", "for people"),
    Column("region", "dashboards filter by it"),
    Column("latitude", "WGS 84, such as 47.2561 or 47,2561", _number, "latitude_deg"),
    Column("longitude", "WGS 84", _number, "longitude_deg"),
    Column("address", "street and town"),
    Column("timezone", "such as Europe/Paris, which it is without this column"),
    Column("flood_zone", "branches with the same word flood together"),
    Column("critical", "yes: its trouble wakes people sooner", _yes_no),
    Column("simulated", "yes: not a real branch", _yes_no),
    Column("referent", "whom to ring at the branch", key="name", group="referent"),
    Column("referent_phone", "with country code, such as +33 2 40 00 00 00", key="phone", group="referent"),
    Column("referent_note", "when to ring, which door", key="note", group="referent"),
    Column("ups", "what keeps the router alive", group="power"),
    Column("grid_area", "branches with the same word go dark together", group="power"),
    Column("mon", "open, such as 08:30-18:00, with 12 people 08:30-18:00 12; empty: closed", _hours_on("mon")),
    *(Column(day, "as mon", _hours_on(day)) for day in _DAYS[1:]),
    Column("freeze", "no changes, such as 2026-12-20..2027-01-03 Christmas; several with |", _freezes),
)

LINE_COLUMNS = (
    Column("branch", "as in branches.csv", needed=True),
    Column("line", "the path's name in the agent's settings", key="name", needed=True),
    Column("isp", "who sells it", needed=True),
    Column("role", "wire, which it is without this column, or cell", _role),
    Column("access", f"one of {', '.join(_ACCESS)}", _choice(_ACCESS)),
    Column("contract", "the ISP's reference"),
    Column("support_phone", "of the ISP"),
    Column("gtr_h", "contractual hours to restore", _number),
    Column("duct", "lines with the same word share a duct or pole"),
    Column("iccid", "of the SIM", group="sim"),
    Column("plan", "of the SIM", group="sim"),
    Column("cap_gb", "data in a month of the SIM", _number, group="sim"),
    Column("cell", "radio cell it usually uses", group="sim"),
)

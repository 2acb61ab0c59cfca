"""An inventory for a terminal of 80 columns. Pure."""

import textwrap
import unicodedata
from collections.abc import Callable, Iterator

from collector.inventory.model import BranchEntry, Inventory, LineEntry

COLUMNS = 80
NAMES_AT_MOST = 5

# what a branch may lack -> whether it does
LACKS: dict[str, Callable[[BranchEntry], bool]] = {
    "lines": lambda branch: not branch.line,
    "coordinates": lambda branch: branch.latitude_deg is None,
    "referent": lambda branch: branch.referent is None,
    "opening hours": lambda branch: not branch.hours,
    "grid area": lambda branch: not branch.power.grid_area,
}


def summary(inventory: Inventory) -> dict[str, object]:
    """Counts, and the branches that lack something, as plain values."""
    return {
        "tenant": inventory.tenant,
        "branches": len(inventory.branch),
        "lines": sum(len(branch.line) for branch in inventory.branch),
        "without": {
            what: names
            for what, lacks in LACKS.items()
            if (names := [branch.name for branch in inventory.branch if lacks(branch)])
        },
    }


def draw_summary(inventory: Inventory) -> list[str]:
    """The summary as lines."""
    told = summary(inventory)
    lines = [f"{told['tenant']}: {_count(len(inventory.branch), 'branch')}, {_count(told['lines'], 'line')}"]
    for what, lacks in LACKS.items():
        names = [branch.name for branch in inventory.branch if lacks(branch)]
        if names:
            more = f" and {len(names) - NAMES_AT_MOST} more" if len(names) > NAMES_AT_MOST else ""
            lines += _wrapped(f"without {what}: {', '.join(names[:NAMES_AT_MOST])}{more}")
    return lines


def draw_all(inventory: Inventory) -> list[str]:
    """Every branch as one line, then the summary."""
    lines = [_row("BRANCH", "TITLE", "REGION", "LINES", "REFERENT")] if inventory.branch else []
    lines += [
        _row(
            branch.name,
            branch.title,
            branch.region,
            str(len(branch.line)),
            branch.referent.phone if branch.referent else "-",
        )
        for branch in inventory.branch
    ]
    return [*lines, *draw_summary(inventory)]


def draw_branch(branch: BranchEntry) -> list[str]:
    """All that is known of one branch."""
    lines = _wrapped(f"{branch.name}: {branch.label}" if branch.title else branch.name)
    for what, value in _facts(branch):
        lines += _wrapped(f"  {what:12} {value}", indent=15)
    for each in branch.line:
        lines += _wrapped(f"  line         {_line(each)}", indent=15)
    return lines


def _facts(branch: BranchEntry) -> Iterator[tuple[str, str]]:
    place = "" if branch.latitude_deg is None else f"{branch.latitude_deg}, {branch.longitude_deg}"
    referent = branch.referent and f"{branch.referent.name} {branch.referent.phone} {branch.referent.note}"
    marks = [word for word, given in (("critical", branch.critical), ("simulated", branch.simulated)) if given]
    facts = {
        "marked": ", ".join(marks),
        "region": branch.region,
        "address": branch.address,
        "coordinates": place,
        "time zone": branch.timezone,
        "flood zone": branch.flood_zone,
        "referent": referent or "nobody",
        "ups": branch.power.ups,
        "grid area": branch.power.grid_area,
    }
    yield from ((what, value) for what, value in facts.items() if value)
    for hours in branch.hours:
        yield f"open {hours.day}", f"{hours.open} to {hours.close}, {_count(hours.people, 'person')}"
    for freeze in branch.freeze:
        yield "no changes", f"{freeze.first} to {freeze.last} {freeze.why}"


def _line(line: LineEntry) -> str:
    sim = line.sim
    facts = {
        "": f"{line.isp}, {line.role.value}, {line.access}",
        "contract": line.contract,
        "support": line.support_phone,
        "restored within": f"{line.gtr_h:g} h" if line.gtr_h else "",
        "duct": line.duct,
        "SIM": sim.iccid,
        "plan": sim.plan,
        "cap": f"{sim.cap_gb:g} GB" if sim.cap_gb else "",
        "radio cell": sim.cell,
    }
    return f"{line.name}: " + ", ".join(f"{what} {value}".strip() for what, value in facts.items() if value)


def _count(number: object, what: str) -> str:
    many = {"branch": "branches", "person": "people"}.get(what, what + "s")
    return f"{number} {what if number == 1 else many}"


def _row(name: str, title: str, region: str, lines: str, phone: str) -> str:
    return f"{_cut(name, 18)} {_cut(title, 22)} {_cut(region, 14)} {lines:>5} {_cut(phone, 17)}".rstrip()


def _cut(text: str, columns: int) -> str:
    """Exactly so many columns; letters of East Asia take two."""
    if _columns(text) > columns:
        while _columns(text) > columns - 1:
            text = text[:-1]
        text += "~"
    return text + " " * (columns - _columns(text))


def _columns(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def _wrapped(line: str, indent: int = 4) -> list[str]:
    wide = COLUMNS // 2 if _columns(line) > len(line) else COLUMNS
    return textwrap.wrap(line, wide, subsequent_indent=" " * indent, break_on_hyphens=False, drop_whitespace=True)

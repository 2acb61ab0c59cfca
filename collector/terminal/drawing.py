"""Lines for a terminal, 80 columns wide where nobody says more. Pure: a picture in, text out."""

import textwrap
from collections import Counter
from datetime import UTC, datetime

from collector.branch_file import BranchRow
from collector.incidents.model import Entry, Incident
from collector.inventory.places import Places
from collector.terminal.picture import Picture
from collector.words import incident_words
from wire.messages import BranchState

COLUMNS = 80
MIN_COLUMNS, MAX_COLUMNS = 40, 200
WORST_FIRST = (
    BranchState.ISOLATED,
    BranchState.ON_5G,
    BranchState.DEGRADED,
    BranchState.UNKNOWN,
    BranchState.OK,
)
_RANK = {state.name: rank for rank, state in enumerate(WORST_FIRST)}
_UNITS: tuple[tuple[float, str], ...] = ((86_400.0, "d"), (3_600.0, "h"), (60.0, "min"))


def span(seconds: float) -> str:
    """At most six characters: `43s`, `12min`, `5h`, `9d`."""
    for size, unit in _UNITS:
        if seconds >= 2 * size:
            return f"{seconds / size:.0f}{unit}"
    return f"{max(0.0, seconds):.0f}s"


def status_lines(
    picture: Picture, places: Places, language: str, *, most: int = 15, columns: int = COLUMNS
) -> list[str]:
    """The fleet: counts, what is wrong worst first, open incidents. `most` bounds each list."""
    rows = picture.table.branches
    counts = Counter(row.state for row in rows)
    told = ", ".join(f"{counts[state.name]} {state.name}" for state in WORST_FIRST if counts[state.name])
    lines = [f"! {picture.trouble}"] if picture.trouble else []
    lines.append(f"{_many(len(rows), 'branch', 'branches')}: {told or 'none was heard of yet'}")
    wrong = sorted((row for row in rows if row.state != "OK"), key=lambda row: (_RANK[row.state], -row.since_s))
    lines += [_branch_line(row, picture.table.written_s, columns) for row in wrong[:most]]
    lines += [f"  and {len(wrong) - most} more: branchline collector branches"] * (len(wrong) > most)
    count = len(picture.incidents)
    lines.append(_many(count, "open incident", "open incidents") if count else "no open incident")
    now_s = picture.table.written_s
    for each in picture.incidents[:most]:
        lines += incident_lines(each, places, language, now_s, columns=columns)
    lines += [f"  and {count - most} more: branchline incidents"] * (count > most)
    return [_cut(line, columns) for line in lines]


def incident_lines(
    incident: Incident, places: Places, language: str, now_s: float, *, columns: int = COLUMNS
) -> list[str]:
    """Two lines: what, and who has it."""
    who = incident.acknowledgement.by if incident.acknowledgement else "nobody has it"
    end_s = incident.resolved_s or now_s
    title = incident_words.title(language, incident, places)
    cause = incident_words.cause_name(language, incident.cause)
    return [
        _cut(f"  {incident.severity.value.upper():4} {title}", columns),
        _cut(
            f"       {incident.id} {incident.phase.value} {span(end_s - incident.started_s)}, {cause}, {who}", columns
        ),
    ]


def story_lines(
    found: tuple[Incident, list[Entry]], places: Places, language: str, now_s: float, *, columns: int = COLUMNS
) -> list[str]:
    """One incident whole: what, why, what happened."""
    incident, entries = found
    lines = incident_lines(incident, places, language, now_s, columns=MAX_COLUMNS)
    lines.append(f"  confidence {incident.confidence:.0%}, because:")
    called = incident_words.naming(places, incident.tenant)
    lines += [f"    {incident_words.evidence_text(language, each, called)}" for each in incident.evidence]
    lines.append("  what happened (UTC):")
    lines += [f"    {_clock(each.at_s)}  {incident_words.entry_text(language, each, called)}" for each in entries]
    return [part for line in lines for part in _folded(line, columns)]


def _many(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"


def _branch_line(row: BranchRow, now_s: float, columns: int) -> str:
    name = f"{row.tenant}/{row.branch}"
    paths = " ".join(f"{path}={state}" for path, state in row.paths.items() if state != "UP")
    active = f"on {row.active}" if row.active else ""
    width = min(max(12, columns - 50), 63)
    return f"  {row.state:9} {name[:width]:{width}} {span(now_s - row.since_s):>6}  {active} {paths}".rstrip()


def _clock(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime("%m-%d %H:%M:%S")


def _cut(line: str, columns: int) -> str:
    return line if len(line) <= columns else line[: columns - 1] + "~"


def _folded(line: str, columns: int) -> list[str]:
    indent = " " * (len(line) - len(line.lstrip()) + 2)
    return textwrap.wrap(line, columns, subsequent_indent=indent, drop_whitespace=True) or [""]

"""Lines for a terminal of 80 columns. Pure: a picture in, text out."""

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


def status_lines(picture: Picture, places: Places, language: str, most: int = 15) -> list[str]:
    """The fleet: counts, what is wrong worst first, open incidents. `most` bounds each list."""
    rows = picture.table.branches
    counts = Counter(row.state for row in rows)
    told = ", ".join(f"{counts[state.name]} {state.name}" for state in WORST_FIRST if counts[state.name])
    lines = [_cut(f"{len(rows)} branches: {told or 'none was heard of yet'}")]
    if picture.trouble:
        lines.insert(0, _cut(f"! {picture.trouble}"))
    wrong = sorted((row for row in rows if row.state != "OK"), key=lambda row: (_RANK[row.state], -row.since_s))
    lines += [_branch_line(row, picture.table.written_s) for row in wrong[:most]]
    lines += [f"  and {len(wrong) - most} more: branchline collector branches"] * (len(wrong) > most)
    lines.append(f"{len(picture.incidents)} open incidents" if picture.incidents else "no open incident")
    now_s = picture.table.written_s
    for each in picture.incidents[:most]:
        lines += incident_lines(each, places, language, now_s)
    lines += [f"  and {len(picture.incidents) - most} more: branchline incidents"] * (len(picture.incidents) > most)
    return lines


def incident_lines(incident: Incident, places: Places, language: str, now_s: float) -> list[str]:
    """Two lines: what, and who has it."""
    who = incident.acknowledgement.by if incident.acknowledgement else "nobody has it"
    end_s = incident.resolved_s or now_s
    title = incident_words.title(language, incident, places)
    cause = incident_words.cause_name(language, incident.cause)
    return [
        _cut(f"  {incident.severity.value.upper():4} {title}"),
        _cut(f"       {incident.id} {incident.phase.value} {span(end_s - incident.started_s)}, {cause}, {who}"),
    ]


def story_lines(incident: Incident, entries: list[Entry], places: Places, language: str, now_s: float) -> list[str]:
    """One incident whole: what, why, what happened."""
    lines = incident_lines(incident, places, language, now_s)
    lines.append(f"  confidence {incident.confidence:.0%}, because:")
    called = incident_words.naming(places, incident.tenant)
    lines += [f"    {incident_words.evidence_text(language, each, called)}" for each in incident.evidence]
    lines.append("  what happened (UTC):")
    lines += [f"    {_clock(each.at_s)}  {incident_words.entry_text(language, each, called)}" for each in entries]
    return [part for line in lines for part in _folded(line)]


def _branch_line(row: BranchRow, now_s: float) -> str:
    name = f"{row.tenant}/{row.branch}"
    paths = " ".join(f"{path}={state}" for path, state in row.paths.items() if state != "UP")
    active = f"on {row.active}" if row.active else ""
    return _cut(f"  {row.state:9} {name[:30]:30} {span(now_s - row.since_s):>6}  {active} {paths}".rstrip())


def _clock(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime("%m-%d %H:%M:%S")


def _cut(line: str) -> str:
    return line if len(line) <= COLUMNS else line[: COLUMNS - 1] + "~"


def _folded(line: str) -> list[str]:
    indent = " " * (len(line) - len(line.lstrip()) + 2)
    return textwrap.wrap(line, COLUMNS, subsequent_indent=indent, drop_whitespace=True) or [""]

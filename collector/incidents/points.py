"""Incidents as points of the database, one for each step, for dashboards. Pure."""

from collections.abc import Iterable

from collector.incidents.model import Entry, EntryKind, Incident, Severity
from collector.inventory.places import Places
from collector.store.lines import Value, point, series
from collector.words.incident_words import title
from wire.fields import INCIDENT_STEPS, IncidentField, Measurement, Tag

_STEPS = {
    EntryKind.OPENED: INCIDENT_STEPS["opened"],
    EntryKind.CHANGED: INCIDENT_STEPS["changed"],
    EntryKind.ACKNOWLEDGED: INCIDENT_STEPS["acknowledged"],
    EntryKind.RESOLVED: INCIDENT_STEPS["resolved"],
}


def incident_points(entries: Iterable[tuple[Incident, Entry]], places: Places) -> list[str]:
    """Lines for the entries that are steps. The resolving one also writes the end onto the point of the opening."""
    lines = []
    for incident, entry in entries:
        if entry.kind not in _STEPS:
            continue
        head = _head(incident)
        duration_s = (incident.resolved_s or entry.at_s) - incident.started_s
        values: tuple[tuple[str, Value], ...] = (
            (IncidentField.ID, incident.id),
            (IncidentField.STEP, _STEPS[entry.kind]),
            (IncidentField.TITLE, title("en", incident, places)),
            (IncidentField.BRANCHES, len(incident.branches)),
            (IncidentField.LINKS, sum(bool(each.line) for each in incident.members)),
            (IncidentField.PAGES, int(incident.severity is Severity.PAGE)),
            (IncidentField.DURATION_S, float(duration_s)),
        )
        lines.append(point(head, values, _stamp_ns(incident, entry.at_s)))
        if entry.kind is EntryKind.RESOLVED:
            until = ((IncidentField.UNTIL_MS, float(round(entry.at_s * 1000))),)
            lines.append(point(head, until, _stamp_ns(incident, incident.opened_s)))
    return lines


def _head(incident: Incident) -> str:
    return series(Measurement.INCIDENT, ((Tag.TENANT, incident.tenant), (Tag.CAUSE, incident.cause)))


def _stamp_ns(incident: Incident, at_s: float) -> int:
    """To the millisecond; the rest is the incident's, so that two of one cause stay two points."""
    return round(at_s * 1000) * 1_000_000 + int.from_bytes(incident.id[-4:].encode(), "big") % 1_000_000

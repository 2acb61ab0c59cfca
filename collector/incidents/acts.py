"""What agents did about an incident, for its timeline. Pure."""

from collections.abc import Iterable, Mapping

from collector.incidents.model import Entry, EntryKind, Incident
from collector.incidents.picture import Picture
from wire.messages import ActOutcome

BEFORE_S = 120.0
MAX_ACTS = 500
"""Of one incident; a storm moves every branch once, and each branch's page has its own."""

Told = set[tuple[str, str, str]]
"""(branch, id of the act, outcome) of each act that a timeline has."""


def new_acts(incident: Incident, picture: Picture, told: Told, now_s: float) -> list[Entry]:
    """Moves of traffic at branches in trouble since shortly before it began, once each; adds them to `told`."""
    entries = []
    for tenant, branch in dict.fromkeys((each.tenant, each.branch) for each in incident.now):
        for act in picture.acts(tenant, branch):
            name = branch, act.id, str(act.outcome)
            at_s = min(act.at_ns / 1e9, now_s)
            if name in told or len(told) >= MAX_ACTS or act.outcome is ActOutcome.APPLIED:
                continue
            if at_s < incident.started_s - BEFORE_S:
                continue
            told.add(name)
            words = {
                "branch": branch,
                "from": act.from_path,
                "to": act.to_path,
                "outcome": str(act.outcome),
                "reason": act.reason,
                "act": act.id,
            }
            entries.append(Entry(at_s, EntryKind.ACT, words))
    return sorted(entries, key=lambda each: each.at_s)


def told_acts(timelines: Mapping[str, Iterable[Entry]]) -> dict[str, Told]:
    """What the timelines of incidents have already."""
    return {
        incident_id: {
            (each.words.get("branch", ""), each.words.get("act", ""), each.words.get("outcome", ""))
            for each in entries
            if each.kind is EntryKind.ACT
        }
        for incident_id, entries in timelines.items()
    }

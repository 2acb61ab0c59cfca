"""From what is wrong now to what changes in the book: phases, timelines, notices. Pure and level-triggered.

Nothing is remembered but the incidents themselves, so it may be killed between any two looks.
"""

from collections.abc import Iterable, Mapping

import msgspec

from collector.incidents.case import CLASSES, Group
from collector.incidents.keys import PIPELINE
from collector.incidents.matching import match
from collector.incidents.members import Knowledge, call_roll, gather
from collector.incidents.model import SEVERITIES, AlertClass, Cause, Entry, EntryKind, Incident, Member, Phase, Severity
from collector.incidents.opening import open_incident
from collector.incidents.settings import IncidentSettings
from collector.incidents.telling import due_s, tell
from collector.notify.model import NoticeEvent

MAX_CLEAR_S = 1800.0
UNLISTED_S = 600.0
UNSTABLE_RELAPSES = 3
MAX_NAMES = 5


class Now(msgspec.Struct, frozen=True):
    """The time of the look, Unix seconds; since when the collector hears the fleet, None: it does not."""

    now_s: float
    hearing_since_s: float | None


class Changes(msgspec.Struct):
    """What is to be written, in one transaction. `merged`: incidents nobody was told of, and which one has them now."""

    incidents: dict[str, Incident] = {}
    entries: list[tuple[str, Entry]] = []
    notices: list[tuple[NoticeEvent, float, Incident]] = []
    merged: list[tuple[str, str]] = []

    def __bool__(self) -> bool:
        return bool(self.incidents or self.merged)


class _Turn(msgspec.Struct):
    """What every step of one look needs; `homes` is the incident of each member in trouble."""

    picture: Knowledge
    now: Now
    settings: IncidentSettings
    changes: Changes
    homes: dict[tuple[str, str, str], str]

    def note(self, incident_id: str, kind: EntryKind, words: dict[str, str]) -> None:
        self.changes.entries.append((incident_id, Entry(self.now.now_s, kind, words)))

    def keep(self, before: Incident | None, incident: Incident) -> None:
        incident, events = tell(before, incident, self.now.now_s, self.settings)
        if incident != before:
            incident = msgspec.structs.replace(incident, changed_s=self.now.now_s)
            self.changes.incidents[incident.id] = incident
            self.changes.notices += [(each, self.now.now_s, incident) for each in events]


def reconcile(
    groups: Iterable[Group],
    incidents: Mapping[str, Incident],
    picture: Knowledge,
    now: Now,
    settings: IncidentSettings,
) -> Changes:
    """One step of every incident that is not resolved.

    While the collector hears nothing, `groups` says only that: no incident gains or loses members.
    """
    found = match(groups, incidents, now.now_s, settings.clear_after)
    homes = {
        _name(member): incident_id
        for incident_id, own in found.groups.items()
        for group in own
        for member in group.members
    }
    turn = _Turn(picture, now, settings, Changes({}, [], [], []), homes)
    for group in found.fresh:
        opened = open_incident(group, incidents.keys() | turn.changes.incidents.keys(), now.now_s)
        words = {"class": str(opened.alert_class), "cause": str(opened.cause), **_names(opened.members)}
        turn.note(opened.id, EntryKind.OPENED, words)
        homes.update((_name(each), opened.id) for each in group.members)
        turn.keep(None, opened)
    for incident in incidents.values():
        step = _expire(turn, incident)
        if incident.key == PIPELINE or now.hearing_since_s is not None:
            step = _rename(turn, step, found.renamed.get(incident.id))
            looked = _look(turn, step, found.groups.get(incident.id, []))
            if looked is None:
                continue
            step = looked
        turn.keep(incident, step)
    merged = {old for old, _ in turn.changes.merged}
    turn.changes.entries = [each for each in turn.changes.entries if each[0] not in merged]
    return turn.changes


def clear_wait_s(incident: Incident, settings: IncidentSettings) -> float:
    """How long everything must stay well: doubled with each relapse, up to half an hour."""
    return max(settings.clear_after, min(MAX_CLEAR_S, settings.clear_after * 2.0 ** min(incident.relapses, 20)))


def _expire(turn: _Turn, incident: Incident) -> Incident:
    held = incident.acknowledgement
    if held is None or turn.now.now_s < held.until_s:
        return incident
    turn.note(incident.id, EntryKind.ACKNOWLEDGED, {"owner": held.by})
    return msgspec.structs.replace(incident, acknowledgement=None)


def _rename(turn: _Turn, incident: Incident, group: Group | None) -> Incident:
    if group is None:
        return incident
    alert_class = AlertClass.CARRIER if group.cause is Cause.ISP else _worse(incident.alert_class, group.alert_class)
    words = {
        "class": str(alert_class),
        "cause": str(group.cause),
        "before_class": str(incident.alert_class),
        "before_cause": str(incident.cause),
    }
    turn.note(incident.id, EntryKind.CHANGED, words)
    return msgspec.structs.replace(
        incident,
        key=group.key,
        cause=group.cause,
        confidence=group.confidence,
        evidence=(),
        alert_class=alert_class,
        severity=SEVERITIES[alert_class],
    )


def _look(turn: _Turn, incident: Incident, groups: list[Group]) -> Incident | None:
    """The incident after its members and its phase were looked at; None when another has taken it over."""
    now, now_s, homes = turn.now, turn.now.now_s, turn.homes
    heard_s = now_s - now.hearing_since_s if now.hearing_since_s is not None else 0.0
    roll = call_roll(incident, groups, homes, turn.picture, now_s, drop_unlisted=heard_s > UNLISTED_S)
    for kind, members in ((EntryKind.JOINED, roll.joined), (EntryKind.LEFT, roll.left)):
        if members:
            turn.note(incident.id, kind, _names(members))
    relapsed = roll.trouble and incident.phase is Phase.RECOVERING
    step = _classify(turn, incident, groups, relapses=incident.relapses + relapsed)
    fields: dict[str, object] = {}
    if roll.members != incident.members:
        fields["members"] = roll.members
    if groups and incident.phase is Phase.MERGING:
        fields["started_s"] = min(incident.started_s, *(each.started_s for each in groups))
    own = [each for each in groups if each.key == incident.key]
    confidence = max([step.confidence, *(each.confidence for each in own)])
    step = msgspec.structs.replace(
        step, members_beyond=roll.beyond, evidence=gather(step.evidence, own), confidence=confidence, **fields
    )
    if relapsed:
        turn.note(incident.id, EntryKind.RELAPSED, {"relapses": str(step.relapses)})
        phase = Phase.MERGING if step.told_s is None else Phase.OPEN
        return msgspec.structs.replace(step, phase=phase, recovering_s=None)
    if roll.trouble:
        return step
    if roll.moved and not roll.left and incident.phase is not Phase.RECOVERING:
        into = homes[_name(roll.moved[0])]
        if step.told_s is None:
            turn.changes.merged.append((incident.id, into))
            return None
        return _resolve(turn, step, {"into": into})
    return _recover(turn, step)


def _classify(turn: _Turn, incident: Incident, groups: list[Group], *, relapses: int) -> Incident:
    alert_class = incident.alert_class
    if incident.cause is not Cause.ISP:
        for group in groups:
            alert_class = _worse(alert_class, group.alert_class)
        if relapses >= UNSTABLE_RELAPSES:
            alert_class = _worse(alert_class, AlertClass.UNSTABLE)
    if alert_class is not incident.alert_class:
        words = {
            "class": str(alert_class),
            "cause": str(incident.cause),
            "before_class": str(incident.alert_class),
            "before_cause": str(incident.cause),
        }
        turn.note(incident.id, EntryKind.CHANGED, words)
    severity = SEVERITIES[alert_class]
    return msgspec.structs.replace(incident, alert_class=alert_class, severity=severity, relapses=relapses)


def _recover(turn: _Turn, incident: Incident) -> Incident:
    now, settings = turn.now, turn.settings
    wait_s = clear_wait_s(incident, settings)
    if incident.phase is not Phase.RECOVERING:
        words = {"wait_s": f"{wait_s:.0f}"}
        turn.note(incident.id, EntryKind.RECOVERING, words)
        return msgspec.structs.replace(incident, phase=Phase.RECOVERING, recovering_s=now.now_s)
    well_since_s = max(incident.recovering_s or 0.0, now.hearing_since_s or now.now_s)
    if now.now_s - well_since_s < wait_s:
        return incident
    if incident.told_s is None and incident.severity is Severity.PAGE and now.now_s < due_s(incident, settings):
        return incident
    return _resolve(turn, incident, {})


def _resolve(turn: _Turn, incident: Incident, words: dict[str, str]) -> Incident:
    turn.note(incident.id, EntryKind.RESOLVED, words)
    return msgspec.structs.replace(incident, phase=Phase.RESOLVED, resolved_s=turn.now.now_s, acknowledgement=None)


def _worse(one: AlertClass, other: AlertClass) -> AlertClass:
    return min(one, other, key=CLASSES.index)


def _names(members: Iterable[Member]) -> dict[str, str]:
    branches = tuple(dict.fromkeys(each.branch for each in members))
    names = ", ".join(branches[:MAX_NAMES]) + (", …" if len(branches) > MAX_NAMES else "")
    return {"count": str(len(branches)), "names": names}


def _name(member: Member) -> tuple[str, str, str]:
    return member.tenant, member.branch, member.line

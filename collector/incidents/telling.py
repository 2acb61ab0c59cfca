"""When people are told, and of what. Pure."""

import msgspec

from collector.incidents.model import Incident, Phase, Severity
from collector.incidents.settings import IncidentSettings
from collector.notify.model import NoticeEvent

TELL_BY_S = 80.0
"""A page leaves so long after the event at the latest, so that it arrives within 90 s."""
MIN_MERGE_S = 5.0


def due_s(incident: Incident, settings: IncidentSettings) -> float:
    """When people are told: after merging; a page early enough that it arrives within 90 s of the event."""
    if incident.severity is not Severity.PAGE:
        return incident.opened_s + settings.merge
    soonest_s = incident.opened_s + min(settings.merge, MIN_MERGE_S)
    return max(soonest_s, min(incident.opened_s + settings.merge, incident.started_s + TELL_BY_S))


def tell(
    before: Incident | None, incident: Incident, now_s: float, settings: IncidentSettings
) -> tuple[Incident, list[NoticeEvent]]:
    """The incident after one step from `before`, and what people are to hear of it."""
    waiting = incident.phase is Phase.MERGING or (
        incident.severity is Severity.PAGE and incident.phase in {Phase.RECOVERING, Phase.RESOLVED}
    )
    event: list[NoticeEvent] = []
    if incident.told_s is None:
        if waiting and incident.severity is not Severity.LOG and now_s >= due_s(incident, settings):
            phase = Phase.OPEN if incident.phase is Phase.MERGING else incident.phase
            incident = msgspec.structs.replace(incident, told_s=now_s, phase=phase)
            event.append(NoticeEvent.TRIGGER)
    elif before is not None and incident.phase is not Phase.RESOLVED and _told_more(before, incident):
        event.append(NoticeEvent.UPDATE)
    if incident.phase is Phase.RESOLVED and incident.told_s is not None:
        event.append(NoticeEvent.RESOLVE)
    return incident, event


def _told_more(before: Incident, after: Incident) -> bool:
    """Whether those who were told must hear more: another cause, or worse than before and worth waking somebody."""
    worse = after.severity is Severity.PAGE and after.alert_class is not before.alert_class
    return after.cause is not before.cause or worse

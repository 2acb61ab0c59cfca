"""Flood, by place: wires that die in a zone where a sensor is wet. Consistent with flooding, not proved."""

from collector.incidents.case import Case
from collector.incidents.causes.flood import BEFORE_S, flood_key, wet_sensors
from collector.incidents.evidence import EvidenceCode, evidence
from collector.incidents.model import Cause
from collector.incidents.sites import Site, Symptom, Trouble
from wire.messages import Role

CONSISTENT = 0.7


def claim(case: Case) -> None:
    """Take the wires of a wet zone that no better proof explains."""
    zones = case.by_place({key: site.place.flood_zone for key, site in case.sites.items()})
    for (tenant, zone), sites in zones.items():
        wet = [each for site in sites for each in wet_sensors(site)]
        if not wet:
            continue
        since_s = min(each.since_s for each in wet)
        draft = case.draft(flood_key(sites[0]), tenant, Cause.FLOOD)
        count = sum(case.take(draft, _fitting(case, site, since_s)) for site in sites)
        if count:
            draft.confidence = min(draft.confidence, CONSISTENT)
            draft.say(evidence(EvidenceCode.LINES_DIED_IN_ZONE, since_s, zone=zone, count=count))


def _fitting(case: Case, site: Site, since_s: float) -> list[Symptom]:
    """Its dead wires, and its silence when it came in the same time."""
    free = case.free(site, Trouble.LINE_DOWN, Trouble.ISOLATED)
    return [each for each in free if each.role is not Role.CELL and each.since_s >= since_s - BEFORE_S]

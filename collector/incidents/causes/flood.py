"""Flood, by a water sensor in alarm: what dies at that branch from half an hour before it belongs to it."""

from collector.incidents.case import Case
from collector.incidents.evidence import EvidenceCode, evidence
from collector.incidents.keys import place_key
from collector.incidents.model import Cause
from collector.incidents.sites import Sensor, Site, Trouble
from wire.messages import SensorKind, SensorState

BEFORE_S = 1800.0
"""Ducts and cabinets stand lower than sensors."""
SENSOR = 0.9


def wet_sensors(site: Site) -> list[Sensor]:
    """Its flood sensors in alarm; a disconnected one says nothing."""
    return [each for each in site.sensors if each.kind is SensorKind.FLOOD and each.state is SensorState.ALARM]


def flood_key(site: Site) -> str:
    """By flood zone where the inventory names it."""
    zone = site.place.flood_zone
    kind, name = ("zone", zone) if zone else ("branch", site.branch)
    return place_key(Cause.FLOOD, site.tenant, kind, name)


def claim(case: Case) -> None:
    """Take what water explains at the branches where it was measured."""
    for site in case.sites.values():
        wet = wet_sensors(site)
        if not wet:
            continue
        draft = case.draft(flood_key(site), site.tenant, Cause.FLOOD)
        draft.confidence = SENSOR
        for each in wet:
            draft.say(evidence(EvidenceCode.WATER_SENSOR, each.since_s, branch=site.branch, sensor=each.name))
        since_s = min(each.since_s for each in wet)
        case.take(draft, case.free(site, Trouble.WATER))
        own = case.free(site, Trouble.LINE_DOWN, Trouble.ISOLATED, Trouble.ON_5G, Trouble.FAILOVER_FAILED)
        case.take(draft, [each for each in own if each.since_s >= since_s - BEFORE_S])

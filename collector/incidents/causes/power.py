"""Power: lost mains are proved by two signs that agree; what dies there then, died of it.

Signs: a device on battery or without power; its input below 50 V; a mains relay; a second device; another branch of the
same grid area that lost mains within two minutes. A branch that fell silent in an area with two proved losses belongs
to them.
"""

from itertools import pairwise

import msgspec

from collector.incidents.case import Case
from collector.incidents.evidence import EvidenceCode, evidence
from collector.incidents.keys import place_key
from collector.incidents.model import Cause, Evidence
from collector.incidents.sites import NO_VOLTS, Site, Symptom, Trouble
from wire.messages import PowerSource, SensorKind, SensorState

TOGETHER_S = 120.0
BEFORE_S = 15.0
"""A UPS is read now and then: a line may be seen dead so long before its branch's mains is."""
SILENT_S = 300.0
PROVED, DISPUTED = 0.95, 0.75


class Signs(msgspec.Struct, frozen=True):
    """What one branch says of its mains."""

    since_s: float
    signs: tuple[Evidence, ...]
    against: tuple[Evidence, ...]


def read_signs(site: Site) -> Signs | None:
    """Signs of lost mains at one branch; None without any."""
    signs: list[Evidence] = []
    against: list[Evidence] = []
    since_s: list[float] = []
    for device in site.devices:
        words = {"branch": site.branch, "device": device.name}
        if device.lost:
            code = EvidenceCode.UPS_ON_BATTERY if not signs else EvidenceCode.SECOND_DEVICE
            if device.source is PowerSource.NONE:
                code = EvidenceCode.SECOND_DEVICE if signs else EvidenceCode.MAINS_RELAY
            signs.append(evidence(code, device.since_s, **words, source=device.source))
            since_s.append(device.since_s)
            if device.input_v is not None and device.input_v < NO_VOLTS:
                signs.append(evidence(EvidenceCode.NO_VOLTAGE, device.since_s, **words, volts=f"{device.input_v:.0f}"))
        elif device.contradicts_itself:
            volts = f"{device.input_v:.0f}"
            against.append(evidence(EvidenceCode.VOLTAGE_FINE, device.since_s, **words, volts=volts))
        elif device.source is PowerSource.MAINS:
            against.append(evidence(EvidenceCode.MAINS_ELSEWHERE, device.since_s, **words))
    for sensor in site.sensors:
        if sensor.kind is SensorKind.MAINS and sensor.state is SensorState.ALARM:
            words = {"branch": site.branch, "device": sensor.name}
            signs.append(evidence(EvidenceCode.MAINS_RELAY, sensor.since_s, **words))
            since_s.append(sensor.since_s)
    return Signs(min(since_s), tuple(signs), tuple(against)) if signs else None


def claim(case: Case) -> None:
    """Take what lost mains explains."""
    signs = {key: told for key, site in case.sites.items() if (told := read_signs(site)) is not None}
    areas = case.by_place({key: case.sites[key].place.power.grid_area for key in signs})
    neighbours: dict[tuple[str, str], list[Evidence]] = {}
    for (_, area), sites in areas.items():
        times = sorted((signs[site.key].since_s, site.key) for site in sites)
        for (first_s, one), (second_s, other) in pairwise(times):
            if second_s - first_s <= TOGETHER_S:
                sign = evidence(EvidenceCode.AREA_WITHOUT_MAINS, first_s, area=area, count=len(sites))
                neighbours[one] = neighbours[other] = [sign]
    proved: dict[tuple[str, str], float] = {}
    for key, told in signs.items():
        area_sign = neighbours.get(key, [])
        if len(told.signs) + len(area_sign) >= 2:
            proved[key] = told.since_s
            _take_branch(case, case.sites[key], told, area_sign)
    for (tenant, area), sites in areas.items():
        lost_s = [proved[site.key] for site in sites if site.key in proved]
        if len(lost_s) >= 2:
            _take_silent(case, tenant, area, lost_s)


def _take_branch(case: Case, site: Site, told: Signs, area_sign: list[Evidence]) -> None:
    area = site.place.power.grid_area
    kind, name = ("area", area) if area else ("branch", site.branch)
    draft = case.draft(place_key(Cause.POWER, site.tenant, kind, name), site.tenant, Cause.POWER)
    draft.confidence = max(draft.confidence, DISPUTED if told.against else PROVED)
    draft.say(*area_sign, *told.signs, *told.against)
    case.take(draft, case.free(site, Trouble.ON_BATTERY))
    count = case.take(draft, _after(case.free(site, Trouble.LINE_DOWN), told.since_s - BEFORE_S))
    if count:
        draft.say(evidence(EvidenceCode.LINES_DIED_AFTER_MAINS, told.since_s, branch=site.branch, count=count))
    own = case.free(site, Trouble.ISOLATED, Trouble.ON_5G, Trouble.FAILOVER_FAILED)
    case.take(draft, _after(own, told.since_s - BEFORE_S))


def _take_silent(case: Case, tenant: str, area: str, lost_s: list[float]) -> None:
    draft = case.draft(place_key(Cause.POWER, tenant, "area", area), tenant, Cause.POWER)
    for site in case.sites.values():
        if site.tenant != tenant or site.place.power.grid_area != area:
            continue
        silent = case.free(site, Trouble.ISOLATED)
        if silent and any(abs(silent[0].since_s - each) <= SILENT_S for each in lost_s):
            case.take(draft, silent)
            case.take(draft, _after(case.free(site, Trouble.LINE_DOWN), min(lost_s) - BEFORE_S))
            draft.say(evidence(EvidenceCode.SILENT_IN_AREA, silent[0].since_s, branch=site.branch, area=area))


def _after(symptoms: list[Symptom], since_s: float) -> list[Symptom]:
    return [each for each in symptoms if each.since_s >= since_s]

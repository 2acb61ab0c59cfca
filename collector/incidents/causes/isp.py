"""ISP: its lines die together at many branches, and they are a good share of what it has in a region.

Lines with a proved cause do not count, nor do lines in a zone where water was measured: those would be the flood's. A
silent branch counts as a dead line only when this ISP sells every line of it.
"""

from collections import Counter

from collector.incidents.case import Case
from collector.incidents.causes.flood import wet_sensors
from collector.incidents.evidence import EvidenceCode, evidence
from collector.incidents.keys import isp_key
from collector.incidents.model import Cause
from collector.incidents.sites import Symptom, Trouble

GAP_S = 120.0
"""Losses further apart than this are two events."""
LATE_S, JOINS_S = 300.0, 1800.0
"""An outage that is known has every line that died from so long before to so long after its beginning, however few are
left: less would rename the rest of it."""
MANY_REGIONS = 3


def claim(case: Case) -> None:
    """Take what an outage of an ISP explains."""
    dead, proved = _dead(case)
    wet = {(site.tenant, site.place.flood_zone) for site in case.sites.values() if wet_sensors(site)}
    for (tenant, isp), symptoms in dead.items():
        known_s = case.settled.get(isp_key(tenant, isp))
        known = [] if known_s is None else [each for each in symptoms if -LATE_S <= each.since_s - known_s <= JOINS_S]
        if _counting(case, known, wet):
            _take(case, tenant, isp, known, proved[tenant, isp])
        for burst in _bursts([each for each in symptoms if not case.taken(each)]):
            if _outage(case, tenant, isp, _counting(case, burst, wet)):
                _take(case, tenant, isp, burst, proved[tenant, isp])


def _counting(case: Case, symptoms: list[Symptom], wet: set[tuple[str, str]]) -> list[Symptom]:
    """Those outside of zones where water was measured."""
    zones = {each.branch: case.sites[each.tenant, each.branch].place.flood_zone for each in symptoms}
    return [each for each in symptoms if not zones[each.branch] or (each.tenant, zones[each.branch]) not in wet]


def _dead(case: Case) -> tuple[dict[tuple[str, str], list[Symptom]], Counter[tuple[str, str]]]:
    """Dead lines nobody has by (tenant, ISP), and how many have a proved cause."""
    dead: dict[tuple[str, str], list[Symptom]] = {}
    proved: Counter[tuple[str, str]] = Counter()
    for site in case.sites.values():
        lines = site.of(Trouble.LINE_DOWN)
        free = case.free(site, Trouble.LINE_DOWN)
        for each in lines:
            if each.isp and each in free:
                dead.setdefault((site.tenant, each.isp), []).append(each)
            elif each.isp:
                proved[site.tenant, each.isp] += 1
        sellers = {isp for isp, _ in site.lines.values()}
        if len(sellers) == 1 and not lines and (isp := next(iter(sellers))):
            for each in case.free(site, Trouble.ISOLATED):
                dead.setdefault((site.tenant, isp), []).append(each)
    return dead, proved


def _bursts(symptoms: list[Symptom]) -> list[list[Symptom]]:
    """Losses that follow each other closely."""
    bursts: list[list[Symptom]] = []
    for each in sorted(symptoms, key=lambda each: each.since_s):
        if bursts and each.since_s - bursts[-1][-1].since_s <= GAP_S:
            bursts[-1].append(each)
        else:
            bursts.append([each])
    return bursts


def _outage(case: Case, tenant: str, isp: str, counting: list[Symptom]) -> bool:
    """Whether they are enough, overall or in the regions where the share is reached."""
    settings = case.settings
    if len({each.branch for each in counting}) < settings.carrier_branches:
        return False
    down = Counter(case.sites[tenant, each.branch].place.region for each in counting)
    if sum(down.values()) >= settings.carrier_share * sum(case.picture.census[tenant, isp, each] for each in down):
        return True
    struck = {each for each in down if down[each] >= settings.carrier_share * case.picture.census[tenant, isp, each]}
    branches = {each.branch for each in counting if case.sites[tenant, each.branch].place.region in struck}
    return len(branches) >= settings.carrier_branches


def _take(case: Case, tenant: str, isp: str, burst: list[Symptom], excluded: int) -> None:
    draft = case.draft(isp_key(tenant, isp), tenant, Cause.ISP)
    case.take(draft, burst)
    since_s = min(each.since_s for each in burst)
    regions = Counter(case.sites[tenant, each.branch].place.region for each in burst)
    total = sum(case.picture.census[tenant, isp, each] for each in regions)
    branches = len({each.branch for each in burst})
    share = len(burst) / max(total, len(burst))
    draft.confidence = max(draft.confidence, 0.6 + 0.3 * share)
    words = {"isp": isp, "down": len(burst), "total": max(total, len(burst)), "branches": branches}
    draft.say(evidence(EvidenceCode.CARRIER_LINES, since_s, **words))
    if named := [name for name, _ in regions.most_common(MANY_REGIONS) if name]:
        draft.say(evidence(EvidenceCode.CARRIER_REGIONS, since_s, isp=isp, regions=", ".join(named)))
    if excluded:
        draft.say(evidence(EvidenceCode.CARRIER_EXCLUDED, since_s, isp=isp, count=excluded))

"""Anchors: a probe target that answers nobody. The lines are fine, and are not judged by it."""

from collector.incidents.case import Case
from collector.incidents.evidence import EvidenceCode, evidence
from collector.incidents.keys import anchor_key
from collector.incidents.model import Cause
from collector.incidents.sites import Symptom, Trouble

MIN_BRANCHES, MIN_ISPS = 3, 2
CONFIDENCE = 0.85


def claim(case: Case) -> None:
    """Take silent anchors that are seen from enough sides; one that a single branch misses is no incident."""
    silent: dict[tuple[str, str], list[Symptom]] = {}
    for site in case.sites.values():
        for each in case.free(site, Trouble.ANCHOR_SILENT):
            silent.setdefault((site.tenant, each.anchor), []).append(each)
    for (tenant, anchor), symptoms in silent.items():
        sites = [case.sites[tenant, each.branch] for each in symptoms]
        isps = {site.lines[line][0] for site in sites for line in site.working} - {""}
        if len(sites) < MIN_BRANCHES or len(isps) < MIN_ISPS:
            continue
        draft = case.draft(anchor_key(tenant, anchor), tenant, Cause.ANCHOR)
        draft.confidence = CONFIDENCE
        since_s = min(each.since_s for each in symptoms)
        words = {"anchor": anchor, "branches": len(sites), "isps": len(isps)}
        draft.say(evidence(EvidenceCode.ANCHOR_SILENT, since_s, **words))
        case.take(draft, symptoms)

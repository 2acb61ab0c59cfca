"""Unknown: all that is left. An answer, with the little that was seen; never a guess."""

from collector.incidents.case import Case
from collector.incidents.causes.power import read_signs
from collector.incidents.evidence import EvidenceCode, evidence
from collector.incidents.keys import place_key
from collector.incidents.model import Cause, Evidence
from collector.incidents.sites import Site, Trouble
from wire.messages import SensorKind, SensorState

CONFIDENCE = 0.2


def claim(case: Case) -> None:
    """Take what no rule explained, branch by branch."""
    for site in case.sites.values():
        left = case.free(site, *(each for each in Trouble if each is not Trouble.ANCHOR_SILENT))
        if not left:
            continue
        draft = case.draft(place_key(Cause.UNKNOWN, site.tenant, "branch", site.branch), site.tenant, Cause.UNKNOWN)
        draft.confidence = CONFIDENCE
        case.take(draft, left)
        since_s = min(each.since_s for each in left)
        draft.say(*(_partial(site, since_s) or [evidence(EvidenceCode.NO_EVIDENCE, since_s, branch=site.branch)]))


def _partial(site: Site, at_s: float) -> list[Evidence]:
    """Signs too weak for proof, and sensors that say nothing."""
    found: list[Evidence] = []
    if (signs := read_signs(site)) is not None:
        found += [*signs.signs, *signs.against]
        if len(signs.signs) == 1:
            found.append(evidence(EvidenceCode.ONE_SIGN, signs.since_s, branch=site.branch))
    else:
        volts = {"branch": site.branch}
        found += [
            evidence(EvidenceCode.VOLTAGE_FINE, each.since_s, device=each.name, volts=f"{each.input_v:.0f}", **volts)
            for each in site.devices
            if each.contradicts_itself
        ]
    found += [
        evidence(EvidenceCode.WATER_NO_EVIDENCE, at_s, branch=site.branch, sensor=each.name, sensor_state=each.state)
        for each in site.sensors
        if each.kind is SensorKind.FLOOD and each.state in {SensorState.DISCONNECTED, SensorState.UNKNOWN}
    ]
    return found

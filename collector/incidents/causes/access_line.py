"""Access line: one wire of a branch is dead, another wire or 5G carries on, and nothing bigger explains it."""

from collector.incidents.case import Case
from collector.incidents.evidence import EvidenceCode, evidence
from collector.incidents.keys import line_key
from collector.incidents.model import Cause
from collector.incidents.sites import Trouble
from wire.messages import Role

CONFIDENCE = 0.5


def claim(case: Case) -> None:
    """Take single dead wires. Two at once have more in common than their access."""
    case.follow()
    for site in case.sites.values():
        lines = case.free(site, Trouble.LINE_DOWN)
        if len(lines) != 1 or len(site.of(Trouble.LINE_DOWN)) != 1 or site.of(Trouble.ISOLATED):
            continue
        (dead,) = lines
        others = [name for name in site.working if name != dead.line]
        if dead.role is Role.CELL or not others:
            continue
        draft = case.draft(line_key(site.tenant, site.branch, dead.line), site.tenant, Cause.ACCESS_LINE)
        draft.confidence = CONFIDENCE
        words = {"branch": site.branch, "line": dead.line, "other": others[0]}
        draft.say(evidence(EvidenceCode.OTHER_LINE_WORKS, dead.since_s, **words))
        case.take(draft, [dead, *case.free(site, Trouble.ON_5G, Trouble.FAILOVER_FAILED)])

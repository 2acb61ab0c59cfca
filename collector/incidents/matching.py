"""Which open incident a group of symptoms belongs to: by key, else by the members they share. Pure.

A cause may become another while an incident lasts: a better proof of the same event renames it; weaker guesses about
what is left of it (mains are back, a last line is not) do not.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

from collector.incidents.case import Group
from collector.incidents.model import Cause, Incident, Member, Phase

SAME_EVENT_S = 600.0
WEAK = frozenset({Cause.ACCESS_LINE, Cause.UNKNOWN})
PROOF = {cause: rank for rank, cause in enumerate((Cause.POWER, Cause.FLOOD, Cause.ISP, Cause.ANCHOR))}
"""The best first; weak causes have none."""

Name = tuple[str, str, str]


class Matches:
    """The result: groups by incident id, the group that renames an incident, groups that open a new one."""

    def __init__(self) -> None:
        self.groups: dict[str, list[Group]] = {}
        self.renamed: dict[str, Group] = {}
        self.fresh: list[Group] = []


def match(groups: Iterable[Group], incidents: Mapping[str, Incident], now_s: float, recent_s: float) -> Matches:
    """Give each group its incident. Members that recovered no longer than `recent_s` ago still count as shared."""
    found = Matches()
    keys = {each.key: each.id for each in incidents.values()}
    left = []
    for group in groups:
        if group.key in keys:
            found.groups.setdefault(keys[group.key], []).append(group)
        else:
            left.append(group)
    homes, sizes = _homes(incidents, now_s, recent_s)
    left.sort(key=lambda each: (each.cause not in WEAK, each.confidence, len(each.members)), reverse=True)
    for group in left:
        shared = Counter(homes[name] for each in group.members if (name := _name(each)) in homes)
        for incident_id, count in shared.most_common():
            incident = incidents[incident_id]
            free = incident_id not in found.groups
            if free and _renames(group, incident, count, sizes[incident_id]):
                found.renamed[incident_id] = group
            elif not _belongs(group, incident, count, sizes[incident_id]):
                continue
            found.groups.setdefault(incident_id, []).append(group)
            break
        else:
            found.fresh.append(group)
    return found


def _renames(group: Group, incident: Incident, shared: int, size: int) -> bool:
    """Whether the group is a better explanation of the same event."""
    if 2 * shared < size or abs(group.started_s - incident.started_s) > SAME_EVENT_S:
        return False
    if group.cause in WEAK:
        return incident.cause is Cause.ACCESS_LINE and group.cause is Cause.UNKNOWN
    return incident.phase is Phase.MERGING or _better(group, incident)


def _better(group: Group, incident: Incident) -> bool:
    return PROOF.get(group.cause, len(PROOF)) < PROOF.get(incident.cause, len(PROOF))


def _belongs(group: Group, incident: Incident, shared: int, size: int) -> bool:
    """Whether the group is only what is left of the incident, or more of the same at one branch."""
    if _better(group, incident):
        return False
    both_weak = group.cause in WEAK and incident.cause in WEAK
    return 2 * shared >= len(group.members) or (both_weak and 2 * shared >= size)


def _homes(incidents: Mapping[str, Incident], now_s: float, recent_s: float) -> tuple[dict[Name, str], Counter[str]]:
    """In which incident each member is, and how many members each incident has now."""
    homes: dict[Name, str] = {}
    sizes: Counter[str] = Counter()
    for incident in sorted(incidents.values(), key=lambda each: each.opened_s):
        recovering = incident.phase is Phase.RECOVERING
        for each in incident.members:
            if each.until_s is None or recovering or now_s - each.until_s <= recent_s:
                if each.until_s is None or _name(each) not in homes:
                    homes[_name(each)] = incident.id
                sizes[incident.id] += 1
    return homes, sizes


def _name(member: Member) -> Name:
    return member.tenant, member.branch, member.line

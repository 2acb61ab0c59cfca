"""Groups of symptoms with one cause, while they are being found. Each symptom goes to exactly one group."""

from collections.abc import Iterable, Mapping

import msgspec

from collector.incidents.model import AlertClass, Cause, Evidence, Member
from collector.incidents.picture import BranchName, Picture
from collector.incidents.settings import IncidentSettings
from collector.incidents.sites import Site, Symptom, Trouble

MAX_EVIDENCE = 20

_WORST_FIRST = [str(each) for each in Trouble]
_CLASSES = {
    Trouble.ISOLATED: AlertClass.ISOLATED,
    Trouble.FAILOVER_FAILED: AlertClass.FAILOVER_FAILED,
    Trouble.ON_5G: AlertClass.ON_5G,
    Trouble.LINE_DOWN: AlertClass.LINE_DOWN,
    Trouble.ON_BATTERY: AlertClass.POWER_LOST,
    Trouble.WATER: AlertClass.WATER,
    Trouble.ANCHOR_SILENT: AlertClass.ANCHORS,
}
CLASSES = list(AlertClass)
"""Worst first."""


class Group(msgspec.Struct, frozen=True):
    """Symptoms that one cause explains."""

    key: str
    tenant: str
    cause: Cause
    confidence: float
    alert_class: AlertClass
    members: tuple[Member, ...]
    evidence: tuple[Evidence, ...]
    started_s: float


class Draft:
    """A group while symptoms are added. One member for each branch and each line, with the worst of its states."""

    def __init__(self, key: str, tenant: str, cause: Cause) -> None:
        self.key, self.tenant, self.cause = key, tenant, cause
        self.confidence = 0.0
        self.members: dict[tuple[str, str, str], Member] = {}
        self.evidence: dict[tuple[str, ...], Evidence] = {}

    def add(self, symptom: Symptom) -> None:
        """Add one symptom."""
        name = symptom.tenant, symptom.branch, symptom.line
        member = Member(*name, str(symptom.trouble), symptom.isp, symptom.since_s)
        known = self.members.get(name)
        if known is None or _WORST_FIRST.index(member.state) < _WORST_FIRST.index(known.state):
            self.members[name] = member

    def say(self, *evidence: Evidence) -> None:
        """Add evidence, each code and subject once, up to the limit."""
        for each in evidence:
            if len(self.evidence) < MAX_EVIDENCE:
                self.evidence.setdefault(subject(each), each)

    def group(self) -> Group:
        """What was found."""
        members = tuple(self.members.values())
        classes = {_CLASSES[Trouble(each.state)] for each in members}
        worst = min(classes, key=CLASSES.index)
        return Group(
            self.key,
            self.tenant,
            self.cause,
            round(self.confidence, 2),
            AlertClass.CARRIER if self.cause is Cause.ISP else worst,
            members,
            tuple(self.evidence.values()),
            min(each.since_s for each in members),
        )


class Case:
    """All that is to be explained. Rules in `causes/` take symptoms out of it, the best proof first.

    `settled` is when each incident began that is past merging and not resolved, by key.
    """

    def __init__(self, picture: Picture, settled: Mapping[str, float], settings: IncidentSettings) -> None:
        self.picture = picture
        self.sites = picture.sites
        self.settled = settled
        self.settings = settings
        self._drafts: dict[str, Draft] = {}
        self._owner: dict[Symptom, Draft] = {}

    def draft(self, key: str, tenant: str, cause: Cause) -> Draft:
        """The group of a key."""
        return self._drafts.setdefault(key, Draft(key, tenant, cause))

    def take(self, draft: Draft, symptoms: Iterable[Symptom]) -> int:
        """Give symptoms nobody has to a group; how many there were."""
        count = 0
        for each in symptoms:
            if each not in self._owner:
                self._owner[each] = draft
                draft.add(each)
                count += 1
        return count

    def taken(self, symptom: Symptom) -> bool:
        """Whether a group has it."""
        return symptom in self._owner

    def free(self, site: Site, *troubles: Trouble) -> list[Symptom]:
        """Symptoms of these kinds that no group has yet."""
        return [each for each in site.of(*troubles) if each not in self._owner]

    def owners(self, site: Site) -> dict[str, Draft]:
        """Which group has each of a branch's dead lines that one has, by line."""
        return {each.line: self._owner[each] for each in site.of(Trouble.LINE_DOWN) if each in self._owner}

    def follow(self) -> None:
        """Give the branch's own trouble to the group that has its lines.

        An isolated branch follows only when every wire of it is explained: one that worked died of something else.
        """
        for site in self.sites.values():
            trouble = self.free(site, Trouble.ISOLATED, Trouble.ON_5G, Trouble.FAILOVER_FAILED)
            owners = self.owners(site) if trouble else {}
            if not owners or (site.of(Trouble.ISOLATED) and not site.wires <= owners.keys()):
                continue
            having = list(owners.values())
            self.take(max(having, key=having.count), trouble)

    def groups(self) -> list[Group]:
        """Everything that was taken, and by what."""
        return [each.group() for each in self._drafts.values() if each.members]

    def by_place(self, names: Mapping[BranchName, str]) -> dict[tuple[str, str], list[Site]]:
        """Sites by (tenant, name) of what they share, such as a grid area; an empty name is shared by nobody."""
        together: dict[tuple[str, str], list[Site]] = {}
        for branch, name in names.items():
            if name:
                together.setdefault((branch[0], name), []).append(self.sites[branch])
        return together


_SUBJECTS = ("branch", "device", "sensor", "area", "zone", "isp", "anchor", "line")


def subject(evidence: Evidence) -> tuple[str, ...]:
    """What makes two pieces of evidence the same one, told again with newer figures."""
    return (evidence.code, *(evidence.words.get(name, "") for name in _SUBJECTS))

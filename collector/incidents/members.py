"""Who is in an incident from one look to the next. Pure."""

from collections.abc import Collection, Iterable
from typing import Protocol

import msgspec

from collector.incidents.case import Group, subject
from collector.incidents.model import Evidence, Incident, Member

MAX_MEMBERS = 5000
MAX_EVIDENCE = 40

Name = tuple[str, str, str]


class Knowledge(Protocol):
    """What the fleet's picture knows; `Picture` is one."""

    def known(self, tenant: str, branch: str) -> bool:
        """Whether anything is known of a branch."""

    def listed(self, tenant: str, branch: str) -> bool:
        """Whether it was heard of at all."""

    def line_unknown(self, tenant: str, branch: str, line: str) -> bool:
        """Whether the branch itself does not know how a line is."""


class Roll(msgspec.Struct, frozen=True):
    """The members now, and what happened to them: those who moved are in another incident now."""

    members: tuple[Member, ...]
    beyond: int
    joined: tuple[Member, ...]
    left: tuple[Member, ...]
    moved: tuple[Member, ...]
    trouble: bool


def call_roll(
    incident: Incident,
    groups: Iterable[Group],
    elsewhere: Collection[Name],
    picture: Knowledge,
    now_s: float,
    *,
    drop_unlisted: bool,
) -> Roll:
    """Compare an incident's members with its groups. Who is not in trouble is well only if somebody knows that."""
    groups = tuple(groups)
    current = {_name(each): each for group in groups for each in group.members}
    members: list[Member] = []
    joined: list[Member] = []
    left: list[Member] = []
    moved: list[Member] = []
    for each in incident.members:
        seen = current.pop(_name(each), None)
        if seen is not None:
            back = each.until_s is not None
            told = msgspec.structs.replace(seen, since_s=seen.since_s if back else each.since_s)
            if back:
                joined.append(told)
            members.append(each if told == each else told)
        elif each.until_s is not None or _ignorant(each, picture, drop_unlisted=drop_unlisted):
            members.append(each)
        else:
            gone = msgspec.structs.replace(each, until_s=now_s)
            (moved if _name(each) in elsewhere else left).append(gone)
            members.append(gone)
    joined += current.values()
    members += current.values()
    beyond = 0
    if len(members) > MAX_MEMBERS:
        members.sort(key=lambda each: each.until_s is not None)
        beyond = sum(each.until_s is None for each in members[MAX_MEMBERS:])
        members = members[:MAX_MEMBERS]
    trouble = bool(groups) or any(each.until_s is None for each in members)
    return Roll(tuple(members), beyond, tuple(joined), tuple(left), tuple(moved), trouble)


def gather(before: tuple[Evidence, ...], groups: Iterable[Group]) -> tuple[Evidence, ...]:
    """Evidence so far with what the groups say now; newer figures about the same subject take the place of older."""
    told = {subject(each): each for each in before}
    for group in groups:
        for each in group.evidence:
            if subject(each) in told or len(told) < MAX_EVIDENCE:
                told[subject(each)] = each
    return tuple(told.values())


def _ignorant(member: Member, picture: Knowledge, *, drop_unlisted: bool) -> bool:
    tenant, branch, line = _name(member)
    if not picture.listed(tenant, branch):
        return not drop_unlisted
    return not picture.known(tenant, branch) or bool(line and picture.line_unknown(tenant, branch, line))


def _name(member: Member) -> Name:
    return member.tenant, member.branch, member.line

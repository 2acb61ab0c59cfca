"""What a message is written from: the incident, and everything known around it. Pure."""

import datetime as dt
import zoneinfo
from collections.abc import Iterable, Mapping

import msgspec
from msgspec.structs import force_setattr

from collector.branches import BranchKey
from collector.heard import BranchHeard
from collector.incidents.model import Entry, Incident, Member
from collector.inventory.model import BranchEntry
from collector.inventory.places import Places
from collector.notify.model import NoticeEvent
from collector.words.message_words import plain, say
from wire.messages import BranchState, LinkState

BranchName = tuple[str, str]

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WORK_STARTS, _WORK_ENDS = 8, 18
_WORST = ("ISOLATED", "FAILOVER_FAILED", "ON_5G", "DOWN")
_RANK = {state: rank for rank, state in enumerate(_WORST)}


class Now(msgspec.Struct, frozen=True):
    """One branch as the board shows it."""

    state: BranchState
    heard: BranchHeard


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a message is written from. Times are Unix seconds; `base_url` has no slash at its end.

    Attributes:
        fleet: the branches of the board, of every tenant
        entries: timeline of the incident
        previous: earlier incidents of its first branch, newest first
        members: what the message is about, worst first: what is still in trouble, or all of it when nothing is
        branches: those of `members`, each once
    """

    event: NoticeEvent
    incident: Incident
    places: Places
    language: str
    base_url: str
    now_s: float
    fleet: Mapping[BranchName, Now]
    entries: tuple[Entry, ...] = ()
    previous: tuple[Incident, ...] = ()
    members: tuple[Member, ...] = ()
    branches: tuple[BranchName, ...] = ()

    def __post_init__(self) -> None:
        members = sorted(self.incident.now or self.incident.members, key=lambda each: _RANK.get(each.state, len(_RANK)))
        force_setattr(self, "members", tuple(members))
        force_setattr(self, "branches", tuple(dict.fromkeys((each.tenant, each.branch) for each in members)))

    @property
    def over(self) -> bool:
        """Whether this tells that the incident has ended."""
        return self.event is NoticeEvent.RESOLVE

    @property
    def isolated(self) -> tuple[BranchName, ...]:
        """Branches of which the incident says that they are cut off now."""
        return tuple((each.tenant, each.branch) for each in self.members if each.state == _WORST[0])

    @property
    def place(self) -> BranchEntry:
        """The first branch, whose clock is used; one without a name where there is none."""
        return self.places.branch(*self.branches[0]) if self.branches else BranchEntry(name="")

    @property
    def zone(self) -> dt.tzinfo:
        """Its timezone, UTC where nobody knows it."""
        try:
            return zoneinfo.ZoneInfo(self.place.timezone) if self.branches else dt.UTC
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            return dt.UTC

    @property
    def simulated(self) -> bool:
        """Whether any of its branches is not a real one."""
        return any(self.places.branch(*each).simulated for each in self.incident.branches)

    def say(self, code: str, **values: object) -> str:
        """A sentence of this message's language."""
        return say(self.language, code, **values)

    def label(self, branch: BranchName) -> str:
        """How people name a branch."""
        return plain(self.places.branch(*branch).label, 60)

    def local(self, at_s: float) -> dt.datetime:
        """A time on the branch's clock."""
        return moment(at_s, self.zone)

    def clock(self, at_s: float) -> str:
        """`03:12`, with the day where it is not today's."""
        at, today = self.local(at_s), self.local(self.now_s).date()
        return f"{at:%H:%M}" if at.date() == today else f"{at:%Y-%m-%d %H:%M}"

    def time(self, at_s: float) -> str:
        """`2026-11-22 03:12:08 CET (02:12:08 UTC)`."""
        at = self.local(at_s)
        utc = at.astimezone(dt.UTC)
        return f"{at:%Y-%m-%d %H:%M:%S %Z}" + (f" ({utc:%H:%M:%S} UTC)" if at.utcoffset() else "")

    def span(self, span_s: float | None) -> str:
        """`12 s`, `5 min`, `2 h 05 min`, `3 d 4 h`."""
        if span_s is None:
            return self.say("span.unknown")
        whole_s = max(0, round(span_s))
        if whole_s < 60:
            return f"{whole_s} s"
        minutes, hours = whole_s // 60, whole_s // 3600
        if minutes < 60:
            return f"{minutes} min"
        return f"{hours} h {minutes % 60:02} min" if hours < 48 else f"{hours // 24} d {hours % 24} h"


def moment(at_s: float, zone: dt.tzinfo) -> dt.datetime:
    """A Unix time on a clock; what no calendar has, such as the year 10000, is 1970."""
    try:
        return dt.datetime.fromtimestamp(at_s, zone)
    except (ValueError, OverflowError, OSError):
        return dt.datetime.fromtimestamp(0, zone)


def fleet_of(branches: Iterable[tuple[BranchKey, BranchState, BranchHeard]]) -> dict[BranchName, Now]:
    """The board's agents as branches; of several agents the one heard last."""
    fleet: dict[BranchName, Now] = {}
    for (tenant, branch, _), state, heard in branches:
        known = fleet.get((tenant, branch))
        if known is None or known.heard.heard_s <= heard.heard_s:
            fleet[tenant, branch] = Now(state, heard)
    return fleet


def lines_down_elsewhere(scene: Scene, isp: str) -> int:
    """Lines of an ISP, of the incident's tenant, that are down and not part of this incident."""
    ours = {(each.tenant, each.branch, each.line) for each in scene.incident.members}
    return sum(
        path.isp == isp and path.state is LinkState.DOWN and (*branch, name) not in ours
        for branch, now in scene.fleet.items()
        if branch[0] == scene.incident.tenant
        for name, path in now.heard.paths.items()
    )


def next_work(scene: Scene) -> tuple[float, bool]:
    """When work goes on: the end of this working day (and True), or the start of the next one, Monday to Friday."""
    now = scene.local(scene.now_s)
    if now.weekday() < 5 and _WORK_STARTS <= now.hour < _WORK_ENDS:
        return now.replace(hour=_WORK_ENDS, minute=0, second=0, microsecond=0).timestamp(), True
    day = now if now.hour < _WORK_STARTS else now + dt.timedelta(days=1)
    while day.weekday() >= 5:
        day += dt.timedelta(days=1)
    return day.replace(hour=_WORK_STARTS, minute=0, second=0, microsecond=0).timestamp(), False


def people_at_work(scene: Scene, branch: BranchName) -> int | None:
    """Head-count of a branch that is open now, by its inventory; None: closed, or nobody says."""
    now = scene.local(scene.now_s)
    today, yesterday = _DAYS[now.weekday()], _DAYS[now.weekday() - 1]
    clock = f"{now:%H:%M}"
    for hours in scene.places.branch(*branch).hours:
        over_night = hours.close <= hours.open
        if hours.day == today and hours.open <= clock and (over_night or clock < hours.close):
            return hours.people
        if hours.day == yesterday and over_night and clock < hours.close:
            return hours.people
    return None

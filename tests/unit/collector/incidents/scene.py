"""A fleet that never was, told second by second: what agents would have said, and what the incidents become of it."""

from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from collector.board import BranchNow
from collector.heard import ActHeard, BranchHeard, PathHeard, PowerHeard, SensorHeard
from collector.incidents.case import Group
from collector.incidents.causes import judge, ongoing
from collector.incidents.model import Entry, Incident, Phase
from collector.incidents.picture import Eyes
from collector.incidents.reconcile import Now, reconcile
from collector.incidents.settings import IncidentSettings
from collector.inventory.model import BranchEntry, Inventory, LineEntry, PowerEntry
from collector.inventory.places import Places
from wire.messages import ActKind, ActOutcome, BranchState, LinkState, PowerSource, Role, SensorKind, SensorState

if TYPE_CHECKING:
    from collector.branches import BranchKey
    from collector.notify.model import NoticeEvent

START_S = 1_790_000_000.0
UP, DOWN = LinkState.UP, LinkState.DOWN
OK, ON_5G, ISOLATED, DEGRADED = BranchState.OK, BranchState.ON_5G, BranchState.ISOLATED, BranchState.DEGRADED


def entry(
    name: str, *, area: str = "", zone: str = "", region: str = "", isps: tuple[str, str] = ("Orange", "SFR")
) -> BranchEntry:
    lines = (
        LineEntry(name="isp1", isp=isps[0]),
        LineEntry(name="isp2", isp=isps[1]),
        LineEntry(name="cell", isp="Bouygues", role=Role.CELL),
    )
    return BranchEntry(name=name, region=region, flood_zone=zone, power=PowerEntry(grid_area=area), line=lines)


def places(*branches: BranchEntry) -> Places:
    return Places([Inventory(tenant="acme", branch=branches)])


class Fleet:
    """The board, changed by what happens."""

    def __init__(self, where: Places) -> None:
        self.places = where
        self.now_s = START_S
        self.board: dict[BranchKey, BranchNow] = {}
        for tenant, name in where.all():
            lines = {
                line.name: PathHeard(UP, line.role, line.isp, 1, rtt_ms=5.0) for line in where.branch(tenant, name).line
            }
            heard = BranchHeard(heard_s=START_S, at_ns=round(START_S * 1e9), active="isp1", reported=OK, paths=lines)
            self.board[tenant, name, "a1"] = BranchNow((tenant, name, "a1"), OK, START_S, heard)

    @property
    def _ns(self) -> int:
        return round(self.now_s * 1e9)

    def heard(self, name: str) -> BranchHeard:
        return self.board["acme", name, "a1"].heard

    def tell(self, name: str, state: BranchState | None = None, **fields: object) -> None:
        key = ("acme", name, "a1")
        before = self.board[key]
        heard = before.heard
        if state is not ISOLATED:
            heard = msgspec.structs.replace(heard, heard_s=self.now_s, at_ns=self._ns, **fields)
        new = before.state if state is None else state
        since_s = before.since_s if new is before.state else self.now_s
        self.board[key] = BranchNow(key, new, since_s, heard)

    def lines(self, name: str, **states: LinkState) -> None:
        """Lines change state; the branch moves its traffic as its agent would."""
        paths = dict(self.heard(name).paths)
        for line, state in states.items():
            paths[line] = msgspec.structs.replace(
                paths[line], state=state, since_ns=self._ns, rtt_ms=5.0 if state is UP else None
            )
        active = next((line for line in ("isp1", "isp2", "cell") if paths[line].state is UP), "")
        down = any(each.state is DOWN for each in paths.values())
        told = ON_5G if active == "cell" else DEGRADED if down else OK
        self.tell(name, told, paths=paths, active=active)

    def silent(self, name: str) -> None:
        self.tell(name, ISOLATED)

    def unknown(self, name: str) -> None:
        before = self.board["acme", name, "a1"]
        self.board["acme", name, "a1"] = msgspec.structs.replace(before, state=BranchState.UNKNOWN)

    def power(self, name: str, source: PowerSource, input_v: float | None = None, device: str = "ups") -> None:
        told = PowerHeard(source, self._ns, self._ns, input_v=input_v)
        self.tell(name, power={**self.heard(name).power, device: told})

    def water(self, name: str, state: SensorState = SensorState.ALARM) -> None:
        self.tell(name, sensors={"cellar": SensorHeard(SensorKind.FLOOD, state, self._ns, self._ns)})

    def act(self, name: str, outcome: ActOutcome, active: str, kind: ActKind = ActKind.EMERGENCY) -> None:
        told = ActHeard(self._ns, f"m{len(self.heard(name).acts)}", kind, outcome, "isp1", "cell", "silent")
        self.tell(name, acts=(*self.heard(name).acts, told), active=active)

    def anchors(self, name: str, *silent: str) -> None:
        paths = {
            line: msgspec.structs.replace(path, silent_anchors=silent) for line, path in self.heard(name).paths.items()
        }
        self.tell(name, paths=paths)


class Story:
    """Looks again and again. Every look starts from what was written, as after a kill."""

    def __init__(self, fleet: Fleet, settings: IncidentSettings | None = None) -> None:
        self.fleet = fleet
        self.settings = settings or IncidentSettings()
        self.written: dict[str, bytes] = {}
        self.entries: list[tuple[str, Entry]] = []
        self.notices: list[tuple[NoticeEvent, float, Incident]] = []
        self.merged: list[tuple[str, str]] = []
        self.hearing_since_s: float | None = START_S - 1000

    def all(self) -> list[Incident]:
        return [msgspec.msgpack.decode(each, type=Incident) for each in self.written.values()]

    def open(self) -> list[Incident]:
        return [each for each in self.all() if each.phase is not Phase.RESOLVED]

    def one(self) -> Incident:
        (incident,) = self.open()
        return incident

    def groups(self) -> list[Group]:
        return judge(Eyes(self.fleet.places).look(self.fleet.board), ongoing(self.open()), self.settings)

    def look(self) -> None:
        incidents = {each.id: each for each in self.open()}
        picture = Eyes(self.fleet.places).look(self.fleet.board)
        settled = ongoing(incidents.values())
        groups = judge(picture, settled, self.settings) if self.hearing_since_s is not None else []
        changes = reconcile(groups, incidents, picture, Now(self.fleet.now_s, self.hearing_since_s), self.settings)
        for old, _ in changes.merged:
            self.written.pop(old, None)
        self.written.update((each.id, msgspec.msgpack.encode(each)) for each in changes.incidents.values())
        self.entries += changes.entries
        self.notices += changes.notices
        self.merged += changes.merged

    def wait(self, seconds: float, step_s: float = 1.0) -> None:
        until_s = self.fleet.now_s + seconds
        while self.fleet.now_s < until_s:
            self.fleet.now_s = min(until_s, self.fleet.now_s + step_s)
            self.look()

    def events(self) -> Counter[str]:
        return Counter(str(event) for event, _, _ in self.notices)


def battery(fleet: Fleet, *names: str) -> None:
    for name in names:
        fleet.power(name, PowerSource.BATTERY, 0.0)


def mains(fleet: Fleet, *names: str) -> None:
    for name in names:
        fleet.power(name, PowerSource.MAINS, 230.0)

"""What is wrong where: the board's branches in trouble, each with its symptoms and readings. Pure.

Times are Unix seconds. Those an agent stamped count where its clock agrees with the collector's to ten minutes; else
the collector's own time since when the branch shows its state stands in.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum

import msgspec

from collector.board import BranchNow
from collector.heard import BranchHeard, PathHeard
from collector.inventory.model import BranchEntry
from wire.messages import (
    ActKind,
    ActOutcome,
    BranchState,
    LinkState,
    PowerSource,
    Role,
    SensorKind,
    SensorState,
)

SANE_CLOCK_S = 600.0
FINE_VOLTS = 100.0
NO_VOLTS = 50.0


class Trouble(StrEnum):
    """Kinds of symptom; the value is the state of the incident's member."""

    ISOLATED = "ISOLATED"
    FAILOVER_FAILED = "FAILOVER_FAILED"
    ON_5G = "ON_5G"
    LINE_DOWN = "DOWN"
    WATER = "WATER"
    ON_BATTERY = "ON_BATTERY"
    ANCHOR_SILENT = "ANCHOR_SILENT"


class Symptom(msgspec.Struct, frozen=True):
    """One thing that is wrong. `line` is of a line's trouble, `anchor` of a silent anchor, else empty."""

    trouble: Trouble
    tenant: str
    branch: str
    since_s: float
    line: str = ""
    isp: str = ""
    role: Role | None = None
    anchor: str = ""


class Device(msgspec.Struct, frozen=True):
    """A powered device's last word."""

    name: str
    source: PowerSource
    since_s: float
    input_v: float | None

    @property
    def lost(self) -> bool:
        """Whether it is a sign of lost mains; battery with a full voltage at the input is none."""
        gone = self.source in {PowerSource.BATTERY, PowerSource.NONE}
        return gone and not self.contradicts_itself

    @property
    def contradicts_itself(self) -> bool:
        """Battery, yet a full voltage at the input: a self-test or a faulty sensor."""
        return self.source is PowerSource.BATTERY and self.input_v is not None and self.input_v >= FINE_VOLTS


class Sensor(msgspec.Struct, frozen=True):
    """A sensor's last word."""

    name: str
    kind: SensorKind
    state: SensorState
    since_s: float


class Site(msgspec.Struct, frozen=True):
    """A branch in trouble. `lines` is ISP and role of each of its lines by name, `working` those that are UP."""

    tenant: str
    branch: str
    place: BranchEntry
    state: BranchState
    lines: dict[str, tuple[str, Role | None]]
    working: tuple[str, ...]
    devices: tuple[Device, ...]
    sensors: tuple[Sensor, ...]
    symptoms: tuple[Symptom, ...]

    @property
    def key(self) -> tuple[str, str]:
        """(tenant, branch)."""
        return self.tenant, self.branch

    def of(self, *troubles: Trouble) -> list[Symptom]:
        """Its symptoms of these kinds."""
        return [each for each in self.symptoms if each.trouble in troubles]

    @property
    def wires(self) -> set[str]:
        """Its wired lines."""
        return {name for name, (_, role) in self.lines.items() if role is not Role.CELL}


def in_trouble(branch: BranchNow) -> bool:
    """A quick look that most branches of the fleet pass."""
    heard = branch.heard
    return (
        branch.state in {BranchState.ISOLATED, BranchState.ON_5G}
        or any(each.state is LinkState.DOWN or each.silent_anchors for each in heard.paths.values())
        or any(each.source is not PowerSource.MAINS for each in heard.power.values())
        or any(each.state is SensorState.ALARM for each in heard.sensors.values())
    )


def read_site(agents: Iterable[BranchNow], place: BranchEntry) -> Site | None:
    """One branch by what its agents tell; None when nothing is wrong or nothing is known.

    With several agents the branch is as well as the best of them: one that was replaced keeps silent for ever.
    """
    ordered = sorted(agents, key=lambda each: _RANK[each.state])
    best = ordered[0]
    if best.state is BranchState.UNKNOWN:
        return None
    heard = best.heard
    lines = {name: _line(name, path, place) for name, path in heard.paths.items()}
    for entry in place.line:
        lines.setdefault(entry.name, (entry.isp, entry.role))
    symptoms = _symptoms(best, lines)
    return Site(
        best.key[0],
        best.key[1],
        place,
        best.state,
        lines,
        tuple(name for name, path in heard.paths.items() if path.state in {LinkState.UP, LinkState.SUSPECT}),
        tuple(
            Device(name, each.source, _seconds(best, each.since_ns), each.input_v) for name, each in heard.power.items()
        ),
        tuple(
            Sensor(name, each.kind, each.state, _seconds(best, each.since_ns)) for name, each in heard.sensors.items()
        ),
        symptoms,
    )


_RANK = {
    BranchState.OK: 0,
    BranchState.DEGRADED: 1,
    BranchState.ON_5G: 2,
    BranchState.UNKNOWN: 3,
    BranchState.ISOLATED: 4,
}


def _line(name: str, path: PathHeard, place: BranchEntry) -> tuple[str, Role | None]:
    entry = place.line_of(name)
    return (entry.isp, entry.role) if entry is not None else (path.isp, path.role)


def _symptoms(branch: BranchNow, lines: Mapping[str, tuple[str, Role | None]]) -> tuple[Symptom, ...]:
    tenant, name, _ = branch.key
    heard = branch.heard
    found = [
        Symptom(Trouble.LINE_DOWN, tenant, name, _seconds(branch, path.since_ns), line, *lines[line])
        for line, path in heard.paths.items()
        if path.state is LinkState.DOWN
    ]
    if branch.state is BranchState.ISOLATED:
        found.append(Symptom(Trouble.ISOLATED, tenant, name, heard.heard_s or branch.since_s))
    else:
        if branch.state is BranchState.ON_5G and _against_will(heard, lines):
            found.append(Symptom(Trouble.ON_5G, tenant, name, branch.since_s))
        if (failed_ns := _failed_move(heard)) is not None:
            found.append(Symptom(Trouble.FAILOVER_FAILED, tenant, name, _seconds(branch, failed_ns)))
        since_s = heard.heard_s
        found += [
            Symptom(Trouble.ANCHOR_SILENT, tenant, name, since_s, anchor=anchor) for anchor in sorted(_silent(heard))
        ]
    lost_ns = [
        *(each.since_ns for each in heard.power.values() if Device("", each.source, 0, each.input_v).lost),
        *(each.since_ns for each in heard.sensors.values() if _alarm(each.kind, each.state, SensorKind.MAINS)),
    ]
    if lost_ns:
        found.append(Symptom(Trouble.ON_BATTERY, tenant, name, _seconds(branch, min(lost_ns))))
    wet_ns = [each.since_ns for each in heard.sensors.values() if _alarm(each.kind, each.state, SensorKind.FLOOD)]
    if wet_ns:
        found.append(Symptom(Trouble.WATER, tenant, name, _seconds(branch, min(wet_ns))))
    return tuple(found)


def _alarm(kind: SensorKind, state: SensorState, wanted: SensorKind) -> bool:
    return kind is wanted and state is SensorState.ALARM


def _against_will(heard: BranchHeard, lines: Mapping[str, tuple[str, Role | None]]) -> bool:
    """5G is trouble, unless the branch has nothing else, or a person moved it there off wires that work."""
    wires = [name for name, (_, role) in lines.items() if role is Role.WIRE]
    if not wires:
        return False
    down = any(name in heard.paths and heard.paths[name].state is LinkState.DOWN for name in wires)
    return down or not heard.acts or heard.acts[-1].kind is not ActKind.OVERRIDE


def _failed_move(heard: BranchHeard) -> int | None:
    if not heard.acts or heard.active not in heard.paths or heard.paths[heard.active].state is not LinkState.DOWN:
        return None
    newest = heard.acts[-1]
    failed = newest.kind is ActKind.EMERGENCY and newest.outcome in {ActOutcome.ROLLED_BACK, ActOutcome.FAILED}
    return newest.at_ns if failed else None


def _silent(heard: BranchHeard) -> set[str]:
    """Anchors silent on every path on which anything answers."""
    alive = [
        set(each.silent_anchors)
        for each in heard.paths.values()
        if each.state is LinkState.UP and each.rtt_ms is not None
    ]
    return set.intersection(*alive) if alive else set()


def _seconds(branch: BranchNow, at_ns: int) -> float:
    heard = branch.heard
    stamp_s, last_s = at_ns / 1e9, heard.at_ns / 1e9
    if at_ns and abs(max(last_s, stamp_s) - heard.heard_s) <= SANE_CLOCK_S:
        return min(stamp_s, heard.heard_s)
    return branch.since_s

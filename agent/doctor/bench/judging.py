"""How many observations a second the branch's machine takes in."""

import time

from failover.machine import begin, decide
from failover.observations import Carrier, Reply, Tick
from failover.profiles import Profile
from failover.state import BranchMachine, PathPlan, Plan
from wire.messages import Role

FOR_S = 1.0
_PLAN = Plan(
    profile=Profile.STANDARD,
    paths=(
        PathPlan("wan1", 1, Role.WIRE, metered=False),
        PathPlan("wan2", 2, Role.WIRE, metered=False),
        PathPlan("cell", 3, Role.CELL, metered=True),
    ),
    anchors=("a1", "a2", "a3"),
)


def measure() -> dict[str, int]:
    """Replies (a hundred a second arrive) and whole judgements (a tick) per second, three paths up."""
    return {"replies_per_s": _replies(), "judgements_per_s": _judgements()}


def _replies() -> int:
    machine, now = _running()
    names = [(path.name, anchor) for anchor in _PLAN.anchors for path in _PLAN.paths]
    count, began_s = 0, time.perf_counter()
    while (took_s := time.perf_counter() - began_s) < FOR_S:
        for path, anchor in names:
            now += 0.01
            machine, _ = decide(machine, Reply(path, anchor, now), now)
        count += len(names)
    return round(count / took_s)


def _judgements() -> int:
    machine, now = _running()
    tick = Tick()
    count, began_s = 0, time.perf_counter()
    while (took_s := time.perf_counter() - began_s) < FOR_S:
        machine, _ = decide(machine, tick, now)
        count += 1
    return round(count / took_s)


def _running() -> tuple[BranchMachine, float]:
    machine, now = begin(_PLAN, 0.0, active="wan1", run="bench"), 0.0
    for path in _PLAN.paths:
        machine, _ = decide(machine, Carrier(path.name, up=True), now)
    for _ in range(50):
        now += 0.1
        for path in _PLAN.paths:
            for anchor in _PLAN.anchors:
                machine, _ = decide(machine, Reply(path.name, anchor, now), now)
    return machine, now

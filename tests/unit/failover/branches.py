"""Simulated branches for tests: two wires and a cellular path, alive or dead as functions of time."""

from collections.abc import Callable

from failover.actions import Action, ActReported, LinkChanged, Move
from failover.profiles import Profile
from failover.state import PathPlan, Plan
from lab.simulated_branch import Line, SimulatedBranch
from wire.messages import ActOutcome, LinkState, Role

Alive = Callable[[float], bool]


def always(_now: float) -> bool:
    return True


def never(_now: float) -> bool:
    return False


def plan(profile: Profile = Profile.STANDARD, *, hold_s: float = 300.0) -> Plan:
    return Plan(
        profile=profile,
        paths=(
            PathPlan("wan1", 1, Role.WIRE, False),
            PathPlan("wan2", 2, Role.WIRE, False),
            PathPlan("cell", 3, Role.CELL, True),
        ),
        anchors=("a", "b", "c"),
        hold_s=hold_s,
    )


def branch(
    wan1: Alive = always,
    wan2: Alive = always,
    cell: Alive = always,
    *,
    anchors: Alive = always,
    active: str = "wan1",
    profile: Profile = Profile.STANDARD,
    hold_s: float = 300.0,
    loss: float = 0.0,
    seed: int = 1,
    users: bool = True,
) -> SimulatedBranch:
    lines = {
        "wan1": Line(wan1, loss=loss, anchors=anchors),
        "wan2": Line(wan2, loss=loss, anchors=anchors),
        "cell": Line(cell, rtt_s=0.060, anchors=anchors),
    }
    return SimulatedBranch(plan(profile, hold_s=hold_s), lines, active, seed=seed, users=users)


def until(moment: float) -> Alive:
    return lambda now: now < moment


def between(dead_from: float, dead_to: float) -> Alive:
    return lambda now: not dead_from <= now < dead_to


def downs(log: list[tuple[float, Action]], path: str) -> list[float]:
    return [at for at, act in log if isinstance(act, LinkChanged) and act.path == path and act.new is LinkState.DOWN]


def outcomes(log: list[tuple[float, Action]]) -> list[tuple[ActOutcome, str]]:
    return [(act.outcome, act.to_path) for _, act in log if isinstance(act, ActReported)]


def asked_moves(log: list[tuple[float, Action]]) -> list[tuple[float, Move]]:
    return [(at, act) for at, act in log if isinstance(act, Move)]

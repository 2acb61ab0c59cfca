"""The branch's judgement: `decide(state, observation, now) -> (state, actions)`. No I/O, no clock, no logging.

Everything it decides can be replayed on recorded observations, and is.
"""

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from failover import moves, observations, silence
from failover.actions import Action, SetEffort
from failover.observations import Observation
from failover.profiles import Effort
from failover.ranking import answers, hold_left_s
from failover.silence import Step
from failover.state import BranchMachine, PathState, Plan, Wish
from wire.messages import BranchState, LinkState, Role

RECENT_REPLIES = 5
BASELINE_WEIGHT = 0.02  # of one 10 s window: a line's own loss is learned over about eight minutes
DIRTY_LOSS = 0.05


def begin(plan: Plan, now: float, active: str = "", run: str = "") -> BranchMachine:
    """The machine as the agent starts: nothing heard, nothing known. `run` sets its move ids apart from other runs'."""
    paths = tuple(
        PathState(
            name=path.name,
            role=path.role,
            effort=Effort.IDLE if path.role is Role.CELL else Effort.ACTIVE,
            watching_since_s=now,
            changed_s=now,
            dirty_s=now,
        )
        for path in plan.paths
    )
    return BranchMachine(plan=plan, paths=paths, active=active, started_s=now, run=run)


def replan(machine: BranchMachine, plan: Plan, now: float) -> BranchMachine:
    """The same branch under new settings: what is known of paths that stay is kept."""
    fresh = begin(plan, now)
    known = {path.name: path for path in machine.paths}
    paths = tuple(
        known[path.name] if path.name in known and known[path.name].role is path.role else path for path in fresh.paths
    )
    paths = tuple(_on_wire(path, known.get(path.name)) for path in paths)
    names = {path.name for path in paths}
    move = machine.move
    return replace(
        machine,
        plan=plan,
        paths=paths,
        active=machine.active if machine.active in names else "",
        move=move if move is not None and {move.from_path, move.to_path} <= names | {""} else None,
        wish=machine.wish if machine.wish is not None and machine.wish.path in names else None,
        anchors_heard=tuple(pair for pair in machine.anchors_heard if pair[0] in plan.anchors),
    )


def _on_wire(path: PathState, before: PathState | None) -> PathState:
    """A carrier is reported when it changes, not again because the settings did."""
    return path if before is None else replace(path, carrier=before.carrier, carrier_lost_s=before.carrier_lost_s)


def decide(machine: BranchMachine, observation: Observation, now: float) -> tuple[BranchMachine, list[Action]]:
    """Take in one observation; say what must be done. Pure."""
    name = getattr(observation, "path", "")
    if name and not machine.has(name):
        return machine, []  # new settings took this path away while something about it was under way
    machine, actions = _take(machine, observation, now)
    if isinstance(observation, observations.Reply) and _calm(machine, observation.path):
        return machine, actions
    for path in machine.plan.paths:
        machine, more = silence.judge(machine, path.name, now)
        actions += more
    for step in (moves.steer, moves.routine_proofs, _efforts, _end_wish):
        machine, more = step(machine, now)
        actions += more
    return machine, actions


def wake_at(machine: BranchMachine, now: float) -> float:
    """When `decide` wants a `Tick` if nothing else happens."""
    moments = [silence.next_moment(machine, path, now) for path in machine.paths]
    if machine.move is not None and machine.move.proving and not machine.move.settling:
        moments.append(machine.move.since_s + machine.plan.proof_s)
    if machine.wish is not None:
        moments.append(machine.wish.until_s)
    moments.append(now + 1.0)  # holds, back-offs and routine proofs are in seconds
    return max(now + 0.001, min(moments))


def is_calm(machine: BranchMachine) -> bool:
    """Whether a reply can only move deadlines away: then the moment of the next look need not be asked for again."""
    return machine.move is None and all(path.link in {LinkState.UP, LinkState.DEGRADED} for path in machine.paths)


def branch_state(machine: BranchMachine, now: float) -> BranchState:
    """The branch as people read it."""
    if not machine.active:
        return BranchState.UNKNOWN
    active = machine.path(machine.active)
    if active.link is LinkState.UNKNOWN:
        return BranchState.UNKNOWN
    if active.link is LinkState.DOWN:
        if any(answers(machine, path, now) for path in machine.paths):
            return BranchState.DEGRADED
        return BranchState.ISOLATED
    if active.role is Role.CELL:
        return BranchState.ON_5G
    good = {LinkState.UP, LinkState.SUSPECT}
    return BranchState.OK if all(path.link in good for path in machine.paths) else BranchState.DEGRADED


def holds_s(machine: BranchMachine, now: float) -> dict[str, float]:
    """Seconds each path still waits before traffic may return to it."""
    return {path.name: hold_left_s(machine, path, now) for path in machine.paths}


def _calm(machine: BranchMachine, name: str) -> bool:
    """Nothing can follow from this reply: the common case, kept cheap."""
    working = {LinkState.UP, LinkState.DEGRADED}
    if machine.move is not None or machine.path(name).link not in working:
        return False
    return not machine.active or machine.path(machine.active).link in working


def _take(machine: BranchMachine, seen: Observation, now: float) -> Step:
    for kind, take in TAKERS:
        if isinstance(seen, kind):
            return take(machine, seen, now)
    return machine, []


def _take_reply(machine: BranchMachine, seen: observations.Reply, now: float) -> Step:
    path = machine.path(seen.path)
    arrived = min(seen.at_s, now)  # a stamp from the future would keep a dead path alive
    if not seen.first:
        second = arrived if path.second_reply_s is None else max(arrived, path.second_reply_s)
        return machine.with_path(replace(path, second_reply_s=second)), []
    at = arrived if path.last_reply_s is None else max(arrived, path.last_reply_s)
    healing = path.healing_s
    if path.link is LinkState.DOWN and healing is None and path.carrier:
        healing = now
    path = replace(
        path,
        last_reply_s=at,
        recent=(*path.recent[1 - RECENT_REPLIES :], at),
        stalled_s=0.0,
        healing_s=healing,
        contradicted_s=None,
    )
    heard = (*(pair for pair in machine.anchors_heard if pair[0] != seen.anchor), (seen.anchor, at))
    return replace(_contradict(machine.with_path(path), path.name, now), anchors_heard=heard), []


def _contradict(machine: BranchMachine, heard_on: str, now: float) -> BranchMachine:
    """An anchor was heard on one path: it is alive, so the silence of the others begins to mean something."""
    for path in machine.paths:
        silent = path.link in {LinkState.SUSPECT, LinkState.UNKNOWN}
        if silent and path.contradicted_s is None and path.name != heard_on:
            machine = machine.with_path(replace(path, contradicted_s=now))
    return machine


def _take_carrier(machine: BranchMachine, seen: observations.Carrier, now: float) -> Step:
    path = machine.path(seen.path)
    if seen.up:
        return machine.with_path(replace(path, carrier=True, carrier_lost_s=None)), []
    if not path.carrier:
        return machine, []
    return machine.with_path(replace(path, carrier=False, carrier_lost_s=now, dirty_s=now)), []


def _take_stall(machine: BranchMachine, seen: observations.Stalled, now: float) -> Step:
    # What was heard during or after the stall has shortened the silence: more than all of it was never slept through.
    paths = tuple(
        replace(path, stalled_s=min(path.silence_s(now), path.stalled_s + seen.for_s)) for path in machine.paths
    )
    return replace(machine, paths=paths), []


def _take_passive(machine: BranchMachine, seen: observations.Passive, now: float) -> Step:
    path = machine.path(seen.path)
    if path.passive is not None and seen.packets > path.passive:
        path = replace(path, passive_grew_s=now)
    return machine.with_path(replace(path, passive=seen.packets)), []


def _take_opinion(machine: BranchMachine, seen: observations.Opinion, now: float) -> Step:
    return machine.with_path(replace(machine.path(seen.path), opinion=seen.alive, opinion_s=now)), []


def _take_window(machine: BranchMachine, seen: observations.Window, now: float) -> Step:
    """A window is clean against the line's own baseline: a line that always loses 2 % may carry traffic again."""
    path = machine.path(seen.path)
    if seen.sent == 0 or path.link is not LinkState.UP:
        return machine, []
    loss = 1 - seen.received / seen.sent
    if loss > max(DIRTY_LOSS, 3 * path.loss_baseline):
        path = replace(path, dirty_s=now)
    weight = BASELINE_WEIGHT
    path = replace(path, loss_baseline=(1 - weight) * path.loss_baseline + weight * loss)
    return machine.with_path(path), []


def _take_wish(machine: BranchMachine, seen: observations.Prefer, _now: float) -> Step:
    return replace(machine, wish=Wish(seen.path, seen.until_s, seen.why) if seen.path else None), []


def _take_applied(machine: BranchMachine, seen: observations.Applied, now: float) -> Step:
    return moves.applied(machine, seen.move, seen.route_ms, now)


def _take_not_applied(machine: BranchMachine, seen: observations.NotApplied, now: float) -> Step:
    return moves.not_applied(machine, seen, now)


def _take_in_place(machine: BranchMachine, seen: observations.InPlace, now: float) -> Step:
    return moves.in_place(machine, seen.active, seen.pending, now)


# Replies come a hundred times a second, so they stand first.
TAKERS: tuple[tuple[type, Callable[[BranchMachine, Any, float], Step]], ...] = (
    (observations.Reply, _take_reply),
    (observations.Carrier, _take_carrier),
    (observations.Stalled, _take_stall),
    (observations.Passive, _take_passive),
    (observations.Opinion, _take_opinion),
    (observations.Window, _take_window),
    (observations.Prefer, _take_wish),
    (observations.Proof, moves.proved),
    (observations.Applied, _take_applied),
    (observations.NotApplied, _take_not_applied),
    (observations.InPlace, _take_in_place),
)


def _efforts(machine: BranchMachine, now: float) -> Step:
    """Cellular paths rest until a wire is in trouble, a person asks for them or they carry the traffic."""
    wires = [path for path in machine.paths if path.role is Role.WIRE]
    if any(path.link in {LinkState.SUSPECT, LinkState.DOWN} for path in wires):
        machine = replace(machine, trouble_s=now)
    actions: list[Action] = []
    for path in machine.paths:
        if path.role is Role.WIRE:
            continue
        in_use = path.name == machine.active or (machine.move is not None and machine.move.to_path == path.name)
        wished = machine.wish is not None and machine.wish.path == path.name
        armed = now - machine.trouble_s < machine.plan.calm_s or not wires or wished
        effort = Effort.ACTIVE if in_use else Effort.ARMED if armed else Effort.IDLE
        if effort is not path.effort:
            # At a faster pace, silence counts from here: the old pace promised nothing sooner.
            machine = machine.with_path(replace(path, effort=effort, watching_since_s=now, stalled_s=0.0))
            actions.append(SetEffort(path.name, effort))
    return machine, actions


def _end_wish(machine: BranchMachine, now: float) -> Step:
    if machine.wish is not None and now >= machine.wish.until_s:
        return replace(machine, wish=None), []
    return machine, []

"""From judged paths to moves: leave what is dead, prove what is taken, return when it is safe. Pure."""

from msgspec.structs import replace

from failover.actions import Action, ActReported, CommitMove, Move, Prove, UndoMove
from failover.actuators.protocol import Evidence
from failover.observations import NotApplied, Proof
from failover.ranking import DAY_S, answers, hold_left_s, may_try, ranked
from failover.silence import Step, anchors_in_doubt, threshold_s
from failover.state import BranchMachine, MoveState, PathState
from wire.messages import ActKind, ActOutcome, LinkState, Role

ROLLBACK_MARGIN_S = 1.0  # the actor's own timer runs this much longer than ours
PROOF_FRESH_S = 60.0
PROOF_RETRY_S = 30.0


def steer(machine: BranchMachine, now: float) -> Step:
    """Start, end or leave alone a move, as the paths now stand."""
    if machine.move is not None:
        return _watch_move(machine, machine.move, now)
    if not machine.active:
        return machine, []
    active = machine.path(machine.active)
    if active.link is LinkState.DOWN:
        return _leave(machine, active, now)
    return _improve(machine, active, now)


def _leave(machine: BranchMachine, active: PathState, now: float) -> Step:
    if active.healing_s is not None and active.silence_s(now) <= threshold_s(machine, active, now) / 2:
        return machine, []  # it has begun to answer again: leaving it now would be late and for nothing
    if active.contradicted_s is not None and anchors_in_doubt(machine, active, now):
        return machine, []  # another path came back this moment; this one gets its turn to do the same
    others = [path for path in ranked(machine) if path.name != active.name and may_try(machine, path, now)]
    for path in others:
        if answers(machine, path, now):
            return _start(machine, path, ActKind.EMERGENCY, f"{active.name} is silent", now)
    dead_for = max(active.silence_s(now), now - active.changed_s if not active.carrier else 0.0)
    if dead_for >= machine.plan.unproved_after_s:
        for path in others:
            if path.carrier:
                return _start(machine, path, ActKind.EMERGENCY, f"{active.name} is silent, nothing answers", now)
    return machine, []


def _improve(machine: BranchMachine, active: PathState, now: float) -> Step:
    for path in ranked(machine):
        if path.name == active.name:
            break
        wished = machine.wish is not None and machine.wish.path == path.name
        # A line with one silent IP family is no better than another wire, but better than a metered path.
        good = {LinkState.UP, LinkState.DEGRADED} if active.role is Role.CELL else {LinkState.UP}
        working = path.link in good and answers(machine, path, now)
        held = hold_left_s(machine, path, now) > 0 and not wished
        if not working or held or not may_try(machine, path, now):
            continue
        if path.proved_s is None or now - path.proved_s > PROOF_FRESH_S:
            return _ask_proof(machine, path, now)
        kind = ActKind.OVERRIDE if wished else ActKind.RETURN
        reason = f"asked for: {machine.wish.why}" if wished and machine.wish else f"{path.name} is clean again"
        return _start(machine, path, kind, reason, now)
    return machine, []


def _ask_proof(machine: BranchMachine, path: PathState, now: float) -> Step:
    if path.proof_asked_s is not None and now - path.proof_asked_s < PROOF_RETRY_S:
        return machine, []
    return machine.with_path(replace(path, proof_asked_s=now)), [Prove(path.name, "")]


def routine_proofs(machine: BranchMachine, now: float) -> Step:
    """Ask for the proofs that are due: a backup that was never proved is a hope."""
    actions: list[Action] = []
    for path in machine.paths:
        every = machine.plan.prove_cell_every_s if path.role is Role.CELL else machine.plan.prove_wire_every_s
        due = path.proof_asked_s is None or now - path.proof_asked_s >= every
        if due and machine.move is None and path.link is LinkState.UP:
            machine, more = _ask_proof(machine, path, now)
            actions += more
    return machine, actions


def evidence(machine: BranchMachine, target: PathState, now: float) -> Evidence:
    """What the actor is told, to check principle 8 for itself."""
    leaving = machine.path(machine.active) if machine.active else None
    silent = leaving.silence_s(now) if leaving is not None else None
    if leaving is not None and not leaving.carrier:
        silent = max(silent or 0.0, machine.plan.unproved_after_s)  # no carrier needs no further silence
    proved = None if target.proved_s is None else max(0.0, now - target.proved_s)
    return Evidence(from_silent_s=silent, target_answered_s=target.answered_s(now), target_proved_s=proved)


def _start(machine: BranchMachine, target: PathState, kind: ActKind, reason: str, now: float) -> Step:
    serial = machine.serial + 1
    move = MoveState(f"{machine.run}m{serial}", kind, machine.active, target.name, now, reason)
    action = Move(
        id=move.id,
        kind=kind,
        to=target.name,
        rollback_after_s=machine.plan.proof_s + ROLLBACK_MARGIN_S,
        evidence=evidence(machine, target, now),
    )
    return replace(machine, serial=serial, move=move), [action]


def applied(machine: BranchMachine, move_id: str, route_ms: float | None, now: float) -> Step:
    """The actor has the move in place: report it and ask for the proof as users go."""
    move = machine.move
    if move is None or move.id != move_id:
        return machine, []
    machine = replace(machine, active=move.to_path, move=replace(move, proving=True, since_s=now))
    return machine, [_report(move, ActOutcome.APPLIED, move.reason, route_ms), Prove(move.to_path, move.id)]


def not_applied(machine: BranchMachine, seen: NotApplied, now: float) -> Step:
    """The actor refused, or was away: that path is not to be had now."""
    move = machine.move
    if move is None or move.id != seen.move:
        return machine, []
    machine = _failed(replace(machine, move=None), move, now, unreached=not seen.asked)
    return machine, [_report(move, ActOutcome.FAILED, seen.why, None)]


def proved(machine: BranchMachine, proof: Proof, now: float) -> Step:
    """A proof came in: keep it, and end the move it was asked for.

    One that was asked for a move followed the route in use, so after the end of that move it may speak of another path.
    """
    path, move = machine.path(proof.path), machine.move
    if proof.move and (move is None or move.id != proof.move or (move.settling and not move.kept)):
        return machine, []
    if proof.holds:
        path = replace(path, proved_s=now)  # it is no answer to an actor that was away
        machine = machine.with_path(path if path.unreached else replace(path, tried_s=None, tries=0))
    if move is None or not move.proving or move.settling or move.id != proof.move:
        return machine, []
    if proof.holds:
        return _commit(machine, move, move.reason, now)
    if proof.dns or proof.tls:
        move = replace(move, serves=True)
        machine = replace(machine, move=move)
    if now - move.since_s < machine.plan.proof_s:
        return machine, [Prove(move.to_path, move.id)]
    return _give_up(machine, move, f"not proved: {proof.detail}", now)


def _watch_move(machine: BranchMachine, move: MoveState, now: float) -> Step:
    if move.settling or not move.proving:
        return machine, []
    target = machine.path(move.to_path)
    if target.link is LinkState.DOWN and target.changed_s > move.since_s:
        return _give_up(machine, move, f"{target.name} died during its proof", now)
    if not answers(machine, target, now) and _others_answering(machine, move, now):
        silent = target.answered_s(now)
        if silent is None or silent > machine.plan.answered_within_s:
            return _give_up(machine, move, f"{target.name} answers nothing and another path does", now)
    if now - move.since_s >= machine.plan.proof_s:
        return _give_up(machine, move, f"no proof within {machine.plan.proof_s:g} s", now)
    return machine, []


def _others_answering(machine: BranchMachine, move: MoveState, now: float) -> list[PathState]:
    return [
        path
        for path in ranked(machine)
        if path.name != move.to_path and answers(machine, path, now) and may_try(machine, path, now)
    ]


def _commit(machine: BranchMachine, move: MoveState, reason: str, now: float) -> Step:
    machine = replace(_counted(machine, move, now), move=replace(move, settling=True, kept=True))
    return machine, [CommitMove(move.id), _report(move, ActOutcome.COMMITTED, reason, None)]


def _counted(machine: BranchMachine, move: MoveState, now: float) -> BranchMachine:
    """Remember that traffic had to leave a path: its hold grows with that."""
    if move.kind is not ActKind.EMERGENCY or not machine.has(move.from_path) or move.from_path == move.to_path:
        return machine
    left = machine.path(move.from_path)
    day = tuple(at for at in left.failovers if now - at < DAY_S)
    return machine.with_path(replace(left, failovers=(*day, now), dirty_s=now))


def _give_up(machine: BranchMachine, move: MoveState, why: str, now: float) -> Step:
    """Undo a move, unless that would put the branch back on a silent path while this one at least answers."""
    target = machine.path(move.to_path)
    left = machine.path(move.from_path) if move.from_path else None
    left_dead = left is None or left.link is LinkState.DOWN  # a move found under way left a path that was dead
    if left_dead and (move.serves or answers(machine, target, now)) and not _others_answering(machine, move, now):
        return _commit(machine, move, f"{why}; kept, because it answers and nothing else does", now)
    machine = _failed(replace(machine, move=replace(move, settling=True)), move, now)
    return machine, [UndoMove(move.id), _report(move, ActOutcome.ROLLED_BACK, why, None)]


def _failed(machine: BranchMachine, move: MoveState, now: float, *, unreached: bool = False) -> BranchMachine:
    target = machine.path(move.to_path)
    proved_s = target.proved_s if unreached else None
    tried = replace(target, tried_s=now, tries=target.tries + 1, proved_s=proved_s, unreached=unreached)
    return machine.with_path(tried)


def in_place(machine: BranchMachine, active: str, pending: str, now: float) -> Step:
    """Take the actor's word for what is in place; a move it still holds pending is ours to prove.

    That none of our paths is in place, as when the interface in use vanished with its routes, makes none a better one:
    the path last in use is still the one to leave.
    """
    move = machine.move
    machine = _reached(machine)
    if active:
        machine = replace(machine, active=active if machine.has(active) else "")
    if not pending:
        if move is None or not move.proving:
            return machine, []
        return _ended(replace(machine, move=None), move, now)
    if move is None and active and machine.active:
        adopted = MoveState(pending, ActKind.RECOVER, "", machine.active, now, "found under way at start", proving=True)
        return replace(machine, move=adopted), [Prove(machine.active, pending)]
    return machine, []


def _reached(machine: BranchMachine) -> BranchMachine:
    """The actor answers: attempts that ended because it was away are no reason to wait any longer."""
    for path in machine.paths:
        if path.unreached:
            machine = machine.with_path(replace(path, tried_s=None, tries=0, unreached=False))
    return machine


def _ended(machine: BranchMachine, move: MoveState, now: float) -> Step:
    """The actor holds a move no longer. How it ended may differ from what was asked for: the record says how."""
    stayed = machine.active == move.to_path
    if move.settling and stayed == move.kept:
        return machine, []
    if stayed:
        why = "the actor could not go back" if move.settling else "the actor kept it: packets came in on it alone"
        return _counted(machine, move, now), [_report(move, ActOutcome.COMMITTED, why, None)]
    why = f"the actor's timer went back to {machine.active or 'no path'}"
    return _failed(machine, move, now), [_report(move, ActOutcome.ROLLED_BACK, why, None)]


def _report(move: MoveState, outcome: ActOutcome, reason: str, route_ms: float | None) -> ActReported:
    return ActReported(move.id, move.kind, outcome, move.from_path, move.to_path, reason, route_ms)

"""Moves step by step: what is asked of the actor, what becomes of its answers, and what is on the record."""

import pytest
from msgspec.structs import replace

from failover import observations
from failover.actions import ActReported, CommitMove, Move, Prove, SetEffort, UndoMove
from failover.machine import begin, decide, replan
from failover.observations import Applied, Carrier, InPlace, NotApplied, Observation, Prefer, Proof, Reply, Tick
from failover.profiles import Effort
from failover.state import BranchMachine
from tests.unit.failover.branches import plan
from tests.unit.failover.test_silence import Run, heard, others_answer_until, working
from wire.messages import ActKind, ActOutcome, LinkState, Role

APPLIED, COMMITTED, ROLLED_BACK, FAILED = (
    ActOutcome.APPLIED,
    ActOutcome.COMMITTED,
    ActOutcome.ROLLED_BACK,
    ActOutcome.FAILED,
)


def proof(path: str, move: str = "", *, works: bool = True, dns: bool | None = None) -> Proof:
    return Proof(path, move, works, works, works if dns is None else dns, works, works or None, "no tls")


def moving(*, dead: str = "wan1") -> tuple[Run, Move]:
    """wan1 in use is dead, the others answer, and a move to wan2 was asked for."""
    run = working(active=dead)
    for path in ("wan1", "wan2", "cell"):
        run.tell(proof(path))
    others_answer_until(run, run.now + 0.55, but=dead)
    return run, next(act for _, act in run.log if isinstance(act, Move))


def on_trial() -> tuple[Run, Move]:
    run, move = moving()
    run.tell(Applied(move.id, 2.0))
    return run, move


def outcomes(run: Run) -> list[tuple[ActOutcome, str]]:
    return [(act.outcome, act.to_path) for _, act in run.log if isinstance(act, ActReported)]


def told(run: Run, seen: Observation) -> list[type]:
    return [type(action) for action in run.tell(seen)]


def test_the_evidence_is_what_was_seen() -> None:
    _, move = moving()
    assert (move.kind, move.to, move.rollback_after_s) == (ActKind.EMERGENCY, "wan2", 4.0)
    assert move.evidence.from_silent_s == pytest.approx(0.5, abs=1e-4)
    assert move.evidence.target_answered_s == pytest.approx(0.0, abs=0.05)
    assert move.evidence.target_proved_s == pytest.approx(0.5, abs=1e-4)


def test_applied_asks_for_the_proof_and_the_proof_commits() -> None:
    run, move = on_trial()
    assert Prove("wan2", move.id) in [act for _, act in run.log]
    assert CommitMove in told(run, proof("wan2", move.id))
    assert outcomes(run) == [(APPLIED, "wan2"), (COMMITTED, "wan2")]
    assert len(run.machine.path("wan1").failovers) == 1
    run.tell(InPlace("wan2", ""))
    assert run.machine.move is None
    assert outcomes(run) == [(APPLIED, "wan2"), (COMMITTED, "wan2")]


def test_no_proof_within_three_seconds_undoes_and_the_next_path_is_tried() -> None:
    run, move = on_trial()
    others_answer_until(run, run.now + 2.9)
    assert run.machine.move is not None
    assert not run.machine.move.settling
    others_answer_until(run, run.now + 0.2)
    assert UndoMove(move.id) in [act for _, act in run.log]
    run.tell(InPlace("wan1", ""))
    assert [act.to for _, act in run.log if isinstance(act, Move)] == ["wan2", "cell"]


def test_a_proof_for_another_move_ends_nothing_and_proves_nothing() -> None:
    run, move = on_trial()
    before = run.machine.path("cell").proved_s
    assert told(run, proof("cell", "m99")) == []
    assert run.machine.path("cell").proved_s == before
    assert run.machine.move is not None
    assert (run.machine.move.id, run.machine.move.settling) == (move.id, False)


def test_a_proof_that_comes_after_its_move_was_undone_proves_nothing() -> None:
    """Its packets followed the route in use, and that was put back while it ran."""
    run, move = on_trial()
    others_answer_until(run, run.now + 3.1)
    run.tell(proof("wan2", move.id))
    assert run.machine.path("wan2").proved_s is None
    run.tell(InPlace("wan1", ""))
    run.tell(proof("wan2", move.id))
    assert run.machine.path("wan2").proved_s is None
    assert outcomes(run)[:2] == [(APPLIED, "wan2"), (ROLLED_BACK, "wan2")]


def test_answers_about_moves_that_are_over_are_nothing() -> None:
    run, move = on_trial()
    run.tell(proof("wan2", move.id))
    run.tell(InPlace("wan2", ""))
    before = run.machine
    for late in (Applied(move.id, 1.0), NotApplied(move.id, "late", retry=True), Applied("other", 1.0)):
        assert told(run, late) == []
    assert run.machine.move is before.move is None
    assert run.machine.active == "wan2"


def test_what_was_in_place_before_the_apply_does_not_end_the_move() -> None:
    run, move = moving()
    run.tell(InPlace("wan1", ""))
    assert run.machine.move is not None
    run.tell(Applied(move.id, 1.0))
    assert (run.machine.active, run.machine.move.proving) == ("wan2", True)


class TestTheActorsTimer:
    """It ended a trial by itself: the record says how, and a failure counts."""

    def test_it_went_back(self) -> None:
        run, _ = on_trial()
        run.tell(InPlace("wan1", ""))
        assert outcomes(run)[:2] == [(APPLIED, "wan2"), (ROLLED_BACK, "wan2")]
        assert run.machine.active == "wan1"
        assert run.machine.path("wan2").tries == 1

    def test_it_kept_the_new_path(self) -> None:
        run, _ = on_trial()
        run.tell(InPlace("wan2", ""))
        assert outcomes(run) == [(APPLIED, "wan2"), (COMMITTED, "wan2")]
        assert len(run.machine.path("wan1").failovers) == 1

    def test_it_was_faster_than_our_commit(self) -> None:
        run, move = on_trial()
        run.tell(proof("wan2", move.id))
        run.tell(InPlace("wan1", ""))
        assert outcomes(run)[:3] == [(APPLIED, "wan2"), (COMMITTED, "wan2"), (ROLLED_BACK, "wan2")]
        assert run.machine.active == "wan1"

    def test_it_could_not_go_back(self) -> None:
        run, _ = on_trial()
        others_answer_until(run, run.now + 3.1)
        run.tell(InPlace("wan2", ""))
        assert outcomes(run) == [(APPLIED, "wan2"), (ROLLED_BACK, "wan2"), (COMMITTED, "wan2")]


class TestRefusals:
    """A path the actor refuses is left alone for a while; an actor that is away says nothing about a path."""

    def test_a_refusal_leads_to_the_next_path_and_counts(self) -> None:
        run, move = moving()
        actions = run.tell(NotApplied(move.id, "no gateway", retry=True))
        assert [act.to for act in actions if isinstance(act, Move)] == ["cell"]
        assert run.machine.path("wan2").tries == 1
        run.tell(InPlace("wan1", ""))
        assert run.machine.path("wan2").tries == 1

    def test_an_actor_that_is_back_is_asked_at_once(self) -> None:
        run, move = moving()
        for _ in range(2):
            assert run.machine.move is not None
            run.tell(NotApplied(run.machine.move.id, "the actor does not answer", retry=True, asked=False))
        assert run.machine.move is None
        assert run.machine.path("wan2").proved_s is not None
        actions = run.tell(InPlace("wan1", ""))
        assert [act.to for act in actions if isinstance(act, Move)] == ["wan2"]
        assert run.machine.path("wan2").tries == 0
        assert move.to == "wan2"


def test_a_move_found_under_way_is_proved_and_kept_if_it_alone_answers() -> None:
    """An agent killed during a proof: the path before is unknown, and was left for a reason."""
    run = Run(begin(plan(), 0.0), 0.0)
    assert Prove in told(run, InPlace("cell", "old7"))
    heard(run, "cell")
    while run.now < 3.2:
        run.tell(Reply("cell", "a", run.now))
        run.until(run.now + 0.5)
    assert [type(act) for _, act in run.log if isinstance(act, CommitMove | UndoMove)] == [CommitMove]


def test_a_move_found_under_way_is_undone_if_another_path_answers() -> None:
    run = Run(begin(plan(), 0.0), 0.0)
    run.tell(InPlace("cell", "old7"))
    while run.now < 3.2:
        heard(run, "wan1")
        run.until(run.now + 0.1)
    assert UndoMove("old7") in [act for _, act in run.log]


def test_when_no_path_is_in_place_the_last_one_is_still_the_one_to_leave() -> None:
    """The modem in use was pulled out with its routes, nothing else answered then; when a wire revives it is taken."""
    run = working(active="cell")
    run.until(run.now + 1.5)
    run.tell(Carrier("cell", up=False))
    run.until(run.now + 2.0)
    run.tell(InPlace("", ""))
    assert run.machine.active == "cell"
    run.log.clear()
    for _ in range(200):
        heard(run, "wan2")
        run.until(run.now + 0.033)
    assert "wan2" in [act.to for _, act in run.log if isinstance(act, Move)]


def test_a_path_in_use_that_is_not_ours_is_left_alone() -> None:
    run = working()
    run.tell(InPlace("somebody-elses", ""))
    assert run.machine.active == ""
    run.until(run.now + 30.0)
    assert not [act for _, act in run.log if isinstance(act, Move)]


def test_a_cellular_path_somebody_asks_for_is_armed_and_taken_within_seconds() -> None:
    run = working()
    run.tell(proof("cell"))
    others_answer_until(run, run.now + 2.0, but="cell")
    actions = run.tell(Prefer("cell", run.now + 3600.0, "test"))
    assert SetEffort("cell", Effort.ARMED) in actions
    asked = run.now
    while run.now < asked + 5.0 and run.machine.move is None:
        heard(run, "wan1", "wan2", "cell")
        run.until(run.now + 0.3)
    assert run.machine.move is not None
    assert (run.machine.move.to_path, run.machine.move.kind) == ("cell", ActKind.OVERRIDE)


def test_nobody_is_moved_off_a_working_path_without_a_fresh_proof() -> None:
    run = working()
    run.tell(Prefer("wan2", run.now + 3600.0, "test"))
    others_answer_until(run, run.now + 20.0, but="none")
    assert not [act for _, act in run.log if isinstance(act, Move)]
    assert Prove("wan2", "") in [act for _, act in run.log]
    run.tell(proof("wan2", works=False))
    others_answer_until(run, run.now + 5.0, but="none")
    assert not [act for _, act in run.log if isinstance(act, Move)]
    run.tell(proof("wan2"))
    assert [act.to for _, act in run.log if isinstance(act, Move)] == ["wan2"]


class TestReplan:
    """New settings keep what is known."""

    def machine(self) -> BranchMachine:
        return moving()[0].machine

    def test_nothing_changes_nothing(self) -> None:
        machine = self.machine()
        assert replan(machine, machine.plan, 200.0) == machine

    def test_a_path_that_goes_takes_its_move_and_wish_with_it(self) -> None:
        machine = self.machine()
        machine, _ = decide(machine, Prefer("wan2", 1e6, "x"), 101.0)
        less = replace(machine.plan, paths=tuple(path for path in machine.plan.paths if path.name != "wan2"))
        after = replan(machine, less, 101.0)
        assert (after.move, after.wish, after.active) == (None, None, "wan1")

    def test_another_role_begins_anew_but_without_a_carrier_there_is_none(self) -> None:
        machine, _ = decide(self.machine(), Carrier("wan2", up=False), 101.0)
        paths = tuple(replace(path, role=Role.CELL) if path.name == "wan2" else path for path in machine.plan.paths)
        after = replan(machine, replace(machine.plan, paths=paths), 101.0)
        wan2 = after.path("wan2")
        assert (wan2.link, wan2.role, wan2.carrier) == (LinkState.UNKNOWN, Role.CELL, False)
        after, _ = decide(after, Tick(), 102.0)
        assert after.path("wan2").link is LinkState.DOWN

    def test_another_rank_is_followed_by_a_proved_return(self) -> None:
        run = working()
        paths = tuple(replace(path, rank=9) if path.name == "wan1" else path for path in run.machine.plan.paths)
        run.machine = replan(run.machine, replace(run.machine.plan, paths=paths, hold_s=0.0), run.now)
        run.tell(proof("wan2"))
        heard(run, "wan2")
        actions = [act for _, act in run.log if isinstance(act, Move)]
        assert [(act.to, act.kind) for act in actions] == [("wan2", ActKind.RETURN)]


def test_windows_of_any_count_are_taken() -> None:
    run = working()
    for sent, received in ((0, 0), (10, 10), (10, 0), (10, 12)):
        run.tell(observations.Window("wan1", sent, received))
    assert run.machine.path("wan1").dirty_s == run.now

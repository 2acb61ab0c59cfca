from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.actor.core import RECONCILE_S, SETTLE_AGAIN_S, SETTLE_ROUNDS, Actor
from agent.actor.state import State, StateFile
from failover.actuators.protocol import (
    Apply,
    Commit,
    Counted,
    Counters,
    Done,
    Evidence,
    Refused,
    Rollback,
    Snapshot,
    SnapshotRequest,
)
from tests.unit.agent.fake_actuator import PATHS, FakeActuator, KilledError
from wire.messages import ActKind

SILENT = Evidence(from_silent_s=6.0, target_answered_s=None, target_proved_s=None)
WORKING = Evidence(from_silent_s=0.0, target_answered_s=0.1, target_proved_s=None)


class FusedFile(StateFile):
    """The real file, killed with the fake system's fuse before or after a write."""

    def __init__(self, file: Path, system: FakeActuator) -> None:
        super().__init__(file)
        self._system = system

    def save(self, state: State) -> None:
        self._system.fuse.step()
        super().save(state)
        self._system.fuse.step()


@pytest.fixture
def system() -> FakeActuator:
    return FakeActuator()


def started(folder: Path, system: FakeActuator, now_s: float = 0.0) -> Actor:
    actor = Actor(system, FusedFile(folder / "actor.json", system), PATHS)
    actor.start(now_s)
    return actor


def move(path: str, name: str = "m1", trial_s: float = 3.0, evidence: Evidence = SILENT) -> Apply:
    return Apply(name, path, ActKind.EMERGENCY, trial_s, evidence)


def seen(actor: Actor, now_s: float) -> Snapshot:
    reply = actor.answer(SnapshotRequest(), now_s)
    assert isinstance(reply, Snapshot)
    return reply


def test_the_first_start_adopts_the_path_in_place(tmp_path: Path, system: FakeActuator) -> None:
    system.in_place = "second"
    actor = started(tmp_path, system)
    assert seen(actor, 0).active == "second"
    assert set(system.applied) == {"second"}


def test_with_no_path_in_place_the_first_apply_needs_no_evidence(tmp_path: Path) -> None:
    system = FakeActuator(in_place="")
    actor = started(tmp_path, system)
    assert seen(actor, 0).active == ""
    assert isinstance(actor.answer(move("cell", evidence=Evidence(None, None, None)), 0), Done)


def test_evidence_is_enforced_and_nothing_moves(tmp_path: Path, system: FakeActuator) -> None:
    actor = started(tmp_path, system)
    reply = actor.answer(move("cell", evidence=WORKING), 0)
    assert isinstance(reply, Refused)
    assert reply.why.startswith("the path in use has been silent for only 0.00 s")
    assert reply.retry
    assert system.in_place == "wire"


def test_applying_the_path_in_use_is_no_move(tmp_path: Path, system: FakeActuator) -> None:
    actor = started(tmp_path, system)
    assert isinstance(actor.answer(move("wire", evidence=WORKING), 0), Done)


def test_a_repeated_apply_keeps_its_timer(tmp_path: Path, system: FakeActuator) -> None:
    actor = started(tmp_path, system)
    actor.answer(move("cell"), 0)
    actor.answer(move("cell"), 2)
    assert seen(actor, 2).pending_left_s == 1


def test_commit_settles_once(tmp_path: Path, system: FakeActuator) -> None:
    actor = started(tmp_path, system)
    actor.answer(move("cell"), 0)
    assert system.settled == []
    actor.answer(Commit("m1"), 1)
    actor.answer(Commit("m1"), 1)
    assert system.settled == ["cell"]
    assert seen(actor, 1).pending == ""


def test_old_flows_are_dropped_in_rounds_until_none_is_left(tmp_path: Path, system: FakeActuator) -> None:
    actor = started(tmp_path, system)
    actor.answer(move("cell"), 0)
    system.old_flows = [900, 80, 0, 1]
    actor.answer(Commit("m1"), 1)
    assert actor.wait_s(1) == SETTLE_AGAIN_S
    for now_s in (1.1, 1.25, 1.3, 1.5, 2.0):
        actor.tick(now_s)
    assert system.settled == ["cell"] * 3


def test_flows_that_never_end_do_not_keep_the_actor_busy(tmp_path: Path, system: FakeActuator) -> None:
    actor = started(tmp_path, system)
    actor.answer(move("cell"), 0)
    system.old_flows = [1] * 1000
    actor.answer(Commit("m1"), 1)
    for tenth in range(10, 1000):
        actor.tick(tenth / 10)
    assert len(system.settled) == SETTLE_ROUNDS


def test_a_wrong_or_missing_id_is_refused(tmp_path: Path, system: FakeActuator) -> None:
    actor = started(tmp_path, system)
    actor.answer(move("cell"), 0)
    assert actor.answer(Commit("m2"), 1) == Refused(
        "'m2' is not pending, apply 'm1' is; ask for a snapshot", retry=False
    )
    for request in (Commit(""), Rollback("")):
        assert isinstance(actor.answer(request, 1), Refused)
    assert seen(actor, 1).pending == "m1"


def test_the_path_before_a_chain_of_trials_is_the_committed_one(tmp_path: Path, system: FakeActuator) -> None:
    actor = started(tmp_path, system)
    actor.answer(move("second", "m1"), 0)
    actor.answer(move("cell", "m2"), 1)
    assert seen(actor, 1).previous == "wire"
    actor.answer(Rollback("m2"), 2)
    assert system.in_place == "wire"


def test_a_refused_apply_leaves_trial_and_timer_as_they_were(tmp_path: Path, system: FakeActuator) -> None:
    actor = started(tmp_path, system)
    actor.answer(move("second"), 0)
    system.broken = {"cell"}
    reply = actor.answer(move("cell", "m2"), 1)
    assert reply == Refused("path 'cell' has no interface now", retry=True)
    after = seen(actor, 1)
    assert (after.active, after.pending, after.pending_left_s, after.previous) == ("second", "m1", 2, "wire")


def test_when_the_path_before_is_gone_the_one_on_trial_stays(tmp_path: Path, system: FakeActuator) -> None:
    actor = started(tmp_path, system)
    actor.answer(move("cell"), 0)
    system.broken = {"wire"}
    assert actor.answer(Rollback("m1"), 1) == Refused(
        "cannot go back to wire (path 'wire' has no interface now); cell stays", retry=False
    )
    assert (system.in_place, seen(actor, 1).pending) == ("cell", "")


@pytest.mark.parametrize(("new", "old", "stays"), [(3, 0, "cell"), (0, 0, "wire"), (3, 3, "wire"), (0, 3, "wire")])
def test_at_the_end_of_a_mute_trial_only_clear_evidence_keeps_the_new_path(
    tmp_path: Path, system: FakeActuator, new: int, old: int, stays: str
) -> None:
    system.packets = {"wire": 100, "second": 0, "cell": 7}
    actor = started(tmp_path, system)
    actor.answer(move("cell"), 0)
    system.packets["cell"] += new
    system.packets["wire"] += old
    actor.tick(2.9)
    assert seen(actor, 2.9).pending == "m1"
    assert actor.wait_s(2.9) == pytest.approx(0.1)
    actor.tick(3.0)
    assert (system.in_place, seen(actor, 3).pending) == (stays, "")
    assert system.settled == [stays]


def test_counters_that_started_again_count_from_zero(tmp_path: Path, system: FakeActuator) -> None:
    system.packets["cell"] = 900
    actor = started(tmp_path, system)
    actor.answer(move("cell"), 0)
    system.packets["cell"] = 4  # the table was put back
    actor.tick(3)
    assert system.in_place == "cell"


def test_an_id_used_again_is_a_new_trial(tmp_path: Path, system: FakeActuator) -> None:
    actor = started(tmp_path, system)
    actor.answer(move("cell"), 0)
    actor.answer(Commit("m1"), 1)
    actor.answer(move("second"), 2)
    actor.answer(Commit("m1"), 3)
    assert seen(actor, 3).pending == ""


def test_a_path_that_cannot_be_in_place_yet_is_put_there_once_it_can(tmp_path: Path, system: FakeActuator) -> None:
    actor = started(tmp_path, system)
    actor.answer(move("cell"), 0)
    actor.answer(Commit("m1"), 1)
    system.in_place, system.broken = "wire", {"cell"}  # the stick was unplugged, the actor restarted
    again = started(tmp_path, system, 2)
    again.tick(2 + RECONCILE_S)
    assert system.in_place == "wire"
    system.broken = set()
    again.tick(2 + 2 * RECONCILE_S)
    assert system.in_place == "cell"


def test_reconcile_is_asked_every_five_seconds_and_counted(tmp_path: Path, system: FakeActuator) -> None:
    actor = started(tmp_path, system)
    system.mended = ("a", "b")
    actor.tick(RECONCILE_S - 0.1)
    assert seen(actor, 0).mended == 0
    actor.tick(RECONCILE_S)
    assert seen(actor, 0).mended == 2
    assert actor.answer(Counters(), 0) == Counted(system.packets)


def test_a_full_disk_does_not_stop_a_move(tmp_path: Path, system: FakeActuator) -> None:
    actor = started(tmp_path / "gone", system)  # no such folder: every write fails
    assert isinstance(actor.answer(move("cell"), 0), Done)
    assert system.in_place == "cell"


def test_a_state_of_another_boot_or_of_rubbish_is_not_believed(tmp_path: Path, system: FakeActuator) -> None:
    file = tmp_path / "actor.json"
    for text in ('{"goal": "cell", "boot": "another"}', "{", '{"goal": 7}', '{"surprise": 1}'):
        file.write_text(text)
        assert StateFile(file).load().goal == ""
    started(tmp_path, system)
    assert system.in_place == "wire"


@pytest.mark.parametrize("step", range(14))
@pytest.mark.parametrize("end", ["commit", "rollback", "expire"])
def test_killed_between_any_two_steps(tmp_path: Path, step: int, end: str) -> None:
    system = FakeActuator()
    actor = started(tmp_path, system)
    system.fuse.left = step
    try:
        actor.answer(move("cell"), 0)
        if end == "expire":
            actor.tick(3)
        else:
            actor.answer(Commit("m1") if end == "commit" else Rollback("m1"), 1)
    except KilledError:
        assert system.in_place in {"wire", "cell"}
    system.fuse.left = -1
    again = started(tmp_path, system, 1.5)
    found = seen(again, 1.5)
    assert (found.active, found.pending) in {("wire", ""), ("cell", "m1"), ("cell", "")}
    again.tick(3.0)
    after = seen(again, 3.0)
    assert after.pending == ""
    assert after.active in ({"wire", "cell"} if end == "commit" else {"wire"})
    if system.settled or after.active == "cell":
        assert system.settled[-1:] == [after.active], "flows of the path left are dropped, whoever was killed"


def test_what_a_restart_could_not_put_back_in_place_is_neither_kept_nor_settled_on(tmp_path: Path) -> None:
    system = FakeActuator()
    actor = started(tmp_path, system)
    actor.answer(move("second", "m0"), 0.0)
    system.broken = {"wire"}
    system.fuse.left = 1
    with pytest.raises(KilledError):  # while it goes back to what was in place, under the same name
        actor.answer(move("wire", "m0"), 0.0)
    actor = started(tmp_path, system, 0.0)
    reply = actor.answer(Commit("m0"), 0.0)
    assert isinstance(reply, Refused)
    assert reply.retry
    assert system.settled == []
    system.broken = set()
    actor.tick(RECONCILE_S)
    assert system.in_place == "wire"


_STEPS = st.one_of(
    st.tuples(st.just("apply"), st.sampled_from(PATHS), st.integers(0, 3)),
    st.tuples(st.just("commit"), st.just(""), st.integers(0, 3)),
    st.tuples(st.just("rollback"), st.just(""), st.integers(0, 3)),
    st.tuples(st.just("wait"), st.just(""), st.integers(1, 8)),
    st.tuples(st.just("break"), st.sampled_from(PATHS), st.just(0)),
    st.tuples(st.just("fuse"), st.just(""), st.integers(0, 12)),
)


@given(st.lists(_STEPS, max_size=30))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_happens_a_path_stays_in_place_and_a_trial_ends(
    tmp_path: Path, steps: list[tuple[str, str, int]]
) -> None:
    (tmp_path / "actor.json").unlink(missing_ok=True)
    system = FakeActuator()
    actor = started(tmp_path, system)
    now_s = 0.0
    for count, (verb, path, number) in enumerate(steps):
        try:
            if verb == "apply":
                actor.answer(move(path, f"m{number}"), now_s)
            elif verb == "commit":
                actor.answer(Commit(f"m{number}"), now_s)
            elif verb == "rollback":
                actor.answer(Rollback(f"m{number}"), now_s)
            elif verb == "wait":
                now_s += number
            elif verb == "break":
                system.broken = {path} if count % 2 else set()
            else:
                system.fuse.left = number
            actor.tick(now_s)
        except KilledError:
            actor = started(tmp_path, system, now_s)
        assert system.in_place in PATHS
    system.fuse.left = -1
    system.broken = set()
    actor.tick(now_s + 3)
    actor.tick(now_s + 3 + RECONCILE_S)
    last = seen(actor, now_s + 3)
    assert last.pending == ""
    assert last.active == system.in_place

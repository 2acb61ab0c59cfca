"""What counts as fulfilled: cables out, traffic where it belongs, and nothing believed before it is so."""

import pytest

from agent.commission.judging import HEARD_WITHIN_S, MOVED_WITHIN_S, Judge, Verdict
from agent.commission.seen import Seen
from agent.commission.steps import Kind, Step
from tests.unit.agent.commission.branch_values import seen

WIRES = ("fibre", "dsl")


def judged(step: Step, *answers: tuple[float, Seen | None]) -> Verdict | None:
    judge = Judge(step, 0.0)
    verdict = None
    for now_s, answer in answers:
        assert verdict is None
        verdict = judge.see(answer, now_s)
    return verdict


def test_the_line_in_use_is_pulled() -> None:
    verdict = judged(
        Step(Kind.PULL, ("fibre",)),
        (10.0, seen("fibre")),
        (11.0, seen("fibre", fibre="SUSPECT")),  # for a second, so since 10.0
        (11.3, seen("fibre", fibre="DOWN")),
        (11.4, seen("dsl", fibre="DOWN", moving=True)),  # on trial: not believed yet
        (12.0, seen("dsl", fibre="DOWN", state="DEGRADED")),
    )
    assert verdict == Verdict(True, "moved", {"path": "dsl", "took_s": 1.4, "state": "DEGRADED"})


def test_a_move_that_was_undone_does_not_count() -> None:
    assert judged(
        Step(Kind.PULL, ("fibre",)),
        (10.0, seen("fibre")),
        (11.0, seen("dsl", fibre="DOWN", moving=True)),
        (14.0, seen("fibre", fibre="DOWN")),
        (15.0, seen("5g", fibre="DOWN")),
    ) == Verdict(True, "moved", {"path": "5g", "took_s": 5.0, "state": "OK"})


def test_traffic_that_does_not_move_is_a_failure() -> None:
    down = seen("fibre", fibre="DOWN")
    answers = ((10.0, seen("fibre")), (11.0, down), (11.1 + MOVED_WITHIN_S, down))
    assert judged(Step(Kind.PULL, ("fibre",)), *answers) == Verdict(False, "not_moved", {"path": "fibre"})


def test_a_resting_line_is_pulled() -> None:
    rest = seen("fibre", dsl="DOWN")
    step = Step(Kind.PULL, ("dsl",))
    assert judged(step, (1.0, seen("fibre")), (2.0, rest)) == Verdict(True, "stayed", {"path": "fibre"})
    assert judged(step, (1.0, seen("fibre")), (2.0, seen("5g", dsl="DOWN"))) == Verdict(
        False, "left", {"path": "fibre", "to": "5g"}
    )


@pytest.mark.parametrize("step", [Step(Kind.PULL, ("fibre",)), Step(Kind.ALL_OUT, WIRES)])
def test_a_cable_that_was_out_before_proves_nothing(step: Step) -> None:
    out = seen("5g", fibre="DOWN", dsl="DOWN")
    judge = Judge(step, 0.0)
    for now_s in range(100):
        assert judge.see(out, float(now_s)) is None
    code, values = judge.missing()
    assert (code, str(values["paths"]).startswith("fibre DOWN")) == ("not_in", True)
    assert judge.see(seen("fibre"), 101.0) is None
    assert judge.see(out, 102.0) == Verdict(True, "moved", {"path": "5g", "took_s": 1.0, "state": "OK"})


def test_where_traffic_was_is_asked_when_the_cable_goes_and_not_when_the_step_begins() -> None:
    step, out = Step(Kind.PULL, ("dsl",)), seen("fibre", dsl="DOWN")
    began, back = seen("dsl"), seen("fibre")  # it fails back to fibre before anybody pulls
    assert judged(step, (1.0, began), (200.0, back), (210.0, out)) == Verdict(True, "stayed", {"path": "fibre"})
    other = Step(Kind.PULL, ("5g",))
    gone = seen("fibre", g5="DOWN")
    assert judged(other, (1.0, began), (200.0, back), (210.0, gone)) == Verdict(True, "stayed", {"path": "fibre"})


def test_a_move_on_trial_is_not_where_traffic_was() -> None:
    trial, undone = seen("dsl", moving=True), seen("fibre", g5="DOWN")
    answers = ((1.0, seen("fibre")), (2.0, trial), (3.0, undone))
    assert judged(Step(Kind.PULL, ("5g",)), *answers) == Verdict(True, "stayed", {"path": "fibre"})


def test_nobody_knows_where_traffic_goes_while_the_actor_is_away() -> None:
    judge = Judge(Step(Kind.START, ("fibre",)), 0.0)
    assert judge.see(seen(""), 1.0) is None
    assert judge.missing() == ("not_known", {})
    down = seen("", fibre="DOWN")
    answers = ((1.0, seen("")), (2.0, down), (2.1 + MOVED_WITHIN_S, down))
    assert judged(Step(Kind.PULL, ("fibre",)), *answers) == Verdict(False, "not_known")


def test_the_wrong_cable_is_named() -> None:
    judge = Judge(Step(Kind.PULL, ("fibre",)), 0.0)
    assert judge.see(seen("fibre"), 1.0) is None
    assert judge.missing() == ("not_down", {"paths": "fibre UP"})
    assert judge.see(seen("fibre", dsl="DOWN"), 2.0) is None
    assert judge.missing() == ("other_cable", {"paths": "dsl"})
    was_down = Judge(Step(Kind.PULL, ("fibre",)), 0.0)
    was_down.see(seen("fibre", dsl="DOWN"), 1.0)
    assert was_down.missing() == ("not_down", {"paths": "fibre UP"})


def test_all_wires_out_is_counted_from_the_last_one() -> None:
    verdict = judged(
        Step(Kind.ALL_OUT, WIRES),
        (9.0, seen("fibre")),
        (10.0, seen("fibre", dsl="DOWN")),
        (12.0, seen("fibre", dsl="DOWN", fibre="DOWN")),
        (13.5, seen("5g", dsl="DOWN", fibre="DOWN", state="ON_5G")),
    )
    assert verdict == Verdict(True, "moved", {"path": "5g", "took_s": 2.5, "state": "ON_5G"})


def test_plugged_in_means_up() -> None:
    judge = Judge(Step(Kind.PLUG, ("dsl",)), 0.0)
    assert judge.see(seen("fibre", dsl="DOWN"), 1.0) is None
    assert judge.missing() == ("not_up", {"paths": "dsl DOWN"})
    assert judge.see(seen("fibre", fibre="DOWN"), 2.0) == Verdict(True, "all_up", {"path": "fibre"})


def test_an_agent_that_does_not_answer_proves_nothing() -> None:
    judge = Judge(Step(Kind.PLUG, ("dsl",)), 0.0)
    assert judge.see(None, 1.0) is None
    assert judge.missing() == ("no_agent", {})


def test_a_cable_pulled_while_the_agent_was_away_is_not_timed() -> None:
    judge = Judge(Step(Kind.PULL, ("fibre",)), 0.0)
    for now_s, answer in ((1.0, seen("fibre")), (2.0, None), (9.0, seen("dsl", fibre="DOWN"))):
        assert judge.see(answer, now_s) is None
    assert judge.missing() == ("not_in", {"paths": "fibre DOWN"})


def test_the_collector() -> None:
    step, away = Step(Kind.COLLECTOR), seen("fibre", connected=False)
    assert judged(step, (1.0, away), (2.0, seen("fibre"))) == Verdict(True, "heard")
    assert judged(step, (1.0, away), (HEARD_WITHIN_S + 0.1, away)) == Verdict(
        False, "not_heard", {"why": "broker x: no answer"}
    )

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failover.actuators.protocol import Evidence
from failover.safety import refuse
from wire.messages import ActKind

DOWN = [ActKind.EMERGENCY, ActKind.RECOVER]
WISHED = [ActKind.RETURN, ActKind.OVERRIDE]
EVERY = list(ActKind)
ages = st.none() | st.floats(allow_nan=True, allow_infinity=True)
evidences = st.builds(Evidence, ages, ages, ages)


@pytest.mark.parametrize("kind", EVERY)
def test_a_proved_and_answering_target_may_always_be_taken(kind: ActKind) -> None:
    assert refuse(kind, Evidence(0.0, 2.0, 600.0)) is None
    assert refuse(kind, Evidence(None, 0.0, 0.0)) is None


@pytest.mark.parametrize("kind", EVERY)
def test_a_path_silent_for_five_seconds_may_always_be_left(kind: ActKind) -> None:
    assert refuse(kind, Evidence(5.0, None, None)) is None


@pytest.mark.parametrize("kind", DOWN)
def test_a_path_judged_down_may_be_left_for_one_that_answers(kind: ActKind) -> None:
    assert refuse(kind, Evidence(0.25, 1.0, None)) is None


@pytest.mark.parametrize("kind", DOWN)
@pytest.mark.parametrize(
    ("evidence", "why"),
    [
        (
            Evidence(0.2, 0.1, None),
            (
                "the path in use has been silent for only 0.20 s and the target is not proved; "
                "wait for 0.25 s of silence or prove the target first"
            ),
        ),
        (
            Evidence(None, 0.1, 601.0),
            (
                "the path in use has no reading of its silence and the target is not proved; "
                "wait for 0.25 s of silence or prove the target first"
            ),
        ),
        (
            Evidence(4.9, 1.1, None),
            (
                "the path in use has been silent for less than 5 s and the target last answered 1.1 s ago; "
                "probe the target until it answers or wait"
            ),
        ),
        (
            Evidence(0.5, None, 30.0),
            (
                "the path in use has been silent for less than 5 s and the target never answered; "
                "probe the target until it answers or wait"
            ),
        ),
    ],
)
def test_why_a_path_may_not_be_left(kind: ActKind, evidence: Evidence, why: str) -> None:
    assert refuse(kind, evidence) == why


@pytest.mark.parametrize("kind", WISHED)
@pytest.mark.parametrize(
    ("evidence", "why"),
    [
        (Evidence(0.5, 0.1, None), "the target was never proved and {} leaves a working path; prove the target first"),
        (
            Evidence(0.0, 0.1, 601.0),
            "the target was last proved 601 s ago and {} leaves a working path; prove the target first",
        ),
        (
            Evidence(0.0, 2.1, 30.0),
            "the target last answered 2.1 s ago and {} leaves a working path; wait until the target answers",
        ),
        (
            Evidence(None, None, 30.0),
            "the target never answered and {} leaves a working path; wait until the target answers",
        ),
    ],
)
def test_why_a_wish_may_not_be_met(kind: ActKind, evidence: Evidence, why: str) -> None:
    assert refuse(kind, evidence) == why.format(kind.value)


@given(st.sampled_from(EVERY), evidences)
def test_no_reading_ever_takes_a_branch_off_a_working_path_onto_an_unproved_one(
    kind: ActKind, evidence: Evidence
) -> None:
    silent_s, proved_s = evidence.from_silent_s, evidence.target_proved_s
    works = silent_s is None or not silent_s >= 0.25
    proved = proved_s is not None and 0 <= proved_s <= 600
    if works and not proved:
        assert refuse(kind, evidence) is not None


@given(st.sampled_from(EVERY), evidences)
def test_nothing_ever_holds_a_branch_on_a_path_silent_for_five_seconds(kind: ActKind, evidence: Evidence) -> None:
    if evidence.from_silent_s is not None and evidence.from_silent_s >= 5:
        assert refuse(kind, evidence) is None

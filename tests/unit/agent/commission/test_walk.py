"""The walk in virtual time: what is kept after each step, skipped, tried again, stopped, gone on with."""

from pathlib import Path

import msgspec
import pytest

from agent.commission.record import Outcome, Record, RecordError, load, save
from agent.commission.seen import Seen
from agent.commission.talk import StoppedError
from tests.unit.agent.commission.branch_values import Rig, record, seen


def outcomes(kept: Record) -> dict[str, Outcome]:
    return {result.step: result.outcome for result in kept.results}


class Branch:
    """Does what the walk asks for: the cables named in the last prompt are out or in."""

    def __init__(self, before: Record | None = None) -> None:
        self.rig = Rig(self.look, before)

    def look(self, _now_s: float) -> Seen:
        asked = next((line for line in reversed(self.rig.talk.said) if line.startswith("[")), "")
        if "Pull all" in asked and self.waiting():
            return seen("5g", state="ON_5G", fibre="DOWN", dsl="DOWN")
        if "Pull the cable of fibre" in asked and self.waiting():
            return seen("dsl", fibre="DOWN")
        if "Pull the cable of dsl" in asked and self.waiting():
            return seen("fibre", dsl="DOWN")
        return seen("fibre")

    def waiting(self) -> bool:
        return "waiting" in self.rig.talk.said[-1]


def test_a_branch_that_does_everything() -> None:
    rig = Branch().rig
    rig.walk.run()
    assert rig.walk.record.accepted(rig.steps)
    assert len(rig.kept) == len(rig.steps)
    assert outcomes(rig.walk.record)["water"] is Outcome.NOT_CONFIGURED
    rig.walk.run()  # nothing is left to do
    assert len(rig.kept) == len(rig.steps)


def test_a_skipped_step_has_its_reason_and_is_no_acceptance() -> None:
    rig = Rig(lambda _: seen("fibre"))
    rig.talk.typed = {103.0: "s", 106.0: "s", 109.0: "s"}
    rig.talk.answers = ["cupboard locked", "", "\x1b[2J"]
    rig.walk.run()
    assert outcomes(rig.walk.record)["pull:fibre"] is Outcome.SKIPPED
    whys = [result.values["why"] for result in rig.walk.record.results if result.outcome is Outcome.SKIPPED]
    assert whys == ["cupboard locked", "-", "'\\x1b[2J'"]
    assert not rig.walk.record.accepted(rig.steps)


def test_a_failed_step_is_tried_again_or_left() -> None:
    rig = Rig(lambda now_s: seen("fibre") if now_s < 130 else seen("fibre", dsl="DOWN", fibre="DOWN"))
    rig.talk.answers = ["", "c", "q"]
    with pytest.raises(StoppedError):
        rig.walk.run()
    assert outcomes(rig.kept[-1])["pull:fibre"] is Outcome.FAIL


def test_who_goes_on_does_what_failed_and_what_was_not_done() -> None:
    first = Rig(lambda _: seen("fibre"))
    first.talk.typed = {103.0: "q"}
    with pytest.raises(StoppedError):
        first.walk.run()
    assert outcomes(first.kept[-1]) == {"start": Outcome.PASS}
    second = Rig(lambda _: None, first.kept[-1])
    second.talk.typed = {103.0: "q"}
    with pytest.raises(StoppedError):
        second.walk.run()
    assert second.talk.said[0] == "[2/10] Pull the cable of fibre now."
    assert any("the agent does not answer" in line for line in second.talk.said)


def test_what_is_pulled_again_is_plugged_in_again() -> None:
    first = Branch().rig
    first.walk.run()
    whole = first.walk.record
    failed = tuple(
        msgspec.structs.replace(result, outcome=Outcome.FAIL) if result.step == "pull:fibre" else result
        for result in whole.results
    )
    again = Branch(msgspec.structs.replace(whole, results=failed)).rig
    again.walk.run()
    assert [line for line in again.talk.said if line.startswith("[")] == [
        "[2/10] Pull the cable of fibre now.",
        "[3/10] Plug fibre back in.",
    ]
    assert again.walk.record.accepted(again.steps)


def test_other_settings_in_the_middle_are_no_acceptance() -> None:
    rig = Rig(lambda _: msgspec.structs.replace(seen("fibre"), config_hash="beef"))
    rig.talk.answers = ["q"]
    with pytest.raises(StoppedError):
        rig.walk.run()
    assert rig.kept[-1].results[0].code == "other_settings"


def test_a_record_that_cannot_be_put_in_place_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "record.json").mkdir()
    with pytest.raises(RecordError, match="cannot be written"):
        save(tmp_path / "record.json", record())
    assert [file.name for file in tmp_path.iterdir()] == ["record.json"]


@pytest.mark.parametrize("file", ["", ".", "/"])
def test_a_record_that_has_no_name_is_said(file: str) -> None:
    with pytest.raises(RecordError, match="cannot be written"):
        save(Path(file), record())


def test_a_record_is_read_back_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "record.json"
    save(file, record())
    assert load(file) == record()
    with pytest.raises(RecordError, match="cannot be written"):
        save(tmp_path / "none" / "record.json", record())


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is not a record"),
        (b"\xff\xfe", "is not a record"),
        (b'{"format": 1}', "is not a record"),
        (msgspec.json.encode(msgspec.structs.replace(record(), format=99)), "another version"),
    ],
)
def test_what_is_no_record_is_said(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "record.json").write_bytes(content)
    with pytest.raises(RecordError, match=said):
        load(tmp_path / "record.json")
    with pytest.raises(RecordError, match="cannot be read"):
        load(tmp_path / "none")

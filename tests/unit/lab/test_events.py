"""The agent's printed events, and the books of the witness."""

import json
from pathlib import Path

from agent.reporting import as_line
from lab.events import EventLog, Heard, HeardLog, parse
from lab.scenarios.kills import Account, account
from wire.messages import Act, ActKind, ActOutcome, LinkState, Role, StateChange

CHANGE = StateChange(5_000, "wan1", Role.WIRE, "isp1", LinkState.SUSPECT, LinkState.DOWN, "silent", 501.2)
ACT = Act(6_000, "m1", ActKind.EMERGENCY, ActOutcome.APPLIED, "wan1", "wan2", "wan1 is silent", 9.5)


def test_what_the_agent_prints_is_read_back(tmp_path: Path) -> None:
    file = tmp_path / "agent.out"
    lines = [as_line("ready", {"active": "wan1"}), as_line("StateChange", CHANGE), as_line("Act", ACT)]
    file.write_text("\n".join([*lines, as_line("carrier", {"path": "wan1", "up": True})]) + "\n")
    log = EventLog(file)
    assert [moved.event for moved in log.update()] == [CHANGE, ACT]
    assert log.ready_count == 1
    assert log.states() == {"wan1": LinkState.DOWN}
    assert log.acts() == [ACT]
    assert log.moved[1].at_ns - log.moved[0].at_ns == 1_000


def test_other_events_are_left_alone() -> None:
    assert parse("Digest", {"at_ns": 1}) is None


def test_the_first_event_is_the_first_batch_with_news_from_after_the_cut(tmp_path: Path) -> None:
    file = tmp_path / "heard"
    log = HeardLog(file)
    wall_ns = log.offset_ns
    old = Heard(100, "e", "x", 1, wall_ns + 40, [], 1)
    sample = Heard(110, "d", "x", 1, wall_ns + 60, [], 1)
    new = Heard(120, "e", "x", 2, wall_ns + 60, [], 1)
    file.write_text("".join(json.dumps(h) + "\n" for h in (old, sample, new)))
    assert len(log.update()) == 3
    assert log.first_event_ns(50) == 120
    assert log.first_event_ns(70) is None


def _heard(first: int, *points: int) -> Heard:
    windows = [(first + place, "wan1", 4, start) for place, start in enumerate(points)]
    return Heard(0, "d", "x", first, 0, windows, len(points))


def test_books_balance_when_all_is_stored() -> None:
    stored = {("wan1", 4, 10), ("wan1", 4, 20), ("wan1", 4, 30)}
    heard = [_heard(1, 10, 20), _heard(2, 20), _heard(3, 30)]
    assert account(heard, {"x": 2}, stored) == Account(spooled=2, unheard=0, windows=2, lost=0, unexplained=0)


def test_books_show_a_loss_a_stranger_and_what_nobody_heard() -> None:
    made = account([_heard(1, 10), _heard(3, 30)], {"x": 4}, {("wan1", 4, 10), ("wan1", 4, 99)})
    assert made == Account(spooled=4, unheard=2, windows=2, lost=1, unexplained=1)

"""What the collector is told, and what stays at the branch."""

import json

import msgspec
import pytest

from agent.reporting import Reporter, as_line, one_line
from failover.actions import ActReported, LinkChanged
from tests.unit.agent.settings_files import TEXT, branch_settings
from wire.codec import decode_record, encode_record
from wire.messages import Act, ActKind, ActOutcome, Event, LinkState, StateChange

UP, SUSPECT, DOWN, DEGRADED, UNKNOWN = (
    LinkState.UP,
    LinkState.SUSPECT,
    LinkState.DOWN,
    LinkState.DEGRADED,
    LinkState.UNKNOWN,
)


def reporter() -> Reporter:
    return Reporter(branch_settings(), wall_ns=lambda: 1_700_000_000_000_000_000)


def told(states: list[LinkState], made: Reporter | None = None) -> list[LinkState]:
    made = made or reporter()
    events = [
        made.event_of(LinkChanged("fibre", old, new, "r", 0.5))
        for old, new in zip([UNKNOWN, *states], states, strict=False)
    ]
    return [event.new for event in events if isinstance(event, StateChange)]


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ([UP, SUSPECT, UP, SUSPECT, UP], [UP]),
        ([UP, SUSPECT, DOWN, UP], [UP, DOWN, UP]),
        ([UP, DEGRADED, SUSPECT, UP], [UP, DEGRADED, UP]),  # or the wall would show DEGRADED for ever
        ([UP, DEGRADED, SUSPECT, DEGRADED], [UP, DEGRADED]),
        ([UP, SUSPECT, UNKNOWN, UP], [UP, UNKNOWN, UP]),
    ],
)
def test_short_suspicions_that_end_as_they_began_stay_at_the_branch(
    states: list[LinkState], expected: list[LinkState]
) -> None:
    assert told(states) == expected


def test_new_settings_keep_what_was_told() -> None:
    made = reporter()
    assert told([UP], made) == [UP]
    made.retarget(branch_settings(TEXT.replace('isp = "A"', 'isp = "Z"')))
    assert told([SUSPECT, UP], made) == []
    event = made.event_of(LinkChanged("fibre", UP, DOWN, "silent", 0.5004))
    assert isinstance(event, StateChange)
    assert (event.isp, event.silence_ms, event.at_ns) == ("Z", 500.4, 1_700_000_000_000_000_000)


@pytest.mark.parametrize("reason", ["", "a\nb\tc\x00\x9f\u2028", "x" * 20_000, "déjà vu 🚒"])
def test_every_reason_is_one_the_collector_takes(reason: str) -> None:
    made = reporter()
    events: list[Event | None] = [
        made.event_of(LinkChanged("fibre", UNKNOWN, UP, reason, None)),
        made.event_of(ActReported("m1", ActKind.OVERRIDE, ActOutcome.FAILED, "", "dsl", reason, 0.1)),
    ]
    for event in events:
        assert event is not None
        assert decode_record(encode_record(event)) == event


def test_plain_reasons_are_left_as_they_are() -> None:
    assert one_line("not proved: no tls") == "not proved: no tls"


def test_lines_are_json_objects() -> None:
    act = Act(1, "m1", ActKind.RETURN, ActOutcome.APPLIED, "dsl", "fibre", "clean again", 1.5)
    assert json.loads(as_line("Act", act))["to_path"] == "fibre"
    assert json.loads(as_line("ready", {"active": ""})) == {"event": "ready", "active": ""}
    assert "\n" not in as_line("Act", msgspec.structs.replace(act, reason="a\nb"))

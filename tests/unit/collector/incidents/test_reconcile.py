"""Whatever happens: one open incident for a key, none resolved in trouble, notices in order."""

import re

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.incidents.model import EntryKind, Phase
from collector.incidents.reconcile import clear_wait_s
from collector.incidents.settings import IncidentSettings
from collector.incidents.sites import Trouble
from tests.unit.collector.incidents.scene import DOWN, UP, Fleet, Story, battery, entry, mains, places
from wire.messages import SensorState

NAMES = [f"b{number}" for number in range(6)]


def _fleet() -> Fleet:
    return Fleet(
        places(
            *(entry(name, area="Nord" if n < 3 else "", zone="Loire" if n % 2 else "") for n, name in enumerate(NAMES))
        )
    )


def _happen(fleet: Fleet, name: str, what: str) -> None:
    match what:
        case "one line":
            fleet.lines(name, isp1=DOWN)
        case "all lines":
            fleet.lines(name, isp1=DOWN, isp2=DOWN)
        case "back":
            fleet.lines(name, isp1=UP, isp2=UP)
        case "silent":
            fleet.silent(name)
        case "unknown":
            fleet.unknown(name)
        case "battery":
            battery(fleet, name)
        case "mains":
            mains(fleet, name)
        case "wet":
            fleet.water(name)
        case _:
            fleet.water(name, SensorState.OK)


WHAT = ("one line", "all lines", "back", "silent", "unknown", "battery", "mains", "wet", "dry")
EVENTS = st.lists(
    st.tuples(st.sampled_from(NAMES), st.sampled_from(WHAT), st.sampled_from([0.0, 1.0, 20.0, 60.0, 400.0])),
    max_size=40,
)


def _check(story: Story) -> None:
    keys = [each.key for each in story.open()]
    assert len(keys) == len(set(keys))
    symptoms = {(each.branch, each.line) for group in story.groups() for each in group.members}
    now = {(each.branch, each.line) for incident in story.open() for each in incident.now}
    assert symptoms <= now
    for incident in story.all():
        if incident.phase in {Phase.RESOLVED, Phase.RECOVERING}:
            assert not incident.now
        assert (incident.told_s is None) == (incident.phase is Phase.MERGING) or incident.phase in {
            Phase.RESOLVED,
            Phase.RECOVERING,
        }


@settings(max_examples=60, deadline=None)
@given(EVENTS)
def test_whatever_happens(events: list[tuple[str, str, float]]) -> None:
    fleet = _fleet()
    story = Story(fleet, IncidentSettings(carrier_branches=3))
    for name, what, wait_s in events:
        _happen(fleet, name, what)
        story.look()
        story.wait(wait_s, 20.0)
        _check(story)
    told: dict[str, str] = {}
    for event, _, incident in story.notices:
        told[incident.id] = told.get(incident.id, "") + str(event)[0].upper()
    assert all(re.fullmatch("TU*R?", each) for each in told.values())
    for name in NAMES:
        fleet.lines(name, isp1=UP, isp2=UP, cell=UP)
        mains(fleet, name)
        fleet.water(name, SensorState.OK)
    story.wait(4000, 100.0)
    assert not story.open()
    for event, _, incident in story.notices:
        told[incident.id] = told.get(incident.id, "") + ("R" if str(event) == "resolve" else "")
    assert all("R" in each for each in told.values())


def test_a_look_at_what_did_not_change_writes_nothing() -> None:
    fleet = _fleet()
    story = Story(fleet)
    fleet.lines("b0", isp1=DOWN, isp2=DOWN)
    story.wait(60)
    before, entries = story.written.copy(), len(story.entries)
    story.wait(60)
    assert (story.written, len(story.entries)) == (before, entries)


def test_clearing_takes_longer_with_each_relapse() -> None:
    story = Story(_fleet())
    story.fleet.lines("b0", isp1=DOWN)
    story.look()
    waits = []
    for relapses in (0, 1, 2, 3, 10, 1000):
        incident = msgspec.structs.replace(story.one(), relapses=relapses)
        waits.append(clear_wait_s(incident, story.settings))
    assert waits == [120, 240, 480, 960, 1800, 1800]


def test_timeline_of_a_short_life() -> None:
    fleet = _fleet()
    story = Story(fleet)
    fleet.lines("b3", isp1=DOWN)
    story.wait(50)
    fleet.lines("b3", isp2=DOWN)
    story.wait(10)
    fleet.lines("b3", isp1=UP, isp2=UP)
    story.wait(130)
    kinds = [each.kind for _, each in story.entries]
    assert kinds == [
        EntryKind.OPENED,
        EntryKind.CHANGED,
        EntryKind.JOINED,
        EntryKind.LEFT,
        EntryKind.RECOVERING,
        EntryKind.RESOLVED,
    ]


def test_members_carry_troubles_by_name() -> None:
    assert {str(each) for each in Trouble} == {
        "ISOLATED",
        "FAILOVER_FAILED",
        "ON_5G",
        "DOWN",
        "WATER",
        "ON_BATTERY",
        "ANCHOR_SILENT",
    }

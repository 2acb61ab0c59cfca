"""Whole incidents, from the first symptom to the last notice. Each look starts from what the one before it wrote."""

import pytest

from collector.incidents.model import AlertClass, Cause, EntryKind, Phase, Severity
from collector.notify.model import NoticeEvent
from tests.unit.collector.incidents.scene import DOWN, START_S, UP, Fleet, Story, battery, entry, mains, places
from wire.messages import ActKind, ActOutcome, PowerSource


def _many(count: int, isp: str = "Orange") -> Fleet:
    return Fleet(places(*(entry(f"b{n}", region=("PACA", "Occitanie")[n % 2], isps=(isp, isp)) for n in range(count))))


def test_carrier_storm_is_one_page_and_one_resolve() -> None:
    fleet = _many(255)
    story = Story(fleet)
    for number in range(255):
        fleet.now_s = START_S + number * 0.1
        fleet.lines(f"b{number}", isp1=DOWN, isp2=DOWN)
        if number % 10 == 0:
            story.look()
    story.wait(100, 5.0)
    assert [(each.cause, each.alert_class) for each in story.open()] == [(Cause.ISP, AlertClass.CARRIER)]
    assert story.events() == {"trigger": 1}
    event, at_s, told = story.notices[0]
    assert (event, told.severity) == (NoticeEvent.TRIGGER, Severity.PAGE)
    assert at_s - START_S <= 80
    assert len(told.branches) == 255
    for number in range(255):
        fleet.now_s += 0.5
        fleet.lines(f"b{number}", isp1=UP, isp2=UP)
        if number % 10 == 0:
            story.look()
    story.wait(130, 10.0)
    assert story.events() == {"trigger": 1, "resolve": 1}
    assert [each.phase for each in story.all()] == [Phase.RESOLVED]


def test_successful_failovers_page_nobody() -> None:
    fleet = _many(4)
    story = Story(fleet)
    for name in ("b0", "b1", "b2", "b3"):
        fleet.lines(name, isp1=DOWN, isp2=DOWN)
        fleet.act(name, ActOutcome.COMMITTED, "cell")
        story.wait(200, 5.0)
    assert {each.severity for each in story.all()} == {Severity.WORK}
    assert story.events() == {"trigger": 4}


def test_power_and_flood_in_the_same_minute_are_two() -> None:
    district = [entry(f"p{n}", area="Nantes nord", region="Ouest") for n in range(6)]
    valley = [entry(f"v{n}", zone="Loire 3", region="Ouest", isps=("Orange", "Free")) for n in range(6)]
    fleet = Fleet(places(*district, *valley))
    story = Story(fleet)
    for number in range(6):
        fleet.power(f"p{number}", PowerSource.BATTERY)
        fleet.lines(f"p{number}", isp1=DOWN, isp2=DOWN)
        fleet.lines(f"v{number}", isp1=DOWN, isp2=DOWN)
        if number < 2:
            fleet.water(f"v{number}")
        story.wait(8)
    fleet.silent("p5")
    story.wait(60)
    found = {each.key: each for each in story.open()}
    assert set(found) == {"power/acme/area/Nantes nord", "flood/acme/zone/Loire 3"}
    power, flood = found["power/acme/area/Nantes nord"], found["flood/acme/zone/Loire 3"]
    assert {branch for _, branch in power.branches} == {f"p{n}" for n in range(6)}
    assert {branch for _, branch in flood.branches} == {f"v{n}" for n in range(6)}
    assert (power.alert_class, flood.alert_class) == (AlertClass.ISOLATED, AlertClass.ON_5G)
    assert power.confidence > flood.confidence
    assert story.events()["trigger"] == 2


def test_one_cause_whose_branches_report_90_s_apart_is_one() -> None:
    fleet = Fleet(places(*(entry(f"p{n}", area="Nantes nord") for n in range(2))))
    story = Story(fleet)
    battery(fleet, "p0")
    fleet.lines("p0", isp1=DOWN, isp2=DOWN)
    story.wait(90)
    battery(fleet, "p1")
    fleet.lines("p1", isp1=DOWN, isp2=DOWN)
    story.wait(90)
    assert len(story.one().branches) == 2
    assert story.events() == {"trigger": 1}


def test_flaps_are_one_incident_one_page_one_resolve() -> None:
    fleet = _many(1)
    story = Story(fleet)
    fleet.silent("b0")
    story.wait(90)
    for _ in range(5):
        fleet.lines("b0", isp1=UP)
        story.wait(60)
        fleet.silent("b0")
        story.wait(20)
    fleet.lines("b0", isp1=UP)
    story.wait(1700, 10.0)
    assert story.one().phase is Phase.RECOVERING
    assert story.one().relapses == 5
    story.wait(200, 10.0)
    assert [each.phase for each in story.all()] == [Phase.RESOLVED]
    assert story.events() == {"trigger": 1, "resolve": 1}
    assert story.notices[0][2].severity is Severity.PAGE


def test_a_line_that_comes_and_goes_becomes_unstable_and_wakes_nobody() -> None:
    fleet = _many(1)
    story = Story(fleet)
    for _ in range(5):
        fleet.lines("b0", isp1=DOWN)
        story.wait(10)
        fleet.lines("b0", isp1=UP)
        story.wait(30)
    assert (story.one().alert_class, story.one().cause) == (AlertClass.UNSTABLE, Cause.ACCESS_LINE)
    assert {each.severity for _, _, each in story.notices} == {Severity.WORK}
    assert story.events() == {"trigger": 1}


def test_isolated_branch_pages_within_80_s_of_its_last_word() -> None:
    fleet = _many(1)
    story = Story(fleet)
    story.wait(50)
    fleet.silent("b0")
    story.wait(60)
    assert [(event, at_s - START_S) for event, at_s, _ in story.notices] == [(NoticeEvent.TRIGGER, 80.0)]
    assert story.one().cause is Cause.UNKNOWN


def test_short_trouble_that_wakes_nobody_is_never_told() -> None:
    fleet = _many(1)
    story = Story(fleet)
    fleet.lines("b0", isp1=DOWN)
    story.wait(20)
    fleet.lines("b0", isp1=UP)
    story.wait(300)
    assert [each.phase for each in story.all()] == [Phase.RESOLVED]
    assert not story.notices


def test_short_isolation_is_told_even_so() -> None:
    fleet = _many(1)
    story = Story(fleet)
    story.wait(50)
    fleet.silent("b0")
    story.wait(5)
    fleet.lines("b0", isp1=UP)
    story.wait(300)
    assert story.events() == {"trigger": 1, "resolve": 1}


def test_worse_later_is_an_update_that_pages() -> None:
    fleet = _many(1)
    story = Story(fleet)
    fleet.lines("b0", isp1=DOWN, isp2=DOWN)
    story.wait(60)
    fleet.silent("b0")
    story.wait(5)
    assert [(event, each.severity) for event, _, each in story.notices] == [
        (NoticeEvent.TRIGGER, Severity.WORK),
        (NoticeEvent.UPDATE, Severity.PAGE),
    ]


def test_proof_that_comes_late_changes_the_cause_of_the_same_incident() -> None:
    fleet = Fleet(places(entry("p0", area="Nantes nord"), entry("p1", area="Nantes nord")))
    story = Story(fleet)
    for name in ("p0", "p1"):
        fleet.lines(name, isp1=DOWN, isp2=DOWN)
    story.wait(10)
    assert {each.cause for each in story.open()} == {Cause.UNKNOWN}
    battery(fleet, "p0", "p1")
    story.wait(1)
    assert story.one().cause is Cause.POWER
    assert len(story.merged) == 1
    assert EntryKind.CHANGED in {each.kind for _, each in story.entries}


def test_mains_back_before_the_lines_is_still_the_power_cut() -> None:
    fleet = Fleet(places(*(entry(f"p{n}", area="Nantes nord") for n in range(3))))
    story = Story(fleet)
    for name in ("p0", "p1", "p2"):
        battery(fleet, name)
        fleet.lines(name, isp1=DOWN, isp2=DOWN)
    story.wait(100)
    mains(fleet, "p0", "p1", "p2")
    story.wait(600, 5.0)
    assert story.one().cause is Cause.POWER
    fleet.lines("p0", isp1=UP, isp2=UP)
    story.wait(30)
    assert story.one().cause is Cause.POWER
    for name in ("p1", "p2"):
        fleet.lines(name, isp1=UP, isp2=UP)
    story.wait(200)
    assert story.events() == {"trigger": 1, "resolve": 1}


def test_ignorance_resolves_nothing() -> None:
    fleet = _many(1)
    story = Story(fleet)
    fleet.lines("b0", isp1=DOWN, isp2=DOWN)
    story.wait(60)
    fleet.unknown("b0")
    story.wait(1000, 10.0)
    assert story.one().phase is Phase.OPEN
    story.hearing_since_s = None
    fleet.board.clear()
    story.wait(1000, 10.0)
    assert story.one().phase is Phase.OPEN
    story.hearing_since_s = fleet.now_s
    story.wait(500, 10.0)
    assert story.one().phase is Phase.OPEN
    story.wait(400, 10.0)
    assert not story.open()


def test_failed_failover_pages() -> None:
    fleet = _many(1)
    story = Story(fleet)
    fleet.lines("b0", isp1=DOWN)
    fleet.act("b0", ActOutcome.ROLLED_BACK, "isp1")
    story.wait(90)
    assert story.one().alert_class is AlertClass.FAILOVER_FAILED
    assert [each.severity for _, _, each in story.notices] == [Severity.PAGE]


def test_a_person_on_5g_is_no_incident() -> None:
    fleet = _many(1)
    story = Story(fleet)
    fleet.act("b0", ActOutcome.COMMITTED, "cell", ActKind.OVERRIDE)
    fleet.tell("b0", state=fleet.board["acme", "b0", "a1"].state.__class__.ON_5G)
    story.wait(60)
    assert not story.all()


@pytest.mark.parametrize("late_s", [10.0, 100.0])
def test_a_valley_whose_lines_die_before_its_sensors_are_wet_is_a_flood_in_the_end(late_s: float) -> None:
    valley = [entry(f"v{n}", zone="Loire 3", region="Ouest") for n in range(8)]
    fleet = Fleet(places(*valley))
    story = Story(fleet)
    for number in range(8):
        fleet.lines(f"v{number}", isp1=DOWN)
        story.wait(1)
    assert story.one().cause is Cause.ISP
    story.wait(late_s)
    fleet.water("v0")
    story.wait(60)
    assert (story.one().cause, story.one().key) == (Cause.FLOOD, "flood/acme/zone/Loire 3")
    assert len(story.one().branches) == 8
    assert story.events()["trigger"] == 1


def test_a_national_outage_is_no_flood_because_one_cellar_is_wet() -> None:
    fleet = Fleet(places(*(entry(f"b{n}", zone="Loire 3" if n < 2 else "") for n in range(20))))
    story = Story(fleet)
    fleet.water("b0")
    for number in range(20):
        fleet.lines(f"b{number}", isp1=DOWN)
    story.wait(60)
    found = {each.cause: {branch for _, branch in each.branches} for each in story.open()}
    assert found == {Cause.FLOOD: {"b0"}, Cause.ISP: {f"b{n}" for n in range(1, 20)}}

"""Each rule: what proves it, what does not, and who wins."""

from collector.incidents.case import Group
from collector.incidents.evidence import EvidenceCode
from collector.incidents.model import AlertClass, Cause
from tests.unit.collector.incidents.scene import DOWN, UP, Fleet, Story, battery, entry, places
from wire.messages import LinkState, PowerSource, SensorState


def _groups(fleet: Fleet) -> dict[str, Group]:
    return {each.key: each for each in Story(fleet).groups()}


def _codes(group: Group) -> set[str]:
    return {each.code for each in group.evidence}


def _dead(fleet: Fleet, *names: str) -> None:
    for name in names:
        fleet.lines(name, isp1=DOWN, isp2=DOWN)


def test_battery_and_no_voltage_prove_a_power_cut() -> None:
    fleet = Fleet(places(entry("b0")))
    battery(fleet, "b0")
    fleet.now_s += 20
    _dead(fleet, "b0")
    (group,) = _groups(fleet).values()
    assert (group.key, group.alert_class) == ("power/acme/branch/b0", AlertClass.ON_5G)
    assert group.confidence > 0.9
    assert _codes(group) == {
        EvidenceCode.UPS_ON_BATTERY,
        EvidenceCode.NO_VOLTAGE,
        EvidenceCode.LINES_DIED_AFTER_MAINS,
    }
    assert {each.line for each in group.members} == {"", "isp1", "isp2"}


def test_one_sign_is_no_proof() -> None:
    fleet = Fleet(places(entry("b0", area="Nord")))
    fleet.power("b0", PowerSource.BATTERY)
    _dead(fleet, "b0")
    (group,) = _groups(fleet).values()
    assert group.cause is Cause.UNKNOWN
    assert {EvidenceCode.UPS_ON_BATTERY, EvidenceCode.ONE_SIGN} <= _codes(group)


def test_battery_at_227_v_does_not_count() -> None:
    fleet = Fleet(places(entry("b0", area="Nord"), entry("b1", area="Nord")))
    fleet.power("b0", PowerSource.BATTERY, 227.0)
    fleet.power("b1", PowerSource.BATTERY, 227.0)
    assert not _groups(fleet)
    _dead(fleet, "b0")
    (group,) = _groups(fleet).values()
    assert group.cause is Cause.UNKNOWN
    assert EvidenceCode.VOLTAGE_FINE in _codes(group)


def test_a_device_with_mains_lowers_the_confidence() -> None:
    fleet = Fleet(places(entry("b0")))
    battery(fleet, "b0")
    fleet.power("b0", PowerSource.MAINS, 231.0, "rack")
    (group,) = _groups(fleet).values()
    assert (group.cause, group.alert_class) == (Cause.POWER, AlertClass.POWER_LOST)
    assert group.confidence < 0.8
    assert EvidenceCode.MAINS_ELSEWHERE in _codes(group)


def test_neighbours_of_the_grid_area_are_a_second_sign_within_two_minutes() -> None:
    fleet = Fleet(places(*(entry(f"b{n}", area="Nord") for n in range(2))))
    fleet.power("b0", PowerSource.BATTERY)
    fleet.now_s += 119
    fleet.power("b1", PowerSource.BATTERY)
    assert set(_groups(fleet)) == {"power/acme/area/Nord"}
    late = Fleet(places(*(entry(f"b{n}", area="Nord") for n in range(2))))
    late.power("b0", PowerSource.BATTERY)
    late.now_s += 300
    late.power("b1", PowerSource.BATTERY)
    assert {each.cause for each in _groups(late).values()} == {Cause.UNKNOWN}


def test_lines_that_died_before_the_mains_did_not_die_of_it() -> None:
    fleet = Fleet(places(entry("b0")))
    fleet.lines("b0", isp1=DOWN)
    fleet.now_s += 60
    battery(fleet, "b0")
    assert {each.cause for each in _groups(fleet).values()} == {Cause.POWER, Cause.ACCESS_LINE}


def test_silent_branches_of_a_dark_area_belong_to_it() -> None:
    fleet = Fleet(places(*(entry(f"b{n}", area="Nord") for n in range(3)), entry("far", area="Sud")))
    battery(fleet, "b0", "b1")
    fleet.silent("b2")
    fleet.silent("far")
    groups = _groups(fleet)
    assert {each.branch for each in groups["power/acme/area/Nord"].members} == {"b0", "b1", "b2"}
    assert groups["unknown/acme/branch/far"].alert_class is AlertClass.ISOLATED


def test_water_and_what_is_no_water() -> None:
    fleet = Fleet(places(entry("b0", zone="Loire 3"), entry("b1", zone="Loire 3"), entry("b2")))
    fleet.water("b0")
    _dead(fleet, "b1")
    fleet.water("b2", SensorState.DISCONNECTED)
    _dead(fleet, "b2")
    groups = _groups(fleet)
    flood, other = groups["flood/acme/zone/Loire 3"], groups["unknown/acme/branch/b2"]
    assert {each.branch for each in flood.members} == {"b0", "b1"}
    assert 0.5 < flood.confidence < 0.9
    assert EvidenceCode.LINES_DIED_IN_ZONE in _codes(flood)
    assert EvidenceCode.WATER_NO_EVIDENCE in _codes(other)


def test_water_alone_is_work() -> None:
    fleet = Fleet(places(entry("b0")))
    fleet.water("b0")
    (group,) = _groups(fleet).values()
    assert (group.key, group.alert_class, group.confidence) == ("flood/acme/branch/b0", AlertClass.WATER, 0.9)


def _orange(count: int, dead: int, region: str = "PACA") -> Fleet:
    fleet = Fleet(places(*(entry(f"b{n}", region=region) for n in range(count))))
    for number in range(dead):
        fleet.lines(f"b{number}", isp1=DOWN)
    return fleet


def test_carrier_needs_branches_and_share() -> None:
    assert set(_groups(_orange(10, 5))) == {"isp/acme/Orange"}
    assert {each.cause for each in _groups(_orange(10, 4)).values()} == {Cause.ACCESS_LINE}
    assert {each.cause for each in _groups(_orange(100, 5)).values()} == {Cause.ACCESS_LINE}
    (group,) = _groups(_orange(10, 5)).values()
    assert group.alert_class is AlertClass.CARRIER
    assert group.evidence[0].words == {"isp": "Orange", "down": "5", "total": "10", "branches": "5"}


def test_lines_spread_over_hours_are_no_outage() -> None:
    fleet = Fleet(places(*(entry(f"b{n}") for n in range(6))))
    for number in range(6):
        fleet.lines(f"b{number}", isp1=DOWN)
        fleet.now_s += 1000
    assert {each.cause for each in _groups(fleet).values()} == {Cause.ACCESS_LINE}


def test_lines_that_power_explains_do_not_count_for_the_carrier() -> None:
    fleet = Fleet(places(*(entry(f"b{n}", area="Nord" if n < 6 else "") for n in range(10))))
    for number in range(6):
        battery(fleet, f"b{number}")
    for number in range(8):
        fleet.lines(f"b{number}", isp1=DOWN)
    groups = _groups(fleet)
    assert {each.cause for each in groups.values()} == {Cause.POWER, Cause.ACCESS_LINE}
    assert len(groups) == 3


def test_silent_branches_of_one_isp_count_those_of_two_do_not() -> None:
    alone = Fleet(places(*(entry(f"b{n}", isps=("Orange", "Orange")) for n in range(6))))
    for branch in alone.places.all():
        alone.silent(branch[1])
    assert {each.cause for each in _groups(alone).values()} == {Cause.UNKNOWN}  # its 5G is another ISP's
    mixed = _orange(10, 6)
    mixed.silent("b0")
    groups = _groups(mixed)
    assert groups["unknown/acme/branch/b0"].alert_class is AlertClass.ISOLATED  # isp2 worked: something else took it
    assert len(groups["isp/acme/Orange"].members) == 6


def test_isolated_branch_whose_wires_the_outage_has_belongs_to_it() -> None:
    fleet = Fleet(places(*(entry(f"b{n}", isps=("Orange", "Orange")) for n in range(6))))
    for branch in fleet.places.all():
        fleet.lines(branch[1], isp1=DOWN, isp2=DOWN)
    fleet.silent("b0")
    (group,) = _groups(fleet).values()
    assert (group.cause, group.alert_class) == (Cause.ISP, AlertClass.CARRIER)
    assert "ISOLATED" in {each.state for each in group.members}


def test_anchor_seen_silent_from_three_branches_of_two_isps() -> None:
    fleet = Fleet(places(*(entry(f"b{n}") for n in range(4))))
    for name in ("b0", "b1"):
        fleet.anchors(name, "dc-paris")
    assert not _groups(fleet)
    fleet.anchors("b2", "dc-paris")
    (group,) = _groups(fleet).values()
    assert (group.key, group.alert_class) == ("anchor/acme/dc-paris", AlertClass.ANCHORS)
    assert {each.line for each in group.members} == {""}


def test_dead_cell_line_and_dead_anchors_are_no_guess() -> None:
    fleet = Fleet(places(entry("b0")))
    fleet.lines("b0", cell=DOWN)
    (group,) = _groups(fleet).values()
    assert (group.cause, group.alert_class) == (Cause.UNKNOWN, AlertClass.LINE_DOWN)
    fleet.lines("b0", cell=LinkState.UNKNOWN)
    assert not _groups(fleet)
    fleet.lines("b0", cell=UP)
    assert not _groups(fleet)


def test_of_two_agents_the_one_that_lives_counts() -> None:
    fleet = Fleet(places(entry("b0")))
    old = fleet.board["acme", "b0", "a1"]
    fleet.silent("b0")
    fleet.board["acme", "b0", "a2"] = old
    assert not _groups(fleet)


def test_a_wrong_clock_does_not_date_the_event() -> None:
    fleet = Fleet(places(entry("b0")))
    fleet.lines("b0", isp1=DOWN)
    path = fleet.heard("b0").paths["isp1"]
    wrong = {**fleet.heard("b0").paths, "isp1": path.__class__(DOWN, path.role, path.isp, 1_000_000_000)}
    fleet.tell("b0", paths=wrong)
    (group,) = _groups(fleet).values()
    assert group.started_s < 10  # an old stamp of a clock that is right now is believed
    key = ("acme", "b0", "a1")
    heard = fleet.board[key].heard.__class__(heard_s=fleet.now_s, at_ns=1_000_000_000, active="isp2", paths=wrong)
    fleet.board[key] = fleet.board[key].__class__(key, fleet.board[key].state, fleet.now_s - 7, heard)
    (group,) = _groups(fleet).values()
    assert group.started_s == fleet.now_s - 7

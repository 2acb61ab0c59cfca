"""Settings become the machine's plan and the prober's targets."""

import math

from agent.plan import first_family, plan_of, targets_of
from failover.profiles import Profile
from tests.unit.agent.settings_files import TEXT, branch_settings
from wire.messages import Role


def test_the_plan_says_what_the_settings_say() -> None:
    more = '[probing]\nprofile = "fast"\n[failover]\nhold = "10s"\nhold_cap = "1h"\n'
    plan = plan_of(branch_settings(TEXT + more))
    assert [(path.name, path.rank, path.role, path.metered) for path in plan.paths] == [
        ("fibre", 2, Role.WIRE, False),
        ("dsl", 1, Role.WIRE, False),
        ("5g", 3, Role.CELL, True),
    ]
    assert plan.path("fibre").anchors == ("paris", "frankfurt")
    assert plan.path("dsl").anchors == ("paris", "frankfurt", "milan")
    assert (plan.profile, plan.anchors) == (Profile.FAST, ("paris", "frankfurt", "milan"))
    assert (plan.hold_s, plan.hold_cap_s) == (10.0, 3600.0)


def test_an_agent_that_moves_nothing_never_ends_its_start() -> None:
    assert plan_of(branch_settings()).start_grace_s == math.inf


def test_targets_are_anchors_over_their_paths_in_each_family() -> None:
    found = {(target.path, target.interface, target.anchor, target.family) for target in targets_of(branch_settings())}
    expected = {(path, interface, "paris", family) for path, interface in LINES for family in (4, 6)}
    expected |= {(path, interface, "frankfurt", 4) for path, interface in LINES}
    assert found == expected | {("dsl", "wan1", "milan", 6)}


def test_ipv4_is_judged_where_there_is_any() -> None:
    assert first_family(branch_settings()) == 4
    only6 = "\n".join(line for line in TEXT.splitlines() if not line.startswith("ipv4"))
    only6 = only6.replace('name = "frankfurt"', 'name = "frankfurt"\nipv6 = "2001:db8:12::1"')
    assert first_family(branch_settings(only6)) == 6


LINES = (("fibre", "wan0"), ("dsl", "wan1"), ("5g", "wwan0"))

"""Holds, back-off and ranking as arithmetic."""

import pytest
from msgspec.structs import replace

from failover.machine import begin
from failover.ranking import DAY_S, hold_left_s, may_try, ranked
from failover.state import BranchMachine, Wish
from tests.unit.failover.branches import plan

NOW = 100_000.0


def machine(**wan1: object) -> BranchMachine:
    made = begin(plan(), 0.0, "cell")
    return made.with_path(replace(made.path("wan1"), **wan1))


@pytest.mark.parametrize(
    ("failovers", "hold_s"), [(0, 300), (1, 300), (2, 600), (3, 1200), (6, 9600), (7, 14_400), (9, 14_400)]
)
def test_hold_doubles_with_each_failover_of_a_day_up_to_four_hours(failovers: int, hold_s: float) -> None:
    made = machine(dirty_s=NOW, failovers=tuple(NOW - 100.0 * n for n in range(failovers)))
    assert hold_left_s(made, made.path("wan1"), NOW) == pytest.approx(hold_s)


def test_failovers_of_yesterday_are_forgiven() -> None:
    made = machine(dirty_s=NOW, failovers=(NOW - DAY_S - 1,))
    assert hold_left_s(made, made.path("wan1"), NOW) == pytest.approx(300)


def test_twelfth_failover_of_a_day_has_no_return_before_it() -> None:
    ages = [DAY_S - 10.0 - n for n in range(11)]
    made = machine(dirty_s=NOW - 2 * DAY_S, failovers=tuple(NOW - age for age in ages))
    assert hold_left_s(made, made.path("wan1"), NOW) == pytest.approx(10.0)


@pytest.mark.parametrize(("tries", "wait_s"), [(1, 5), (2, 10), (4, 40), (5, 60), (50, 60)])
def test_back_off_goes_from_5_s_to_60_s(tries: int, wait_s: float) -> None:
    made = machine(tried_s=NOW, tries=tries)
    assert not may_try(made, made.path("wan1"), NOW + wait_s - 0.1)
    assert may_try(made, made.path("wan1"), NOW + wait_s + 0.1)


def test_path_that_came_to_life_after_the_attempt_is_tried_at_once() -> None:
    made = machine(tried_s=NOW, tries=5, healing_s=NOW + 1)
    assert may_try(made, made.path("wan1"), NOW + 1.1)


def test_wires_come_before_cellular_and_a_wish_before_all() -> None:
    made = machine()
    assert [path.name for path in ranked(made)] == ["wan1", "wan2", "cell"]
    made = replace(made, wish=Wish("cell", NOW, "test"))
    assert [path.name for path in ranked(made)] == ["cell", "wan1", "wan2"]

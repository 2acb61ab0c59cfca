"""What outlives a restart."""

from msgspec.structs import replace

from failover.machine import begin
from failover.memory import VERSION, recall, remember
from failover.ranking import hold_left_s
from failover.state import Wish
from tests.unit.failover.branches import plan
from wire.messages import LinkState


def test_holds_override_and_dead_paths_come_back() -> None:
    machine = begin(plan(), 0.0, "cell")
    machine = machine.with_path(
        replace(machine.path("wan1"), link=LinkState.DOWN, dirty_s=990.0, failovers=(100.0, 990.0), loss_baseline=0.02)
    )
    machine = replace(machine, wish=Wish("wan2", 1600.0, "works on line 1"))
    saved = remember(machine, 1000.0)
    back = recall(begin(plan(), 50.0), saved, 50.0, away_s=30.0)
    wan1 = back.path("wan1")
    assert wan1.link is LinkState.DOWN
    assert wan1.loss_baseline == 0.02
    assert hold_left_s(back, wan1, 50.0) == 600.0 - 40.0
    assert back.wish == Wish("wan2", 620.0, "works on line 1")


def test_after_a_long_absence_links_are_unknown_and_holds_begin_anew() -> None:
    machine = begin(plan(), 0.0)
    machine = machine.with_path(replace(machine.path("wan1"), link=LinkState.DOWN, failovers=(100.0,)))
    back = recall(begin(plan(), 50.0), remember(machine, 1000.0), 50.0, away_s=3600.0)
    assert back.path("wan1").link is LinkState.UNKNOWN
    assert back.path("wan1").dirty_s == 50.0
    assert len(back.path("wan1").failovers) == 1


def test_wish_that_ended_meanwhile_and_failovers_of_yesterday_do_not_come_back() -> None:
    machine = replace(begin(plan(), 0.0), wish=Wish("wan2", 1100.0, "x"))
    machine = machine.with_path(replace(machine.path("wan1"), failovers=(100.0,)))
    back = recall(begin(plan(), 50.0), remember(machine, 1000.0), 50.0, away_s=86_400.0)
    assert back.wish is None
    assert back.path("wan1").failovers == ()


def test_memory_of_another_version_is_not_believed() -> None:
    machine = begin(plan(), 0.0)
    saved = replace(remember(machine, 10.0), version=VERSION + 1)
    assert recall(machine, saved, 10.0, 0.0) == machine

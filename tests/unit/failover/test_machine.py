"""The machine on simulated time: each sentence of docs/design.md section 6 that it answers for."""

import pytest
from msgspec.structs import replace

from failover import observations
from failover.actions import ActReported
from failover.machine import branch_state, decide
from failover.profiles import Profile, pace
from lab.simulated_branch import Line, SimulatedBranch
from tests.unit.failover.branches import always, asked_moves, between, branch, downs, never, outcomes, plan, until
from wire.messages import ActKind, ActOutcome, BranchState, LinkState, Role

APPLIED, COMMITTED, ROLLED_BACK = ActOutcome.APPLIED, ActOutcome.COMMITTED, ActOutcome.ROLLED_BACK


@pytest.mark.parametrize(("profile", "t"), [(Profile.STANDARD, 0.500), (Profile.FAST, 0.280)])
def test_silent_wire_is_left_for_the_next_wire_within_t(profile: Profile, t: float) -> None:
    sim = branch(wan1=until(100.0), profile=profile)
    sim.run(110.0)
    assert downs(sim.log, "wan1")[0] - 100.0 <= t + 0.02
    assert outcomes(sim.log) == [(APPLIED, "wan2"), (COMMITTED, "wan2")]
    assert sim.longest_dead_s <= t + 0.05


@pytest.mark.parametrize(("profile", "t"), [(Profile.STANDARD, 0.500), (Profile.FAST, 0.280)])
def test_both_wires_silent_moves_to_cellular_and_not_to_the_other_dead_wire(profile: Profile, t: float) -> None:
    sim = branch(wan1=until(100.0), wan2=until(100.0), profile=profile)
    sim.run(110.0)
    assert outcomes(sim.log) == [(APPLIED, "cell"), (COMMITTED, "cell")]
    assert sim.moves()[0][0] - 100.0 <= t + 0.03
    assert branch_state(sim.machine, sim.now) is BranchState.ON_5G


def test_second_wire_dying_during_the_move_to_it_leads_on_to_cellular() -> None:
    sim = branch(wan1=until(100.0), wan2=until(100.45))
    sim.run(110.0)
    assert sim.router.active == "cell"
    assert sim.longest_dead_s < 1.6


def test_silent_anchors_on_every_path_move_nothing() -> None:
    sim = branch(anchors=until(100.0))
    sim.run(400.0)
    assert sim.moves() == []
    assert sim.machine.path("wan1").link is LinkState.UNKNOWN
    assert branch_state(sim.machine, sim.now) is BranchState.UNKNOWN


def test_silent_anchors_without_users_move_nothing_because_the_resolver_answers() -> None:
    sim = branch(anchors=until(100.0), users=False)
    sim.run(200.0)
    assert sim.moves() == []


def test_wire_cut_while_the_anchors_are_dead_is_still_left() -> None:
    sim = branch(wan1=until(150.0), anchors=until(100.0))
    sim.run(200.0)
    assert sim.router.active != "wan1"


def test_dead_backup_is_tried_under_the_timer_and_a_reviving_wire_taken_at_once() -> None:
    sim = branch(wan1=until(100.0), wan2=between(100.0, 130.0), cell=never)
    sim.run(140.0)
    assert sim.router.active == "wan2"
    assert sim.dead_s["wan1"] + sim.dead_s.get("cell", 0) + sim.dead_s.get("wan2", 0) < 31.0
    revived = next(at for at, path in reversed(sim.moves()) if path == "wan2")
    assert revived - 130.0 < 5.0


def test_path_in_use_that_never_answered_is_left_after_30_s() -> None:
    sim = branch(wan1=never)
    sim.run(40.0)
    assert sim.router.active == "wan2"
    assert 30.0 <= sim.moves()[0][0] <= 30.2


def test_carrier_loss_is_left_after_the_debounce() -> None:
    sim = branch()
    sim.run(100.0)
    now = sim.now
    sim._tell(observations.Carrier("wan1", up=False))
    sim.run(now + 0.1)
    assert sim.router.active == "wan2"
    assert sim.moves()[0][0] - now <= 0.060


def test_short_carrier_flap_moves_nothing() -> None:
    sim = branch()
    sim.run(100.0)
    sim._tell(observations.Carrier("wan1", up=False))
    sim.run(sim.now + 0.030)
    sim._tell(observations.Carrier("wan1", up=True))
    sim.run(110.0)
    assert sim.moves() == []


def test_wire_returns_once_after_its_hold() -> None:
    sim = branch(wan1=between(100.0, 200.0))
    sim.run(2000.0)
    assert [path for _, path in sim.moves()] == ["wan2", "wan1"]
    returned = sim.moves()[1][0]
    assert 500.0 <= returned <= 570.0  # 300 s of hold from the moment it was clean, and a fresh proof
    assert asked_moves(sim.log)[1][1].kind is ActKind.RETURN


def test_hold_doubles_on_a_flapping_wire() -> None:
    def flapping(now: float) -> bool:
        return now % 100.0 < 98.0

    sim = branch(wan1=flapping, cell=never, hold_s=20.0)
    sim.run(1500.0)
    away = [at for at, path in sim.moves() if path == "wan2"]
    assert 2 <= len(away) <= 4  # 20, 40, 80 s of hold, and then none fits between two flaps


def test_hold_never_keeps_the_branch_on_a_dead_path() -> None:
    sim = branch(wan1=between(100.0, 130.0), wan2=never, cell=until(200.0))
    sim.run(300.0)
    assert sim.router.active == "wan1"
    assert sim.longest_dead_s < 6.0  # cellular in use: T is 2.5 s


def test_boot_on_cellular_returns_to_the_wire_when_it_is_proved_and_clean() -> None:
    sim = branch(active="cell")
    sim.run(400.0)
    assert sim.router.active == "wan1"


def test_killed_agent_does_not_strand_the_branch() -> None:
    sim = branch(wan1=until(100.0))
    sim.run(100.52)
    assert sim.router.pending
    sim.stop_agent()
    sim.run(103.0)
    sim.start_agent()
    sim.run(110.0)
    assert sim.router.active == "wan2"
    assert sim.router.pending == ""


def test_failed_proof_keeps_an_answering_path_when_the_one_left_is_dead() -> None:
    lines = {"wan1": Line(until(100.0)), "cell": Line(always, rtt_s=0.060, provable=never)}
    paths = tuple(path for path in plan().paths if path.name != "wan2")
    sim = SimulatedBranch(plan=replace(plan(), paths=paths), lines=lines, active="wan1")
    sim.run(120.0)
    assert sim.router.active == "cell"
    assert outcomes(sim.log)[-1] == (COMMITTED, "cell")
    assert "kept" in [act.reason for _, act in sim.log if isinstance(act, ActReported)][-1]


def test_unproved_path_never_gets_a_voluntary_move() -> None:
    lines = {
        "wan1": Line(between(100.0, 110.0), provable=until(100.0)),
        "wan2": Line(always),
        "cell": Line(always, rtt_s=0.060),
    }
    sim = SimulatedBranch(plan=plan(), lines=lines, active="wan1")
    sim.run(3000.0)
    assert [path for _, path in sim.moves()] == ["wan2"]


def test_override_is_proved_first_wins_and_ends() -> None:
    sim = branch(hold_s=60.0)
    sim.run(100.0)
    sim._tell(observations.Prefer("wan2", 200.0, "works on line 1"))
    sim.run(150.0)
    assert sim.router.active == "wan2"
    sim.run(400.0)
    assert (sim.machine.wish, sim.router.active) == (None, "wan1")


def test_override_does_not_keep_the_branch_on_a_dead_path() -> None:
    sim = branch(wan2=until(150.0))
    sim.run(100.0)
    sim._tell(observations.Prefer("wan2", 100_000.0, "works on line 1"))
    sim.run(200.0)
    assert sim.router.active == "wan1"
    assert sim.longest_dead_s < 1.0


def test_override_to_a_dead_path_moves_nothing() -> None:
    sim = branch(cell=never)
    sim.run(100.0)
    sim._tell(observations.Prefer("cell", 100_000.0, "test"))
    sim.run(200.0)
    assert sim.moves() == []


@pytest.mark.parametrize("seconds", [0.4, 0.6, 0.8, 0.9, 2.0, 4.0])
@pytest.mark.parametrize("seed", range(6))
def test_all_paths_silent_together_and_back_together_move_nothing(seconds: float, seed: int) -> None:
    gap = between(100.0, 100.0 + seconds)
    sim = branch(wan1=gap, wan2=gap, cell=gap, seed=seed, users=False)
    sim.run(130.0)
    assert sim.moves() == []
    if seconds < 0.9:
        assert downs(sim.log, "wan1") + downs(sim.log, "wan2") == []


def test_loop_stalls_never_make_a_down() -> None:
    sim = branch()
    sim.run(100.0)
    machine = sim.machine
    now = 102.0  # nobody listened for two seconds
    machine, first = decide(machine, observations.Stalled(2.0), now)
    machine, second = decide(machine, observations.Tick(), now + 0.05)
    assert LinkState.DOWN not in {path.link for path in machine.paths}
    assert not asked_moves([(now, act) for act in (*first, *second)])


def test_random_loss_of_a_fifth_is_no_outage() -> None:
    sim = branch(loss=0.2)
    sim.run(2000.0)
    assert downs(sim.log, "wan1") == []
    assert sim.moves() == []


def test_one_silent_family_degrades_and_moves_nothing() -> None:
    sim = branch()
    sim.run(100.0)
    sim._tell(observations.Reply("wan1", "a", sim.now, first=False))
    sim.run(120.0)
    assert sim.machine.path("wan1").link is LinkState.DEGRADED
    assert sim.moves() == []


@pytest.mark.parametrize(("active", "ends_on"), [("cell", "wan1"), ("wan2", "wan2")])
def test_traffic_returns_to_a_line_with_one_silent_family_from_a_metered_path_only(active: str, ends_on: str) -> None:
    sim = branch(wan2=never if active == "cell" else always, active=active, hold_s=30.0)
    sim.run(5.0)
    sim._tell(observations.Reply("wan1", "a", sim.now, first=False))
    sim.run(200.0)
    assert sim.machine.path("wan1").link is LinkState.DEGRADED
    assert sim.router.active == ends_on


def test_idle_cellular_is_probed_rarely_and_armed_when_a_wire_is_in_trouble() -> None:
    idle = pace(Profile.STANDARD, Role.CELL, branch().machine.path("cell").effort)
    assert idle.interval_s / 3 == 30.0
    sim = branch(wan2=until(100.0))
    sim.run(100.4)
    assert sim.machine.pace_of(sim.machine.path("cell")).interval_s == 3.0


def test_deciding_twice_gives_the_same() -> None:
    sim = branch(wan1=until(100.0))
    sim.run(100.45)
    seen = observations.Tick()
    assert decide(sim.machine, seen, 100.51) == decide(sim.machine, seen, 100.51)

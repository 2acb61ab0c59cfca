"""A simulated branch: packets, water and mains are made up, every state and move comes from the shipped machine."""

import statistics
from dataclasses import replace
from functools import partial

import pytest

from failover import profiles
from failover.profiles import Profile
from lab.fleet.resting import RestingBranch
from lab.fleet.story import NEVER, Fate, Span
from lab.simulated_branch import Line, SimulatedBranch
from tests.unit.lab.fleet_runs import FATES, FLOOD_S, branch, switches_ms
from wire.messages import (
    Act,
    ActOutcome,
    BranchState,
    Digest,
    Environment,
    LinkState,
    Power,
    PowerSource,
    SensorState,
    StateChange,
    Window,
)
from wire.topics import Lane


def test_raising_t_moves_the_switch_times(monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo's figures are the machine's: with another T in the profile they are others."""
    standard = switches_ms(Profile.STANDARD)
    assert len(standard) >= 8
    assert 450 <= statistics.median(standard) <= 510
    assert max(standard) <= 560
    fast = switches_ms(Profile.FAST)
    assert 240 <= statistics.median(fast) <= 290
    slower = replace(profiles._WIRE[Profile.STANDARD], down_after_s=0.9, veto_cap_s=1.8)
    monkeypatch.setitem(profiles._WIRE, Profile.STANDARD, slower)
    raised = switches_ms(Profile.STANDARD)
    assert statistics.median(raised) - statistics.median(standard) == pytest.approx(400, abs=30)


def test_resting_lines_are_judged_as_if_each_reply_had_been_told() -> None:
    """The same network, once stepped probe by probe and once at rest: the same changes within a probe's distance."""
    plan = branch("tours")._sim.plan
    dead = {"fibre": Span(30.0, 60.0), "vdsl": Span(50.0, 60.0)}
    logs = []
    for kind in (SimulatedBranch, RestingBranch):
        lines = {name: Line(partial(_alive, dead.get(name, NEVER))) for name in ("fibre", "vdsl", "cell5g")}
        sim = kind(plan, lines, "fibre", seed=1)
        sim.run(200.0)
        logs.append([(type(action).__name__, getattr(action, "path", ""), at_s) for at_s, action in sim.log])
    stepped, resting = logs
    assert [entry[:2] for entry in stepped] == [entry[:2] for entry in resting]
    assert max(abs(a[2] - b[2]) for a, b in zip(stepped, resting, strict=True)) < 0.12


def _alive(dead: Span, now: float) -> bool:
    return not dead.covers(now)


def test_a_flooded_branch_tells_water_then_lines_then_the_move() -> None:
    told = branch("tours").run(FLOOD_S + 40.0)
    events = [record for lane, at_s, record in told if lane is Lane.EVENTS and at_s > 2.0]
    wet = next(event for event in events if isinstance(event, Environment) and event.state is SensorState.ALARM)
    down = next(event for event in events if isinstance(event, StateChange) and event.new is LinkState.DOWN)
    moved = next(event for event in events if isinstance(event, Act) and event.outcome is ActOutcome.COMMITTED)
    assert wet.at_ns < down.at_ns < moved.at_ns
    assert (moved.from_path, moved.to_path) == ("fibre", "cell5g")
    digest = next(event for event in events if isinstance(event, Digest))
    assert digest.branch_state is BranchState.ON_5G


def test_a_branch_in_the_dark_says_so_twice_and_its_runtime_falls() -> None:
    told = branch("brest").run(FLOOD_S + 60.0)
    on_battery = [record for _, _, record in told if isinstance(record, Power) and record.source is PowerSource.BATTERY]
    assert on_battery[0].input_v == 0.0
    runtimes = [record.runtime_s for record in on_battery if record.runtime_s is not None]
    assert len(runtimes) >= 2
    assert runtimes == sorted(runtimes, reverse=True)
    relays = [record for _, _, record in told if isinstance(record, Environment) and record.sensor == "mains"]
    assert [record.state for record in relays[:2]] == [SensorState.OK, SensorState.ALARM]


def test_without_a_ups_the_router_is_off_and_comes_back_with_the_mains() -> None:
    dark = branch("douarnenez", fate=Fate(dark=Span(20.0, 40.0)))
    works = []
    for until_s in (19.0, 39.0, 60.0):
        told = dark.run(until_s)
        works.append(dark.path_works)
        assert until_s != 39.0 or all(at_s <= 20.0 for _, at_s, _ in told)
    assert works == [True, False, True]

    assert {record.path for _, _, record in told if isinstance(record, StateChange)} >= {"fibre"}


def test_windows_count_every_probe() -> None:
    told = branch("strasbourg").run(33.0)
    windows = [record for _, _, record in told if isinstance(record, Window) and record.path == "fibre"]
    assert [window.sent for window in windows[1:]] == [300] * len(windows[1:])
    assert all(window.received == window.sent for window in windows)
    figures = windows[-1]
    assert 0 < (figures.rtt_min_ms or 0) < (figures.rtt_p95_ms or 0)
    assert (figures.rtt_jitter_ms or 0) > 0


def test_two_branches_lose_all_their_paths_and_the_dark_ones_without_ups_too() -> None:
    cut_off = []
    for name in FATES:
        each = branch(name)
        each.run(FLOOD_S + 23.0)
        if not each.path_works:
            cut_off.append(name)
    assert sorted(cut_off) == ["amboise", "blois", "douarnenez", "quimperle"]

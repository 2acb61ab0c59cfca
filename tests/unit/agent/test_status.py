"""What people read at the branch: right figures, in 80 columns."""

import json

import pytest
from msgspec.structs import replace

from agent.observing import Figures
from agent.spool import SpoolStats
from agent.spool.stats import LaneStats
from agent.status import COLUMNS, describe, draw
from agent.uplink import UplinkStatus
from failover.machine import begin
from failover.observations import Proof
from failover.state import BranchMachine, MoveState, PathPlan, Wish
from tests.unit.failover.branches import plan
from wire.messages import ActKind, LinkState, Role

NOW = 1000.0
SPOOL = SpoolStats(
    epoch="e", events=LaneStats(rows=3, dropped=1), samples=LaneStats(rows=40, dropped=2), trouble="the disk is full"
)


WELL = Figures(20.4, 0.0, None)


def running() -> BranchMachine:
    machine = begin(plan(), 0.0, "wan1")
    wan1 = replace(machine.path("wan1"), link=LinkState.UP, changed_s=10.0, last_reply_s=999.9, proved_s=950.0)
    return machine.with_path(wan1)


def shown(
    machine: BranchMachine,
    *,
    uplink: UplinkStatus | None = None,
    proofs: dict[str, Proof] | None = None,
    figures: Figures = WELL,
) -> str:
    status = describe(
        machine,
        now=NOW,
        proofs=proofs or {},
        figures=lambda _path: figures,
        spool=SPOOL,
        uplink=uplink,
        config_hash="abc",
    )
    # It goes through the agent's socket on its way.
    text = draw(json.loads(json.dumps(status)))
    assert all(len(line) <= COLUMNS for line in text.splitlines()), text
    return text


def test_the_path_in_use_is_marked_and_ages_are_told() -> None:
    line = next(line for line in shown(running()).splitlines() if line.startswith("*"))
    assert line.split() == ["*", "wan1", "UP", "16min", "20", "ms", "0", "%", "0.1s", "50.0s", "0.0s", "0"]


def test_unknown_figures_are_no_zeros() -> None:
    line = next(line for line in shown(running(), figures=Figures(None, None, None)).splitlines() if "wan2" in line)
    assert line.split()[:7] == ["wan2", "UNKNOWN", "17min", "-", "-", "never", "never"]


def test_records_of_both_lanes_are_counted_and_a_failing_disk_is_told() -> None:
    text = shown(running())
    assert "records waiting on disk: 43, dropped since start: 3" in text
    assert "disk: the disk is full" in text


@pytest.mark.parametrize(
    ("uplink", "said"),
    [
        (None, "collector: none, because the settings have no [broker]"),
        (UplinkStatus(connected=True), "collector: connected"),
        (UplinkStatus(trouble="the broker refuses the password"), "not connected, the broker refuses the password"),
    ],
)
def test_the_collector_line_says_what_is_wrong(uplink: UplinkStatus | None, said: str) -> None:
    assert said in shown(running(), uplink=uplink)


def test_a_failed_proof_and_a_probe_that_could_not_be_sent_are_explained() -> None:
    proof = Proof("wan2", "", False, False, True, True, None, "no anchors, no full size")
    text = shown(running(), proofs={"wan2": proof}, figures=Figures(None, None, "the interface is down"))
    assert "wan2: proof: no anchors, no full size" in text
    assert "wan1: the interface is down" in text


def test_a_move_and_an_override_are_told() -> None:
    machine = replace(
        running(),
        move=MoveState("m1", ActKind.EMERGENCY, "wan1", "wan2", 999.0, "wan1 is silent", proving=True),
        wish=Wish("wan2", NOW + 5400, "works on line 1"),
    )
    text = shown(machine)
    assert "moving to wan2: wan1 is silent" in text
    assert "override: wan2 for 90min more (works on line 1)" in text


def test_the_longest_names_reasons_and_ages_stay_within_80_columns() -> None:
    long = "a" + "-name." * 10 + "zz"
    plans = (PathPlan(long, 1, Role.WIRE, False), PathPlan(long[::-1], 2, Role.CELL, True))
    machine = begin(replace(plan(), paths=plans), -1e9, long)
    machine = replace(machine, wish=Wish(long, 1e6, "w" * 200))
    machine = machine.with_path(replace(machine.path(long), last_reply_s=-1e9, failovers=(1.0,) * 11))
    proof = Proof(long, "", False, False, False, False, None, "no anchors, " * 30)
    figures = Figures(99_999.0, 100.0, "t" * 300)
    text = shown(machine, uplink=UplinkStatus(trouble="x y " * 60), proofs={long: proof}, figures=figures)
    assert "100 %" in text
    assert "99999 ms" in text


def test_an_agent_that_knows_no_path_in_use_says_so() -> None:
    assert shown(begin(plan(), 0.0)).startswith("branch UNKNOWN, traffic on an unknown path")


def test_the_answer_is_the_same_after_json() -> None:
    status = describe(
        running(),
        now=NOW,
        proofs={},
        figures=lambda _p: Figures(None, None, None),
        spool=SPOOL,
        uplink=None,
        config_hash="",
    )
    assert json.loads(json.dumps(status)) == status

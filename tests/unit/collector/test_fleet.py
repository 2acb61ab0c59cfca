"""Counts of the fleet: what is silent is unknown, and every branch and line is counted once."""

from msgspec.structs import replace

from collector.board import BranchNow
from collector.fleet import branch_state_line, fleet_lines, link_state
from collector.heard import BranchHeard, PathHeard, PowerHeard, SensorHeard
from collector.inventory.model import BranchEntry, Inventory, LineEntry
from collector.inventory.places import Places
from tests.unit.collector.test_lines import read_line
from wire.messages import BranchState, LinkState, PowerSource, Role, SensorKind, SensorState

PLACES = Places(
    [
        Inventory(
            tenant="acme",
            branch=(
                BranchEntry(name="b1", region="Bretagne", latitude_deg=48.1, longitude_deg=-1.68),
                BranchEntry(name="b2", region="Bretagne", line=(LineEntry(name="cell", isp="Bouygues"),)),
            ),
        )
    ]
)
HEARD = BranchHeard(
    active="cell",
    paths={
        "isp1": PathHeard(LinkState.DOWN, Role.WIRE, "Orange"),
        "isp2": PathHeard(LinkState.SUSPECT, Role.WIRE, "SFR", rtt_ms=12.0, loss_pct=0.0),
        "cell": PathHeard(LinkState.UP, Role.CELL, rtt_ms=40.0, loss_pct=1.0),
    },
    power={"ups": PowerHeard(PowerSource.BATTERY, 5, 5)},
    sensors={"cellar": SensorHeard(SensorKind.FLOOD, SensorState.ALARM, 5, 5)},
)
B1 = BranchNow(("acme", "b1", "rtr"), BranchState.ON_5G, 100.0, HEARD)
B2 = BranchNow(("acme", "b2", "rtr"), BranchState.ISOLATED, 100.0, HEARD)


def test_a_branch_says_its_place_and_its_worst_link() -> None:
    name, tags, values, at_ns = read_line(branch_state_line(B1, PLACES, 7))
    assert (name, at_ns) == ("branch_state", 7)
    assert tags == {"tenant": "acme", "branch": "b1", "agent": "rtr", "region": "Bretagne"}
    expected = {"state": "3i", "worst_link": "3i", "on_metered": "1i", "latitude_deg": "48.1", "longitude_deg": "-1.68"}
    assert values == expected


def test_what_nobody_listed_has_no_region() -> None:
    stranger = replace(B1, key=("acme", "new", "rtr"))
    assert "region" not in read_line(branch_state_line(stranger, PLACES, 7))[1]


def test_a_silent_branch_has_unknown_lines_but_what_was_down_stays_down() -> None:
    states = {name: link_state(B2, path) for name, path in HEARD.paths.items()}
    assert states == {"isp1": LinkState.DOWN, "isp2": LinkState.UNKNOWN, "cell": LinkState.UNKNOWN}


def test_the_fleet_is_counted_once() -> None:
    lines = [read_line(line) for line in fleet_lines([B1, B2], PLACES, [], 9)]
    counts = {name: int(value[:-1]) for name, value in lines[0][2].items()}
    assert sum(counts[name] for name in counts if name.startswith("branches_")) == 2
    assert sum(counts[name] for name in counts if name.startswith("links_")) == 6
    assert (counts["branches_isolated"], counts["agents_silent"], counts["on_battery"], counts["water_alarms"]) == (
        1,
        1,
        2,
        2,
    )
    by_isp = {line[1]["isp"]: line[2] for line in lines[1:]}
    assert by_isp["Orange"]["links_down"] == "2i"
    assert by_isp["SFR"]["links_up"] == "1i"
    assert by_isp["SFR"]["links_unknown"] == "1i"
    assert by_isp["Bouygues"]["links_unknown"] == "1i"
    assert (by_isp["unknown"]["links_up"], by_isp["unknown"]["rtt_median_ms"]) == ("1i", "40.0")


def test_no_branches_no_points() -> None:
    assert fleet_lines([], PLACES, [], 9) == []

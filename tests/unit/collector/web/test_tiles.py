"""The wall as values."""

import msgspec

from collector.board import Board, BranchNow
from collector.heard import BranchHeard, PathHeard
from collector.inventory.model import BranchEntry, Inventory, LineEntry
from collector.inventory.places import Places
from collector.web.tiles import all_tiles, count_carriers, newest_agents
from collector.web.wall import MAX_TILES, accessible_name, blindness, make_wall
from wire.messages import BranchState, LinkState, Role

NOW_S = 1_790_000_000.0
PLACES = Places(
    [
        Inventory(
            tenant="acme",
            branch=(
                BranchEntry(
                    name="n2",
                    title="Nantes Beaujoire",
                    region="Pays de la Loire",
                    simulated=True,
                    line=(LineEntry(name="fibre", isp="Orange"),),
                ),
                BranchEntry(name="b1", title="Brest", region="Bretagne", critical=True),
                BranchEntry(name="zz"),
            ),
        )
    ]
)


def now(branch: str, state: BranchState, agent: str = "a1", heard_s: float = NOW_S, **paths: LinkState) -> BranchNow:
    known = {name: PathHeard(link, Role.WIRE) for name, link in paths.items()}
    return BranchNow(("acme", branch, agent), state, NOW_S - 60, BranchHeard(heard_s=heard_s, paths=known))


def board_of(*branches: BranchNow) -> Board:
    board = Board()
    board.show(branches, (), NOW_S, hearing=True)
    return board


def test_listed_branches_nobody_heard_of_are_unknown() -> None:
    wall = make_wall(board_of().branches, PLACES)
    assert wall.total == 3
    assert wall.counts[BranchState.UNKNOWN] == 3
    assert sum(wall.counts.values()) == 3


def test_places_are_stable_by_region_and_name_whatever_the_state() -> None:
    order = [[tile.id for tile in tiles] for _, tiles in make_wall(board_of().branches, PLACES).regions]
    worse = board_of(now("n2", BranchState.ISOLATED), now("zz", BranchState.ON_5G))
    assert order == [["acme/b1"], ["acme/n2"], ["acme/zz"]]
    assert [[tile.id for tile in tiles] for _, tiles in make_wall(worse.branches, PLACES).regions] == order


def test_a_branch_nobody_listed_stands_on_the_wall() -> None:
    tiles = all_tiles(board_of(now("new", BranchState.OK)).branches, PLACES)
    assert tiles["acme", "new"].label == "new"


def test_the_agent_heard_last_speaks_for_its_branch() -> None:
    old, new = now("n2", BranchState.ISOLATED, "a1", NOW_S - 900), now("n2", BranchState.OK, "a2")
    assert newest_agents(board_of(new, old).branches)["acme", "n2"].key[2] == "a2"


def test_over_the_limit_only_the_worst_are_shown_and_all_are_counted() -> None:
    branches = [now(f"x{number}", BranchState.OK) for number in range(10_000)]
    branches[9_999] = now("x9999", BranchState.ISOLATED)
    wall = make_wall(board_of(*branches).branches, Places())
    assert (wall.shown, wall.total) == (MAX_TILES, 10_000)
    assert wall.counts[BranchState.OK] == 9_999
    assert any(tile.id == "acme/x9999" for _, tiles in wall.regions for tile in tiles)


def test_one_region() -> None:
    wall = make_wall(board_of().branches, PLACES, "Bretagne")
    assert [name for name, _ in wall.regions] == ["Bretagne"]
    assert sum(wall.counts.values()) == 3, "counts stay those of the fleet"


def test_the_accessible_name() -> None:
    tile = all_tiles(board_of(now("n2", BranchState.ON_5G)).branches, PLACES)["acme", "n2"]
    assert accessible_name(tile, PLACES, "en", NOW_S) == "Nantes Beaujoire: ON 5G since 16:12, simulated"
    assert accessible_name(tile, PLACES, "fr", NOW_S) == "Nantes Beaujoire : EN 5G depuis 16:12, simulée"
    unheard = all_tiles({}, PLACES)["acme", "b1"]
    assert accessible_name(unheard, PLACES, "en", NOW_S) == "Brest: UNKNOWN, never heard of, critical"


def test_a_hostile_name_becomes_one_short_line() -> None:
    entry = BranchEntry(name="h")
    msgspec.structs.force_setattr(entry, "title", "<b>\n" + "x" * 10_000)  # past what the inventory refuses
    label = all_tiles({}, Places([Inventory(tenant="acme", branch=(entry,))]))["acme", "h"].label
    assert len(label) == 60
    assert label.startswith("<b> x")


def test_lines_by_isp() -> None:
    board = board_of(
        now("n2", BranchState.DEGRADED, fibre=LinkState.DOWN, other=LinkState.UP),
        now("b1", BranchState.UNKNOWN, fibre=LinkState.UP),
    )
    first, second = count_carriers(newest_agents(board.branches), PLACES)
    assert (first.isp, first.down, first.up) == ("Orange", 1, 0), "named by the inventory"
    assert (second.isp, second.up, second.unknown) == ("?", 1, 1), "a branch that is not heard has no line that is up"


def test_blind() -> None:
    board = board_of()
    assert blindness(board, "en", NOW_S + 9) == ""
    assert "stopped looking" in blindness(board, "en", NOW_S + 11)
    board.show((), (), NOW_S, hearing=False)
    assert "AVEUGLE" in blindness(board, "fr", NOW_S)
    assert blindness(Board(), "en", NOW_S) != "", "before the first look nothing is known"

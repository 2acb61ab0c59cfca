"""The wall as values: one tile for each branch, and the order they stand in. Pure.

Tiles keep their places, by region and name: who watches a wall learns where a branch stands, and a tile that changes
there is seen. What is in trouble is told twice more, by the counts and by the list of incidents, worst first.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache

import msgspec

from collector.board import BranchNow
from collector.branches import BranchKey
from collector.inventory.places import Places
from collector.words.speak import one_line
from wire.messages import BranchState, LinkState

MAX_LABEL_CHARS = 60


@lru_cache(maxsize=65_536)
def short(text: str) -> str:
    """A name on one short line. Ten thousand branches are cleaned once, not at each look."""
    return one_line(text, MAX_LABEL_CHARS)


BranchName = tuple[str, str]
"""Tenant and branch."""

WORST_FIRST = (
    BranchState.ISOLATED,
    BranchState.ON_5G,
    BranchState.DEGRADED,
    BranchState.UNKNOWN,
    BranchState.OK,
)
_RANK = {state: rank for rank, state in enumerate(WORST_FIRST)}


class Tile(msgspec.Struct, frozen=True):
    """One branch as the wall shows it. `since_s` None: never heard of."""

    name: BranchName
    label: str
    region: str
    state: BranchState
    since_s: float | None
    simulated: bool
    critical: bool

    @property
    def id(self) -> str:
        """`tenant/branch`, the end of its address."""
        return f"{self.name[0]}/{self.name[1]}"

    @property
    def order(self) -> tuple[str, bool, str, BranchName]:
        """Where it stands: by tenant, region (none last), label."""
        return self.name[0], not self.region, f"{self.region.casefold()}\0{self.label.casefold()}", self.name

    @property
    def trouble(self) -> tuple[int, bool, float]:
        """Worst first: state, critical branches, newest."""
        return _RANK[self.state], not self.critical, -(self.since_s or 0.0)


def newest_agents(branches: Mapping[BranchKey, BranchNow]) -> dict[BranchName, BranchNow]:
    """The agent heard last speaks for its branch: one that was replaced stays isolated for ever."""
    newest: dict[BranchName, BranchNow] = {}
    for key, now in branches.items():
        known = newest.get(key[:2])
        if known is None or now.heard.heard_s >= known.heard.heard_s:
            newest[key[:2]] = now
    return newest


def newest_agent(branches: Mapping[BranchKey, BranchNow], name: BranchName) -> BranchNow | None:
    """The one that speaks for this branch; None: never heard of."""
    return newest_agents({key: now for key, now in branches.items() if key[:2] == name}).get(name)


def tile_of(name: BranchName, now: BranchNow | None, places: Places) -> Tile:
    """The tile of one branch, heard of or only listed."""
    entry = places.branch(*name)
    return Tile(
        name,
        short(entry.label) or name[1],
        short(entry.region),
        BranchState.UNKNOWN if now is None else now.state,
        None if now is None else now.since_s,
        entry.simulated,
        entry.critical,
    )


def all_tiles(branches: Mapping[BranchKey, BranchNow], places: Places) -> dict[BranchName, Tile]:
    """Every branch that is listed or was heard of."""
    newest = newest_agents(branches)
    names = dict.fromkeys([*places.all(), *newest])
    return {name: tile_of(name, newest.get(name), places) for name in names}


def count_states(tiles: Iterable[Tile]) -> dict[BranchState, int]:
    """How many branches are in each state, worst first."""
    counts = Counter(each.state for each in tiles)
    return {state: counts[state] for state in WORST_FIRST}


class Carrier(msgspec.Struct, frozen=True):
    """Lines of one ISP by state. SUSPECT counts as up: it lasts a quarter of a second."""

    isp: str
    up: int
    degraded: int
    down: int
    unknown: int

    @property
    def lines(self) -> int:
        """All of them."""
        return self.up + self.degraded + self.down + self.unknown


def count_carriers(newest: Mapping[BranchName, BranchNow], places: Places) -> list[Carrier]:
    """Lines by ISP, most of them down first. The inventory names an ISP where the agent did not."""
    counts: dict[str, dict[LinkState, int]] = {}
    for name, now in newest.items():
        stale = now.state in {BranchState.UNKNOWN, BranchState.ISOLATED}
        for path, heard in now.heard.paths.items():
            line = None if heard.isp else places.line(*name, path)
            isp = short(heard.isp or (line.isp if line else "")) or "?"
            if isp not in counts:
                counts[isp] = dict.fromkeys(LinkState, 0)
            counts[isp][LinkState.UNKNOWN if stale and heard.state is not LinkState.DOWN else heard.state] += 1
    carriers = [
        Carrier(
            isp,
            each[LinkState.UP] + each[LinkState.SUSPECT],
            each[LinkState.DEGRADED],
            each[LinkState.DOWN],
            each[LinkState.UNKNOWN],
        )
        for isp, each in counts.items()
    ]
    return sorted(carriers, key=lambda each: (-each.down, -each.degraded, -each.lines, each.isp))

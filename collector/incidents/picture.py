"""The whole fleet as judging sees it: branches in trouble, branches nobody knows of, how many lines each ISP has."""

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cached_property

from collector.board import BranchNow
from collector.branches import BranchKey
from collector.heard import ActHeard
from collector.incidents.sites import Site, in_trouble, read_site
from collector.inventory.places import Places
from wire.messages import BranchState, LinkState

BranchName = tuple[str, str]


class Picture:
    """One look at the fleet. Build it with `Eyes.look`."""

    def __init__(self, board: Mapping[BranchKey, BranchNow], places: Places, sites: dict[BranchName, Site]) -> None:
        self.sites = sites
        self._board = board
        self._places = places

    @cached_property
    def _agents(self) -> dict[BranchName, list[BranchNow]]:
        agents: dict[BranchName, list[BranchNow]] = {}
        for key, branch in self._board.items():
            agents.setdefault(key[:2], []).append(branch)
        return agents

    def known(self, tenant: str, branch: str) -> bool:
        """Whether the board says anything of a branch."""
        agents = self._agents.get((tenant, branch), ())
        return any(each.state is not BranchState.UNKNOWN for each in agents)

    def listed(self, tenant: str, branch: str) -> bool:
        """Whether the board has heard of a branch at all."""
        return (tenant, branch) in self._agents

    def line_unknown(self, tenant: str, branch: str, line: str) -> bool:
        """Whether the branch itself does not know how a line is."""
        agents = self._agents.get((tenant, branch), ())
        return any(line in each.heard.paths and each.heard.paths[line].state is LinkState.UNKNOWN for each in agents)

    def acts(self, tenant: str, branch: str) -> tuple[ActHeard, ...]:
        """Moves of a branch's traffic, as last heard."""
        return tuple(act for each in self._agents.get((tenant, branch), ()) for act in each.heard.acts)

    @cached_property
    def census(self) -> Counter[tuple[str, str, str]]:
        """Lines by (tenant, ISP, region): the inventory's, and what is heard of branches it does not list."""
        lines: Counter[tuple[str, str, str]] = Counter()
        for (tenant, _), entry in self._places.all().items():
            for line in entry.line:
                lines[tenant, line.isp, entry.region] += 1
        for (tenant, branch), agents in self._agents.items():
            entry = self._places.branch(tenant, branch)
            listed = {line.name for line in entry.line}
            heard = {name: path.isp for each in agents for name, path in each.heard.paths.items() if path.isp}
            for name, isp in heard.items():
                if name not in listed:
                    lines[tenant, isp, entry.region] += 1
        return lines


class Eyes:
    """Looks at the board, and reads again only what changed since the last look."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._read: dict[BranchName, tuple[tuple[BranchNow, ...], Site | None]] = {}

    def look(self, board: Mapping[BranchKey, BranchNow]) -> Picture:
        """The fleet now. `board` must not change while the picture is used: hand in a copy."""
        troubled: dict[BranchName, list[BranchNow]] = {}
        for key, branch in board.items():
            if in_trouble(branch):
                troubled.setdefault(key[:2], []).append(branch)
        several = _several(board)
        read = {}
        for name, agents in troubled.items():
            now = tuple(board[key] for key in several[name]) if name in several else tuple(agents)
            before = self._read.get(name)
            if before is not None and len(before[0]) == len(now) and all(map(_same, before[0], now)):
                read[name] = before
            else:
                read[name] = now, read_site(now, self._places.branch(*name))
        self._read = read
        return Picture(board, self._places, {name: site for name, (_, site) in read.items() if site is not None})


def _same(one: BranchNow, other: BranchNow) -> bool:
    return one is other


def _several(board: Iterable[BranchKey]) -> dict[BranchName, list[BranchKey]]:
    """Branches with more than one agent."""
    first: dict[BranchName, BranchKey] = {}
    several: dict[BranchName, list[BranchKey]] = {}
    for key in board:
        name = key[:2]
        if name in first:
            several.setdefault(name, [first[name]]).append(key)
        else:
            first[name] = key
    return several

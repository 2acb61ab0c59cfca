"""The whole fleet as judging sees it: branches in trouble, branches nobody knows of, how many lines each ISP has."""

from collections import Counter
from collections.abc import Mapping
from functools import cached_property
from operator import is_

from collector.board import BranchNow
from collector.branches import BranchKey
from collector.heard import ActHeard
from collector.incidents.sites import Site, in_trouble, read_site
from collector.inventory.places import Places
from wire.messages import BranchState, LinkState

BranchName = tuple[str, str]


class Picture:
    """One look at the fleet. Build it with `Eyes.look`. `news`: some branch's trouble is not what it was before."""

    def __init__(
        self,
        board: Mapping[BranchKey, BranchNow],
        agents: Mapping[BranchName, list[BranchKey]],
        sites: dict[BranchName, Site],
        places: Places,
        listed_lines: Counter[tuple[str, str, str]],
        *,
        news: bool,
    ) -> None:
        self.sites = sites
        self.news = news
        self._board = board
        self._agents = agents
        self._places = places
        self._listed_lines = listed_lines

    def known(self, tenant: str, branch: str) -> bool:
        """Whether the board says anything of a branch."""
        return any(each.state is not BranchState.UNKNOWN for each in self._of(tenant, branch))

    def listed(self, tenant: str, branch: str) -> bool:
        """Whether the board has heard of a branch at all."""
        return (tenant, branch) in self._agents

    def line_unknown(self, tenant: str, branch: str, line: str) -> bool:
        """Whether the branch itself does not know how a line is."""
        return any(
            line in each.heard.paths and each.heard.paths[line].state is LinkState.UNKNOWN
            for each in self._of(tenant, branch)
        )

    def acts(self, tenant: str, branch: str) -> tuple[ActHeard, ...]:
        """Moves of a branch's traffic, as last heard."""
        return tuple(act for each in self._of(tenant, branch) for act in each.heard.acts)

    @cached_property
    def census(self) -> Counter[tuple[str, str, str]]:
        """Lines by (tenant, ISP, region): the inventory's, and what is heard of branches it does not list."""
        lines = self._listed_lines.copy()
        for tenant, branch in self._agents:
            if not self._places.branch(tenant, branch).line:
                region = self._places.branch(tenant, branch).region
                heard = {name: path.isp for each in self._of(tenant, branch) for name, path in each.heard.paths.items()}
                lines.update((tenant, isp, region) for isp in heard.values() if isp)
        return lines

    def _of(self, tenant: str, branch: str) -> list[BranchNow]:
        return [self._board[key] for key in self._agents.get((tenant, branch), ())]


class Eyes:
    """Looks at the board, and reads again only what changed since the last look."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._listed_lines = Counter(
            (tenant, line.isp, entry.region) for (tenant, _), entry in places.all().items() for line in entry.line
        )
        self._keys: set[BranchKey] = set()
        self._agents: dict[BranchName, list[BranchKey]] = {}
        self._seen: dict[BranchKey, tuple[BranchNow, bool]] = {}
        self._read: dict[BranchName, tuple[tuple[BranchNow, ...], Site | None]] = {}

    def look(self, board: Mapping[BranchKey, BranchNow]) -> Picture:
        """The fleet now. `board` must not change while the picture is used: hand in a copy."""
        if board.keys() != self._keys:
            self._keys = set(board)
            self._agents = {}
            for key in board:
                self._agents.setdefault(key[:2], []).append(key)
            self._seen = {key: seen for key, seen in self._seen.items() if key in board}
        read = {}
        for name in dict.fromkeys(key[:2] for key, branch in board.items() if self._troubled(key, branch)):
            now = tuple(board[key] for key in self._agents[name])
            before = self._read.get(name)
            if before is not None and len(before[0]) == len(now) and all(map(is_, before[0], now)):
                read[name] = before
            else:
                site = read_site(now, self._places.branch(*name))
                read[name] = now, before[1] if before is not None and site == before[1] else site
        known = self._read
        news = read.keys() != known.keys() or any(site is not known[name][1] for name, (_, site) in read.items())
        self._read = read
        sites = {name: site for name, (_, site) in read.items() if site is not None}
        return Picture(board, self._agents, sites, self._places, self._listed_lines, news=news)

    def _troubled(self, key: BranchKey, branch: BranchNow) -> bool:
        seen = self._seen.get(key)
        if seen is not None and seen[0] is branch:
            return seen[1]
        troubled = in_trouble(branch)
        self._seen[key] = branch, troubled
        return troubled

"""What the demo knows at a moment, read from those who know it: collector, fleet, real agent, receiver."""

import sqlite3
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from agent.control import Status, ask_agent
from collector.branch_file import read_branches
from collector.database import FILE_NAME, read_only
from collector.errors import CollectorError
from collector.incidents import book
from collector.incidents.model import Incident, Phase
from lab.fleet.news import FleetNews, read_news
from lab.fleet.places import TENANT
from lab.fleet.settings import AGENT

PAGE_WAIT_S = 0.1


@dataclass(frozen=True, slots=True)
class Picture:
    """One moment. `states` counts branches by the collector's word; None where a part has not spoken yet."""

    states: Mapping[str, int] = field(default_factory=dict)
    incidents: tuple[Incident, ...] = ()
    news: FleetNews | None = None
    agent: Mapping[str, object] | None = None
    hearing: bool = False

    @property
    def open_incidents(self) -> tuple[Incident, ...]:
        """Those that are not over."""
        return tuple(each for each in self.incidents if each.phase is not Phase.RESOLVED)

    def by_cause(self) -> dict[str, int]:
        """How many incidents there were of each cause."""
        return dict(Counter(str(each.cause) for each in self.incidents))


class Looker:
    """Looks at the parts of a demo in `folder`."""

    def __init__(self, folder: Path, data_dir: Path) -> None:
        self._folder = folder
        self._branches = data_dir / "branches.json"
        self._records = data_dir / FILE_NAME
        self._last = Picture()

    def look(self) -> Picture:
        """The present picture; what does not answer just now stays as it was."""
        last = self._last
        states, hearing = last.states, last.hearing
        try:
            table = read_branches(self._branches)
            states = dict(Counter(row.state for row in table.branches if row.agent == AGENT))
            hearing = table.hearing
        except CollectorError:
            hearing = False
        self._last = Picture(
            states=states,
            incidents=self._incidents() or last.incidents,
            news=read_news(self._folder / "fleet.json") or last.news,
            agent=ask(self._folder) or last.agent,
            hearing=hearing,
        )
        return self._last

    def _incidents(self) -> tuple[Incident, ...]:
        try:
            with closing(read_only(self._records)) as connection:
                return tuple(book.load(connection, tenant=TENANT))
        except (CollectorError, sqlite3.Error):
            return ()


def ask(folder: Path) -> Mapping[str, object] | None:
    """The real agent's status; None while it does not answer."""
    try:
        return ask_agent(folder / "agent.sock", Status())
    except (OSError, ValueError):
        return None


class PageWatch:
    """Finds out, in a thread, when the page first answers."""

    def __init__(self, url: str, since_s: float) -> None:
        self._url = url
        self._since_s = since_s
        self._stop = threading.Event()
        self.first_page_s: float | None = None
        threading.Thread(target=self._watch, name="page", daemon=True).start()

    def close(self) -> None:
        """Ask no more."""
        self._stop.set()

    def _watch(self) -> None:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        while not self._stop.wait(PAGE_WAIT_S):
            try:
                with opener.open(self._url, timeout=2.0) as answer:
                    if answer.status == 200:
                        self.first_page_s = round(time.monotonic() - self._since_s, 2)
                        return
            except OSError:
                continue

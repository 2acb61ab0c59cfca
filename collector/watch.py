"""Looks at the fleet whenever something was heard, and by time: silence makes no event. Shows it to everybody."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from pathlib import Path

from collector.board import Board, BranchNow
from collector.branch_file import render, write_branches
from collector.branches import BranchKey, Shown
from collector.clock import SteadyClock
from collector.counters import Counters
from collector.events import tell
from collector.fleet import branch_state_line, fleet_lines
from collector.hearing import Hearing
from collector.incidents.model import Incident
from collector.ingest import Ingest
from collector.inventory.places import Places
from collector.journal.journal import Journal
from collector.journal.reader import bytes_between
from collector.journal.segments import Position
from collector.store.lines import pipeline_line
from wire.messages import BranchState

REVIEW_S = 1.0  # everybody
NEWS_S = 0.1  # those of whom something was heard, at most so often
FILE_EVERY, COUNT_EVERY, REPEAT_EVERY = 2, 10, 60  # reviews


class Watch:
    """The only writer of the board, of the table's file and of the collector's own points."""

    def __init__(
        self,
        *,
        name: str,
        ingest: Ingest,
        board: Board,
        journal: Journal,
        directory: Path,
        file: Path,
        counters: Counters,
        clock: SteadyClock,
        connected: Callable[[], bool],
        stored: Callable[[], Position],
        places: Places,
        incidents: Callable[[], Iterable[Incident]],
    ) -> None:
        self._name = name
        self._ingest = ingest
        self._board = board
        self._journal = journal
        self._directory = directory
        self._file = file
        self._counters = counters
        self._clock = clock
        self._connected = connected
        self._stored = stored
        self._places = places
        self._incidents = incidents
        self._hearing = Hearing()
        self._failed = False
        self.lag_bytes = 0
        """How much of the journal the database had not taken at the last count."""

    async def run(self) -> None:
        """Review for ever."""
        loop = asyncio.get_running_loop()
        turn, due_s = 0, loop.time()
        while True:
            if loop.time() >= due_s:
                due_s = loop.time() + REVIEW_S
                await self.review(turn)
                turn += 1
            else:
                self._show(self._ingest.branches.review_news(self._hearing.since_s, self._clock.now_s()))
            await asyncio.sleep(NEWS_S)
            await self._news(due_s - loop.time())

    async def _news(self, within_s: float) -> None:
        try:
            async with asyncio.timeout(max(0.0, within_s)):
                await self._ingest.heard.wait()
        except TimeoutError:
            return

    async def review(self, turn: int) -> None:
        """One look at everybody and at the collector itself."""
        now_s = self._clock.now_s()
        table = self._ingest.branches
        connection = self._counters.connects if self._connected() and not self._ingest.held else None
        hearing_since_s = self._hearing.listen(table.heard_s(), now_s, connection=connection)
        changed = table.review(hearing_since_s, now_s)
        self._show(changed)
        if turn % REPEAT_EVERY == 0:
            self._write_states(self._board.branches)
        if turn % COUNT_EVERY == 0:
            await self._count()
        if changed or turn % FILE_EVERY == 0:
            await self._write_file(table.shown(), now_s, hearing=hearing_since_s is not None)

    async def _count(self) -> None:
        """The fleet's counts and the collector's own."""
        self.lag_bytes = await asyncio.to_thread(bytes_between, self._directory, self._stored(), self._journal.end)
        size, held, at_ns = self._journal.size_bytes, self._ingest.held, self._clock.now_ns()
        lines = fleet_lines(self._board.branches.values(), self._places, self._incidents(), at_ns)
        lines.append(pipeline_line(self._name, self._counters, size, self.lag_bytes, at_ns, held=held))
        self._ingest.offer_lines("\n".join(lines).encode())

    def _show(self, changed: list[tuple[BranchKey, BranchState]]) -> None:
        self._ingest.heard.clear()
        for key, state in changed:
            tell(logging.WARNING, "branch.state", "changed", branch="/".join(key), state=state.name)
        table = self._ingest.branches
        news, gone = table.take_news()
        branches = [BranchNow(key, state, since_s, heard) for key, heard, state, since_s in table.shown(news)]
        deaf_since_s = self._hearing.deaf_since_s if self._hearing.since_s is None else None
        self._board.show(branches, gone, self._clock.now_s(), hearing=deaf_since_s is None, deaf_since_s=deaf_since_s)
        self._write_states(key for key, _ in changed)

    def _write_states(self, keys: Iterable[BranchKey]) -> None:
        at_ns = self._clock.now_ns()
        if lines := [branch_state_line(self._board.branches[key], self._places, at_ns) for key in keys]:
            self._ingest.offer_lines("\n".join(lines).encode())

    async def _write_file(self, shown: list[Shown], now_s: float, *, hearing: bool) -> None:
        def work() -> None:  # of a large fleet this takes longer than acknowledgements may wait
            write_branches(self._file, render(self._name, shown, now_s, hearing=hearing))

        try:
            await asyncio.to_thread(work)
            self._failed = False
        except OSError as error:
            if not self._failed:
                self._failed = True
                tell(logging.ERROR, "branches.failed", f"{self._file}: {error.strerror}; make room on this disk")

"""Looks at the branch table every second and at the collector every ten; writes what people and dashboards see."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

from collector.branch_file import render, write_branches
from collector.clock import SteadyClock
from collector.counters import Counters
from collector.events import tell
from collector.ingest import Ingest
from collector.journal.journal import Journal
from collector.journal.reader import bytes_between
from collector.journal.segments import Position
from collector.store.lines import branch_state_line, pipeline_line

REVIEW_S = 1.0
FILE_EVERY, PIPELINE_EVERY, REPEAT_EVERY = 2, 10, 60  # reviews


class Watch:
    """Reviews by time: silence makes no event of its own."""

    def __init__(
        self,
        *,
        name: str,
        ingest: Ingest,
        journal: Journal,
        directory: Path,
        file: Path,
        counters: Counters,
        clock: SteadyClock,
        connected: Callable[[], bool],
        stored: Callable[[], Position],
    ) -> None:
        self._name = name
        self._ingest = ingest
        self._journal = journal
        self._directory = directory
        self._file = file
        self._counters = counters
        self._clock = clock
        self._connected = connected
        self._stored = stored
        self._hearing_since_s: float | None = None
        self._failed = False

    async def run(self) -> None:
        """Review for ever."""
        turn = 0
        while True:
            await self.review(turn)
            turn += 1
            await asyncio.sleep(REVIEW_S)

    async def review(self, turn: int) -> None:
        """One look at everything."""
        now_s = self._clock.now_s()
        hearing = self._connected() and not self._ingest.held
        if not hearing:
            self._hearing_since_s = None
        elif self._hearing_since_s is None:
            self._hearing_since_s = now_s
        table = self._ingest.branches
        changed = table.review(self._hearing_since_s, now_s)
        for key, state in changed:
            tell(logging.WARNING, "branch.state", "changed", branch="/".join(key), state=state.name)
        if turn % REPEAT_EVERY == 0:
            changed = [(key, state) for key, _, state, _ in table.shown()]
        at_ns = self._clock.now_ns()
        lines = [branch_state_line(*key, state, at_ns) for key, state in changed]
        if turn % PIPELINE_EVERY == 0:
            lag_bytes = await asyncio.to_thread(bytes_between, self._directory, self._stored(), self._journal.end)
            size = self._journal.size_bytes
            held = self._ingest.held
            lines.append(pipeline_line(self._name, self._counters, size, lag_bytes, at_ns, held=held))
        if lines:
            self._ingest.offer_lines("\n".join(lines).encode())
        if changed or turn % FILE_EVERY == 0:
            await self._write_file(render(self._name, table, now_s, hearing=hearing))

    async def _write_file(self, content: bytes) -> None:
        try:
            await asyncio.to_thread(write_branches, self._file, content)
            self._failed = False
        except OSError as error:
            if not self._failed:
                self._failed = True
                tell(logging.ERROR, "branches.failed", f"{self._file}: {error.strerror}; make room on this disk")

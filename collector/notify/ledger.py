"""What the outbox writes down: transactions tried until the disk takes them, and outcomes everywhere they are shown."""

import logging
import sqlite3
from collections.abc import Callable
from typing import TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type
from tenacity.wait import wait_random_exponential

from collector.clock import SteadyClock
from collector.database import Database
from collector.events import tell
from collector.incidents import book
from collector.notify.outcome import Outcome, entries, log, points

T = TypeVar("T")


class Ledger:
    """Shared by all receivers."""

    def __init__(self, database: Database, clock: SteadyClock, offer_lines: Callable[[bytes], None]) -> None:
        self._database = database
        self._offer_lines = offer_lines
        self.clock = clock

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """One transaction, tried until the disk takes it: a message that was sent must be noted."""
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(sqlite3.OperationalError),
            wait=wait_random_exponential(multiplier=0.2, max=10),
            before_sleep=_say,
        )
        return await retrying(self._database.run, work)

    async def record(self, outcome: Outcome, also: Callable[[sqlite3.Connection], None] | None = None) -> None:
        """Write an outcome into timelines, log and database; what `also` notes goes into the same transaction."""
        now_s = self.clock.now_s()

        def write(connection: sqlite3.Connection) -> None:
            if also is not None:
                also(connection)
            for incident_id, entry in entries(outcome, now_s):
                book.add_entry(connection, incident_id, entry)

        await self.run(write)
        log(outcome)
        if lines := points(outcome, now_s):
            self._offer_lines("\n".join(lines).encode())


def _say(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome is not None else None
    tell(logging.ERROR, "notify.disk", f"the record of messages cannot be written ({error}); trying again")

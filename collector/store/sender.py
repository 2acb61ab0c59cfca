"""Lines to the database: for as long as it takes, in halves until it says which lines it never takes."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from tenacity import AsyncRetrying, RetryCallState, retry_if_result
from tenacity.wait import wait_random_exponential

from collector.clock import SteadyClock
from collector.counters import Counters
from collector.dead_letters import DeadLetter, DeadLetters
from collector.events import tell
from collector.store.base import Answer, Later, Partial, Paused, Store, TooLarge, Written
from collector.store.loading import MAX_LINES

MAX_BODY_BYTES = 1_000_000  # above a mebibyte aiohttp warns that one send would hold up the event loop


def slice_end(lines: list[bytes], start: int, max_lines: int, max_bytes: int) -> int:
    """Where a body that begins with line `start` ends: at least one line, then as many as the limits allow. Pure."""
    end, size = start + 1, len(lines[start])
    while end < len(lines) and end - start < max_lines and size + 1 + len(lines[end]) <= max_bytes:
        size += 1 + len(lines[end])
        end += 1
    return end


class Sender:
    """Never drops what the database may take."""

    def __init__(
        self,
        *,
        store: Store,
        letters: DeadLetters,
        counters: Counters,
        clock: SteadyClock,
        rested: Callable[[], Awaitable[None]],
        pause_s: float,
    ) -> None:
        """`rested` is called after each wait; `pause_s` is the wait after an answer that needs a person."""
        self._store = store
        self._letters = letters
        self._counters = counters
        self._clock = clock
        self._rested = rested
        self._pause_s = pause_s
        self._slice = MAX_LINES
        self._said = ""
        self.trouble = ""
        """Why the database does not take records now; "" when it does."""
        self._back_off = wait_random_exponential(multiplier=0.2, max=15)

    async def write_all(self, lines: list[bytes]) -> None:
        """Until the database has each line, or it is in the dead letters."""
        start = 0
        while start < len(lines):
            end = slice_end(lines, start, self._slice, MAX_BODY_BYTES)
            await self._write(lines[start:end])
            start = end
            self._slice = min(MAX_LINES, self._slice + self._slice // 8 + 1)

    async def _write(self, lines: list[bytes]) -> None:
        answer = await self._persist(b"\n".join(lines))
        if isinstance(answer, Written):
            self._counters.lines_written += len(lines)
            return
        if isinstance(answer, TooLarge):
            self._slice = max(1, len(lines) // 2)
        if len(lines) == 1 or (isinstance(answer, Partial) and answer.all_refused):
            await self._reject(lines, answer.reason)
            return
        half = len(lines) // 2
        await self._write(lines[:half])
        await self._write(lines[half:])

    async def _persist(self, body: bytes) -> Written | Partial | TooLarge:
        """Try until the database gives an answer about the lines themselves."""
        retrying = AsyncRetrying(
            retry=retry_if_result(lambda answer: isinstance(answer, Later | Paused)),
            wait=self._wait_s,
            before_sleep=self._before_retry,
            sleep=self._rest,
        )
        answer: Answer = await retrying(self._store.write, body)
        if isinstance(answer, Later | Paused):
            raise TypeError(answer)  # the retry condition above lets neither through
        if self._said:
            self._said = self.trouble = ""
            tell(logging.WARNING, "store.recovered", "the database takes records again")
        return answer

    def _wait_s(self, state: RetryCallState) -> float:
        answer = state.outcome.result() if state.outcome is not None else None
        jittered_s = self._back_off(state)
        if isinstance(answer, Paused):
            return self._pause_s
        if isinstance(answer, Later) and answer.wait_s is not None:
            return answer.wait_s + min(jittered_s, 1.0)
        return jittered_s

    def _before_retry(self, state: RetryCallState) -> None:
        self._counters.store_retries += 1
        answer = state.outcome.result() if state.outcome is not None else None
        if isinstance(answer, Paused):
            sentence = "the database refuses every record; correct [store] or the database, nothing is lost meanwhile"
            self.say("store.paused", f"{sentence} ({answer.reason})")
        elif isinstance(answer, Later):
            self.say("store.later", f"the database does not take records now; trying again ({answer.reason})")

    async def _rest(self, wait_s: float) -> None:
        await asyncio.sleep(wait_s)
        await self._rested()

    def say(self, event: str, sentence: str) -> None:
        """Tell people once, until something else goes wrong."""
        if event != self._said:
            self._said, self.trouble = event, sentence
            tell(logging.ERROR, event, sentence)

    async def _reject(self, lines: list[bytes], reason: str) -> None:
        at_ns = self._clock.now_ns()
        letters = [DeadLetter(at_ns, "store", reason, line) for line in lines]
        while True:
            try:
                await asyncio.to_thread(self._letters.add, letters)
                break
            except OSError as error:
                self.say("dead_letters.held", f"dead letters cannot be kept ({error}); trying again")
                await asyncio.sleep(1.0)
        self._counters.lines_rejected += len(lines)
        self._counters.dead_letters += len(lines)
        self._counters.dead_letters_dropped = self._letters.dropped
        sentence = f"the database refused {len(lines)} lines for good; they are in the dead letters ({reason})"
        tell(logging.ERROR, "store.rejected", sentence, lines=len(lines))

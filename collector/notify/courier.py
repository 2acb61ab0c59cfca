"""One receiver at work: what is to be told, one message after the other, with pauses where it cannot take them."""

import asyncio
import logging
import sqlite3
from functools import partial

from tenacity import RetryCallState, Retrying
from tenacity.wait import wait_random_exponential

from collector.events import LOG, tell
from collector.notify import deliveries
from collector.notify.base import Delivered, Keeper, Later, Message, Notifier, Refused, Result
from collector.notify.composer import Composer, Material
from collector.notify.deliveries import Allowance, State, Step, Work
from collector.notify.ledger import Ledger
from collector.notify.outcome import Outcome
from collector.notify.settings import NotifySettings

LONGEST_BACK_OFF_S = 300.0
MAX_WAIT_S = 3600.0
KEEP_AGAIN_S = 5.0


class Courier:
    """Serves one receiver. A dead or slow one holds up nobody else."""

    def __init__(
        self, settings: NotifySettings, notifier: Notifier, composer: Composer, ledger: Ledger, shortest_s: float
    ) -> None:
        """`shortest_s` is the shortest pause after a failure."""
        self.settings = settings
        self.notifier = notifier
        self.news = asyncio.Event()
        self._composer = composer
        self._ledger = ledger
        self._shortest_s = shortest_s
        self._back_off = wait_random_exponential(multiplier=2 * shortest_s, max=LONGEST_BACK_OFF_S)
        self._failures = 0
        self._said = ""
        # Sending and keeping never overlap: else an end could be told, and then what stood before it again.
        self._lock = asyncio.Lock()
        self._kept: dict[int, Message] = {}
        per_minute = None if isinstance(notifier, Keeper) else settings.per_minute
        self._allowance = Allowance(per_minute, settings.give_up_after)

    @property
    def name(self) -> str:
        """Of the receiver."""
        return self.settings.name

    async def serve(self) -> None:
        """Deliver for ever."""
        while True:
            self.news.clear()
            async with self._lock:
                step = await self._step()
                pause_s = await self._deliver(step.work) if step.work is not None else 0.0
            if step.work is None:
                await wait(self.news, MAX_WAIT_S if step.wait_s is None else step.wait_s)
            elif pause_s:
                await asyncio.sleep(pause_s)

    async def keep(self, keeper: Keeper) -> None:
        """Tell again what stands, for ever."""
        while True:
            async with self._lock:
                pause_s = await self._keep(keeper)
            await asyncio.sleep(pause_s)

    async def _step(self) -> Step:
        now_s = self._ledger.clock.now_s()
        step = await self._ledger.run(
            partial(deliveries.next_step, receiver=self.name, allowance=self._allowance, now_s=now_s)
        )
        for row in step.given_up:
            why = f"not taken in {self.settings.give_up_after.written()}"
            detail = f"{why}: {row.error}" if row.error else why
            await self._ledger.record(Outcome(self.name, (row,), State.GIVEN_UP, detail))
        return step

    async def _deliver(self, work: Work) -> float:
        """Send and note one message; seconds for which this receiver is left alone."""
        material = await self._ledger.run(partial(self._composer.read, receiver=self.name, work=work))
        result = await self._send(work, material)
        now_s = self._ledger.clock.now_s()
        pause_s, next_s = 0.0, now_s
        if isinstance(result, Later):
            self._failures += 1
            pause_s = self._pause_s(self._failures, result)
            next_s = now_s + self._pause_s(work.attempts + 1, result)
        else:
            self._failures = 0
        state, detail = _state(result)
        outcome = Outcome(self.name, work.rows, state, detail)

        def note(connection: sqlite3.Connection) -> None:
            deliveries.note(connection, work, state, now_s, error=detail, next_s=next_s)

        await self._ledger.record(outcome, note)
        return pause_s

    async def _send(self, work: Work, material: Material) -> Result:
        try:
            return await self.notifier.send(await self._composer.message(self.settings, work, material))
        except Exception as error:  # noqa: BLE001 - a fault of one service's code must not end the collector again and again
            sentence = f"a fault in kind {self.settings.kind!r}, please report it; the message is tried again"
            told = {"event": "notify.fault", "fields": {"receiver": self.name}}
            LOG.error(sentence, extra=told, exc_info=None if work.attempts else error)
            return Later(f"a fault: {type(error).__name__} {' '.join(str(error).split())}"[:300])

    async def _keep(self, keeper: Keeper) -> float:
        """Tell again what stands; seconds until the next time."""
        now_s = self._ledger.clock.now_s()
        rows, waiting = await self._ledger.run(
            partial(deliveries.standing, receiver=self.name, since_s=now_s - keeper.resolved_for_s)
        )
        kept = {}
        for row in rows:
            if row.notice in self._kept:
                kept[row.notice] = self._kept[row.notice]
                continue
            work = Work((row,), row.event)
            material = await self._ledger.run(partial(self._composer.read, receiver=self.name, work=work))
            kept[row.notice] = await self._composer.message(self.settings, work, material)
        self._kept = kept
        result = await keeper.keep(tuple(kept.values()), waiting)
        failed = "" if isinstance(result, Delivered) else result.reason
        if bool(failed) != bool(self._said):
            level, sentence = (logging.WARNING, failed) if failed else (logging.INFO, "what stands is told again")
            tell(level, "notify.kept" if not failed else "notify.not_kept", sentence, receiver=self.name)
        self._said = failed
        return min(keeper.keep_s, KEEP_AGAIN_S) if failed else keeper.keep_s

    def _pause_s(self, failures: int, result: Later) -> float:
        if result.wait_s is not None:
            return max(self._shortest_s, result.wait_s)
        state = RetryCallState(Retrying(), None, (), {})
        state.attempt_number = failures
        return max(self._shortest_s, self._back_off(state))


async def wait(news: asyncio.Event, longest_s: float) -> None:
    """Wait for news, but no longer than this."""
    try:
        async with asyncio.timeout(longest_s):
            await news.wait()
    except TimeoutError:
        return


def _state(result: Result) -> tuple[State, str]:
    match result:
        case Delivered():
            return State.DELIVERED, result.note
        case Later():
            return State.WAITING, result.reason
        case Refused():
            return State.REFUSED, result.reason

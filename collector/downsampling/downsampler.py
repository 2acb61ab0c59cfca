"""Makes `link_1h` from `link`: each hour once it is over and settled, and again when late windows touched it."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from collector.clock import SteadyClock
from collector.database import Database
from collector.downsampling.hours import FIELDS, HOUR_NS, TAGS, hour_lines
from collector.downsampling.touched import Hour, Touch, load, save
from collector.events import tell
from collector.store.history import History, HistoryError
from wire.fields import Measurement

SETTLE_S = 120.0  # after the end of the hour, and after the last window that touched it
ASK_S = 5.0
RETRY_S = 10.0
CONFIRM_S = 300.0
AHEAD_HOURS = 48  # a branch whose clock runs further ahead is not believed
MAX_WINDOWS = 100_000  # of one path in one hour


@dataclass(slots=True)
class _Note:
    """`count` tells one touch from the next; `offered` is the count its lines were made for, at `offered_s`."""

    count: int
    noted_s: float
    offered: int = -1
    offered_s: float = float("-inf")


class Downsampler:
    """One for each collector. Times of notes are monotonic."""

    def __init__(
        self,
        *,
        history: History,
        database: Database,
        offer: Callable[[bytes], None],
        clock: SteadyClock,
        windows_s: float,
        settle_s: float = SETTLE_S,
    ) -> None:
        """`offer` takes lines into the journal; hours older than `windows_s` may lack windows: they stay as they are.

        The database must have been opened with `touched.SCHEMA`.
        """
        self._history = history
        self._database = database
        self._offer = offer
        self._clock = clock
        self._keep_hours = int(windows_s // 3600)
        self._settle_s = settle_s
        self._notes: dict[Hour, _Note] = {}
        self._unsaved: set[Hour] = set()
        self._done: set[Hour] = set()
        self._count = 0
        self._said = False
        self.made = 0
        """Hours of branches offered since the start."""

    @property
    def waiting(self) -> int:
        """Hours of branches whose `link_1h` is not in the database."""
        return len(self._notes)

    async def resume(self) -> None:
        """Remember what was noted before a restart. Call once before `note`."""
        now_s = asyncio.get_running_loop().time()
        for hour in await self._database.run(load):
            self._notes[hour] = _Note(0, now_s - self._settle_s)

    def note(self, touch: Touch) -> None:
        """Lines with these hours are in the database now."""
        now_s = asyncio.get_running_loop().time()
        now_hour = self._clock.now_ns() // HOUR_NS
        for hour in touch.windows:
            if not now_hour - self._keep_hours < hour.hour <= now_hour + AHEAD_HOURS:
                continue
            self._count += 1
            note = self._notes.get(hour)
            if note is None:
                self._notes[hour] = _Note(self._count, now_s)
                self._unsaved.add(hour)
                self._done.discard(hour)
            else:
                note.count, note.noted_s = self._count, now_s
        for hour in touch.made:
            note = self._notes.get(hour)
            if note is not None and note.offered == note.count:
                del self._notes[hour]
                self._unsaved.discard(hour)
                self._done.add(hour)

    async def save(self) -> None:
        """Put what was noted on disk. The writer calls it before its checkpoint moves.

        Raises:
            sqlite3.Error: it did not work; the same is saved next time.
        """
        if not self._unsaved and not self._done:
            return
        unsaved, done = self._unsaved, self._done
        self._unsaved, self._done = set(), set()
        try:
            await self._database.run(partial(save, touched=unsaved, done=done))
        except BaseException:
            self._unsaved |= {hour for hour in unsaved if hour in self._notes}
            self._done |= {hour for hour in done if hour not in self._notes}
            raise

    async def run(self) -> None:
        """Make hours for ever."""
        while True:
            try:
                for hour in self._due():
                    await self._make(hour)
                self._recovered()
            except HistoryError as error:
                self._say(error)
                await asyncio.sleep(RETRY_S)
            await asyncio.sleep(ASK_S)

    def _due(self) -> list[Hour]:
        """Settled hours, oldest first; those under way come again when their lines do not arrive."""
        now_s = asyncio.get_running_loop().time()
        settled_ns = self._clock.now_ns() - round(self._settle_s * 1e9)
        return sorted(
            hour
            for hour, note in self._notes.items()
            if (hour.hour + 1) * HOUR_NS <= settled_ns
            and note.noted_s + self._settle_s <= now_s
            and (note.offered != note.count or note.offered_s + CONFIRM_S <= now_s)
        )

    async def _make(self, hour: Hour) -> None:
        note = self._notes.get(hour)
        if note is None:
            return
        count, start_ns = note.count, hour.hour * HOUR_NS
        windows = await self._history.read(
            Measurement.LINK,
            FIELDS,
            where={"tenant": hour.tenant, "branch": hour.branch},
            group=TAGS,
            start_ns=start_ns,
            end_ns=start_ns + HOUR_NS,
            limit=MAX_WINDOWS,
        )
        lines = hour_lines(windows, start_ns)
        if note.count != count:
            return  # touched meanwhile: it settles again
        note.offered, note.offered_s = count, asyncio.get_running_loop().time()
        if lines:
            self.made += 1
            self._offer("\n".join(lines).encode())
        else:  # its windows were refused, or retention has taken them
            del self._notes[hour]
            self._unsaved.discard(hour)
            self._done.add(hour)

    def _say(self, error: HistoryError) -> None:
        if not self._said:
            self._said = True
            sentence = f"hours cannot be made from windows now; trying again, none is forgotten ({error})"
            tell(logging.ERROR, "hours.later", sentence, waiting=self.waiting)

    def _recovered(self) -> None:
        if self._said:
            self._said = False
            tell(logging.WARNING, "hours.recovered", "hours are made from windows again", waiting=self.waiting)

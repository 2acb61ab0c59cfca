"""Random `kill -9` of agent, actor, broker, collector and database: every sample ends in the database, once.

The witness is a listener beside the broker that writes down every numbered record it hears. The agent numbers what it
has on disk without a hole, so a record that neither listener nor database knows would show as a missing number.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from lab.events import Heard
from lab.house_settings import HouseOptions
from lab.measure import longest_silence_ms
from lab.results import Order, Run, Value
from lab.samples import NEW4
from lab.stage import Stage
from wire.fields import LinkField, Measurement, Tag
from wire.topics import Lane

VICTIMS = ("agent", "actor", "broker", "collector", "database")
BETWEEN_S = (2.0, 6.0)
DRAIN_S = 120.0
WORKS_S = 3.0
Point = tuple[str, int, int]  # path, family, start_ns


@dataclass(frozen=True, slots=True)
class Account:
    """The books. `spooled`: numbers given; `unheard`: those the witness missed, about which nothing can be said."""

    spooled: int
    unheard: int
    windows: int
    lost: int
    unexplained: int


def account(heard: Iterable[Heard], last: dict[str, int], stored: set[Point]) -> Account:
    """Compare what was spooled, up to the number `last` of each epoch, with what is stored. Pure.

    A point that nobody heard is `unexplained`: an invented or doubled record.
    """
    numbers: dict[str, set[int]] = {epoch: set() for epoch in last}
    due: set[Point] = set()
    later: set[Point] = set()
    for batch in heard:
        if batch.lane != Lane.SAMPLES:
            continue
        limit = last.get(batch.epoch, batch.first_seq + batch.length)
        numbers.setdefault(batch.epoch, set()).update(range(batch.first_seq, batch.first_seq + batch.length))
        for number, path, family, start_ns in batch.windows:
            (due if number <= limit else later).add((path, family, start_ns))
    unheard = sum(len(set(range(1, end + 1)) - numbers[epoch]) for epoch, end in last.items())
    return Account(sum(last.values()), unheard, len(due), len(due - stored), len(stored - due - later))


def play(order: Order) -> Run:
    """One run; it takes about four seconds for each kill, and then until everything is drained."""
    options = HouseOptions(profile=order.profile, window="500ms", commit_every="1s")
    with Stage(order, options) as stage:
        stage.steady()
        start = stage.now()
        killed = dict.fromkeys(VICTIMS, 0)
        for number in range(order.kills):
            # The first round takes each part once, so that a short run kills them all.
            victim = VICTIMS[number] if number < len(VICTIMS) else stage.random.choice(VICTIMS)
            killed[victim] += 1
            stage.supervisor.kill(victim)
            stage.wait(stage.random.uniform(*BETWEEN_S))
        works = stage.wait_for(lambda: stage.works_since(WORKS_S), 30, every_s=0.2)
        extra: dict[str, Value] = {f"killed_{victim}": count for victim, count in killed.items()}
        extra["longest_silence_ms"] = longest_silence_ms(stage.samples, NEW4, start.cut_ns)
        wrong = [] if works else ["no path works at the end"]
        books = _drained(stage)
        if books is None:
            wrong.append(f"the agent's spool was not acknowledged within {DRAIN_S:g} s")
        else:
            extra |= {"spooled": books.spooled, "unheard": books.unheard, "windows": books.windows}
            extra |= {"lost": books.lost, "unexplained": books.unexplained}
            if books.lost or books.unexplained or books.unheard:
                wrong.append(f"the books do not balance: {books}")
        return stage.result(start, "wan1", wrong=tuple(wrong), extra=extra, was_cut=False)


def _drained(stage: Stage) -> Account | None:
    """Wait until all that is spooled now was acknowledged and stored; then compare."""
    last: dict[str, int] = {}
    if not stage.wait_for(lambda: _note_last(stage, last), DRAIN_S, every_s=0.2):
        return None
    if not stage.wait_for(lambda: _acknowledged(stage, last), DRAIN_S, every_s=0.2):
        return None
    found: list[Account] = []

    def balanced() -> bool:
        try:
            stored = _stored(stage)
        except OSError:
            return False  # the database is starting again
        found.append(account(stage.house.heard.heard, last, stored))
        return not (found[-1].lost or found[-1].unexplained or found[-1].unheard)

    stage.wait_for(balanced, 30, every_s=0.5)
    return found[-1] if found else None


def _note_last(stage: Stage, last: dict[str, int]) -> bool:
    spool = stage.house.spool()
    if spool is None or not spool.epoch:
        return False
    last[spool.epoch] = spool.last_seq
    return True


def _acknowledged(stage: Stage, last: dict[str, int]) -> bool:
    spool = stage.house.spool()
    return spool is not None and all(spool.acknowledged >= end for epoch, end in last.items() if epoch == spool.epoch)


def _stored(stage: Stage) -> set[Point]:
    columns = f'"{LinkField.SENT}" FROM "{Measurement.LINK}" GROUP BY "{Tag.LINK}", "{Tag.FAMILY}"'
    return {
        (series.tags[Tag.LINK], int(series.tags[Tag.FAMILY]), int(str(row[0])))
        for series in stage.house.query(f"SELECT {columns}")
        for row in series.values
    }

"""What must outlive a restart of the agent: holds, the override, and which paths were dead. Pure.

Ages are stored, not moments: a monotonic clock starts again with each boot.
"""

import msgspec
from msgspec.structs import replace

from failover.ranking import DAY_S
from failover.state import BranchMachine, Wish
from wire.messages import LinkState

LINKS_VALID_S = 60.0
VERSION = 1


class PathMemory(msgspec.Struct, frozen=True, kw_only=True):
    """One path. Ages in seconds at the moment of writing."""

    name: str
    link: LinkState
    dirty_age_s: float
    failover_ages_s: tuple[float, ...]
    loss_baseline: float
    tried_age_s: float | None
    tries: int


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """The file's content. `version` changes when the meaning of a field does."""

    version: int
    paths: tuple[PathMemory, ...]
    wish: Wish | None = None  # here `until_s` is what is left, in seconds


def remember(machine: BranchMachine, now: float) -> Memory:
    """What to write down."""
    wish = machine.wish
    return Memory(
        version=VERSION,
        paths=tuple(
            PathMemory(
                name=path.name,
                link=path.link,
                dirty_age_s=round(now - path.dirty_s, 3),
                failover_ages_s=tuple(round(now - at, 3) for at in path.failovers if now - at < DAY_S),
                loss_baseline=path.loss_baseline,
                tried_age_s=None if path.tried_s is None else round(now - path.tried_s, 3),
                tries=path.tries,
            )
            for path in machine.paths
        ),
        wish=None if wish is None else replace(wish, until_s=wish.until_s - now),
    )


def recall(machine: BranchMachine, memory: Memory, now: float, away_s: float) -> BranchMachine:
    """The machine with what was written `away_s` ago put back. Paths that are gone from the settings are forgotten.

    A path known dead a moment ago is dead until it answers; one that worked is judged from now on by its usual T, so
    that an agent killed in the middle of an outage is not blind for `start_grace_s`.
    """
    if memory.version != VERSION:
        return machine
    then = now - max(0.0, away_s)
    known = {path.name: path for path in memory.paths}
    for path in machine.paths:
        old = known.get(path.name)
        if old is None:
            continue
        fresh = away_s < LINKS_VALID_S
        link = {LinkState.DOWN: LinkState.DOWN, LinkState.SUSPECT: LinkState.UP, LinkState.UP: LinkState.UP}
        machine = machine.with_path(
            replace(
                path,
                link=link.get(old.link, LinkState.UNKNOWN) if fresh else LinkState.UNKNOWN,
                dirty_s=min(now, then - old.dirty_age_s) if fresh else now,
                failovers=tuple(at for age in old.failover_ages_s if now - (at := then - age) < DAY_S),
                loss_baseline=old.loss_baseline,
                tried_s=None if old.tried_age_s is None else then - old.tried_age_s,
                tries=old.tries,
            )
        )
    wish = memory.wish
    if wish is not None and wish.until_s - away_s > 0 and machine.has(wish.path):
        machine = replace(machine, wish=replace(wish, until_s=then + wish.until_s))
    return machine

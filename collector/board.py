"""What is known of the fleet now: the one picture that page, terminal, incidents and metrics look at.

`Watch` writes it; everybody else reads it and may wait for changes.
"""

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import msgspec

from collector.branches import BranchKey
from collector.heard import BranchHeard
from wire.messages import BranchState


class BranchNow(msgspec.Struct, frozen=True):
    """One branch's agent: the state to show, since when (Unix seconds of the collector), and all that was heard."""

    key: BranchKey
    state: BranchState
    since_s: float
    heard: BranchHeard

    @property
    def name(self) -> str:
        """`tenant/branch`, as inventory and incidents name it."""
        return f"{self.key[0]}/{self.key[1]}"


class Listener:
    """Who waits for changes. A slow one misses no branch: what changed meanwhile is told at once, each branch once."""

    def __init__(self) -> None:
        self._changed: set[BranchKey] = set()
        self._event = asyncio.Event()

    def tell(self, keys: Iterable[BranchKey]) -> None:
        """Note changes."""
        self._changed.update(keys)
        self._event.set()

    async def changes(self) -> set[BranchKey]:
        """Wait for a change; the branches that changed since the last call. Empty: only the collector's own state."""
        await self._event.wait()
        self._event.clear()
        changed, self._changed = self._changed, set()
        return changed


class Board:
    """The picture. `hearing`: the collector hears the fleet and can write its journal; else states are old.

    `deaf_since_s` is since when not, where that is known (Unix seconds).
    """

    def __init__(self) -> None:
        self.branches: dict[BranchKey, BranchNow] = {}
        self.hearing = False
        self.deaf_since_s: float | None = None
        self.updated_s = 0.0
        self._listeners: set[Listener] = set()

    def show(
        self,
        changed: Iterable[BranchNow],
        gone: Iterable[BranchKey],
        now_s: float,
        *,
        hearing: bool,
        deaf_since_s: float | None = None,
    ) -> None:
        """Take what a review found."""
        keys = set()
        for branch in changed:
            self.branches[branch.key] = branch
            keys.add(branch.key)
        for key in gone:
            self.branches.pop(key, None)
            keys.add(key)
        other = hearing != self.hearing
        self.hearing, self.deaf_since_s, self.updated_s = hearing, deaf_since_s, now_s
        if keys or other:
            for listener in self._listeners:
                listener.tell(keys)

    @contextmanager
    def listen(self) -> Iterator[Listener]:
        """Be told of changes for the length of a `with`."""
        listener = Listener()
        self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)

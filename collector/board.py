"""What is known of the fleet now: the one picture that page, terminal, incidents and metrics look at.

`Watch` writes it; everybody else reads it and may wait for changes.
"""

from collections.abc import Iterable
from contextlib import AbstractContextManager

import msgspec

from collector.branches import BranchKey
from collector.heard import BranchHeard
from collector.listening import Listener, Listeners
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


class Board:
    """The picture. `hearing`: the collector hears the fleet and can write its journal; else states are old.

    `deaf_since_s` is since when not, where that is known (Unix seconds).
    """

    def __init__(self) -> None:
        self.branches: dict[BranchKey, BranchNow] = {}
        self.hearing = False
        self.deaf_since_s: float | None = None
        self.updated_s = 0.0
        self._listeners: Listeners[BranchKey] = Listeners()

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
            self._listeners.tell(keys)

    def listen(self) -> AbstractContextManager[Listener[BranchKey]]:
        """Be told which branches changed, for the length of a `with`; none: only the collector's own state."""
        return self._listeners.listen()

"""FakeRouter: the actor's rules without a kernel, for simulation and unit tests. As strict as the real one.

It refuses what `failover.safety` refuses, holds the roll-back timer and, when that fires, keeps the new path only if
packets came in on it and none on the one before.
"""

from collections.abc import Callable

from failover.actions import Move
from failover.safety import refuse


class FakeRouter:
    """One branch router. `carries(path, since_s, now)` says whether packets came in on a path in that time."""

    def __init__(self, paths: tuple[str, ...], active: str, carries: Callable[[str, float, float], bool]) -> None:
        self.paths = paths
        self.active = active
        self.pending = ""
        self.previous = ""
        self.refusals: list[str] = []
        self.history: list[tuple[float, str]] = []
        self._deadline_s = 0.0
        self._applied_s = 0.0
        self._carries = carries

    def apply(self, move: Move, now: float) -> str | None:
        """Put a path in place; returns why not, or None."""
        why = refuse(move.kind, move.evidence) if move.to in self.paths else f"{move.to} is not a path here"
        if why is not None:
            self.refusals.append(why)
            return why
        if not self.pending:  # an apply on top of one still pending supersedes it; what to fall back to stays
            self.previous = self.active
        self._put(move.to, now)
        self.pending = move.id
        self._deadline_s = now + move.rollback_after_s
        self._applied_s = now
        return None

    def commit(self, move: str) -> None:
        """Keep what is in place."""
        if move == self.pending:
            self.pending = self.previous = ""

    def undo(self, move: str, now: float) -> None:
        """Put the path before back."""
        if move == self.pending:
            self._put(self.previous, now)
            self.pending = self.previous = ""

    def tick(self, now: float) -> bool:
        """Let the roll-back timer fire; returns whether it did."""
        if not self.pending or now < self._deadline_s:
            return False
        fresh = self._carries(self.active, self._applied_s, now)
        stale = self._carries(self.previous, self._applied_s, now)
        if fresh and not stale:
            self.commit(self.pending)
        else:
            self.undo(self.pending, now)
        return True

    def _put(self, path: str, now: float) -> None:
        if path and path != self.active:
            self.active = path
            self.history.append((now, path))

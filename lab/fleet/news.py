"""What the fleet's process tells the demo, as a small file that is replaced whole."""

from pathlib import Path

import msgspec

from wire.messages import ActOutcome


class MoveTold(msgspec.Struct, frozen=True):
    """A move of a branch's traffic. `at_s` Unix; `after_ms` from the death of the line it left, None if that lives.

    `outcome` is how far it came, "" while nothing was told of it.
    """

    at_s: float
    branch: str
    from_path: str
    to_path: str
    after_ms: float | None
    outcome: str


class FleetNews(msgspec.Struct, frozen=True, kw_only=True):
    """The whole file. `held` records wait at branches without a path; `lost` is known only once `done`."""

    branches: int
    lines: int
    seconds: float
    produced: int
    waiting: int
    held: int
    moves: tuple[MoveTold, ...]
    cpu_pct: float
    done: bool = False
    trouble: str = ""

    @property
    def kept_moves(self) -> tuple[MoveTold, ...]:
        """Those that proved themselves; the others were tried and undone."""
        return tuple(move for move in self.moves if move.outcome == ActOutcome.COMMITTED)

    @property
    def lost(self) -> int:
        """Produced, able to leave the branch, and never acknowledged."""
        return self.waiting - self.held


def write_news(file: Path, news: FleetNews) -> None:
    """Replace the file whole. Raises OSError."""
    new = file.with_name(file.name + ".new")
    new.write_bytes(msgspec.json.encode(news))
    new.rename(file)


def read_news(file: Path) -> FleetNews | None:
    """What was told last; None before the first word."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=FleetNews)
    except FileNotFoundError:
        return None

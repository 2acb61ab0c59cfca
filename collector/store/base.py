"""What a store is: it takes line protocol and says what became of it."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Written:
    """The database has every line, as durably as it can."""


@dataclass(frozen=True, slots=True)
class Partial:
    """The database refused some of these lines and may have taken the others. `all_refused`: it took none."""

    reason: str
    all_refused: bool = False


@dataclass(frozen=True, slots=True)
class Paused:
    """A person has to act (token, rights, missing database): nothing is dropped, the same lines are tried again."""

    reason: str


@dataclass(frozen=True, slots=True)
class TooLarge:
    """The body is over the database's limit: send less at once."""

    reason: str


@dataclass(frozen=True, slots=True)
class Later:
    """It may work later; `wait_s` is what the database asked for, if it did."""

    reason: str
    wait_s: float | None = None


@dataclass(frozen=True, slots=True)
class OwnRetention:
    """This database deletes by a setting of its own only; the reason says which."""

    reason: str


LINGER_S = 0.2


Answer = Written | Partial | Paused | TooLarge | Later


Forgotten = Written | OwnRetention | Paused | Later
"""What became of a request to delete: `Written` when it is done."""


class Store(Protocol):
    """One database. Expected failures are answers, not exceptions."""

    @property
    def keep_s(self) -> float:
        """How long the journal must keep what was written, because the database may forget it when it crashes."""

    @property
    def linger_s(self) -> float:
        """How long points may wait in the journal so that one write takes more of them."""

    async def write(self, lines: bytes) -> Answer:
        """Write lines of line protocol, separated by newlines; times in nanoseconds."""

    async def started_s(self) -> float | None:
        """Unix time the database started, for one that forgets; None when it cannot be asked or does not forget."""

    async def forget(self, measurement: str, before_ns: int) -> Forgotten:
        """Delete the points of a measurement that are older than `before_ns`, without holding up writes for long.

        A store that deletes whole stretches of time may keep points up to a day longer.
        """

    async def close(self) -> None:
        """Close connections."""

"""Asking a database for what was written. Each store that can be asked has a reader beside its writer."""

from collections.abc import Mapping
from enum import StrEnum
from typing import NotRequired, Protocol, TypedDict, Unpack

import msgspec

Value = float | int | str | None


class Pick(StrEnum):
    """How the points of one interval become one."""

    MEAN = "mean"
    MIN = "min"
    MAX = "max"
    SUM = "sum"
    COUNT = "count"
    FIRST = "first"
    LAST = "last"


class Series(msgspec.Struct, frozen=True):
    """Points of one group, oldest first: `values[field][i]` is at `at_ns[i]`, Unix nanoseconds."""

    tags: dict[str, str]
    at_ns: tuple[int, ...]
    values: dict[str, tuple[Value, ...]]


class HistoryError(Exception):
    """The database gives no answer, or cannot; the text is the one sentence to show."""


class Words(TypedDict):
    """The rest of a question.

    Attributes:
        where: tag values that must match exactly.
        group: tags by which series are kept apart; others are merged.
        start_ns: Unix nanoseconds.
        end_ns: Unix nanoseconds.
        every_s: one point for each interval of this length, at its start; None: points as written. Intervals are whole
            multiples of their length since 1970: the first and the last are read whole.
        pick: how points of an interval become one; the mean unless told.
        limit: most points of one series, 10,000 unless told; the newest are kept.
    """

    where: Mapping[str, str]
    group: tuple[str, ...]
    start_ns: int
    end_ns: int
    every_s: NotRequired[float | None]
    pick: NotRequired[Pick]
    limit: NotRequired[int]


class History(Protocol):
    """Reads what the store's writer wrote."""

    async def read(self, measurement: str, fields: tuple[str, ...], **words: Unpack[Words]) -> list[Series]:
        """Points from `start_ns` up to, not including, `end_ns`.

        Args:
            measurement: of `wire.fields.Measurement`.
            fields: which; a point that has none of them is left out, a missing value is None.
            words: the rest of the question.

        Raises:
            HistoryError: no answer in time, refused, or this database cannot be asked.
        """

    async def close(self) -> None:
        """Close connections."""

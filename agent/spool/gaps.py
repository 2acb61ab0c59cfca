"""Holes in a lane, and how they grow together. Pure."""

from collections.abc import Iterable
from typing import NamedTuple


class Span(NamedTuple):
    """`lost` records went among the sequence numbers `first` to `last`, both included."""

    first: int
    last: int
    lost: int


def coalesce(spans: Iterable[Span]) -> list[Span]:
    """Join spans that touch or overlap, lowest first. Counts add up: nothing lost is forgotten."""
    out: list[Span] = []
    for span in sorted(spans):
        if out and span.first <= out[-1].last + 1:
            before = out[-1]
            out[-1] = Span(before.first, max(before.last, span.last), before.lost + span.lost)
        else:
            out.append(span)
    return out

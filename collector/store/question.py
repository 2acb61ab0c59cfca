"""What is asked of a database, checked once for all readers. Pure.

Names of measurements, tags and fields must be those `lines.py` can write, so that none of them needs quoting; values of
tags may be anything and are quoted by each reader.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from collector.store.history import HistoryError, Pick, Series, Value
from collector.store.line_reader import NAME
from collector.store.lines import tag_value
from wire.fields import ActField, DeliveryField, IncidentField, LinkStateField, PipelineField

TEXT_FIELDS = frozenset[str](
    (
        LinkStateField.REASON,
        ActField.REASON,
        ActField.ID,
        IncidentField.ID,
        IncidentField.TITLE,
        DeliveryField.INCIDENT_ID,
        PipelineField.GAP_REASON,
    )
)
_FLOAT_ENDINGS = ("_ms", "_s", "_pct", "_v", "_deg")
_NOT_OF_TEXT = (Pick.MEAN, Pick.MIN, Pick.MAX, Pick.SUM)
MAX_LIMIT = 1_000_000

Point = tuple[int, tuple[Value, ...]]
"""Unix nanoseconds, and a value for each field asked for."""


class Question(NamedTuple):
    """The arguments of `History.read`. `every_ns` 0: points as written. `where` holds tag values as they are stored."""

    measurement: str
    fields: tuple[str, ...]
    where: tuple[tuple[str, str], ...]
    group: tuple[str, ...]
    start_ns: int
    end_ns: int
    every_ns: int
    pick: Pick
    limit: int


def question(
    measurement: str,
    fields: tuple[str, ...],
    *,
    where: Mapping[str, str],
    group: tuple[str, ...],
    start_ns: int,
    end_ns: int,
    every_s: float | None = None,
    pick: Pick = Pick.MEAN,
    limit: int = 10_000,
) -> Question:
    """Check and gather them. Intervals are whole ones: the time asked for grows to where they begin and end.

    Raises:
        HistoryError: a name nobody writes, a text that has no mean, a length or a limit that makes no sense.
    """
    for name in (measurement, *fields, *where, *group):
        if NAME.match(name) is None:
            raise HistoryError(f"{name[:80]!r} is not a name of a measurement, field or tag")
    if not fields or len(set(fields)) != len(fields) or len(set(group)) != len(group):
        raise HistoryError(f"{measurement}: ask for at least one field, and for each field and tag once")
    every_ns = 0 if every_s is None else round(every_s * 1000) * 1_000_000
    if every_s is not None and every_ns <= 0:
        raise HistoryError(f"{measurement}: an interval of {every_s} s is too short; the least is a millisecond")
    if every_ns and pick in _NOT_OF_TEXT and (texts := TEXT_FIELDS.intersection(fields)):
        raise HistoryError(f"{measurement}: {min(texts)} is a text and has no {pick}; pick first, last or count")
    if not 1 <= limit <= MAX_LIMIT:
        raise HistoryError(f"{measurement}: limit {limit} is not between 1 and {MAX_LIMIT}")
    if every_ns:
        start_ns, end_ns = start_ns // every_ns * every_ns, -(-end_ns // every_ns) * every_ns
    stored = tuple((name, stored_tag(value)) for name, value in where.items())
    return Question(measurement, fields, stored, group, start_ns, end_ns, every_ns, pick, limit)


def stored_tag(text: str) -> str:
    """A tag value as it stands in the database: `lines.tag_value` without its escapes."""
    return tag_value(text).replace("\\", "")


def typed(asked: Question, field: str, value: Value) -> Value:
    """A number from JSON in the type its field was written in; a mean is a float, a count an integer."""
    if value is None or isinstance(value, str):
        return value
    if asked.every_ns and asked.pick in (Pick.MEAN, Pick.COUNT):
        return float(value) if asked.pick == Pick.MEAN else int(value)
    return float(value) if is_float(field) else int(value)


def is_float(field: str) -> bool:
    """Whether a field holds floats: the rule of `wire.fields`."""
    return field.endswith(_FLOAT_ENDINGS) or field == "value"


def answer(asked: Question, tags: Mapping[str, str], points: Iterable[Point]) -> Series | None:
    """One series of the answer from its points in any order: oldest first, the newest `limit`; None: no points."""
    kept = sorted((point for point in points if any(value is not None for value in point[1])), key=lambda each: each[0])
    kept = kept[-asked.limit :]
    if not kept:
        return None
    columns = zip(*(values for _, values in kept), strict=True)
    return Series(
        {name: tags.get(name, "") for name in asked.group},
        tuple(at_ns for at_ns, _ in kept),
        dict(zip(asked.fields, columns, strict=True)),
    )


def in_order(series: Iterable[Series | None]) -> list[Series]:
    """Those that have points, by the values of their tags."""
    return sorted((each for each in series if each is not None), key=lambda each: tuple(each.tags.values()))

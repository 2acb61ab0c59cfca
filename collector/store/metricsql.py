"""MetricsQL from questions, and answers from VictoriaMetrics' JSON. Pure.

A field is the metric `<measurement>_<field>`. Times are whole milliseconds. Texts are not there: VictoriaMetrics keeps
numbers only (it stores 0 for a text), so they read as None.
"""

from collections.abc import Callable

import msgspec

from collector.store.history import HistoryError, Pick, Series, Value
from collector.store.question import TEXT_FIELDS, Point, Question, answer, in_order, typed

MS = 1_000_000
_QUOTED = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})

_ROLLUPS = {
    Pick.MEAN: ("sum_over_time", "count_over_time"),
    Pick.MIN: ("min_over_time",),
    Pick.MAX: ("max_over_time",),
    Pick.SUM: ("sum_over_time",),
    Pick.COUNT: ("count_over_time",),
    Pick.FIRST: ("first_over_time", "tfirst_over_time"),
    Pick.LAST: ("last_over_time", "tlast_over_time"),
}
"""What is asked for each pick; the pairs are put together over series by `_MERGES`."""

Pair = tuple[float, float]
_MERGES: dict[Pick, Callable[[Pair, Pair], Pair]] = {
    Pick.MEAN: lambda one, other: (one[0] + other[0], one[1] + other[1]),
    Pick.MIN: lambda one, other: one if one[0] <= other[0] else other,
    Pick.MAX: lambda one, other: one if one[0] >= other[0] else other,
    Pick.SUM: lambda one, other: (one[0] + other[0], 0),
    Pick.COUNT: lambda one, other: (one[0] + other[0], 0),
    Pick.FIRST: lambda one, other: one if one[1] <= other[1] else other,
    Pick.LAST: lambda one, other: one if one[1] > other[1] else other,
}


class Exported(msgspec.Struct):
    """A line of `/api/v1/export`."""

    metric: dict[str, str]
    values: list[float | None]
    timestamps: list[int]


class _Range(msgspec.Struct):
    metric: dict[str, str]
    values: list[tuple[float, str]]


class _Data(msgspec.Struct):
    result: list[_Range]


class _Ranges(msgspec.Struct):
    data: _Data


_EXPORTED = msgspec.json.Decoder(Exported)
_RANGES = msgspec.json.Decoder(_Ranges)


def quoted(text: str) -> str:
    """A text as MetricsQL writes it, whatever stands in it."""
    return f'"{text.translate(_QUOTED)}"'


def numbers(asked: Question) -> tuple[str, ...]:
    """Those of the fields that VictoriaMetrics has."""
    return tuple(name for name in asked.fields if name not in TEXT_FIELDS)


def selector(asked: Question, field: str) -> str:
    """The series of one field."""
    where = "".join(f",{name}={quoted(value)}" for name, value in asked.where)
    return f'{{__name__="{asked.measurement}_{field}"{where}}}'


def rollups(asked: Question, field: str) -> list[str]:
    """Queries for one field in intervals; their answers go into `Intervals.add` in this order."""
    words = f"({selector(asked, field)}[{asked.every_ns // MS}ms])"
    return [name + words for name in _ROLLUPS[asked.pick]]


def first_last_ms(asked: Question) -> tuple[int, int]:
    """First and last millisecond of the time asked for."""
    return -(-asked.start_ns // MS), -(-asked.end_ns // MS) - 1


def read_export(body: bytes) -> list[Exported]:
    """Samples as written.

    Raises:
        HistoryError: it is no answer of VictoriaMetrics.
    """
    try:
        return [_EXPORTED.decode(line) for line in body.splitlines() if line]
    except msgspec.MsgspecError:
        raise HistoryError("the answer is not VictoriaMetrics'; does url in [store] name one?") from None


def read_ranges(body: bytes) -> dict[tuple[tuple[str, str], ...], dict[int, float]]:
    """Values of one rollup by series and time in milliseconds.

    Raises:
        HistoryError: it is no answer of VictoriaMetrics.
    """
    try:
        result = _RANGES.decode(body).data.result
        return {_labels(each.metric): {round(at * 1000): float(text) for at, text in each.values} for each in result}
    except (msgspec.MsgspecError, ValueError):
        raise HistoryError("the answer is not VictoriaMetrics'; does url in [store] name one?") from None


def written(asked: Question, exports: dict[str, list[Exported]]) -> list[Series]:
    """Points as written from the samples of each field: those of one series and millisecond are one point."""
    low, high = first_last_ms(asked)
    rows: dict[tuple[tuple[str, str], ...], dict[int, dict[str, Value]]] = {}
    for field, series in exports.items():
        for each in series:
            points = rows.setdefault(_labels(each.metric), {})
            for at_ms, value in zip(each.timestamps, each.values, strict=True):
                if low <= at_ms <= high:
                    points.setdefault(at_ms, {})[field] = typed(asked, field, value)
    groups: dict[tuple[str, ...], list[Point]] = {}
    for labels, points in rows.items():
        groups.setdefault(_group(asked, labels), []).extend(_points(asked, points))
    return _series(asked, groups)


class Intervals:
    """Intervals of one question, gathered from the rollups of each field."""

    def __init__(self, asked: Question) -> None:
        self._asked = asked
        self._pairs: dict[tuple[str, ...], dict[int, dict[str, Pair]]] = {}

    def add(self, field: str, answers: list[bytes]) -> None:
        """Take the answers to `rollups(asked, field)`."""
        values, *others = [read_ranges(each) for each in answers]
        merge = _MERGES[self._asked.pick]
        for labels, points in values.items():
            group = self._pairs.setdefault(_group(self._asked, labels), {})
            second = others[0].get(labels, {}) if others else {}
            for at_ms, value in points.items():
                pair = value, second.get(at_ms, 0.0)
                fields = group.setdefault(at_ms, {})
                fields[field] = merge(fields[field], pair) if field in fields else pair

    def add_samples(self, field: str, exports: list[Exported]) -> None:
        """Take samples as written, for intervals no rollup was asked for."""
        every_ms = self._asked.every_ns // MS
        merge = _MERGES[self._asked.pick]
        for each in exports:
            group = self._pairs.setdefault(_group(self._asked, _labels(each.metric)), {})
            for at_ms, value in zip(each.timestamps, each.values, strict=True):
                if value is not None:
                    pair = self._pair(at_ms, value)
                    fields = group.setdefault(at_ms // every_ms * every_ms + every_ms - 1, {})
                    fields[field] = merge(fields[field], pair) if field in fields else pair

    def _pair(self, at_ms: int, value: float) -> Pair:
        """One sample as the rollups of this pick would give it."""
        if self._asked.pick == Pick.MEAN:
            return value, 1.0
        return (1.0, 0.0) if self._asked.pick == Pick.COUNT else (value, float(at_ms))

    def series(self) -> list[Series]:
        """The answer. A rollup stands at the last millisecond of its interval, a point at the first."""
        back_ms = self._asked.every_ns // MS - 1
        groups = {
            key: _points(
                self._asked,
                {at_ms - back_ms: {name: self._value(name, pair) for name, pair in fields.items()}
                 for at_ms, fields in points.items()},
            )
            for key, points in self._pairs.items()
        }  # fmt: skip
        return _series(self._asked, groups)

    def _value(self, field: str, pair: Pair) -> Value:
        if self._asked.pick == Pick.MEAN:
            return pair[0] / pair[1] if pair[1] else None
        return typed(self._asked, field, pair[0])


def _labels(metric: dict[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((name, value) for name, value in metric.items() if name != "__name__"))


def _group(asked: Question, labels: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    tags = dict(labels)
    return tuple(tags.get(name, "") for name in asked.group)


def _points(asked: Question, points: dict[int, dict[str, Value]]) -> list[Point]:
    return [(at * MS, tuple(values.get(name) for name in asked.fields)) for at, values in points.items()]


def _series(asked: Question, groups: dict[tuple[str, ...], list[Point]]) -> list[Series]:
    return in_order(answer(asked, dict(zip(asked.group, key, strict=True)), points) for key, points in groups.items())

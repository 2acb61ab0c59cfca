"""InfluxQL from questions, and answers from its JSON. Pure.

Only what InfluxDB 1, 2 and 3 all answer: SELECT with mean, min, max, sum, count, first, last, WHERE on time and tags,
GROUP BY time and tags, fill(none), ORDER BY time DESC, LIMIT.
"""

import msgspec

from collector.store.history import HistoryError, Series
from collector.store.question import Question, answer, in_order, typed

_QUOTED = str.maketrans({"\\": "\\\\", "'": "\\'", "\n": "\\n"})


class _Series(msgspec.Struct):
    columns: list[str]
    values: list[list[float | int | str | bool | None]]
    tags: dict[str, str] = {}
    partial: bool = False


class _Result(msgspec.Struct):
    series: list[_Series] = []
    error: str = ""
    partial: bool = False


class _Answer(msgspec.Struct):
    results: list[_Result] = []
    error: str = ""


_DECODER = msgspec.json.Decoder(_Answer)


def quoted(text: str) -> str:
    """A text as InfluxQL writes it, whatever stands in it."""
    return f"'{text.translate(_QUOTED)}'"


def select(asked: Question) -> str:
    """The statement. Names have passed `question`, so double quotes are enough for them."""
    names = [f'"{name}"' for name in asked.fields]
    if asked.every_ns:
        names = [f"{asked.pick}({name}) AS {name}" for name in names]
    where = [f"time >= {asked.start_ns}", f"time < {asked.end_ns}"]
    where += [f'"{name}" = {quoted(value)}' for name, value in asked.where]
    group = [f'"{name}"' for name in asked.group]
    if asked.every_ns:
        group.insert(0, f"time({asked.every_ns // 1_000_000}ms)")
    grouped = f" GROUP BY {', '.join(group)}" if group else ""
    fill = " fill(none)" if asked.every_ns else ""
    return (
        f'SELECT {", ".join(names)} FROM "{asked.measurement}" WHERE {" AND ".join(where)}{grouped}{fill}'  # noqa: S608 - quoted above
        f" ORDER BY time DESC LIMIT {asked.limit}"
    )


def select_oldest(measurement: str, before_ns: int) -> str:
    """The statement for the oldest point of a measurement, of those older than `before_ns`."""
    return f'SELECT * FROM "{measurement}" WHERE time < {before_ns} ORDER BY time ASC LIMIT 1'  # noqa: S608 - both are ours


def read_oldest(body: bytes) -> int | None:
    """Its time in nanoseconds; None: there is none.

    Raises:
        HistoryError: as `read_answer`.
    """
    times = [int(row[0] or 0) for each in _read(body) for row in each.values]
    return min(times, default=None)


def read_answer(asked: Question, body: bytes) -> list[Series]:
    """Series from the answer, times in nanoseconds.

    Raises:
        HistoryError: the database says it could not, or it is no answer of InfluxQL.
    """
    return in_order(_series(asked, each) for each in _read(body))


def _read(body: bytes) -> list[_Series]:
    try:
        said = _DECODER.decode(body)
    except msgspec.MsgspecError:
        raise HistoryError("the answer is not InfluxQL's; does url in [store] name an InfluxDB?") from None
    found = []
    for result in said.results:
        if result.error:
            raise HistoryError(f"the database cannot answer: {' '.join(result.error.split())[:300]}")
        for each in result.series:
            if result.partial or each.partial:
                raise HistoryError("the database cut its answer short (max-row-limit); ask for a shorter time")
            found.append(each)
    if said.error:
        raise HistoryError(f"the database cannot answer: {' '.join(said.error.split())[:300]}")
    return found


def _series(asked: Question, each: _Series) -> Series | None:
    if each.columns != ["time", *asked.fields]:
        raise HistoryError(f"the answer has other columns than asked for: {', '.join(each.columns)[:200]}")
    points = [
        (int(row[0] or 0), tuple(typed(asked, name, cell) for name, cell in zip(asked.fields, row[1:], strict=True)))
        for row in each.values
    ]
    return answer(asked, each.tags, points)

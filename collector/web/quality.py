"""Quality of a branch's lines over the last hours, and flight records, asked of the database."""

import statistics
from collections.abc import Sequence

import msgspec

from collector.store.history import History, HistoryError, Pick, Series, Value
from collector.web import chart
from wire.fields import FlightField, LinkField, Measurement, Tag

POINTS = 180
ROWS = 12  # of the table beside a chart
HOURS = (1, 6, 24, 168)
FLIGHT_S = 30.0
MAX_LINES = 8
SHORTEST_S = 600.0


class Row(msgspec.Struct, frozen=True):
    """One line of the table: means of the time from `at_s` on."""

    at_s: float
    rtt_ms: float | None
    jitter_ms: float | None
    loss_pct: float | None


class LineQuality(msgspec.Struct, frozen=True):
    """One line's chart and table."""

    link: str
    rtt: str
    loss: str
    y: list[chart.Tick]
    rows: list[Row]
    worst_loss_pct: float


class Quality(msgspec.Struct, frozen=True):
    """All lines of a branch; `fault` is the sentence to show instead. `code` is one of `page_words`."""

    lines: list[LineQuality] = []
    x: list[chart.Tick] = []
    fault: str = ""
    code: str = ""


async def read_quality(history: History | None, name: tuple[str, str], now_s: float, hours: int) -> Quality:
    """Round trip, jitter and loss of the last `hours`, at most POINTS of each."""
    if history is None:
        return Quality(code="no_history")
    start_s = now_s - hours * 3600
    step_s = hours * 3600 / POINTS
    try:
        series = await history.read(
            Measurement.LINK,
            (LinkField.RTT_MEDIAN_MS, LinkField.RTT_JITTER_MS, LinkField.LOSS_PCT),
            where={Tag.TENANT: name[0], Tag.BRANCH: name[1]},
            group=(Tag.LINK,),
            start_ns=int(start_s * 1e9),
            end_ns=int(now_s * 1e9),
            every_s=step_s,
            pick=Pick.MEAN,
            limit=POINTS + 1,
        )
    except HistoryError as error:
        return Quality(fault=str(error), code="history_silent")
    # A branch that is new fills its chart: what was before it is no gap.
    first_s = min((each.at_ns[0] / 1e9 for each in series if each.at_ns), default=start_s)
    x = chart.time_scale(max(start_s, min(first_s, now_s - SHORTEST_S)), now_s)
    lines = [_line(each, x, step_s) for each in series[:MAX_LINES] if each.at_ns]
    return Quality(lines, chart.ticks(x, 6), code="" if lines else "no_windows")


class FlightLine(msgspec.Struct, frozen=True):
    """Probes of one line around an event: replies as dots, losses as marks along the top."""

    link: str
    replies: str
    lost: str
    y: list[chart.Tick]
    rows: list[tuple[float, int, int, float | None]]  # seconds from the event, sent, lost, median of round trips


class FlightRecord(msgspec.Struct, frozen=True):
    """Each probe 30 s around an event."""

    at_s: float
    lines: list[FlightLine] = []
    x: list[chart.Tick] = []
    fault: str = ""
    code: str = ""


async def read_flight(history: History | None, name: tuple[str, str], at_ns: int) -> FlightRecord:
    """The flight record of the event at `at_ns`."""
    at_s = at_ns / 1e9
    if history is None:
        return FlightRecord(at_s, code="no_history")
    width_ns = int(FLIGHT_S * 1e9)
    try:
        series = await history.read(
            Measurement.FLIGHT,
            (FlightField.RTT_MS, FlightField.LOST),
            where={Tag.TENANT: name[0], Tag.BRANCH: name[1]},
            group=(Tag.LINK, Tag.ANCHOR, Tag.FAMILY),
            start_ns=max(0, at_ns - width_ns),
            end_ns=at_ns + width_ns,
            limit=2000,
        )
    except HistoryError as error:
        return FlightRecord(at_s, fault=str(error), code="history_silent")
    links: dict[str, list[tuple[float, float | None]]] = {}
    for each in series:
        values = _numbers(each.values.get(FlightField.RTT_MS, (None,) * len(each.at_ns)))
        probes = links.setdefault(each.tags.get(Tag.LINK, "?"), [])
        probes += [((ns - at_ns) / 1e9, rtt_ms) for ns, rtt_ms in zip(each.at_ns, values, strict=True)]
    x = chart.Scale(-FLIGHT_S, FLIGHT_S, chart.LEFT, chart.WIDTH - chart.RIGHT)
    lines = [
        _flight_line(link, sorted(probes, key=lambda each: each[0]), x)
        for link, probes in list(links.items())[:MAX_LINES]
    ]
    return FlightRecord(at_s, lines, chart.ticks(x, 6), code="" if lines else "no_flight")


def _line(series: Series, x: chart.Scale, step_s: float) -> LineQuality:
    times_s = [each / 1e9 for each in series.at_ns]
    nothing: tuple[Value, ...] = (None,) * len(times_s)
    rtt_ms, jitter_ms, loss_pct = (
        _numbers(series.values.get(field, nothing))
        for field in (LinkField.RTT_MEDIAN_MS, LinkField.RTT_JITTER_MS, LinkField.LOSS_PCT)
    )
    y = chart.value_scale(max((each for each in rtt_ms if each is not None), default=1.0))
    long_s = (x.high - x.low) / ROWS
    rows = []
    for number in range(ROWS):
        first_s = x.low + number * long_s
        here = [index for index, at_s in enumerate(times_s) if first_s <= at_s < first_s + long_s]
        if here:
            rows.append(
                Row(first_s, *(_mean([each[index] for index in here]) for each in (rtt_ms, jitter_ms, loss_pct)))
            )
    return LineQuality(
        series.tags.get(Tag.LINK, "?"),
        chart.line(*_with_holes(times_s, rtt_ms, step_s), x, y),
        chart.bars(times_s, loss_pct, x, step_s),
        chart.ticks(y, 2),
        rows,
        max((each for each in loss_pct if each is not None), default=0.0),
    )


def _with_holes(
    times_s: Sequence[float], values: Sequence[float | None], step_s: float
) -> tuple[list[float], list[float | None]]:
    """Intervals of which the database has nothing are missing values, not a straight line."""
    out_s: list[float] = []
    out: list[float | None] = []
    for at_s, value in zip(times_s, values, strict=True):
        if out_s and at_s - out_s[-1] > 1.5 * step_s:
            out_s.append(out_s[-1] + step_s)
            out.append(None)
        out_s.append(at_s)
        out.append(value)
    return out_s, out


def _flight_line(link: str, probes: list[tuple[float, float | None]], x: chart.Scale) -> FlightLine:
    replies = [(at_s, rtt_ms) for at_s, rtt_ms in probes if rtt_ms is not None]
    y = chart.value_scale(max((each for _, each in replies), default=1.0))
    rows = []
    for first_s in range(int(-FLIGHT_S), int(FLIGHT_S), 5):
        here = [rtt_ms for at_s, rtt_ms in probes if first_s <= at_s < first_s + 5]
        back = [each for each in here if each is not None]
        if here:
            rows.append((float(first_s), len(here), len(here) - len(back), statistics.median(back) if back else None))
    lost = "".join(f"M{x.place(at_s)} {chart.TOP}v8" for at_s, rtt_ms in probes if rtt_ms is None)
    return FlightLine(link, chart.dots(replies, x, y), lost, chart.ticks(y, 2), rows)


def _numbers(values: Sequence[Value]) -> list[float | None]:
    return [float(each) if isinstance(each, int | float) else None for each in values]


def _mean(values: Sequence[float | None]) -> float | None:
    known = [each for each in values if each is not None]
    return statistics.fmean(known) if known else None

"""Every query of a dashboard, asked of a real database with the variables Grafana would choose on opening it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from dashboards import model
from dashboards.influx import Influx, Reply
from dashboards.interpolate import Choice, Span, duration_ms, fill_in, interval
from dashboards.model import Asked, Json

POINTS = 1000
"""Points a panel as wide as half a screen draws at most."""

LEAST = "10s"
"""The data source's own least interval: a window."""


@dataclass(frozen=True, slots=True)
class Answered:
    """One query and what became of it. `fault` is a sentence, empty when all is well."""

    uid: str
    asked: Asked
    query: str
    reply: Reply
    fault: str = ""


def ask_board(board: Json, influx: Influx, now_ms: int, *, values: Mapping[str, str]) -> Iterator[Answered]:
    """Run the dashboard's queries in Grafana's order. `values` chooses variables by hand.

    Raises:
        DashboardsError: the database cannot be asked
    """
    whole = Span(now_ms - duration_ms(board["time"]["from"]), now_ms)
    choices = _fixed(board, values)
    for asked in model.queries(board):
        span = whole.newest(asked.time_from)
        query = fill_in(asked.text, choices, span, interval(span, POINTS, asked.interval or LEAST))
        reply = influx.ask(query)
        if asked.kind == "variable":
            choices[asked.where] = _choice(model.variables(board)[asked.where], reply.values, values.get(asked.where))
        yield Answered(board["uid"], asked, query, reply, _fault(asked, reply))


def _fixed(board: Json, values: Mapping[str, str]) -> dict[str, Choice]:
    out = {}
    for name, variable in model.variables(board).items():
        if variable["type"] == "custom":
            out[name] = Choice((values.get(name) or str(variable["current"]["value"]),))
        elif variable["type"] == "constant":
            out[name] = Choice((str(variable["query"]),))
    return out


def _choice(variable: Json, found: tuple[str, ...], value: str | None) -> Choice:
    if value is not None:
        return Choice((value,))
    if not variable.get("includeAll"):
        return Choice(found[:1] or ("",))
    if variable.get("allValue"):
        return Choice((variable["allValue"],), raw=True)
    return Choice(found or ("",))


def _fault(asked: Asked, reply: Reply) -> str:
    if reply.error:
        return f"the database refuses it: {reply.error}"
    if reply.rows:
        missing = sorted(set(asked.columns) - reply.columns)
        if missing:
            return f"its look relies on the column {missing[0]!r}, which the query does not return"
    return ""

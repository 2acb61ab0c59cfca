"""`failover-5g`: how well branches move to 5G, how long they stay there, and what goes through it."""

from dashboards import frame, panels
from dashboards.frame import Board, link
from dashboards.influxql import BRANCH, EVERY, REGION, TENANT, call, column, select
from dashboards.looks import BAD, CALM, GOOD, ILL, METERED, OUTCOMES, field, hidden_column, state_cell, steps
from dashboards.names import FAILOVER
from dashboards.query import rows, series
from dashboards.sdk import common_models, models, stat, table, timeseries
from wire.fields import (
    OUTCOME_CODES,
    ActField,
    BranchStateField,
    DigestField,
    FleetField,
    LinkStateField,
    Measurement,
    Tag,
)
from wire.messages import ActKind, ActOutcome, LinkState

_ENDS = (
    (ActOutcome.COMMITTED, "● proved", GOOD),
    (ActOutcome.ROLLED_BACK, "◆ rolled back", ILL),
    (ActOutcome.FAILED, "✖ failed", BAD),
)
_WHERE = (TENANT, BRANCH)
MOST = 20
EVENTS = 500


def _is(outcome: ActOutcome) -> str:
    return f'"{ActField.OUTCOME}" = {OUTCOME_CODES[outcome]}'


def board() -> models.Dashboard:
    """The dashboard."""
    moves = Board(FAILOVER, refresh="1m", since="now-7d")
    moves.variables(frame.tenant_choice(), frame.region_choice(), frame.branch_choice(multi=True))
    moves.annotations(frame.incidents_annotation(enable=True))
    moves.row(5, (12, _ended()), (8, _route_times()), (4, _silence()))
    moves.row(9, (12, _each_day()), (12, _on_5g()))
    moves.row(11, (8, _time_on_5g()), (8, _data()), (8, _flaps()))
    moves.row(11, (24, _troubled()))
    return moves.build()


def _ended() -> stat.Panel:
    what = "How the emergency moves in the time chosen ended: proved by real traffic, rolled back, or failed."
    emergency = f"\"{Tag.KIND}\" = '{ActKind.EMERGENCY}'"
    queries = [
        series(select([call("count", ActField.OUTCOME)], Measurement.ACT, *_WHERE, emergency, _is(end)), words, ref)
        for (end, words, _), ref in zip(_ENDS, "ABC", strict=True)
    ]
    panel = panels.tiles("Emergency moves", what, *queries, unit="none", no_value="none")
    panel.text_mode(common_models.BigValueTextMode.VALUE_AND_NAME)
    for _, words, colour in _ENDS:
        panel.override_by_name(words, field(thresholds=steps(CALM, (1, colour)).build()))
    return panel


def _route_times() -> stat.Panel:
    what = (
        "What changing the route took at the branch, of all moves in the time chosen: median, 95th percentile, longest."
    )
    columns = [
        call("percentile", ActField.ROUTE_MS, "median", 50),
        call("percentile", ActField.ROUTE_MS, "p95", 95),
        call("max", ActField.ROUTE_MS, "longest"),
    ]
    query = rows(select(columns, Measurement.ACT, *_WHERE, _is(ActOutcome.APPLIED)))
    panel = panels.tiles("Route change", what, query, unit="ms", no_value="none").decimals(1)
    return panel.thresholds(steps(CALM)).text_mode(common_models.BigValueTextMode.VALUE_AND_NAME)


def _silence() -> stat.Panel:
    what = "How long paths had been silent when they were called DOWN: the median in the time chosen."
    down = f'"{LinkStateField.NEW}" = {LinkState.DOWN:d}'
    query = select([call("percentile", LinkStateField.SILENCE_MS, "", 50)], Measurement.LINK_STATE, *_WHERE, down)
    return panels.tiles("Silence before DOWN", what, series(query), unit="ms", no_value="none").thresholds(steps(CALM))


def _each_day() -> timeseries.Panel:
    what = "Proved moves by kind, each day (UTC): emergency, back to a better path, by hand, after a restart."
    query = select(
        [call("count", ActField.OUTCOME)],
        Measurement.ACT,
        *_WHERE,
        _is(ActOutcome.COMMITTED),
        by=[Tag.KIND],
        every="1d",
        fill="none",
    )
    return panels.columns("Moves each day", what, series(query, f"$tag_{Tag.KIND}"), unit="none").decimals(0)


def _on_5g() -> timeseries.Panel:
    what = "Branches on 5G, the most in each interval, of the tenants chosen; all regions."
    columns = [call("max", FleetField.BRANCHES_ON_5G)]
    inner = select(columns, Measurement.FLEET, TENANT, by=[Tag.TENANT], every=EVERY, fill="none")
    query = select([call("sum", FleetField.BRANCHES_ON_5G)], inner, every=EVERY)
    panel = panels.areas("Branches on 5G", what, series(query, "on 5G"), unit="none").decimals(0).min(0)
    return panel.interval("1m").override_by_name("on 5G", [panels.fixed_colour(METERED)])


def _ranked(title: str, what: str, inner: str, name: str, *tags: Tag) -> table.Panel:
    words = ", ".join(f'"{each}"' for each in tags)
    query = select([f'top("{name}", {words}, {MOST}) AS "{name}"'], inner)
    return (
        panels.rows(title, what, rows(query), no_value="none")
        .sort_by(panels.sorted_by(name))
        .override_by_name("Time", hidden_column())
        .override_by_name(Tag.TENANT, hidden_column())
        .override_by_name(Tag.BRANCH, field(links=[link("Open branch", frame.ROW_TO_BRANCH).build()]))
    )


def _time_on_5g() -> table.Panel:
    what = f"The {MOST} branches that were on 5G most: share of the minute-by-minute readings in the time chosen."
    name = BranchStateField.ON_METERED
    share = [f'100 * mean("{name}") AS "{name}"']
    inner = select(share, Measurement.BRANCH_STATE, *_WHERE, REGION, by=[Tag.TENANT, Tag.BRANCH])
    panel = _ranked("Time on 5G", what, inner, name, Tag.TENANT, Tag.BRANCH)
    cell = {"type": "gauge", "mode": "basic"}
    look = field(unit="percent", decimals=1, min=0, max=100, displayName="on 5G", custom__cellOptions=cell)
    return panel.override_by_name(name, look).sort_by(panels.sorted_by("on 5G"))


def _data() -> table.Panel:
    what = f"The {MOST} paths through which most data went in the time chosen, by the interface's own counter."
    name = DigestField.BYTES_USED
    inner = select([call("sum", name)], Measurement.DIGEST, *_WHERE, by=[Tag.TENANT, Tag.BRANCH, Tag.LINK])
    panel = _ranked("Data by path", what, inner, name, Tag.TENANT, Tag.BRANCH, Tag.LINK)
    panel.sort_by(panels.sorted_by("data"))
    return panel.override_by_name(name, field(unit="decbytes", displayName="data"))


def _flaps() -> table.Panel:
    what = f"The {MOST} paths that went DOWN most often in the time chosen."
    down = f'"{LinkStateField.NEW}" = {LinkState.DOWN:d}'
    by = [Tag.TENANT, Tag.BRANCH, Tag.LINK]
    inner = select([call("count", LinkStateField.NEW, "times")], Measurement.LINK_STATE, *_WHERE, down, by=by)
    return _ranked("Went down most often", what, inner, "times", Tag.TENANT, Tag.BRANCH, Tag.LINK)


def _troubled() -> table.Panel:
    what = "Moves that were rolled back or failed, newest first: each deserves a look."
    names = (Tag.BRANCH, Tag.TENANT, Tag.KIND, Tag.FROM_LINK, Tag.LINK, ActField.OUTCOME, ActField.REASON)
    failed = f'"{ActField.OUTCOME}" > {OUTCOME_CODES[ActOutcome.COMMITTED]}'
    query = select([column(each) for each in names], Measurement.ACT, *_WHERE, failed, newest=EVENTS)
    panel = panels.rows("Moves that did not hold", what, rows(query), no_value="Every move held")
    panel.override_by_name(Tag.TENANT, hidden_column())
    panel.override_by_name(Tag.FROM_LINK, field(displayName="from")).override_by_name(Tag.LINK, field(displayName="to"))
    panel.override_by_name(ActField.OUTCOME, state_cell(OUTCOMES))
    return panel.override_by_name(Tag.BRANCH, field(links=[link("Open branch", frame.ROW_TO_BRANCH).build()]))

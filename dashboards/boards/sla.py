"""`sla`: availability, downtime, time to restore and error budget, from hourly figures and incidents."""

from dashboards import frame, panels
from dashboards.frame import Board, link
from dashboards.influxql import BRANCH, ISP, TENANT, call, column, select
from dashboards.looks import BAD, CALM, GOOD, ILL, field, hidden_column, steps
from dashboards.names import SLA
from dashboards.query import rows, series
from dashboards.sdk import bargauge, dashboard, models, stat, table, timeseries
from wire.fields import INCIDENT_STEPS, FleetField, IncidentField, LinkHourField, Measurement, Tag
from wire.messages import Role

_LINES = (TENANT, ISP, BRANCH, f"\"{Tag.ROLE}\" = '{Role.WIRE}'")
_UP, _DEGRADED = f'sum("{LinkHourField.UP_S}")', f'sum("{LinkHourField.DEGRADED_S}")'
_DOWN, _MEASURED = f'sum("{LinkHourField.DOWN_S}")', f'sum("{LinkHourField.MEASURED_S}")'
_KNOWN = f"({_UP} + {_DEGRADED} + {_DOWN})"
_AVAILABLE = f'100 * ({_UP} + {_DEGRADED}) / {_KNOWN} AS "available"'
_BUDGET = f'100 - 10000 * {_DOWN} / ((100 - ${{slo}}) * {_KNOWN}) AS "budget"'
_RESOLVED = f'"{IncidentField.STEP}" = {INCIDENT_STEPS["resolved"]}'
_GOALS = ("99.9", "99.5", "99.0", "99.95", "99.99")
_CSV = "For CSV: the panel's menu, Inspect, Data."


def board() -> models.Dashboard:
    """The dashboard."""
    sla = Board(SLA, refresh="15m", since="now-30d")
    branches = frame.branch_choice(multi=True)
    sla.variables(frame.tenant_choice(), frame.region_choice(), frame.isp_choice(), branches, _goal())
    sla.annotations(frame.incidents_annotation(enable=False))
    sla.row(5, (6, _branch_time()), (6, _line_time()), (6, _budget()), (6, _restore()))
    sla.row(9, (8, _by_isp()), (16, _over_time()))
    sla.row(9, (8, _budget_by_isp()), (16, _by_cause()))
    sla.row(14, (24, _lines()))
    return sla.build()


def _goal() -> dashboard.CustomVariable:
    options = [models.VariableOption(text=each, value=each, selected=each == _GOALS[0]) for each in _GOALS]
    goal = dashboard.CustomVariable("slo").label("Goal (%)").values(",".join(_GOALS)).options(options)
    return goal.current(options[0])


def _branch_time() -> stat.Panel:
    what = (
        "Share of branch-time with at least one working path, 5G included: what users felt. "
        "Every branch of the tenants chosen; branches nobody heard are left out, not counted as up. "
        "Counts are kept 30 days unless [retention] says otherwise."
    )
    names = {
        FleetField.BRANCHES_OK: "ok",
        FleetField.BRANCHES_DEGRADED: "degraded",
        FleetField.BRANCHES_ON_5G: "on_5g",
        FleetField.BRANCHES_ISOLATED: "isolated",
    }
    every_tenant = select([call("mean", name) for name in names], Measurement.FLEET, TENANT, by=[Tag.TENANT])
    known = " + ".join(f'sum("{name}")' for name in names)
    query = select([f'100 - 100 * sum("{FleetField.BRANCHES_ISOLATED}") / ({known}) AS "available"'], every_tenant)
    panel = panels.tiles("Branches online", what, series(query), unit="percent").decimals(3)
    return panel.thresholds(steps(BAD, (99, ILL), (99.9, GOOD)))


def _line_time() -> stat.Panel:
    what = "Share of the known time in which the wired lines chosen were up or degraded. Each IP family counts."
    query = series(select([_AVAILABLE], Measurement.LINK_1H, *_LINES))
    panel = panels.tiles("Wired lines available", what, query, unit="percent").decimals(3)
    return panel.thresholds(steps(BAD, (99, ILL), (99.9, GOOD)))


def _budget() -> stat.Panel:
    what = (
        "What is left of the downtime that the goal allows over the time chosen, all lines together. "
        "Below zero the goal is missed. In 30 days 99.9 % allows 43 minutes for each line."
    )
    query = series(select([_BUDGET], Measurement.LINK_1H, *_LINES))
    panel = panels.tiles("Error budget left", what, query, unit="percent").decimals(0)
    return panel.thresholds(steps(BAD, (0, ILL), (25, GOOD)))


def _restore() -> stat.Panel:
    what = "Mean and longest time from the first broken line to the end, of incidents resolved in the time chosen."
    columns = [call("mean", IncidentField.DURATION_S, "mean"), call("max", IncidentField.DURATION_S, "longest")]
    query = rows(select(columns, Measurement.INCIDENT, TENANT, _RESOLVED))
    panel = panels.tiles("Time to restore", what, query, unit="s", no_value="none resolved")
    return panel.thresholds(steps(CALM))


def _by_isp() -> bargauge.Panel:
    what = "Availability of each ISP's wired lines in the time chosen."
    query = series(select([_AVAILABLE], Measurement.LINK_1H, *_LINES, by=[Tag.ISP]), f"$tag_{Tag.ISP}")
    panel = panels.bars("Availability by ISP", what, query, unit="percent").decimals(3).min(95).max(100)
    return panel.thresholds(steps(BAD, (99, ILL), (99.9, GOOD)))


def _budget_by_isp() -> bargauge.Panel:
    what = "Error budget each ISP has left at the goal chosen. Below zero: the goal is missed."
    query = series(select([_BUDGET], Measurement.LINK_1H, *_LINES, by=[Tag.ISP]), f"$tag_{Tag.ISP}")
    panel = panels.bars("Error budget left by ISP", what, query, unit="percent").decimals(0).min(-100).max(100)
    return panel.thresholds(steps(BAD, (0, ILL), (25, GOOD)))


def _over_time() -> timeseries.Panel:
    what = "Availability of each ISP's wired lines, day by day (UTC)."
    daily = select([_AVAILABLE], Measurement.LINK_1H, *_LINES, by=[Tag.ISP], every="1d")
    panel = panels.curves("Availability each day", what, series(daily, f"$tag_{Tag.ISP}"), unit="percent")
    return panel.max(100).decimals(2)


def _by_cause() -> table.Panel:
    what = f"Incidents resolved in the time chosen, by cause: how many, how long, how many woke somebody. {_CSV}"
    columns = [
        call("count", IncidentField.DURATION_S, "incidents"),
        call("mean", IncidentField.DURATION_S, "mean"),
        call("max", IncidentField.DURATION_S, "longest"),
        call("sum", IncidentField.DURATION_S, "together"),
        call("sum", IncidentField.PAGES, "pages"),
    ]
    query = select(columns, Measurement.INCIDENT, TENANT, _RESOLVED, by=[Tag.CAUSE])
    panel = panels.rows("Incidents by cause", what, rows(query), no_value="none resolved")
    panel.override_by_name("Time", hidden_column()).sort_by(panels.sorted_by("together"))
    for name in ("mean", "longest", "together"):
        panel.override_by_name(name, field(unit="dtdurations"))
    return panel


def _lines() -> table.Panel:
    what = (
        "Every wired line and IP family in the time chosen, worst first: evidence for a talk with the ISP. Unknown is "
        f"what was measured and could not be judged; what `measured` lacks of the time chosen nobody measured. {_CSV}"
    )
    by = [Tag.TENANT, Tag.BRANCH, Tag.LINK, Tag.ISP, Tag.FAMILY]
    columns = [
        _AVAILABLE,
        f'{_DOWN} AS "down"',
        f'{_DEGRADED} AS "degraded"',
        f'{_MEASURED} - {_KNOWN} AS "unknown"',
        f'{_MEASURED} AS "measured"',
        _BUDGET,
        call("mean", LinkHourField.LOSS_PCT, "loss"),
        call("mean", LinkHourField.RTT_MEDIAN_MS, "round trip"),
    ]
    names = ("available", "down", "degraded", "unknown", "measured", "budget", "loss", "round trip")
    inner = select(columns, Measurement.LINK_1H, *_LINES, by=by)
    query = select([column(each) for each in (*by, *names)], inner)
    panel = panels.rows("Lines", what, rows(query)).sort_by(panels.sorted_by("available", worst_first=False))
    panel.override_by_name("Time", hidden_column())
    for name in ("down", "degraded", "unknown", "measured"):
        panel.override_by_name(name, field(unit="dtdurations"))
    cell = {"type": "color-text"}
    marks = steps(BAD, (99, ILL), (99.9, GOOD)).build()
    panel.override_by_name("available", field(unit="percent", decimals=3, thresholds=marks, custom__cellOptions=cell))
    budget = steps(BAD, (0, ILL), (25, GOOD)).build()
    panel.override_by_name("budget", field(unit="percent", decimals=0, thresholds=budget, custom__cellOptions=cell))
    panel.override_by_name("loss", field(unit="percent", decimals=2))
    panel.override_by_name("round trip", field(unit="ms", decimals=1))
    return panel.override_by_name(Tag.BRANCH, field(links=[link("Open branch", frame.ROW_TO_BRANCH).build()]))

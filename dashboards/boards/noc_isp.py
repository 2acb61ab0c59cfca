"""`noc-isp`: ISPs and regions, and the worst lines of each."""

from dashboards import frame, panels
from dashboards.frame import Board, link
from dashboards.influxql import BRANCH, EVERY, ISP, REGION, TENANT, call, column, select
from dashboards.looks import BAD, GOOD, ILL, LINK_STATES, UNKNOWN, field, hidden_column, state_cell, steps
from dashboards.names import ISP as NAME
from dashboards.query import rows, series
from dashboards.sdk import bargauge, models, stat, table, timeseries
from wire.fields import FleetIspField, LinkField, LinkStateField, Measurement, Tag

_COUNTS = (
    (FleetIspField.LINKS_DOWN, "✖ down", BAD),
    (FleetIspField.LINKS_DEGRADED, "◆ degraded", ILL),
    (FleetIspField.LINKS_UNKNOWN, "? unknown", UNKNOWN),
    (FleetIspField.LINKS_UP, "● up", GOOD),
)
_WHERE = (TENANT, ISP, REGION)
_LINES = (TENANT, ISP, BRANCH)
_EACH_REGION = (Tag.TENANT, Tag.ISP, Tag.REGION)
WORST = 10
RECENT = "10m"


def board() -> models.Dashboard:
    """The dashboard."""
    isps = Board(NAME, refresh="1m")
    branches = frame.branch_choice(multi=True).hide(models.VariableHide.HIDE_VARIABLE)
    isps.variables(frame.tenant_choice(), frame.region_choice(), frame.isp_choice(), branches)
    isps.annotations(frame.incidents_annotation(enable=True))
    isps.row(4, (24, _counts()))
    isps.row(9, (8, _share()), (16, _down_over_time()))
    isps.row(9, (12, _delay()), (12, _loss()))
    isps.row(10, (24, _by_region()))
    isps.row(10, (8, _worst_loss()), (8, _worst_delay()), (8, _most_changes()))
    isps.row(14, (24, _lines()))
    return isps.build()


def _newest(*fields: FleetIspField) -> str:
    return select([call("last", each) for each in fields], Measurement.FLEET_ISP, *_WHERE, by=_EACH_REGION)


def _counts() -> stat.Panel:
    what = "Lines of the ISPs and regions chosen, by state, from readings of the last two minutes."
    names = [name for name, _, _ in _COUNTS]
    query = select([call("sum", name, words) for name, words, _ in _COUNTS], _newest(*names))
    panel = panels.tiles("Lines now", what, rows(query), unit="none").time_from(panels.FRESH)
    for _, words, colour in _COUNTS:
        first = GOOD if colour == GOOD else "#5b6470"
        panel.override_by_name(words, field(thresholds=steps(first, (1, colour)).build()))
    return panel


def _share() -> bargauge.Panel:
    what = "Share of each ISP's lines that are down now, in the regions chosen."
    names = [name for name, _, _ in _COUNTS]
    down, total = f'sum("{FleetIspField.LINKS_DOWN}")', " + ".join(f'sum("{name}")' for name in names)
    query = select([f'100 * {down} / ({total}) AS "down"'], _newest(*names), by=[Tag.ISP])
    panel = panels.bars("Lines down", what, series(query, f"$tag_{Tag.ISP}"), unit="percent").time_from(panels.FRESH)
    return panel.min(0).max(100).decimals(1).thresholds(steps(GOOD, (1, ILL), (10, BAD)))


def _down_over_time() -> timeseries.Panel:
    what = "Lines down by ISP, the most in each interval. A step of many lines at once is an outage of the ISP."
    by = [Tag.TENANT, Tag.ISP, Tag.REGION]
    inner = select(
        [call("max", FleetIspField.LINKS_DOWN)], Measurement.FLEET_ISP, *_WHERE, by=by, every=EVERY, fill="none"
    )
    query = select([call("sum", FleetIspField.LINKS_DOWN)], inner, by=[Tag.ISP], every=EVERY)
    panel = panels.curves("Lines down over time", what, series(query, f"$tag_{Tag.ISP}"), unit="none")
    return panel.decimals(0).min(0).interval("1m")


def _over_time(title: str, what: str, name: FleetIspField, unit: str) -> timeseries.Panel:
    query = select([call("mean", name)], Measurement.FLEET_ISP, *_WHERE, by=[Tag.ISP], every=EVERY)
    return panels.curves(title, what, series(query, f"$tag_{Tag.ISP}"), unit=unit).min(0).interval("1m")


def _delay() -> timeseries.Panel:
    what = "Median round trip by ISP, the mean of its regions."
    return _over_time("Round trip", what, FleetIspField.RTT_MEDIAN_MS, "ms")


def _loss() -> timeseries.Panel:
    what = "Loss by ISP, the mean of its lines and regions."
    return _over_time("Loss", what, FleetIspField.LOSS_PCT, "percent")


def _by_region() -> table.Panel:
    what = "Each ISP in each region now: where an outage is, and whether it is the ISP's or the region's."
    fields = (*(name for name, _, _ in _COUNTS), FleetIspField.RTT_MEDIAN_MS, FleetIspField.LOSS_PCT)
    panel = panels.rows("ISPs by region", what, rows(_newest(*fields))).time_from(panels.FRESH)
    panel.override_by_name("Time", hidden_column()).sort_by(panels.sorted_by(_COUNTS[0][1]))
    for name, words, colour in _COUNTS[:3]:
        cell = {"type": "color-background", "mode": "basic"}
        marks = steps("transparent", (1, colour)).build()
        panel.override_by_name(name, field(displayName=words, thresholds=marks, custom__cellOptions=cell))
    return (
        panel.override_by_name(FleetIspField.LINKS_UP, field(displayName="● up"))
        .override_by_name(FleetIspField.RTT_MEDIAN_MS, field(unit="ms", decimals=1, displayName="round trip"))
        .override_by_name(FleetIspField.LOSS_PCT, field(unit="percent", decimals=2, displayName="loss"))
    )


def _worst(title: str, what: str, name: LinkField, unit: str) -> table.Panel:
    by = [Tag.TENANT, Tag.BRANCH, Tag.LINK, Tag.ISP]
    inner = select([call("mean", name)], Measurement.LINK, *_LINES, by=by)
    query = select([f'top("{name}", "{Tag.TENANT}", "{Tag.BRANCH}", "{Tag.LINK}", {WORST}) AS "{name}"'], inner)
    panel = panels.rows(title, what, rows(query)).time_from(RECENT).sort_by(panels.sorted_by(name))
    gauge = {"type": "gauge", "mode": "basic"}
    return (
        panel.override_by_name("Time", hidden_column())
        .override_by_name(Tag.TENANT, hidden_column())
        .override_by_name(name, field(unit=unit, decimals=1, min=0, custom__cellOptions=gauge))
        .override_by_name(Tag.BRANCH, field(links=[link("Open branch", frame.ROW_TO_BRANCH).build()]))
    )


def _worst_loss() -> table.Panel:
    what = f"The {WORST} lines with the most loss, mean of {RECENT}. Lines of branches on 5G report later."
    return _worst("Most loss", what, LinkField.LOSS_PCT, "percent")


def _worst_delay() -> table.Panel:
    what = f"The {WORST} slowest lines: median round trip, mean of {RECENT}."
    return _worst("Slowest", what, LinkField.RTT_MEDIAN_MS, "ms")


def _most_changes() -> table.Panel:
    what = f"The {WORST} lines that changed state most often in the time chosen: lines that come and go."
    by = [Tag.TENANT, Tag.BRANCH, Tag.LINK]
    inner = select([call("count", LinkStateField.NEW, "changes")], Measurement.LINK_STATE, *_LINES, by=by)
    query = select([f'top("changes", "{Tag.TENANT}", "{Tag.BRANCH}", "{Tag.LINK}", {WORST}) AS "changes"'], inner)
    return (
        panels.rows("Least steady", what, rows(query), no_value="No line changed its state")
        .sort_by(panels.sorted_by("changes"))
        .override_by_name("Time", hidden_column())
        .override_by_name(Tag.TENANT, hidden_column())
        .override_by_name(Tag.BRANCH, field(links=[link("Open branch", frame.ROW_TO_BRANCH).build()]))
    )


def _lines() -> table.Panel:
    what = (
        f"Every line of the ISPs and regions chosen, over {RECENT}: last state, mean loss, mean and worst round trip."
    )
    columns = [
        call("last", LinkField.STATE),
        call("mean", LinkField.LOSS_PCT),
        call("mean", LinkField.RTT_MEDIAN_MS),
        call("max", LinkField.RTT_P95_MS),
        call("mean", LinkField.RTT_JITTER_MS),
    ]
    by = [Tag.TENANT, Tag.BRANCH, Tag.LINK, Tag.ISP, Tag.FAMILY]
    inner = select(columns, Measurement.LINK, *_LINES, by=by)
    names = (
        LinkField.STATE,
        LinkField.LOSS_PCT,
        LinkField.RTT_MEDIAN_MS,
        LinkField.RTT_P95_MS,
        LinkField.RTT_JITTER_MS,
    )
    query = select([*(column(each) for each in (*by, *names))], inner)
    panel = panels.rows("Lines", what, rows(query)).time_from(RECENT).sort_by(panels.sorted_by(LinkField.LOSS_PCT))
    panel.override_by_name("Time", hidden_column()).override_by_name(LinkField.STATE, state_cell(LINK_STATES))
    for name in names[2:]:
        panel.override_by_name(name, field(unit="ms", decimals=1))
    gauge = field(unit="percent", decimals=2, min=0, max=100, custom__cellOptions={"type": "gauge", "mode": "basic"})
    panel.override_by_name(LinkField.LOSS_PCT, gauge)
    return panel.override_by_name(Tag.BRANCH, field(links=[link("Open branch", frame.ROW_TO_BRANCH).build()]))

"""`branch`: everything about one branch. The only dashboard that reads raw ten-second windows over hours."""

from dashboards import frame, panels
from dashboards.frame import Board
from dashboards.influxql import BRANCH, EVERY, LINK, TENANT, call, column, select
from dashboards.looks import (
    BAD,
    BRANCH_STATES,
    CALM,
    GOOD,
    ILL,
    LINK_STATES,
    METERED_OR_NOT,
    OUTCOMES,
    POWER,
    SENSORS,
    UNKNOWN,
    field,
    state_cell,
    steps,
)
from dashboards.names import BRANCH as NAME
from dashboards.query import rows, series
from dashboards.sdk import common_models, models, stat, statetimeline, table, timeseries
from wire.fields import (
    SENSOR_CODES,
    ActField,
    BranchStateField,
    DigestField,
    EnvironmentField,
    FlightField,
    LinkField,
    LinkStateField,
    Measurement,
    PowerField,
    Tag,
)
from wire.messages import SensorState

_HERE = (TENANT, BRANCH)
EVENTS = 500


def board() -> models.Dashboard:
    """The dashboard."""
    one = Board(NAME, refresh="30s", since="now-3h", page="/branch/${tenant}/${branch}")
    one.variables(frame.tenant_choice(multi=False), frame.branch_choice(multi=False), frame.link_choice())
    one.annotations(frame.moves_annotation(BRANCH), frame.incidents_annotation(enable=False))
    one.row(4, (5, _state()), (5, _worst_path()), (5, _on_metered()), (5, _runtime()), (4, _water()))
    one.row(8, (12, _paths()), (12, _branch_states()))
    one.title("Quality of $link")
    one.row(8, (24, _delay()))
    one.row(8, (12, _loss()), (12, _jitter()))
    one.title("What happened")
    one.row(9, (12, _moves()), (12, _changes()))
    one.row(8, (16, _flight()), (8, _bytes()))
    one.title("Power and sensors")
    one.row(7, (12, _power_states()), (12, _sensor_states()))
    one.row(8, (8, _charge()), (8, _voltage()), (8, _values()))
    return one.build()


def _newest(title: str, what: str, name: BranchStateField, states: list[models.ValueMapping]) -> stat.Panel:
    query = series(select([call("last", name)], Measurement.BRANCH_STATE, *_HERE))
    panel = panels.tiles(title, what, query, unit="none").mappings(states).thresholds(steps(UNKNOWN))
    return panel.time_from("5m").hide_time_override(hide_time_override=True)


def _state() -> stat.Panel:
    what = "The collector's judgement of the last five minutes."
    return _newest("Branch", what, BranchStateField.STATE, BRANCH_STATES)


def _worst_path() -> stat.Panel:
    what = "The worst state among the branch's paths: DOWN before DEGRADED before UNKNOWN before UP."
    return _newest("Worst path", what, BranchStateField.WORST_LINK, LINK_STATES)


def _on_metered() -> stat.Panel:
    return _newest("Traffic", "Whether users' traffic is on 5G now.", BranchStateField.ON_METERED, METERED_OR_NOT)


def _runtime() -> stat.Panel:
    what = "How long the weakest UPS says it lasts, as it said last in fifteen minutes."
    inner = select([call("last", PowerField.RUNTIME_S)], Measurement.POWER, *_HERE, by=[Tag.DEVICE])
    query = series(select([call("min", PowerField.RUNTIME_S)], inner))
    panel = panels.tiles("Battery lasts", what, query, unit="s", no_value="no UPS known")
    return panel.thresholds(steps(BAD, (600, ILL), (1800, GOOD))).time_from("15m")


def _water() -> stat.Panel:
    what = "Sensors whose last word of the last fifteen minutes is ALARM. Silent sensors are no evidence either way."
    inner = select([call("last", EnvironmentField.STATE)], Measurement.ENVIRONMENT, *_HERE, by=[Tag.SENSOR])
    alarm = f'"{EnvironmentField.STATE}" = {SENSOR_CODES[SensorState.ALARM]}'
    query = series(select([call("count", EnvironmentField.STATE)], inner, alarm))
    panel = panels.tiles("Sensors in alarm", what, query, unit="none", no_value="none reported")
    return panel.thresholds(steps(CALM, (1, BAD))).time_from("15m")


def _paths() -> statetimeline.Panel:
    what = (
        "State of each path, minute by minute, from the digests that also come over 5G. "
        "Short outages are in the table of changes. A hole: the agent was not heard."
    )
    query = select([call("last", DigestField.STATE)], Measurement.DIGEST, *_HERE, by=[Tag.LINK], every=EVERY)
    panel = panels.states("Paths", what, series(query, f"$tag_{Tag.LINK}"), mappings=LINK_STATES)
    return panel.interval("1m").span_nulls(180_000)


def _branch_states() -> statetimeline.Panel:
    what = "The collector's judgement of the branch, and what the agent itself said."
    judged = select([call("last", BranchStateField.STATE)], Measurement.BRANCH_STATE, *_HERE, every=EVERY)
    said = select([call("last", BranchStateField.REPORTED)], Measurement.BRANCH_STATE, *_HERE, every=EVERY)
    queries = (series(judged, "collector"), series(said, "agent", "B"))
    panel = panels.states("Branch over time", what, *queries, mappings=BRANCH_STATES)
    return panel.interval("1m").span_nulls(180_000)


def _delay() -> timeseries.Panel:
    what = (
        "Round trip of each path: the line is the median, the band reaches from the fastest to the slowest reply, "
        "dashes are the 95th percentile. Windows of ten seconds, both IP families. While on 5G they come later."
    )
    columns = [
        call("min", LinkField.RTT_MIN_MS, "fastest"),
        call("mean", LinkField.RTT_MEDIAN_MS, "median"),
        call("max", LinkField.RTT_P95_MS, "p95"),
        call("max", LinkField.RTT_MAX_MS, "slowest"),
    ]
    query = rows(select(columns, Measurement.LINK, *_HERE, LINK, every=EVERY))
    panel = panels.curves("Round trip: $link", what, query, unit="ms").min(0).interval("20s")
    panel.repeat("link").repeat_direction("h").max_per_row(3)
    band = {"custom__fillBelowTo": "fastest", "custom__fillOpacity": 15, "custom__lineWidth": 0}
    dashes = {"custom__lineStyle": {"fill": "dash", "dash": [6, 6]}}
    return (
        panel.override_by_name("slowest", [*field(**band), panels.fixed_colour("#3b82f6")])
        .override_by_name("fastest", [*field(custom__lineWidth=0), panels.fixed_colour("#3b82f6")])
        .override_by_name("p95", [*field(**dashes), panels.fixed_colour(ILL)])
        .override_by_name("median", [panels.fixed_colour("#1d4ed8")])
    )


def _loss() -> timeseries.Panel:
    what = "Lost probes of those sent, each path. A late reply is a loss."
    lost = f'100 * (sum("{LinkField.SENT}") - sum("{LinkField.RECEIVED}")) / sum("{LinkField.SENT}") AS "loss"'
    query = series(select([lost], Measurement.LINK, *_HERE, LINK, by=[Tag.LINK], every=EVERY), f"$tag_{Tag.LINK}")
    return panels.curves("Loss", what, query, unit="percent").min(0).max(100).interval("20s")


def _jitter() -> timeseries.Panel:
    what = "Jitter of round trips (RFC 3550), mean of the windows, each path."
    columns = [call("mean", LinkField.RTT_JITTER_MS)]
    query = series(select(columns, Measurement.LINK, *_HERE, LINK, by=[Tag.LINK], every=EVERY), f"$tag_{Tag.LINK}")
    return panels.curves("Jitter", what, query, unit="ms").min(0).interval("20s")


def _moves() -> table.Panel:
    what = "Every report of a move of traffic, newest first: why, from where to where, how it ended."
    names = (Tag.KIND, Tag.FROM_LINK, Tag.LINK, ActField.OUTCOME, ActField.ROUTE_MS, ActField.REASON)
    query = select([column(each) for each in names], Measurement.ACT, *_HERE, newest=EVENTS)
    panel = panels.rows("Moves", what, rows(query), no_value="Traffic was not moved")
    panel.override_by_name(Tag.LINK, field(displayName="to"))
    panel.override_by_name(Tag.FROM_LINK, field(displayName="from"))
    panel.override_by_name(ActField.ROUTE_MS, field(unit="ms", decimals=1))
    return panel.override_by_name(ActField.OUTCOME, state_cell(OUTCOMES))


def _changes() -> table.Panel:
    what = (
        "Every change of a path's state, newest first, to the millisecond, with the reason and the silence before it."
    )
    names = (LinkStateField.OLD, LinkStateField.NEW, LinkStateField.SILENCE_MS, LinkStateField.REASON)
    query = select([column(each) for each in (Tag.LINK, *names)], Measurement.LINK_STATE, *_HERE, LINK, newest=EVENTS)
    panel = panels.rows("Changes of state", what, rows(query), no_value="No path changed its state")
    for name in (LinkStateField.OLD, LinkStateField.NEW):
        panel.override_by_name(name, state_cell(LINK_STATES))
    return panel.override_by_name(LinkStateField.SILENCE_MS, field(unit="ms", decimals=0))


def _flight() -> timeseries.Panel:
    what = (
        "Flight records: every probe from 30 s before to 30 s after each event, the slowest in each interval and, "
        "as columns, how many were lost. Zoom into an event for single probes."
    )
    by = [Tag.LINK]
    delay = select([call("max", FlightField.RTT_MS)], Measurement.FLIGHT, *_HERE, LINK, by=by, every=EVERY, fill="none")
    lost = select([call("sum", FlightField.LOST)], Measurement.FLIGHT, *_HERE, LINK, by=by, every=EVERY, fill="none")
    queries = (series(delay, f"$tag_{Tag.LINK}"), series(lost, f"$tag_{Tag.LINK} lost", "B"))
    panel = panels.curves("Flight records", what, *queries, unit="ms").min(0).interval("100ms")
    panel.draw_style(common_models.GraphDrawStyle.POINTS)
    columns = field(custom__drawStyle="bars", custom__axisPlacement="right", custom__fillOpacity=70, unit="none")
    return panel.override_by_regexp("/ lost$/", columns)


def _bytes() -> timeseries.Panel:
    what = "Data that went through each path, by its interface's own counter."
    columns = [call("sum", DigestField.BYTES_USED)]
    query = select(columns, Measurement.DIGEST, *_HERE, LINK, by=[Tag.LINK], every=EVERY, fill="none")
    return panels.columns("Data", what, series(query, f"$tag_{Tag.LINK}"), unit="decbytes").min(0).interval("5m")


def _power_states() -> statetimeline.Panel:
    what = "What each UPS and mains relay lives on."
    query = select([call("last", PowerField.SOURCE)], Measurement.POWER, *_HERE, by=[Tag.DEVICE], every=EVERY)
    panel = panels.states("Power", what, series(query, f"$tag_{Tag.DEVICE}"), mappings=POWER)
    return panel.interval("1m").span_nulls(600_000)


def _sensor_states() -> statetimeline.Panel:
    what = "What each sensor says. Disconnected is no evidence either way."
    columns = [call("last", EnvironmentField.STATE)]
    query = select(columns, Measurement.ENVIRONMENT, *_HERE, by=[Tag.SENSOR], every=EVERY)
    panel = panels.states("Sensors over time", what, series(query, f"$tag_{Tag.SENSOR}"), mappings=SENSORS)
    return panel.interval("1m").span_nulls(600_000)


def _charge() -> timeseries.Panel:
    what = "Charge of each UPS battery and how heavily it is loaded."
    by = [Tag.DEVICE]
    charge = select([call("mean", PowerField.CHARGE_PCT)], Measurement.POWER, *_HERE, by=by, every=EVERY)
    load = select([call("mean", PowerField.LOAD_PCT)], Measurement.POWER, *_HERE, by=by, every=EVERY)
    queries = (series(charge, f"$tag_{Tag.DEVICE} charge"), series(load, f"$tag_{Tag.DEVICE} load", "B"))
    panel = panels.curves("Battery", what, *queries, unit="percent").min(0).max(100).interval("1m")
    return panel.span_nulls(600_000)


def _voltage() -> timeseries.Panel:
    what = "Voltage of the mains at each UPS."
    query = select([call("mean", PowerField.INPUT_V)], Measurement.POWER, *_HERE, by=[Tag.DEVICE], every=EVERY)
    panel = panels.curves("Mains voltage", what, series(query, f"$tag_{Tag.DEVICE}"), unit="volt").interval("1m")
    return panel.span_nulls(600_000)


def _values() -> timeseries.Panel:
    what = "What sensors with a value measure: degrees, percent or centimetres, as their name says."
    by = [Tag.SENSOR, Tag.KIND]
    query = select([call("mean", EnvironmentField.VALUE)], Measurement.ENVIRONMENT, *_HERE, by=by, every=EVERY)
    alias = f"$tag_{Tag.SENSOR} ($tag_{Tag.KIND})"
    return panels.curves("Sensor values", what, series(query, alias), unit="none").interval("1m").span_nulls(600_000)

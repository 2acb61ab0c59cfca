"""`pipeline`: whether the monitoring itself hears, stores and tells."""

from dashboards import frame, panels
from dashboards.frame import Board, link
from dashboards.influxql import EVERY, TENANT, call, column, select
from dashboards.looks import BAD, DELIVERED, GOOD, HELD, ILL, UNKNOWN, field, hidden_column, state_cell, steps
from dashboards.names import PIPELINE
from dashboards.query import rows, series
from dashboards.sdk import common, common_models, models, stat, table, timeseries
from wire.fields import BranchStateField, DeliveryField, FleetField, Measurement, PipelineField, Tag

_COLLECTOR = f'"{Tag.COLLECTOR}" =~ /./'  # its own counters, not an agent's gaps
EVENTS = 500


def board() -> models.Dashboard:
    """The dashboard."""
    pipeline = Board(PIPELINE, refresh="30s")
    pipeline.variables(frame.tenant_choice())
    pipeline.annotations(frame.incidents_annotation(enable=False))
    pipeline.row(5, (5, _silent()), (5, _age()), (5, _held()), (5, _lag()), (4, _given_up()))
    pipeline.row(8, (8, _messages()), (8, _written()), (8, _journal()))
    pipeline.row(8, (12, _refused()), (12, _connects()))
    pipeline.row(10, (12, _quiet()), (12, _gaps()))
    pipeline.row(10, (10, _deliveries()), (14, _failed()))
    return pipeline.build()


def _own(title: str, what: str, name: PipelineField, unit: str) -> stat.Panel:
    inner = select([call("last", name)], Measurement.PIPELINE, _COLLECTOR, by=[Tag.COLLECTOR])
    query = series(select([call("max", name)], inner))
    panel = panels.tiles(title, what, query, unit=unit)
    return panel.time_from("5m").hide_time_override(hide_time_override=True)


def _silent() -> stat.Panel:
    what = "Agents that should speak and do not. One: look at the branch. Many at once: look here."
    inner = select([call("last", FleetField.AGENTS_SILENT)], Measurement.FLEET, TENANT, by=[Tag.TENANT])
    query = series(select([call("sum", FleetField.AGENTS_SILENT)], inner))
    panel = panels.tiles("Agents silent", what, query, unit="none").thresholds(steps(GOOD, (1, UNKNOWN), (10, BAD)))
    return panel.time_from(panels.FRESH).hide_time_override(hide_time_override=True)


def _age() -> stat.Panel:
    what = "When a collector last wrote its own counters into this database."
    query = rows(select([call("last", PipelineField.MESSAGES)], Measurement.PIPELINE, _COLLECTOR))
    panel = panels.tiles("Last word of a collector", what, query, unit="dateTimeFromNow", no_value="? none in 24 h")
    panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).fields("/^Time$/"))
    return panel.color_mode(common_models.BigValueColorMode.VALUE).time_from("24h")


def _held() -> stat.Panel:
    what = "A collector whose journal is full takes nothing more: agents keep their records until it can."
    return _own("Intake", what, PipelineField.HELD, "none").mappings(HELD).thresholds(steps(UNKNOWN))


def _lag() -> stat.Panel:
    what = (
        "Journal that the database does not have yet, the most of the collectors. It grows while the database is away."
    )
    panel = _own("Waiting for the database", what, PipelineField.JOURNAL_LAG_BYTES, "bytes")
    return panel.thresholds(steps(GOOD, (16 << 20, ILL), (1 << 30, BAD)))


def _given_up() -> stat.Panel:
    what = "Messages to people that no receiver took, in the time chosen. Any is one too many."
    lost = f'"{DeliveryField.DELIVERED}" = 0'
    query = series(select([call("count", DeliveryField.DELIVERED)], Measurement.DELIVERY, TENANT, lost))
    panel = panels.tiles("Messages given up", what, query, unit="none", no_value="0")
    return panel.thresholds(steps(GOOD, (1, BAD)))


def _rate(*names: PipelineField) -> list[str]:
    return [f'non_negative_derivative(max("{each}"), 1s) AS "{each}"' for each in names]


def _rates(title: str, what: str, unit: str, *names: PipelineField) -> timeseries.Panel:
    query = select(_rate(*names), Measurement.PIPELINE, _COLLECTOR, by=[Tag.COLLECTOR], every=EVERY)
    panel = panels.curves(title, what, series(query, f"$tag_{Tag.COLLECTOR} $col"), unit=unit)
    return panel.min(0).interval("30s")


def _messages() -> timeseries.Panel:
    what = "Messages taken from the broker and records in them, each second; acknowledgements sent back."
    return _rates("Intake over time", what, "cps", PipelineField.MESSAGES, PipelineField.RECORDS, PipelineField.ACKS)


def _written() -> timeseries.Panel:
    what = "Lines the database took, each second, and synchronisations of the journal to disk."
    return _rates("Stored", what, "cps", PipelineField.LINES_WRITTEN, PipelineField.COMMITS)


def _journal() -> timeseries.Panel:
    what = "Journal on disk, and how much of it the database does not have yet."
    columns = [call("last", each) for each in (PipelineField.JOURNAL_BYTES, PipelineField.JOURNAL_LAG_BYTES)]
    query = select(columns, Measurement.PIPELINE, _COLLECTOR, by=[Tag.COLLECTOR], every=EVERY)
    panel = panels.curves("Journal", what, series(query, f"$tag_{Tag.COLLECTOR} $col"), unit="bytes")
    return panel.min(0).interval("30s")


def _refused() -> timeseries.Panel:
    what = "What went wrong, each second: dead letters, lines the database refused, retries, damaged journal segments."
    names = (
        PipelineField.DEAD_LETTERS,
        PipelineField.DEAD_LETTERS_DROPPED,
        PipelineField.LINES_REJECTED,
        PipelineField.STORE_RETRIES,
        PipelineField.SKIPPED,
        PipelineField.DROPPED_QOS0,
        PipelineField.DAMAGED,
    )
    return _rates("Refused and repeated", what, "cps", *names)


def _connects() -> timeseries.Panel:
    what = "Connections to the broker, and records that came twice (harmless: agents repeat what was not acknowledged)."
    return _rates("Connections and repeats", what, "cps", PipelineField.CONNECTS, PipelineField.DUPLICATES)


def _quiet() -> table.Panel:
    what = "When each agent last sent its minute's digest, the longest ago first, of the last 24 hours."
    columns = [call("last", BranchStateField.REPORTED)]
    query = select(columns, Measurement.BRANCH_STATE, TENANT, by=[Tag.TENANT, Tag.BRANCH, Tag.AGENT])
    panel = panels.rows("Heard last", what, rows(query), no_value="No agent was heard").time_from("24h")
    panel.sort_by(panels.sorted_by("heard", worst_first=False))
    panel.override_by_name("Time", field(displayName="heard", unit="dateTimeFromNow"))
    panel.override_by_name(BranchStateField.REPORTED, hidden_column())
    return panel.override_by_name(Tag.BRANCH, field(links=[link("Open branch", frame.ROW_TO_BRANCH).build()]))


def _gaps() -> table.Panel:
    what = (
        "Records that agents had to drop, as they reported them: holes that nobody should take for calm. Newest first."
    )
    names = (Tag.TENANT, Tag.BRANCH, Tag.AGENT, Tag.LANE, PipelineField.GAP_COUNT, PipelineField.GAP_REASON)
    some = f'"{PipelineField.GAP_COUNT}" > 0'
    query = select([column(each) for each in names], Measurement.PIPELINE, TENANT, some, newest=EVENTS)
    panel = panels.rows("Gaps", what, rows(query), no_value="No agent dropped a record")
    return panel.override_by_name(Tag.BRANCH, field(links=[link("Open branch", frame.ROW_TO_BRANCH).build()]))


def _deliveries() -> table.Panel:
    what = "Messages to each receiver in the time chosen: how many, share taken, tries, and how long they took."
    columns = [
        call("count", DeliveryField.DELIVERED, "messages"),
        f'100 * mean("{DeliveryField.DELIVERED}") AS "taken"',
        call("mean", DeliveryField.ATTEMPTS, "tries"),
        call("mean", DeliveryField.TOOK_S, "mean"),
        call("max", DeliveryField.TOOK_S, "longest"),
    ]
    query = select(columns, Measurement.DELIVERY, TENANT, by=[Tag.RECEIVER])
    panel = panels.rows("Receivers", what, rows(query), no_value="No message was sent")
    panel.override_by_name("Time", hidden_column()).override_by_name("tries", field(decimals=1))
    marks = steps(BAD, (95, ILL), (100, GOOD)).build()
    look = field(unit="percent", decimals=1, thresholds=marks, custom__cellOptions={"type": "color-text"})
    panel.override_by_name("taken", look)
    return panel.override_by_name("mean", field(unit="s")).override_by_name("longest", field(unit="s"))


def _failed() -> table.Panel:
    what = "Messages, newest first, with how each ended. Click an incident for its page."
    names = (Tag.RECEIVER, DeliveryField.DELIVERED, DeliveryField.ATTEMPTS, DeliveryField.TOOK_S)
    columns = [column(each) for each in (*names, DeliveryField.INCIDENT_ID)]
    query = select(columns, Measurement.DELIVERY, TENANT, newest=EVENTS)
    panel = panels.rows("Messages", what, rows(query), no_value="No message was sent")
    panel.override_by_name(DeliveryField.DELIVERED, state_cell(DELIVERED))
    panel.override_by_name(DeliveryField.TOOK_S, field(unit="s", decimals=1))
    to = link("Open incident", f"${{page_url}}/incident/${{__data.fields.{DeliveryField.INCIDENT_ID}}}", blank=True)
    return panel.override_by_name(DeliveryField.INCIDENT_ID, field(links=[to.build()]))

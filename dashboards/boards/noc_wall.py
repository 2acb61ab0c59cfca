"""`noc-wall`: the fleet on one screen. Reads only the small measurements the collector keeps for it."""

from dashboards import frame, panels
from dashboards.frame import Board, link
from dashboards.influxql import EVERY, REGION, TENANT, call, column, select
from dashboards.looks import (
    BAD,
    BRANCH_STATES,
    BRANCH_STATES_SHORT,
    GOOD,
    ILL,
    LINK_STATES,
    METERED,
    METERED_OR_NOT,
    STEPS,
    UNKNOWN,
    WAKES,
    field,
    hidden_column,
    state_cell,
    step_property,
    steps,
)
from dashboards.names import FAILOVER, ISP, PIPELINE, WALL
from dashboards.query import rows, series
from dashboards.sdk import bargauge, common, common_models, geomap, models, stat, table, timeseries
from wire.fields import INCIDENT_STEPS, BranchStateField, FleetField, FleetIspField, IncidentField, Measurement, Tag
from wire.messages import BranchState

_TILES: tuple[tuple[FleetField, str, str, str], ...] = (  # field, words, colour from 1 on, dashboard behind it
    (FleetField.BRANCHES_ISOLATED, "✖ Branches isolated", BAD, FAILOVER.uid),
    (FleetField.BRANCHES_ON_5G, "▲ Branches on 5G", METERED, FAILOVER.uid),
    (FleetField.BRANCHES_DEGRADED, "◆ Branches degraded", ILL, ISP.uid),
    (FleetField.LINKS_DOWN, "✖ Lines down", BAD, ISP.uid),
    (FleetField.LINKS_DEGRADED, "◆ Lines degraded", ILL, ISP.uid),
    (FleetField.CARRIER_INCIDENTS_OPEN, "✖ ISP incidents", BAD, ISP.uid),
    (FleetField.ON_BATTERY, "◆ On battery", ILL, ISP.uid),
    (FleetField.WATER_ALARMS, "✖ Water alarms", BAD, ISP.uid),
    (FleetField.AGENTS_SILENT, "? Agents silent", UNKNOWN, PIPELINE.uid),
)
_TREND: tuple[tuple[FleetField, str, str], ...] = (
    (FleetField.BRANCHES_ISOLATED, "isolated", BAD),
    (FleetField.BRANCHES_ON_5G, "on 5G", METERED),
    (FleetField.BRANCHES_DEGRADED, "degraded", ILL),
    (FleetField.BRANCHES_UNKNOWN, "unknown", UNKNOWN),
)
_KEPT = "${ds:queryparam}&${tenant:queryparam}&${__url_time_range}"
INCIDENT_ROWS = 1000
INCIDENT_DAYS = "14d"


def board() -> models.Dashboard:
    """The wall."""
    wall = Board(WALL, refresh="30s")
    wall.variables(frame.tenant_choice(), frame.region_choice())
    wall.annotations(frame.incidents_annotation(enable=True))
    wall.row(4, (21, _tiles()), (3, _age()))
    wall.row(13, (24, _branches()))
    wall.row(11, (10, _incidents()), (8, _trouble()), (6, _trend()))
    wall.row(14, (6, _isps()), (18, _map()))
    return wall.build()


def _now(*fields: tuple[FleetField, str]) -> str:
    """The newest value of each, over the tenants chosen."""
    inner = select([call("last", name) for name, _ in fields], Measurement.FLEET, TENANT, by=[Tag.TENANT])
    return select([call("sum", name, words) for name, words in fields], inner)


def _tiles() -> stat.Panel:
    what = (
        "The whole fleet now, from readings of the last two minutes; grey without any. "
        "Regions are not told apart here. Click a tile for what is behind it."
    )
    query = rows(_now(*((name, words) for name, words, _, _ in _TILES)))
    panel = panels.tiles("Now", what, query, unit="none").text_mode(common_models.BigValueTextMode.VALUE_AND_NAME)
    panel.time_from(panels.FRESH).hide_time_override(hide_time_override=True)
    for _, words, colour, uid in _TILES:
        to = link("Open", f"/d/{uid}?{_KEPT}").build()
        panel.override_by_name(words, [step_property(GOOD, (1, colour)), *field(links=[to])])
    return panel


def _age() -> stat.Panel:
    what = (
        "When the collector last wrote the counts beside it. Older than a minute: the wall is blind, look at Pipeline."
    )
    query = rows(select([call("last", FleetField.BRANCHES_OK)], Measurement.FLEET, TENANT))
    panel = panels.tiles("Data of", what, query, unit="dateTimeFromNow", no_value="? none in 24 h")
    panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).fields("/^Time$/"))
    panel.color_mode(common_models.BigValueColorMode.VALUE).time_from("24h").hide_time_override(hide_time_override=True)
    panel.data_links([link("Pipeline", f"/d/{PIPELINE.uid}?${{ds:queryparam}}&${{__url_time_range}}")])
    return panel


def _branches() -> stat.Panel:
    what = (
        "One tile for each branch, always in the same place: ● OK, ◆ ill, ▲ on 5G, ✖ cut off, ? unknown. "
        "A branch nobody spoke of for five minutes is not shown. Click a tile for the branch."
    )
    query = select(
        [call("last", BranchStateField.STATE)], Measurement.BRANCH_STATE, TENANT, REGION, by=[Tag.TENANT, Tag.BRANCH]
    )
    return (
        panels.tiles("Branches", what, series(query, f"$tag_{Tag.BRANCH}"), unit="none")
        .mappings(BRANCH_STATES_SHORT)
        .thresholds(steps(UNKNOWN))
        .text_mode(common_models.BigValueTextMode.VALUE_AND_NAME)
        .text(common.VizTextDisplayOptions().title_size(10).value_size(13))
        .justify_mode(common_models.BigValueJustifyMode.CENTER)
        .time_from("5m")
        .hide_time_override(hide_time_override=True)
        .data_links([link("Open ${__field.labels.branch}", frame.TILE_TO_BRANCH)])
    )


def _incidents() -> table.Panel:
    what = (
        f"Incidents that are not resolved, newest first, of the last {INCIDENT_DAYS}. "
        "Click a title for its page: evidence, timeline, acknowledge."
    )
    names = (IncidentField.ID, IncidentField.STEP, IncidentField.TITLE, Tag.CAUSE, IncidentField.BRANCHES)
    columns = [column(each) for each in (*names, IncidentField.PAGES)]
    query = select(columns, Measurement.INCIDENT, TENANT, newest=INCIDENT_ROWS)
    newest = {"aggregations": ["first"], "operation": "aggregate"}
    grouped: dict[str, object] = {
        "Time": {"aggregations": ["min"], "operation": "aggregate"},
        IncidentField.ID: {"aggregations": [], "operation": "groupby"},
        **dict.fromkeys((*names[1:], IncidentField.PAGES), newest),
    }
    resolved = {
        "fieldName": f"{IncidentField.STEP} (first)",
        "config": {"id": "equal", "options": {"value": INCIDENT_STEPS["resolved"]}},
    }
    words = {f"{each} (first)": str(each) for each in (*names[1:], IncidentField.PAGES)}
    order = ("Time (min)", *(f"{each} (first)" for each in (*names[1:], IncidentField.PAGES)), IncidentField.ID)
    return (
        panels.rows("Open incidents", what, rows(query), no_value="No incident on record")
        .with_transformation(panels.transformation("groupBy", {"fields": grouped}))
        .with_transformation(
            panels.transformation("filterByValue", {"filters": [resolved], "match": "any", "type": "exclude"})
        )
        .with_transformation(
            panels.transformation(
                "organize",
                {
                    "excludeByName": {},
                    "indexByName": {name: index for index, name in enumerate(order)},
                    "renameByName": {"Time (min)": "since", **words},
                },
            )
        )
        .override_by_name("since", field(unit="dateTimeFromNow", custom__width=120))
        .override_by_name(IncidentField.STEP, state_cell(STEPS))
        .override_by_name(IncidentField.PAGES, field(mappings=WAKES, custom__width=80))
        .override_by_name(IncidentField.BRANCHES, field(custom__width=80))
        .override_by_name(IncidentField.ID, hidden_column())
        .override_by_name(
            IncidentField.TITLE, field(links=[link("Open incident", frame.ROW_TO_INCIDENT, blank=True).build()])
        )
        .sort_by(panels.sorted_by("since"))
        .time_from(INCIDENT_DAYS)
        .hide_time_override(hide_time_override=True)
    )


def _trouble() -> table.Panel:
    what = "Branches that are not OK now, the isolated first, and the worst state among their lines."
    fields = (BranchStateField.STATE, BranchStateField.WORST_LINK, BranchStateField.ON_METERED)
    by = [Tag.TENANT, Tag.REGION, Tag.BRANCH]
    newest = select([call("last", each) for each in fields], Measurement.BRANCH_STATE, TENANT, REGION, by=by)
    tags = [column(each) for each in (Tag.BRANCH, Tag.REGION, Tag.TENANT)]
    query = select(
        [*tags, *(column(each) for each in fields)], newest, f'"{BranchStateField.STATE}" != {BranchState.OK:d}'
    )
    return (
        panels.rows("Branches in trouble", what, rows(query), no_value="Every branch is OK, or none is known")
        .override_by_name("Time", hidden_column())
        .override_by_name(BranchStateField.STATE, state_cell(BRANCH_STATES))
        .override_by_name(BranchStateField.WORST_LINK, state_cell(LINK_STATES))
        .override_by_name(BranchStateField.ON_METERED, state_cell(METERED_OR_NOT))
        .override_by_name(Tag.BRANCH, field(links=[link("Open branch", frame.ROW_TO_BRANCH).build()]))
        .sort_by(panels.sorted_by(BranchStateField.STATE))
        .time_from("5m")
        .hide_time_override(hide_time_override=True)
    )


def _trend() -> timeseries.Panel:
    what = "Branches that are not OK over the time chosen, stacked. Every tenant chosen, all regions."
    inner = select(
        [call("max", name) for name, _, _ in _TREND],
        Measurement.FLEET,
        TENANT,
        by=[Tag.TENANT],
        every=EVERY,
        fill="none",
    )
    query = select([call("sum", name, words) for name, words, _ in _TREND], inner, every=EVERY)
    panel = panels.areas("Branches not OK", what, rows(query), unit="none").decimals(0).interval("30s").min(0)
    for _, words, colour in _TREND:
        panel.override_by_name(words, [panels.fixed_colour(colour)])
    return panel


def _isps() -> bargauge.Panel:
    what = "Lines of each ISP that are down now, in the regions chosen. Click for the ISP."
    inner = select(
        [call("last", FleetIspField.LINKS_DOWN)],
        Measurement.FLEET_ISP,
        TENANT,
        REGION,
        by=[Tag.TENANT, Tag.ISP, Tag.REGION],
    )
    query = select([call("sum", FleetIspField.LINKS_DOWN)], inner, by=[Tag.ISP])
    to = f"/d/{ISP.uid}?{_KEPT}&var-isp=${{__field.labels.isp:percentencode}}"
    return (
        panels.bars("Lines down by ISP", what, series(query, f"$tag_{Tag.ISP}"), unit="none")
        .decimals(0)
        .min(0)
        .thresholds(steps(GOOD, (1, ILL), (10, BAD)))
        .time_from(panels.FRESH)
        .hide_time_override(hide_time_override=True)
        .data_links([link("Open ${__field.labels.isp:percentencode}", to)])
    )


def _map() -> geomap.Panel:
    what = (
        "Where the branches are and how they are. The ground map comes from the server's own default layer; "
        "behind a proxy set `[geomap] default_baselayer_config` in grafana.ini."
    )
    names = (BranchStateField.STATE, BranchStateField.LATITUDE_DEG, BranchStateField.LONGITUDE_DEG)
    columns = [call("last", each) for each in names]
    query = select(columns, Measurement.BRANCH_STATE, TENANT, REGION, by=[Tag.TENANT, Tag.BRANCH])
    colour = {"field": BranchStateField.STATE, "fixed": UNKNOWN}
    markers = {
        "showLegend": True,
        "style": {
            "color": colour,
            "opacity": 0.8,
            "size": {"fixed": 6, "max": 15, "min": 2},
            "symbol": {"fixed": "img/icons/marker/circle.svg", "mode": "fixed"},
        },
    }
    place = common.FrameGeometrySource().mode(common_models.FrameGeometrySourceMode.COORDS)
    place.latitude(BranchStateField.LATITUDE_DEG).longitude(BranchStateField.LONGITUDE_DEG)
    layer = (
        common.MapLayerOptions().type("markers").name("Branches").config(markers).location(place).tooltip(tooltip=True)
    )
    return (
        geomap.Panel()
        .title("Branches on the map")
        .description(what)
        .targets([rows(query)])
        .unit("none")
        .basemap(common.MapLayerOptions().type("default").name("Ground"))
        .layers([layer])
        .override_by_name(BranchStateField.STATE, field(mappings=BRANCH_STATES))
        .override_by_name(Tag.BRANCH, field(links=[link("Open branch", frame.ROW_TO_BRANCH).build()]))
        .time_from("5m")
        .hide_time_override(hide_time_override=True)
    )

"""Panels of the kinds the dashboards use, each with its sentence, unit and queries. Core plugins only."""

from collections.abc import Sequence

from dashboards.looks import CALM
from dashboards.query import Query
from dashboards.sdk import (
    bargauge,
    builder,
    common,
    common_models,
    models,
    stat,
    statetimeline,
    table,
    timeseries,
    variants,
)

FRESH = "2m"
"""How far back "now" looks: what is older is not shown as if it were so still. A time range in the past is kept."""

Queries = list[builder.Builder[variants.Dataquery]]


def _targets(queries: Sequence[Query]) -> Queries:
    return list(queries)


def tiles(title: str, what: str, *queries: Query, unit: str, no_value: str = "? no data") -> stat.Panel:
    """Big coloured values, each the last one of its field."""
    return (
        stat.Panel()
        .title(title)
        .description(what)
        .targets(_targets(queries))
        .unit(unit)
        .no_value(no_value)
        .color_mode(common_models.BigValueColorMode.BACKGROUND_SOLID)
        .graph_mode(common_models.BigValueGraphMode.NONE)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(values=False))
    )


def curves(title: str, what: str, *queries: Query, unit: str) -> timeseries.Panel:
    """Lines over time; holes stay holes."""
    return (
        timeseries.Panel()
        .title(title)
        .description(what)
        .targets(_targets(queries))
        .unit(unit)
        .line_width(1)
        .fill_opacity(0)
        .show_points(common_models.VisibilityMode.AUTO)
        .span_nulls(span_nulls=False)
        .legend(_legend())
        .tooltip(common.VizTooltipOptions().mode(common_models.TooltipDisplayMode.MULTI))
    )


def areas(title: str, what: str, *queries: Query, unit: str) -> timeseries.Panel:
    """Stacked areas: parts of a whole."""
    panel = curves(title, what, *queries, unit=unit)
    return panel.fill_opacity(60).stacking(common.StackingConfig().mode(common_models.StackingMode.NORMAL))


def columns(title: str, what: str, *queries: Query, unit: str) -> timeseries.Panel:
    """Stacked columns: counts in each interval."""
    return areas(title, what, *queries, unit=unit).draw_style(common_models.GraphDrawStyle.BARS)


def states(title: str, what: str, *queries: Query, mappings: list[models.ValueMapping]) -> statetimeline.Panel:
    """One row for each series, coloured and named by state; pages of 20 rows keep them readable."""
    return (
        statetimeline.Panel()
        .title(title)
        .description(what)
        .targets(_targets(queries))
        .unit("none")
        .mappings(mappings)
        .merge_values(merge_values=True)
        .show_value(common_models.VisibilityMode.AUTO)
        .row_height(0.85)
        .per_page(20)
        .line_width(0)
        .fill_opacity(85)
        .legend(_legend())
    )


def rows(title: str, what: str, *queries: Query, unit: str = "none", no_value: str = "") -> table.Panel:
    """A table whose rows can be filtered by column."""
    panel = (
        table.Panel()
        .title(title)
        .description(what)
        .targets(_targets(queries))
        .unit(unit)
        .filterable(filterable=True)
        .cell_height(common_models.TableCellHeight.SM)
        .override_by_name("Time", [models.DynamicConfigValue("custom.width", 170)])
    )
    return panel.no_value(no_value) if no_value else panel


def bars(title: str, what: str, *queries: Query, unit: str) -> bargauge.Panel:
    """One horizontal bar for each series."""
    return (
        bargauge.Panel()
        .title(title)
        .description(what)
        .targets(_targets(queries))
        .unit(unit)
        .orientation(common_models.VizOrientation.HORIZONTAL)
        .display_mode(common_models.BarGaugeDisplayMode.BASIC)
        .value_mode(common_models.BarGaugeValueMode.TEXT)
        .no_value("? no data")
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(values=False))
    )


def sorted_by(name: str, *, worst_first: bool = True) -> list[builder.Builder[common_models.TableSortByFieldState]]:
    """The order of a table's rows."""
    return [common.TableSortByFieldState().display_name(name).desc(desc=worst_first)]


def fixed_colour(colour: str = CALM) -> models.DynamicConfigValue:
    """One field in one colour."""
    return models.DynamicConfigValue("color", {"mode": "fixed", "fixedColor": colour})


def transformation(name: str, options: object) -> models.DataTransformerConfig:
    """One step of what Grafana does with a query's answer."""
    return models.DataTransformerConfig(id_val=name, options=options)


def _legend() -> common.VizLegendOptions:
    return (
        common.VizLegendOptions()
        .display_mode(common_models.LegendDisplayMode.LIST)
        .placement(common_models.LegendPlacement.BOTTOM)
        .show_legend(show_legend=True)
    )

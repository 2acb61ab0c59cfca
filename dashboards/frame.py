"""What all dashboards share: variables, links between them, annotations and the grid."""

from dashboards.influxql import BRANCH, REGION, TENANT, column, select, tag_values
from dashboards.limits import COLUMNS, MAX_SCHEMA_VERSION
from dashboards.looks import BAD, METERED
from dashboards.names import BRANCH as BRANCH_BOARD
from dashboards.names import DASHBOARDS, DATASOURCE_UID, PAGE_URL, DashboardName
from dashboards.query import DATASOURCE, PLUGIN, AnnotationTarget
from dashboards.sdk import bargauge, builder, dashboard, geomap, models, stat, statetimeline, table, text, timeseries
from wire.fields import INCIDENT_STEPS, OUTCOME_CODES, ActField, IncidentField, Measurement, Tag
from wire.messages import ActOutcome

_OPEN_BRANCH = f"/d/{BRANCH_BOARD.uid}?${{ds:queryparam}}&${{__url_time_range}}&var-tenant=%s&var-branch=%s"
TILE_TO_BRANCH = _OPEN_BRANCH % ("${__field.labels.tenant}", "${__field.labels.branch}")
ROW_TO_BRANCH = _OPEN_BRANCH % ("${__data.fields.tenant}", "${__data.fields.branch}")
ROW_TO_INCIDENT = "${page_url}/incident/${__data.fields.id}"


PanelBuilder = (
    bargauge.Panel | geomap.Panel | stat.Panel | statetimeline.Panel | table.Panel | text.Panel | timeseries.Panel
)


class _Built(builder.Builder[models.Panel]):
    def __init__(self, panel: models.Panel) -> None:
        self._panel = panel

    def build(self) -> models.Panel:
        return self._panel


class Board:
    """One dashboard while it is laid out, row by row. `page` is where on the collector's page it leads."""

    def __init__(self, name: DashboardName, *, refresh: str, since: str = "now-6h", page: str = "/") -> None:
        self._board = (
            dashboard.Dashboard(f"branchline: {name.title}")
            .uid(name.uid)
            .description(name.purpose)
            .tags(["branchline"])
            .timezone("browser")
            .editable()
            .tooltip(models.DashboardCursorSync.CROSSHAIR)
            .time(since, "now")
            .refresh(refresh)
            .links([*(to_board(each) for each in DASHBOARDS.values() if each.uid != name.uid), _to_page(page)])
        )
        self._next_id = 1
        self._y = 0

    def title(self, words: str) -> None:
        """A heading over the rows below it."""
        place = models.GridPos(h=1, w=COLUMNS, x=0, y=self._y)
        self._board.with_row(dashboard.Row(words).id(self._next_id).grid_pos(place))
        self._next_id += 1
        self._y += 1

    def row(self, height: int, *panels: tuple[int, PanelBuilder]) -> None:
        """Panels side by side, each with its width in columns of 24."""
        x = 0
        for width, panel in panels:
            place = models.GridPos(h=height, w=width, x=x, y=self._y)
            self._board.with_panel(_Built(panel.id(self._next_id).datasource(DATASOURCE).grid_pos(place).build()))
            self._next_id += 1
            x += width
        self._y += height

    def variables(self, *variables: builder.Builder[models.VariableModel]) -> None:
        """The data source and the page's address, then these."""
        self._board.variables([datasource_variable(), page_variable(), *variables])

    def annotations(self, *annotations: models.AnnotationQuery) -> None:
        """Marks over the curves."""
        self._board.annotations([_BuiltAnnotation(each) for each in annotations])

    def build(self) -> models.Dashboard:
        """The dashboard."""
        built = self._board.build()
        built.schema_version = MAX_SCHEMA_VERSION
        return built


class _BuiltAnnotation(builder.Builder[models.AnnotationQuery]):
    def __init__(self, annotation: models.AnnotationQuery) -> None:
        self._annotation = annotation

    def build(self) -> models.AnnotationQuery:
        return self._annotation


def moves_annotation(*where: str) -> models.AnnotationQuery:
    """Traffic was moved and the new path proved, or not."""
    columns = [column(each) for each in (ActField.REASON, Tag.KIND, Tag.FROM_LINK, Tag.LINK)]
    finished = f'"{ActField.OUTCOME}" > {OUTCOME_CODES[ActOutcome.APPLIED]}'
    query = select(columns, Measurement.ACT, TENANT, finished, *where)
    target = AnnotationTarget("Moves", query, ActField.REASON, f"{Tag.KIND},{Tag.FROM_LINK},{Tag.LINK}")
    return models.AnnotationQuery("Moves", DATASOURCE, enable=True, icon_color=METERED, target=target)


def incidents_annotation(*, enable: bool) -> models.AnnotationQuery:
    """From the opening of an incident to its end, where the collector has written the end."""
    columns = [column(each) for each in (IncidentField.TITLE, Tag.CAUSE, IncidentField.UNTIL_MS)]
    opened = f'"{IncidentField.STEP}" = {INCIDENT_STEPS["opened"]}'
    query = select(columns, Measurement.INCIDENT, TENANT, opened)
    target = AnnotationTarget("Incidents", query, IncidentField.TITLE, Tag.CAUSE, IncidentField.UNTIL_MS)
    return models.AnnotationQuery("Incidents", DATASOURCE, enable=enable, icon_color=BAD, target=target)


def to_board(name: DashboardName) -> dashboard.DashboardLink:
    """A link at the top of the other dashboards."""
    top = dashboard.DashboardLink(name.title).type(models.DashboardLinkType.LINK).url(f"/d/{name.uid}")
    return top.tooltip(name.purpose).icon("dashboard").include_vars(include_vars=False).keep_time(keep_time=True)


def _to_page(path: str) -> dashboard.DashboardLink:
    top = dashboard.DashboardLink("Collector").type(models.DashboardLinkType.LINK).url(f"${{page_url}}{path}")
    return (
        top.tooltip("The collector's own page: incidents, acknowledgement")
        .icon("external link")
        .target_blank(target_blank=True)
    )


def link(title: str, url: str, *, blank: bool = False) -> dashboard.DashboardLink:
    """A link of a value, a cell or a tile."""
    return dashboard.DashboardLink(title).url(url).target_blank(target_blank=blank)


def datasource_variable() -> dashboard.DatasourceVariable:
    """Which InfluxDB."""
    chosen = models.VariableOption(text=DATASOURCE_UID, value=DATASOURCE_UID, selected=True)
    return dashboard.DatasourceVariable("ds").label("Database").type(PLUGIN).current(chosen)


def page_variable() -> dashboard.ConstantVariable:
    """Where the collector's page is. A constant: an address bar must not choose where links lead."""
    return dashboard.ConstantVariable("page_url").label("Collector page").value(PAGE_URL)


def choice(name: str, label: str, query: str, *, multi: bool = True, all_value: str = "") -> dashboard.QueryVariable:
    """A variable whose values are those of a tag. `all_value` `.*` also takes points without the tag."""
    everything = models.VariableOption(text="All", value="$__all", selected=True)
    variable = (
        dashboard.QueryVariable(name)
        .label(label)
        .datasource(DATASOURCE)
        .query(query)
        .definition(query)
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(models.VariableSort.ALPHABETICAL_ASC)
        .multi(multi=multi)
        .include_all(include_all=multi)
    )
    if multi:
        variable.current(everything)
    return variable.all_value(all_value) if all_value else variable


def tenant_choice(*, multi: bool = True) -> dashboard.QueryVariable:
    """Whose branches."""
    query = tag_values(Measurement.BRANCH_STATE, Tag.TENANT)
    return choice("tenant", "Tenant", query, multi=multi, all_value=".*" if multi else "")


def region_choice() -> dashboard.QueryVariable:
    """Where."""
    query = tag_values(Measurement.BRANCH_STATE, Tag.REGION, TENANT)
    return choice("region", "Region", query, all_value=".*")


def isp_choice() -> dashboard.QueryVariable:
    """Whose lines."""
    return choice("isp", "ISP", tag_values(Measurement.FLEET_ISP, Tag.ISP, TENANT), all_value=".*")


def branch_choice(*, multi: bool) -> dashboard.QueryVariable:
    """Which branch, of the regions chosen."""
    where = (TENANT, REGION) if multi else (TENANT,)
    return choice("branch", "Branch", tag_values(Measurement.BRANCH_STATE, Tag.BRANCH, *where), multi=multi)


def link_choice() -> dashboard.QueryVariable:
    """Which paths of the branch."""
    return choice("link", "Path", tag_values(Measurement.LINK, Tag.LINK, TENANT, BRANCH))

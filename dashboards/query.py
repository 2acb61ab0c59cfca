"""A query of Grafana's InfluxDB data source as an SDK query: the SDK has none."""

from typing import Any, Literal, Self

from dashboards.sdk import builder, common_models, plugins, runtime, variants

PLUGIN = "influxdb"
DATASOURCE = common_models.DataSourceRef(type_val=PLUGIN, uid="${ds}")

Format = Literal["time_series", "table"]


class InfluxQuery(variants.Dataquery):
    """One raw InfluxQL query. `alias` names a series, with `$tag_branch` and the like."""

    def __init__(self, query: str, ref_id: str, result_format: Format = "time_series", alias: str = "") -> None:
        self.query = query
        self.ref_id = ref_id
        self.result_format = result_format
        self.alias = alias

    def to_json(self) -> dict[str, object]:
        """As Grafana keeps it."""
        out: dict[str, object] = {
            "datasource": DATASOURCE,
            "query": self.query,
            "rawQuery": True,
            "refId": self.ref_id,
            "resultFormat": self.result_format,
        }
        return {**out, "alias": self.alias} if self.alias else out

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """The inverse of `to_json`."""
        return cls(data["query"], data["refId"], data["resultFormat"], data.get("alias", ""))


class Query(builder.Builder[variants.Dataquery]):
    """Builder of an `InfluxQuery`, as the SDK's panels take them."""

    def __init__(self, query: InfluxQuery) -> None:
        self._query = query

    def build(self) -> InfluxQuery:
        """The query."""
        return self._query


def series(query: str, alias: str = "", ref_id: str = "A") -> Query:
    """A query that draws series."""
    return Query(InfluxQuery(query, ref_id, "time_series", alias))


def rows(query: str, ref_id: str = "A") -> Query:
    """A query that fills a table: columns keep their names."""
    return Query(InfluxQuery(query, ref_id, "table"))


class AnnotationTarget(variants.Dataquery):
    """An InfluxQL annotation query: which columns are an event's text, tags and end (milliseconds since 1970)."""

    def __init__(self, name: str, query: str, text: str, tags: str, time_end: str = "") -> None:
        self.name = name
        self.query = query
        self.text = text
        self.tags = tags
        self.time_end = time_end

    def to_json(self) -> dict[str, object]:
        """As Grafana keeps it."""
        return {
            "fromAnnotations": True,
            "name": self.name,
            "query": self.query,
            "queryType": "tags",
            "refId": "Anno",
            "tagsColumn": self.tags,
            "textColumn": self.text,
            "timeEndColumn": self.time_end,
            "titleColumn": "",
        }


def register() -> None:
    """Teach the SDK to read these queries back."""
    plugins.register_default_plugins()
    runtime.Runtime().register_dataquery_variant(runtime.DataqueryConfig(PLUGIN, from_json))


def from_json(data: dict[str, Any]) -> variants.Dataquery:
    """A query of this data source, of a panel or of an annotation."""
    if data.get("fromAnnotations"):
        columns = (data["textColumn"], data["tagsColumn"], data["timeEndColumn"])
        return AnnotationTarget(data["name"], data["query"], *columns)
    return InfluxQuery.from_json(data)

"""InfluxQL that InfluxDB 1.x, 2.x and 3 all answer, and names that the collector writes. Pure."""

import re
from collections.abc import Iterator

from wire import fields

FUNCTIONS = frozenset(
    {"count", "first", "last", "max", "mean", "median", "min", "non_negative_derivative", "percentile", "sum", "top"}
)
_NOT_EVERYWHERE = re.compile(
    r"\b(SLIMIT|SOFFSET|INTO|CARDINALITY|DROP|DELETE|CREATE|ALTER|GRANT|KILL|tz)\b|fill\((?!null\)|none\))|;",
    re.IGNORECASE,
)
_CALL = re.compile(r"\b(\w+)\(")
_QUOTED = re.compile(r'"([^"]*)"')
_ALIAS = re.compile(r'AS "([^"]*)"')
_TEXT = re.compile(r"'[^']*'|(?<=~ )/[^/]*/")
_KEYWORDS = frozenset({"time", "fill", "from"})
_FIELDS = (
    fields.LinkField,
    fields.LinkStateField,
    fields.ActField,
    fields.BranchStateField,
    fields.DigestField,
    fields.FlightField,
    fields.PowerField,
    fields.EnvironmentField,
    fields.LinkHourField,
    fields.IncidentField,
    fields.FleetField,
    fields.FleetIspField,
    fields.DeliveryField,
    fields.PipelineField,
)
_NAMES = frozenset(str(name) for kind in (fields.Measurement, fields.Tag, *_FIELDS) for name in kind)


def faults_of_query(query: str) -> Iterator[str]:
    """What one query does that it should not."""
    bare = _TEXT.sub("''", query)
    for found in _NOT_EVERYWHERE.finditer(bare):
        yield f"{found[0]!r} is not InfluxQL that all InfluxDBs answer"
    for name in sorted(set(_QUOTED.findall(bare)) - set(_ALIAS.findall(bare)) - _NAMES):
        yield f"{name!r} is no measurement, tag or field of wire/fields.py"
    if query.startswith("SHOW TAG VALUES FROM "):
        return
    if not query.startswith("SELECT "):
        yield "neither SELECT nor SHOW TAG VALUES FROM a measurement"
        return
    without_names = _QUOTED.sub('""', bare)
    for name in sorted({each.lower() for each in _CALL.findall(without_names)} - FUNCTIONS - _KEYWORDS):
        yield f"{name}() is not among the functions that all InfluxDBs answer"
    inner = re.findall(r'FROM ""(.*?)(?:\)|$)', without_names)
    if not all("$timeFilter" in each for each in inner):
        yield "reads a measurement without $timeFilter"

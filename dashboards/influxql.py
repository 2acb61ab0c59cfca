"""InfluxQL text, from the names in `wire.fields` alone. Only what InfluxDB 1.x, 2.x and 3 all answer.

`$timeFilter` and `$__interval` are Grafana's; `${name:regex}` is a variable as Grafana escapes it for a pattern.
"""

from collections.abc import Sequence

from wire.fields import Measurement, Tag

EVERY = "$__interval"
TENANT = f'"{Tag.TENANT}" =~ /^${{tenant:regex}}$/'
BRANCH = f'"{Tag.BRANCH}" =~ /^${{branch:regex}}$/'
REGION = f'"{Tag.REGION}" =~ /^${{region:regex}}$/'
ISP = f'"{Tag.ISP}" =~ /^${{isp:regex}}$/'
LINK = f'"{Tag.LINK}" =~ /^${{link:regex}}$/'


def call(function: str, field: str, name: str = "", *more: float | str) -> str:
    """A column such as `last("state") AS "state"`; `more` are further arguments, `name` defaults to the field's."""
    arguments = ", ".join((f'"{field}"', *(str(each) for each in more)))
    return f'{function}({arguments}) AS "{name or field}"'


def column(field: str, name: str = "") -> str:
    """A bare column."""
    return f'"{field}" AS "{name}"' if name else f'"{field}"'


def select(
    columns: Sequence[str],
    source: str,
    *where: str,
    by: Sequence[str] = (),
    every: str = "",
    fill: str = "null",
    newest: int = 0,
) -> str:
    """One SELECT. `source` is a measurement or another SELECT.

    A measurement is always bounded by the time range, and so is what is grouped by time. `every` groups by time with
    `fill`; `newest` gives that many rows, newest first.
    """
    nested = source.startswith("SELECT ")
    conditions = list(where) if nested and not every else ["$timeFilter", *where]
    groups = [f'"{each}"' for each in by]
    if every:
        groups.insert(0, f"time({every})")
    words = ["SELECT", ", ".join(columns), "FROM", f"({source})" if nested else f'"{source}"']
    if conditions:
        words += ["WHERE", " AND ".join(conditions)]
    if groups:
        words += ["GROUP BY", ", ".join(groups)]
    if every:
        words.append(f"fill({fill})")
    if newest:
        words += ["ORDER BY time DESC LIMIT", str(newest)]
    return " ".join(words)


def tag_values(measurement: Measurement, tag: Tag, *where: str) -> str:
    """The values of a tag, for a variable."""
    words = ["SHOW TAG VALUES FROM", f'"{measurement}"', "WITH KEY =", f'"{tag}"']
    if where:
        words += ["WHERE", " AND ".join(where)]
    return " ".join(words)

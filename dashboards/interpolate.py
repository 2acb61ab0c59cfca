"""What Grafana puts in place of variables before a query goes to the database. Pure.

Sources: Grafana's documentation of variable syntax and of the InfluxDB data source; docs/dashboards.md says what of it
is used.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from dashboards.errors import DashboardsError

_DURATION = re.compile(r"(?:now-)?(\d+)(ms|s|m|h|d|w|M|y)")
_UNIT_MS = {
    "ms": 1,
    "s": 1000,
    "m": 60_000,
    "h": 3_600_000,
    "d": 86_400_000,
    "w": 604_800_000,
    "M": 2_592_000_000,
    "y": 31_536_000_000,
}
_PATTERN_SIGNS = re.compile(r"[\\^$*+?.()|\[\]{}/]")
_VARIABLE = re.compile(r"\$\{(\w+)(?::(\w+))?\}")
_NICE_S = (1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 604800)


@dataclass(frozen=True, slots=True)
class Span:
    """The time a panel looks at, ms since 1970."""

    from_ms: int
    to_ms: int

    def newest(self, duration: str) -> "Span":
        """The last part of it, as a panel's own relative time has it: it ends where the dashboard ends."""
        return Span(self.to_ms - duration_ms(duration), self.to_ms) if duration else self


@dataclass(frozen=True, slots=True)
class Choice:
    """What is chosen for a variable. `raw`: put in as it is, as a custom All is."""

    values: tuple[str, ...]
    raw: bool = False


def duration_ms(words: str) -> int:
    """Milliseconds of `30s`, `now-6h` and the like; a month is 30 days, a year 365.

    Raises:
        DashboardsError: it is none
    """
    found = _DURATION.fullmatch(words)
    if not found:
        raise DashboardsError(f"{words!r} is no duration such as 30s, 6h or now-7d")
    return int(found[1]) * _UNIT_MS[found[2]]


def interval(span: Span, points: int, least: str) -> str:
    """`$__interval`: the span over the points a panel can draw, as a round number, not finer than `least`."""
    wanted_ms = max((span.to_ms - span.from_ms) / points, 1)
    if wanted_ms < duration_ms(least):
        return least
    seconds = min(_NICE_S, key=lambda each: abs(each * 1000 - wanted_ms))
    return f"{seconds}s"


def fill_in(query: str, choices: Mapping[str, Choice], span: Span, step: str) -> str:
    """The query as the database gets it.

    Raises:
        DashboardsError: a variable has no value
    """
    text = query.replace("$timeFilter", f"time >= {span.from_ms}ms and time <= {span.to_ms}ms")
    text = text.replace("$__interval", step)

    def put(found: re.Match[str]) -> str:
        if found[1] not in choices:
            raise DashboardsError(f"variable {found[1]!r} has no value")
        return _formatted(choices[found[1]], found[2] or "")

    return _VARIABLE.sub(put, text)


def _formatted(choice: Choice, form: str) -> str:
    if choice.raw or not form:
        return choice.values[0] if len(choice.values) == 1 else "(" + "|".join(choice.values) + ")"
    if form != "regex":
        raise DashboardsError(f"the format {form!r} of a variable is not known here")
    escaped = [_PATTERN_SIGNS.sub(r"\\\g<0>", each) for each in choice.values]
    return escaped[0] if len(escaped) == 1 else "(" + "|".join(escaped) + ")"

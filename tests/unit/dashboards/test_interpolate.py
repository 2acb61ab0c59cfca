"""Variables as Grafana replaces them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as some

from dashboards.errors import DashboardsError
from dashboards.interpolate import Choice, Span, duration_ms, fill_in, interval

SPAN = Span(1_700_000_000_000, 1_700_021_600_000)  # six hours
PATTERN = '"branch" =~ /^${branch:regex}$/'


def _filled(choice: Choice) -> str:
    return fill_in(PATTERN, {"branch": choice}, SPAN, "10s")


def test_one_value_several_and_a_custom_all() -> None:
    assert _filled(Choice(("nantes-01",))) == '"branch" =~ /^nantes-01$/'
    assert _filled(Choice(("a.b", "c"))) == '"branch" =~ /^(a\\.b|c)$/'
    assert _filled(Choice((".*",), raw=True)) == '"branch" =~ /^.*$/'


def test_time_and_interval() -> None:
    text = fill_in("WHERE $timeFilter GROUP BY time($__interval)", {}, SPAN.newest("2m"), "30s")
    assert text == "WHERE time >= 1700021480000ms and time <= 1700021600000ms GROUP BY time(30s)"


@given(some.text(min_size=1))
def test_no_value_leaves_its_pattern(value: str) -> None:
    pattern = _filled(Choice((value,))).removeprefix('"branch" =~ /^').removesuffix("$/")
    assert not re.search(r"(?<!\\)(?:\\\\)*/", pattern)
    assert re.fullmatch(pattern.replace(r"\/", "/"), value)


@pytest.mark.parametrize(
    ("hours", "least", "expected"),
    [(6, "10s", "20s"), (6, "1m", "1m"), (3, "10s", "10s"), (24, "10s", "60s"), (720, "10s", "1800s")],
)
def test_interval_is_a_round_number(hours: int, least: str, expected: str) -> None:
    assert interval(Span(0, hours * 3_600_000), 1000, least) == expected


def test_what_is_no_duration_or_variable_is_said() -> None:
    assert duration_ms("now-7d") == 604_800_000
    with pytest.raises(DashboardsError, match="is no duration"):
        duration_ms("yesterday")
    with pytest.raises(DashboardsError, match="variable 'branch' has no value"):
        fill_in(PATTERN, {}, SPAN, "10s")

"""Each rule finds what it is for, and names the place."""

import copy
from collections.abc import Callable

import pytest

from dashboards import model
from dashboards.build import GENERATED
from dashboards.lint import lint
from dashboards.lint_influxql import faults_of_query
from dashboards.model import Json

BOARDS = model.read(GENERATED)


def _panel(board: Json) -> Json:
    found: Json = next(each for each in model.panels(board) if each["type"] == "table")
    return found


def _set(**values: object) -> Callable[[Json], None]:
    return lambda board: _panel(board).update(values)


def _query(text: str) -> Callable[[Json], None]:
    return lambda board: _panel(board)["targets"][0].update(query=text)


FAULTS: dict[str, tuple[Callable[[Json], object], str]] = {
    "id": (lambda board: board.update(id=3), "carries an `id`"),
    "tags": (lambda board: board.pop("tags"), "has no `tags`"),
    "newer model": (lambda board: board.update(schemaVersion=43), "schemaVersion is not 1 to 42"),
    "same id": (lambda board: _panel(board).update(id=1), "panel id 1 is used 2 times"),
    "plugin": (_set(type="grafana-polystat-panel"), "grafana-polystat-panel is not a core panel we use"),
    "description": (_set(description=""), "no description"),
    "unit": (lambda board: _panel(board)["fieldConfig"]["defaults"].pop("unit"), "no unit"),
    "sorted by a hidden name": (
        lambda board: _panel(board)["fieldConfig"]["overrides"].append(
            {"matcher": {"id": "byName", "options": "since"}, "properties": [{"id": "displayName", "value": "age"}]}
        ),
        "is sorted by 'since', which is shown under another name",
    ),
    "datasource": (_set(datasource={"type": "influxdb", "uid": "abc"}), "its datasource is not ${ds}"),
    "no query": (_set(targets=[]), "no query"),
    "outside": (_set(gridPos={"x": 20, "y": 0, "w": 5, "h": 3}), "leaves the grid of 24 columns"),
    "overlap": (_set(gridPos={"x": 0, "y": 0, "w": 3, "h": 3}), "lies over 'Now'"),
    "unknown variable": (_set(title="$nobody"), "variable 'nobody' is used and not defined"),
    "unknown repeat": (_set(repeat="nobody"), "variable 'nobody' is used and not defined"),
    "unknown dashboard": (_set(description="see /d/nowhere?x=1"), "a link leads to 'nowhere'"),
    "late variable": (
        lambda board: board["templating"]["list"].reverse(),
        "variable 'region' uses 'tenant', which is not defined before it",
    ),
    "SLIMIT": (_query('SELECT last("state") FROM "link" WHERE $timeFilter SLIMIT 3'), "'SLIMIT' is not InfluxQL"),
    "name": (_query('SELECT last("stat") FROM "link" WHERE $timeFilter'), "'stat' is no measurement, tag or field"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_finds(name: str) -> None:
    spoil, sentence = FAULTS[name]
    boards = {uid: copy.deepcopy(board) for uid, board in BOARDS.items()}
    spoil(boards["noc-wall"])
    found = lint(boards)
    assert any(sentence in fault for fault in found), found
    assert all(fault.startswith("noc-wall: ") for fault in found)


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        ('SELECT "state" INTO "link" FROM "link" WHERE $timeFilter', "'INTO'"),
        ('SELECT "state" FROM "link" WHERE $timeFilter; DROP MEASUREMENT "link"', "';'"),
        ('SELECT holt_winters("state", 1, 1) FROM "link" WHERE $timeFilter', "holt_winters()"),
        ('SELECT max("state") FROM "link" WHERE $timeFilter GROUP BY time(1m) fill(previous)', "'fill('"),
        ('SELECT max("state") FROM "link"', "without $timeFilter"),
        ('SELECT max("state") FROM (SELECT "state" FROM "link") WHERE $timeFilter', "without $timeFilter"),
        ("SHOW TAG VALUES WITH KEY = branch", "neither SELECT nor SHOW TAG VALUES FROM"),
        ('SHOW TAG KEY CARDINALITY FROM "link"', "'CARDINALITY'"),
    ],
)
def test_influxql_that_not_all_answer(query: str, fault: str) -> None:
    assert any(fault in each for each in faults_of_query(query))


def test_words_inside_texts_and_patterns_are_no_influxql() -> None:
    query = """SELECT "state" FROM "link" WHERE $timeFilter AND "branch" =~ /^into;$/ AND "isp" = 'drop; slimit'"""
    assert list(faults_of_query(query)) == []

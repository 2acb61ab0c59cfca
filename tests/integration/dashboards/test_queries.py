"""Every query of every dashboard, on a real InfluxDB 1.6 filled by the collector's own line functions."""

import json
import time
from collections.abc import Iterator

import pytest

from branchline.__main__ import main
from dashboards import model
from dashboards.build import GENERATED
from dashboards.check import Report, as_json, as_text, check
from dashboards.influx import Influx
from dashboards.names import DASHBOARDS, WALL
from tests.integration.collector.servers import InfluxDB, free_port, influxd
from tests.integration.dashboards.fill import lines_of, write
from tests.integration.dashboards.sites import Times, sites
from tests.needs import needs_program

pytestmark = needs_program("influxd")
BRANCHES, LINES = 21, 57


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    """Address of a database with two hours of a fleet in which a river rose, and its end, Unix milliseconds."""
    server = influxd(tmp_path_factory.mktemp("influx"), free_port())
    server.start()
    try:
        assert server.port is not None
        InfluxDB(server.port).create("bl")
        end_s = int(time.time()) // 10 * 10
        write(server.port, "bl", lines_of(sites(BRANCHES, LINES), Times(end_s - 7200, end_s)))
        yield f"http://127.0.0.1:{server.port}", end_s * 1000 - 1
    finally:
        server.kill()


@pytest.fixture(scope="module")
def report(filled: tuple[str, int]) -> Report:
    """All layers, rows wanted."""
    url, end_ms = filled
    return check(model.read(GENERATED), influx=Influx(url, "bl"), need_rows=True, now_ms=end_ms)


def test_every_query_returns_rows_and_nothing_is_wrong(report: Report) -> None:
    assert [fault for each in report.layers for fault in each.faults] == []
    assert {each.uid for each in report.answers} == set(DASHBOARDS)
    assert all(each.reply.rows > 0 for each in report.answers)


def test_the_wall_shows_every_branch_and_reads_small_measurements_only(report: Report) -> None:
    wall = {each.asked.where: each for each in report.answers if each.uid == WALL.uid}
    assert wall["Branches"].reply.series == BRANCHES
    assert wall["Branches in trouble"].reply.rows == BRANCHES // 7
    for each in wall.values():
        assert not any(f'"{name}"' in each.query for name in ("link", "digest", "flight", "link_1h")), each.query


def test_sums_of_the_wall(filled: tuple[str, int]) -> None:
    """The flooded branches' lines, summed by the database as they were written."""
    url, end_ms = filled
    influx = Influx(url, "bl")
    (now,) = (
        each.query
        for each in check(model.read(GENERATED), influx=influx, now_ms=end_ms).answers
        if each.uid == WALL.uid and each.asked.where == "Now"
    )
    reply = influx.ask(now.replace('sum("agents_silent") AS "? Agents silent"', 'sum("links_down") AS "x"'))
    assert reply.values == ("6",)


def test_texts_for_people_and_machines(report: Report) -> None:
    text = as_text(report)
    assert "noc-wall  (" in text
    assert "queries: no faults" in text
    document = as_json(report)
    assert document["good"] is True
    assert json.loads(json.dumps(document))["dashboards_ms"].keys() == DASHBOARDS.keys()


def test_command_line(filled: tuple[str, int], capsys: pytest.CaptureFixture[str]) -> None:
    url, _ = filled
    words = ["dashboards", "check", "--influx", url, "--database", "bl", "--set", "branch=agence-002"]
    assert main(words) == 0
    assert "ms" in capsys.readouterr().out
    assert main(["dashboards", "check", "--influx", url, "--database", "nobody"]) == 1
    assert "the database refuses it: database not found: nobody" in capsys.readouterr().out
    assert main(["dashboards", "check", "--influx", "http://127.0.0.1:9", "--database", "bl"]) == 1
    errors = capsys.readouterr().err
    assert errors.count("\n") == 1
    assert "is InfluxDB running there?" in errors


def test_empty_database_is_a_fault_only_when_rows_are_wanted(filled: tuple[str, int]) -> None:
    url, end_ms = filled
    InfluxDB(int(url.rpartition(":")[2])).create("empty")
    boards, influx = model.read(GENERATED), Influx(url, "empty")
    assert check(boards, influx=influx, now_ms=end_ms).good
    assert not check(boards, influx=influx, now_ms=end_ms, need_rows=True).good


def test_hostile_variable_does_not_leave_its_pattern(filled: tuple[str, int]) -> None:
    url, end_ms = filled
    boards = {"branch": model.read(GENERATED)["branch"]}
    hostile = '.*/ OR "branch" =~ /.*'
    answered = check(boards, influx=Influx(url, "bl"), now_ms=end_ms, values={"branch": hostile}).answers
    shown = [each for each in answered if each.asked.kind == "panel"]
    assert shown
    assert {each.reply.rows for each in shown} == {0}
    assert not any(each.reply.error for each in shown)


def test_a_column_the_look_relies_on_must_come_back(filled: tuple[str, int]) -> None:
    url, end_ms = filled
    board = model.read(GENERATED)["pipeline"]
    panel = next(each for each in model.panels(board) if each["title"] == "Messages")
    panel["fieldConfig"]["overrides"][0]["matcher"]["options"] = "gone"
    (layer,) = (
        each
        for each in check({"pipeline": board}, influx=Influx(url, "bl"), now_ms=end_ms).layers
        if each.name == "queries"
    )
    assert any("relies on the column" in each for each in layer.faults)

"""`status`, `incidents` and `watch` on the files of a collector that ran."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from collector.branch_file import BranchFile, BranchRow
from collector.database import FILE_NAME, open_database
from collector.incidents import book
from collector.incidents.model import AlertClass, Cause, Entry, EntryKind, Evidence, Incident, Member, Phase, Severity
from collector.terminal import incidents, status, watch
from collector.terminal.drawing import COLUMNS

NOW_S = time.time()
ROWS = (
    BranchRow("acme", "lyon-3", "rtr1", "OK", NOW_S - 90, NOW_S, "isp1", {"isp1": "UP"}, "0.1", "abc"),
    BranchRow("acme", "x" * 60, "rtr1", "ISOLATED", NOW_S - 7300, NOW_S - 90, "isp1", {"isp1": "DOWN"}, "0.1", "abc"),
)
INCIDENT = Incident(
    id="20261122-031250-4f2a",
    key="power/acme/x",
    tenant="acme",
    cause=Cause.POWER,
    confidence=0.9,
    alert_class=AlertClass.ISOLATED,
    severity=Severity.PAGE,
    phase=Phase.OPEN,
    started_s=NOW_S - 300,
    opened_s=NOW_S - 290,
    changed_s=NOW_S - 200,
    members=(Member("acme", "x" * 60, "", "ISOLATED", "", NOW_S - 300),),
    evidence=(Evidence("on_battery", NOW_S - 300, {"device": "ups"}),),
)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "branches.json").write_bytes(msgspec.json.encode(BranchFile("hq1", time.time(), True, ROWS)))
    database = open_database(tmp_path / FILE_NAME, book.SCHEMA)
    database.close()
    file = tmp_path / "collector.toml"
    file.write_text(f'[collector]\nname = "hq1"\ndata_dir = "{tmp_path}"\n[broker]\nhost = "127.0.0.1"\n')
    return file


@pytest.fixture
async def with_incident(config: Path) -> Path:
    database = open_database(config.parent / FILE_NAME, book.SCHEMA)
    entry = Entry(NOW_S - 290, EntryKind.OPENED)
    await database.run(lambda connection: book.save(connection, [INCIDENT], [(INCIDENT.id, entry)], []))
    database.close()
    return config


def test_status_fits_a_terminal_and_shows_the_worst_first(
    with_incident: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert status.main(["--config", str(with_incident)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= COLUMNS
    assert lines[0] == "2 branches: 1 ISOLATED, 1 OK"
    assert lines[1].startswith("  ISOLATED  acme/x")
    assert "2h" in lines[1]
    assert "1 open incident" in lines


def test_status_json(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert status.main(["--config", str(config), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [row["state"] for row in told["table"]["branches"]] == ["OK", "ISOLATED"]
    assert (told["incidents"], told["trouble"]) == ([], "")


def test_old_states_are_said_to_be_old(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = BranchFile("hq1", NOW_S - 500, True, ROWS)
    (config.parent / "branches.json").write_bytes(msgspec.json.encode(old))
    assert status.main(["--config", str(config)]) == 0
    assert "the collector does not seem to run" in capsys.readouterr().out.splitlines()[0]


def test_incidents_list_and_one_whole(with_incident: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert incidents.main(["--config", str(with_incident)]) == 0
    assert INCIDENT.id in capsys.readouterr().out
    assert incidents.main(["--config", str(with_incident), INCIDENT.id]) == 0
    out = capsys.readouterr().out
    assert "confidence 90%" in out
    assert max(map(len, out.splitlines())) <= COLUMNS
    assert incidents.main(["--config", str(with_incident), INCIDENT.id, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["incident"]["cause"] == "power"


def test_no_such_incident_is_one_sentence(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert incidents.main(["--config", str(config), "nope"]) == 1
    expected = "no incident has the id 'nope'; branchline incidents --all lists them\n"
    assert capsys.readouterr().err == expected
    assert incidents.main(["--config", str(config)]) == 0
    assert capsys.readouterr().out == "no open incident\n"


@pytest.mark.parametrize("command", [status.main, incidents.main, watch.main])
def test_nothing_there_is_one_sentence(
    command: Callable[[list[str]], int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "collector.toml"
    file.write_text(f'[collector]\nname = "hq1"\ndata_dir = "{tmp_path}"\n[broker]\nhost = "127.0.0.1"\n')
    assert command(["--config", str(file)]) == 1
    assert capsys.readouterr().err.endswith("no such file; has the collector run with this data_dir?\n")
    assert command(["--config", str(tmp_path / "none.toml")]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_watch_shows_and_stops(with_incident: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert watch.main(["--config", str(with_incident), "--seconds", "0.01"]) == 0
    assert "ISOLATED" in capsys.readouterr().out


@pytest.mark.parametrize("columns", [40, 200])
def test_lines_are_as_wide_as_the_terminal(
    columns: int, with_incident: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    for words in ([], [INCIDENT.id]):
        assert incidents.main(["--config", str(with_incident), *words]) == 0
        told = capsys.readouterr().out
        assert max(map(len, told.splitlines())) <= columns
        assert INCIDENT.id in told
    assert status.main(["--config", str(with_incident)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= columns
    assert ("x" * 58 in lines[1]) == (columns == 200)


async def test_records_of_another_version_are_one_sentence(
    with_incident: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    database = open_database(with_incident.parent / FILE_NAME, book.SCHEMA)
    await database.run(lambda connection: connection.execute("UPDATE incidents SET body = x'c0'"))
    database.close()
    assert incidents.main(["--config", str(with_incident)]) == 1
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert told.endswith("is it of this version of branchline?\n")


def test_watch_in_a_pipe_tells_every_second(
    config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "LOOK_EVERY_S", 0.01)
    assert watch.main(["--config", str(config), "--seconds", "0.1"]) == 0
    assert capsys.readouterr().out.count("2 branches: 1 ISOLATED, 1 OK") > 1

"""Exit codes and sentences of the agent's own commands."""

import json
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from agent import cli, control
from agent.control import Ask, Override, Release, Status
from tests.unit.agent.settings_files import TEXT

STATUS: dict[str, object] = {
    "branch_state": "OK",
    "active": "wan1",
    "move": None,
    "override": None,
    "paths": [],
    "spool": {
        "events": {"rows": 0, "dropped": 0},
        "samples": {"rows": 0, "dropped": 0},
        "trouble": None,
    },
    "uplink": None,
    "config_hash": "abc",
}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Path, Ask]]:
    asks: list[tuple[Path, Ask]] = []

    def answer(file: Path, ask: Ask) -> dict[str, object]:
        asks.append((file, msgspec.json.decode(msgspec.json.encode(ask), type=type(ask))))  # as over the socket
        return dict(STATUS)

    monkeypatch.setattr(control, "ask_agent", answer)
    return asks


def test_status_draws_or_prints_json(asked: list[tuple[Path, Ask]], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["status", "--run-dir", "/run/x"]) == 0
    assert capsys.readouterr().out.startswith("branch OK, traffic on wan1\n")
    assert cli.main(["status", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == STATUS
    assert asked == [(Path("/run/x/agent.sock"), Status()), (Path("/run/branchline/agent.sock"), Status())]


def test_override_and_release_ask_for_what_was_written(asked: list[tuple[Path, Ask]]) -> None:
    assert cli.main(["override", "wan2", "--for", "30min", "--why", "works on line 1"]) == 0
    assert cli.main(["override", "wan2", "--why", "works"]) == 0
    assert cli.main(["release"]) == 0
    assert [ask for _, ask in asked] == [
        Override("wan2", 1800.0, "works on line 1"),
        Override("wan2", 28_800.0, "works"),
        Release(),
    ]


@pytest.mark.parametrize("span", ["8", "", "8 days", "h", "-1h", "1e9h"])
def test_a_span_without_unit_is_wrong_usage(span: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["override", "wan2", f"--for={span}", "--why", "x"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("branchline agent override: --for ")
    assert said.count("\n") == 1


@pytest.mark.parametrize("words", [[], ["fly"], ["override"], ["override", "wan2"], ["status", "x"]])
def test_wrong_usage_is_exit_code_2(words: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(words)
    assert ended.value.code == 2


def test_a_refusal_is_one_sentence_and_exit_code_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(control, "ask_agent", lambda *_: {"error": "'x' is not a path here; choose one of wan1"})
    assert cli.main(["override", "x", "--why", "x"]) == 1
    assert capsys.readouterr().err == "'x' is not a path here; choose one of wan1\n"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (FileNotFoundError(2, "No such file or directory"), "no agent answers on"),
        (TimeoutError("timed out"), "(timed out)"),
        (ConnectionError("it closed the connection without an answer"), "(it closed the connection without an answer)"),
        (PermissionError(13, "Permission denied"), "not yours to open; use sudo"),
    ],
)
def test_no_agent_is_one_sentence_and_exit_code_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: OSError, said: str
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(control, "ask_agent", fail)
    assert cli.main(["status"]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert said in lines[0]


def test_a_bad_settings_file_is_one_sentence_and_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "agent.toml"
    assert cli.main(["run", "--config", str(file)]) == 2
    file.write_text(TEXT.replace("rank = 1", 'rank = "1"'))
    assert cli.main(["run", "--config", str(file)]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert "agent.toml line 19: path[2].rank is text in quotes, but must be a whole number" in lines[1]


def test_asking_loads_neither_prober_nor_database_nor_mqtt() -> None:
    """A person in trouble waits for nothing, and status works where half the agent is broken."""
    heavy = "{'agent.app', 'agent.observing', 'sqlite3', 'aiomqtt', 'pyroute2'}"
    script = (
        "import sys\nfrom agent import cli\n"
        "assert cli.main(['status', '--run-dir', '/nonexistent']) == 1\n"
        f"print(sorted({heavy} & set(sys.modules)))\n"
    )
    done = subprocess.run((sys.executable, "-c", script), capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout == "[]\n"


ROOT = Path(__file__).parents[3]

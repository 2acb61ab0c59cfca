"""`branchline dashboards`: what users are told, and the layers that other people's definitions give."""

import json
import sys
from pathlib import Path

import pytest

from branchline.__main__ import main
from dashboards import model
from dashboards.names import DASHBOARDS
from dashboards.schemas import against, read_back

GENERATED = Path(model.__file__).parent / "generated"
PAGE = Path(__file__).resolve().parents[3] / "docs" / "dashboards.md"


def test_check_says_which_layers_ran(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dashboards", "check", "--json"]) == 0
    layers = {each["name"]: each for each in json.loads(capsys.readouterr().out)["layers"]}
    assert {name for name, each in layers.items() if each["ran"]} == {"rules", "SDK model"}
    assert layers["queries"]["skipped"] == "give --influx and --database"


def test_check_without_the_sdk_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("dashboards.sdk", "dashboards.query"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    for name in [each for each in sys.modules if each.startswith("grafana_foundation_sdk")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "grafana_foundation_sdk", None)
    assert main(["dashboards", "check"]) == 0
    assert "SDK model: did not run: needs the package grafana-foundation-sdk" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["check", "--dir", "/nowhere"], 1, "/nowhere/noc-wall.json: missing; run `branchline dashboards build`"),
        (["check", "--schemas", "/nowhere"], 1, "--schemas wants the folder `jsonschema`"),
        (["check", "--influx", "http://127.0.0.1:1"], 2, "--influx and --database go together"),
        (["check", "--need-rows"], 2, "give --influx too"),
        (["check", "--influx", "localhost:8086", "--database", "bl"], 1, "write it as http://host:8086"),
        (["check", "--influx", "http://h", "--database", "b", "--token-file", "/nowhere"], 1, "cannot be read"),
    ],
)
def test_mistakes_are_one_sentence(
    words: list[str], code: int, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["dashboards", *words]) == code
    errors = capsys.readouterr().err
    assert sentence in errors
    assert errors.count("\n") == 1


@pytest.mark.parametrize("name", ["build", "check", "export", "push"])
def test_help_fits_a_terminal_and_has_an_example(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit, match="0"):
        main(["dashboards", name, "--help"])
    out = capsys.readouterr().out
    assert [line for line in out.splitlines() if len(line) > 80] == []
    assert f"branchline dashboards {name}" in out


def test_push_without_its_extra_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "grafana_client", None)
    secret = tmp_path / "token"
    words = ["dashboards", "push", "--url", "https://grafana.example.net", "--token-file", str(secret)]
    secret.write_text(" \n")
    assert main(words) == 1
    assert "holds no secret" in capsys.readouterr().err
    secret.write_text("glsa_x\n")
    assert main(words) == 1
    errors = capsys.readouterr().err
    assert errors.count("\n") == 1
    assert 'pip install "branchline[grafana]"' in errors


def test_reading_back_finds_what_the_model_does_not_know() -> None:
    board = model.read(GENERATED)["noc-wall"]
    board["colour"] = "red"
    model.panels(board)[0]["fieldConfig"]["defaults"]["unti"] = "ms"
    assert read_back(board) == [
        "/colour: unknown to the SDK's model",
        "/panels/0/fieldConfig/defaults/unti: unknown to the SDK's model",
    ]
    broken = model.read(GENERATED)["noc-wall"]
    broken["panels"][0]["gridPos"] = 7
    assert read_back(broken)


def test_schemas_from_a_folder(tmp_path: Path) -> None:
    """The shape of the official files, with one rule each; the official ones themselves are the user's."""
    board = {**model.read(GENERATED)["sla"], "panels": model.panels(model.read(GENERATED)["sla"])[:1]}
    whole = {"$ref": "#/definitions/Dashboard", "definitions": {"Dashboard": {"properties": {"uid": {"enum": ["x"]}}}}}
    (tmp_path / "dashboard.jsonschema.json").write_text(json.dumps(whole))
    stat = {"definitions": {"Options": {"type": "object", "properties": {"colorMode": {"type": "integer"}}}}}
    (tmp_path / "stat.jsonschema.json").write_text(json.dumps(stat))
    assert against(board, tmp_path) == [
        "/uid: 'sla' is not one of ['x']",
        "panel 'Branches online': /colorMode: 'background_solid' is not of type 'integer'",
    ]


def test_the_page_lists_the_dashboards_as_they_are() -> None:
    rows = [line.split("|") for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    listed = {row[1].strip(" `"): (row[2].strip(), row[3].strip()) for row in rows if row[1].strip(" `") in DASHBOARDS}
    assert listed == {uid: (each.title, each.purpose) for uid, each in DASHBOARDS.items()}


def test_the_page_names_every_panel() -> None:
    text = " ".join(PAGE.read_text().split())
    for board in model.read(GENERATED).values():
        for panel in model.panels(board):
            assert panel["title"].split(":")[0] in text, panel["title"]

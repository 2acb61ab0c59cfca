"""The committed JSON is what the code makes, and keeps the promises made to viewers."""

import json
import sys
from pathlib import Path

import pytest

from branchline.__main__ import main
from dashboards import model
from dashboards.build import GENERATED, build
from dashboards.lint import lint
from dashboards.names import DASHBOARDS, DATASOURCE_UID, WALL
from dashboards.schemas import read_back


def test_regeneration_is_a_no_op() -> None:
    made = build()
    assert made.keys() == DASHBOARDS.keys()
    assert {each.name for each in GENERATED.iterdir()} == {f"{uid}.json" for uid in made}
    for uid, body in made.items():
        assert (GENERATED / f"{uid}.json").read_bytes() == body, f"{uid}: run `branchline dashboards build`"


def test_rules_and_the_model_of_the_sdk_find_nothing() -> None:
    boards = model.read(GENERATED)
    assert lint(boards) == []
    assert [fault for board in boards.values() for fault in read_back(board)] == []


@pytest.mark.parametrize("uid", DASHBOARDS)
def test_every_dashboard_links_to_every_other_and_offers_the_database(uid: str) -> None:
    board = model.read(GENERATED)[uid]
    *others, page = board["links"]
    assert {each["url"] for each in others} == {f"/d/{other}" for other in DASHBOARDS if other != uid}
    assert all(each["keepTime"] for each in others)
    assert page["url"].startswith("${page_url}/")
    assert model.variables(board)["ds"]["current"]["value"] == DATASOURCE_UID
    assert board["tags"] == ["branchline"]
    assert any('FROM "incident"' in each.text for each in model.queries(board) if each.kind == "annotation")


def test_states_carry_a_word_and_a_shape_beside_the_colour() -> None:
    for board in model.read(GENERATED).values():
        for panel in model.panels(board):
            mapped = [panel["fieldConfig"]["defaults"].get("mappings") or []]
            properties = [each for over in panel["fieldConfig"]["overrides"] for each in over["properties"]]
            mapped += [each["value"] for each in properties if each["id"] == "mappings"]
            for result in (each for mappings in mapped for one in mappings for each in one["options"].values()):
                assert result["color"].startswith("#")
                assert result["text"], panel["title"]


def test_a_tile_leads_to_its_branch_with_the_time_range() -> None:
    wall = model.read(GENERATED)[WALL.uid]
    assert wall["refresh"] == "30s"
    (tiles,) = (each for each in model.panels(wall) if each["title"] == "Branches")
    (link,) = tiles["fieldConfig"]["defaults"]["links"]
    for part in ("/d/branch?", "${__url_time_range}", "var-branch=${__field.labels.branch}", "${ds:queryparam}"):
        assert part in link["url"]


def test_what_is_now_looks_back_a_few_minutes_only() -> None:
    """A collector that died an hour ago must not leave an hour-old "all is well" on the wall."""
    wall = {each["title"]: each for each in model.panels(model.read(GENERATED)[WALL.uid])}
    for title in ("Now", "Branches", "Branches in trouble", "Lines down by ISP", "Branches on the map"):
        assert wall[title]["timeFrom"] in {"2m", "5m"}, title


def test_build_writes_only_what_differs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dashboards", "build", "--check", "--dir", str(tmp_path)]) == 1
    assert "not what the code makes: noc-wall" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
    assert main(["dashboards", "build", "--dir", str(tmp_path)]) == 0
    assert main(["dashboards", "build", "--check", "--dir", str(tmp_path)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "6 as they were, 0 written"


def test_build_without_the_sdk_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [each for each in sys.modules if each.startswith("grafana_foundation_sdk")]:
        monkeypatch.delitem(sys.modules, name)
    for name in ("build", "frame", "looks", "panels", "query", "sdk"):
        monkeypatch.delitem(sys.modules, f"dashboards.{name}", raising=False)
    for name in [each for each in sys.modules if each.startswith("dashboards.boards")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "grafana_foundation_sdk", None)
    assert main(["dashboards", "build"]) == 1
    assert capsys.readouterr().err.startswith("branchline: build needs the package grafana-foundation-sdk")


def test_json_carries_nothing_of_one_server() -> None:
    for path in GENERATED.iterdir():
        board = json.loads(path.read_bytes())
        assert not {"id", "version", "iteration", "__inputs"} & board.keys()

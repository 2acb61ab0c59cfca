"""The files Grafana reads at start."""

import importlib
import json
from pathlib import Path
from typing import Any

import pytest

from branchline.__main__ import main
from dashboards import model
from dashboards.errors import DashboardsError
from dashboards.names import DASHBOARDS, DATASOURCE_UID
from dashboards.provisioning import Version, Wanted, files

BOARDS = model.read(Path(model.__file__).parent / "generated")
yaml = importlib.import_module("yaml")  # it has no types


def _source(wanted: Wanted) -> dict[str, Any]:
    document = yaml.safe_load(files(BOARDS, wanted)["datasources/branchline.yaml"])
    assert document["apiVersion"] == 1
    (source,) = document["datasources"]
    assert isinstance(source, dict)
    return source


@pytest.mark.parametrize("version", ["1", "2", "3"])
def test_datasource(version: Version) -> None:
    source = _source(Wanted(version=version, database="bl"))
    assert source["uid"] == DATASOURCE_UID
    assert source["type"] == "influxdb"
    assert source["access"] == "proxy"
    assert "database" not in source  # deprecated
    data = source["jsonData"]
    assert (data["dbName"], data["httpMode"], data["timeInterval"]) == ("bl", "POST", "10s")
    assert data["maxSeries"] == 5000
    if version == "1":
        assert "secureJsonData" not in source
    else:
        assert data["httpHeaderName1"] == "Authorization"
        assert source["secureJsonData"]["httpHeaderValue1"].startswith("$__file{")


def test_login_of_influxdb_1_comes_from_the_environment() -> None:
    source = _source(Wanted(version="1", username="grafana"))
    assert source["user"] == "grafana"
    assert source["secureJsonData"] == {"password": "$INFLUXDB_PASSWORD"}


def test_a_secret_itself_is_refused_and_not_repeated() -> None:
    with pytest.raises(DashboardsError, match="never the token itself") as caught:
        files(BOARDS, Wanted(secret="Token abcdef"))
    assert "abcdef" not in str(caught.value)


def test_hostile_names_stay_values() -> None:
    hostile = 'x"\n    editable: true\n  - name: $HOME'
    source = _source(Wanted(database=hostile))
    assert source["jsonData"]["dbName"] == hostile.replace("$", "$$")  # Grafana reads `$$` as a dollar
    assert source["editable"] is False
    for url in ("javascript:alert(1)", 'https://x/"', "https://x/ y"):
        with pytest.raises(DashboardsError, match="--page-url"):
            files(BOARDS, Wanted(page_url=url))


def test_export(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [
        "dashboards",
        "export",
        "--dir",
        str(tmp_path),
        "--influx-version",
        "1",
        "--page-url",
        "https://noc.example/",
    ]
    assert main(words) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2 + len(DASHBOARDS)
    (provider,) = yaml.safe_load((tmp_path / "dashboards" / "branchline.yaml").read_text())["providers"]
    assert provider["type"] == "file"
    assert provider["allowUiUpdates"] is False
    where = Path(provider["options"]["path"])
    assert {each.stem for each in where.iterdir()} == set(DASHBOARDS)
    for path in where.iterdir():
        board = json.loads(path.read_text())
        assert model.variables(board)["page_url"]["query"] == "https://noc.example"


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    assert main(["dashboards", "export", "--dir", str(tmp_path / "file")]) == 1
    errors = capsys.readouterr().err
    assert errors.count("\n") == 1
    assert "cannot be written" in errors

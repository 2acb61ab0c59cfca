"""`branchline dashboards push` with the real grafana-client, in an environment of its own, against FakeGrafana."""

import json
import os
import subprocess
import sys
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest

from dashboards.names import DASHBOARDS, FOLDER_UID
from tests.integration.dashboards.fake_grafana import FakeGrafana, serve
from tests.needs import missing

ROOT = Path(__file__).resolve().parents[3]
TOKEN = "glsa_secret"
LOCK = ROOT / "requirements" / "grafana.txt"


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python with the extra `grafana` and nothing else."""
    home = tmp_path_factory.mktemp("grafana-client")
    venv.create(home, with_pip=False)
    words = [
        sys.executable,
        "-m",
        "pip",
        "--quiet",
        "--disable-pip-version-check",
        "--python",
        str(home / "bin/python"),
    ]
    words += ["install", "--require-hashes", "--no-deps", "--retries", "1", "-r", str(LOCK)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=50, check=False)
    if done.returncode:
        missing(f"grafana-client could not be installed: {done.stderr[-300:]}")
    return home / "bin" / "python"


@pytest.fixture
def grafana() -> Iterator[tuple[FakeGrafana, str]]:
    server = FakeGrafana(TOKEN)
    with serve(server) as url:
        yield server, url


def _push(python: Path, tmp_path: Path, url: str, *words: str, token: str = TOKEN) -> tuple[int, dict[str, str], str]:
    """Exit code, outcome of each thing, and standard error."""
    secret = tmp_path / "token"
    secret.write_text(token)
    command = [str(python), "-m", "branchline", "dashboards", "push", "--json", *words]
    command += ["--url", url, "--token-file", str(secret)]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "NO_PROXY": "127.0.0.1"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False, env=environment)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return done.returncode, {each["what"]: each["outcome"] for each in lines}, done.stderr


def test_makes_everything_once_and_then_leaves_it(
    python: Path, tmp_path: Path, grafana: tuple[FakeGrafana, str]
) -> None:
    server, url = grafana
    code, outcome, _ = _push(python, tmp_path, url, "--dry-run")
    assert code == 0
    assert {outcome[uid] for uid in DASHBOARDS} == {"would be made"}
    assert not [each for each in server.requests if each[0] != "GET"]

    code, outcome, _ = _push(python, tmp_path, url, "--page-url", "https://noc.example.net/")
    assert code == 0
    assert {outcome[uid] for uid in DASHBOARDS} == {"made"}
    assert outcome[f"folder {FOLDER_UID}"] == "made"
    assert set(server.dashboards) == set(DASHBOARDS)
    wall = server.dashboards["noc-wall"]["dashboard"]
    assert [each["query"] for each in wall["templating"]["list"] if each["name"] == "page_url"] == [
        "https://noc.example.net"
    ]

    code, outcome, _ = _push(python, tmp_path, url, "--page-url", "https://noc.example.net")
    assert code == 0
    assert {outcome[uid] for uid in DASHBOARDS} == {"already the same"}
    assert {each["dashboard"]["version"] for each in server.dashboards.values()} == {1}
    assert not server.strange
    assert {method for method, _ in server.requests} == {"GET", "POST"}


def test_what_somebody_changed_is_replaced_on_request_only(
    python: Path, tmp_path: Path, grafana: tuple[FakeGrafana, str]
) -> None:
    server, url = grafana
    assert _push(python, tmp_path, url)[0] == 0
    server.dashboards["sla"]["dashboard"].update(title="ours", version=2)

    code, outcome, _ = _push(python, tmp_path, url)
    assert code == 1
    assert outcome["sla"].startswith("differs there, left as it is")
    assert server.dashboards["sla"]["dashboard"]["title"] == "ours"

    code, outcome, _ = _push(python, tmp_path, url, "--overwrite")
    assert (code, outcome["sla"], outcome["branch"]) == (0, "replaced", "already the same")
    assert server.dashboards["sla"]["dashboard"]["title"] == "branchline: SLA"


def test_a_change_of_this_very_moment_is_not_lost(
    python: Path, tmp_path: Path, grafana: tuple[FakeGrafana, str]
) -> None:
    server, url = grafana
    assert _push(python, tmp_path, url)[0] == 0
    server.dashboards["noc-wall"]["dashboard"]["title"] = "old"
    server.before_save = {**server.dashboards["noc-wall"]["dashboard"], "title": "theirs"}
    code, _, errors = _push(python, tmp_path, url, "--overwrite")
    assert code == 1
    assert errors.startswith("branchline: noc-wall: somebody changed it there this very moment; push again")
    assert server.dashboards["noc-wall"]["dashboard"]["title"] == "theirs"


def test_wrong_token_and_no_server_are_one_sentence(
    python: Path, tmp_path: Path, grafana: tuple[FakeGrafana, str]
) -> None:
    server, url = grafana
    code, _, errors = _push(python, tmp_path, url, token="wrong")
    assert code == 1
    assert errors.count("\n") == 1
    assert "refuses the token" in errors
    assert "wrong" not in errors
    assert not server.dashboards

    code, _, errors = _push(python, tmp_path, "http://127.0.0.1:9")
    assert code == 1
    assert errors.count("\n") == 1
    assert "http://127.0.0.1:9: cannot be reached" in errors


def test_fake_is_as_strict_as_the_real_one() -> None:
    server = FakeGrafana(TOKEN)
    board = {"uid": "u", "title": "t"}

    def post(body: object) -> int:
        return server.answer("POST", "/api/dashboards/db", f"Bearer {TOKEN}", json.dumps(body).encode())[0]

    assert server.answer("GET", "/api/dashboards/uid/u", "", b"")[0] == 401
    assert post({"dashboard": board, "folderUid": "f"}) == 400  # no such folder
    server.folders["f"] = "F"
    wrapped = {"apiVersion": "dashboard.grafana.app/v1", "kind": "Dashboard", "spec": board}
    assert post({"dashboard": wrapped, "folderUid": "f"}) == 400
    assert post(wrapped) == 400
    assert post({"dashboard": board, "folderUid": "f"}) == 200
    assert post({"dashboard": board, "folderUid": "f"}) == 412
    assert post({"dashboard": {**board, "version": 1}, "folderUid": "f"}) == 200

"""Every query of every dashboard on a real InfluxDB 1.6 that the demo filled, as a newcomer with Grafana would."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.integration.collector.servers import ROOT, free_port, influxd, serve
from tests.needs import needs_program

SECONDS = 35
pytestmark = [needs_program("influxd"), pytest.mark.timeout(180)]


def _branchline(*words: str) -> dict[str, Any]:
    """Run a command; its JSON: of the demo the last line, which counts."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-P", "-m", "branchline", *words, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=150, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    text = done.stdout
    told: dict[str, Any] = json.loads(text if words[0] == "dashboards" else text.splitlines()[-1])
    return told


def test_the_demo_fills_what_the_dashboards_ask(tmp_path: Path) -> None:
    for server in serve(influxd(tmp_path, free_port())):
        url = f"http://127.0.0.1:{server.port}"
        told = _branchline("demo", "--seconds", str(SECONDS), "--influx", url)
        assert (told["branches"], told["lost"]) == (255, 0)
        checked = _branchline("dashboards", "check", "--influx", url, "--database", "branchline_demo")
        assert checked["good"] is True
        wall = [query for query in checked["queries"] if query["dashboard"] == "noc-wall"]
        assert wall
        assert [query for query in wall if not query["rows"]] == []

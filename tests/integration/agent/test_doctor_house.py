"""The doctor beside a running agent and actor, as its user and without privilege, and its bench."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.agent.doctor_branch import DoctorBranch, doctor_branch
from tests.integration.failover.branch_net import wait_for
from tests.needs import needs_program, needs_root

pytestmark = [needs_root, needs_program("nft"), needs_program("ip")]


@pytest.fixture(scope="module")
def branch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DoctorBranch]:
    """With its agent."""
    with doctor_branch(tmp_path_factory.mktemp("doctor")) as made:
        words = (sys.executable, "-m", "branchline", "agent", "run", "--config", str(made.file), "--events-stdout")
        made.net.spawn(made.net.router, *words, ready='"ready"')
        wait_for((made.run_dir / "agent.sock").exists)
        yield made


def test_a_whole_branch_is_well(branch: DoctorBranch) -> None:
    report = branch.doctor()
    assert report.failed() == set(), report.document
    assert report.of("agent")["said"].endswith("traffic on isp1")
    assert report.of("records")["said"].endswith("0 dropped since the agent started")


def test_settings_that_changed_since_the_start(branch: DoctorBranch) -> None:
    before = branch.file.read_text()
    branch.file.write_text(before + "# later\n")
    try:
        finding = branch.doctor().of("agent")
    finally:
        branch.file.write_text(before)
    assert (finding["mark"], "`systemctl reload branchline-agent`" in finding["remedy"]) == ("warn", True)


def test_the_bench_knows_the_processes_behind_the_sockets(branch: DoctorBranch) -> None:
    done = branch.command("doctor", "--bench", "--json", "--config", str(branch.file))
    assert done.returncode == 0
    document = json.loads(done.stdout)
    assert set(document["processes"]) == {"agent", "actor", "canary"}
    for seen in document["processes"].values():
        assert 1 < seen["pss_mib"] < 100
        assert seen["cpu_percent_of_core"] is not None
    assert 95 < document["probing"]["probes_per_s"] < 105
    assert document["probing"]["unanswered"] == 0
    assert document["disk"]["is_state_dir"]


def test_without_privilege_it_says_what_it_could_not_see(branch: DoctorBranch) -> None:
    """A user who may open nothing of ours still gets routes, rules, interfaces and probes."""
    root = str(Path(__file__).parents[3])
    words = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--bounding-set", "-all")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        file = Path(folder, "agent.toml")
        text = branch.file.read_text() + '[broker]\nhost = "127.0.0.1"\npassword_file = "/root/password"\n'
        file.write_text(text)
        command = (sys.executable, "-m", "branchline", "doctor", "--json", "--config", str(file))
        done = subprocess.run(
            ("ip", "netns", "exec", branch.net.router, *words, *command),
            capture_output=True,
            text=True,
            check=False,
            cwd=root,
            timeout=50,
            env={**os.environ, "PYTHONPATH": root, "PYTHONDONTWRITEBYTECODE": "1"},
        )
    assert done.stderr == ""
    findings = json.loads(done.stdout)["findings"]
    marks = {item["check"]: item["mark"] for item in findings}
    unseen = {"agent", "actor", "canary", "mended", "resolvers", "broker", "collector", "spool disk", "records"}
    assert {check for check, mark in marks.items() if mark == "skip"} == unseen, findings
    assert {marks[check] for check in ("rules", "tables", "interface", "probes", "gateway")} == {"ok"}
    assert "FAIL" not in marks.values()

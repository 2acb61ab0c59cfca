"""`branchline commission` at a terminal: real agent and dry-run actor, a test that pulls the veth, a pty in between."""

import contextlib
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from tests.integration.agent.agent_branch import ROOT, SETTINGS, AgentBranch, agent_branch, wait_until
from tests.integration.agent.namespace import ip
from tests.needs import needs_program, needs_root

pytestmark = [needs_root, needs_program("ip")]


class AtTerminal:
    """The command on a pty of its own; `until` reads what it shows, `types` answers."""

    def __init__(self, branch: AgentBranch, *options: str) -> None:
        ours, theirs = pty.openpty()
        self._ours = ours
        self.shown = ""
        self._read = 0
        words = (sys.executable, "-m", "branchline", "commission", "--config", str(branch.file), *options)
        self.process = subprocess.Popen(
            words, stdin=theirs, stdout=theirs, stderr=theirs, cwd=branch.folder,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "LANG": "C.UTF-8"},
            start_new_session=True,
        )  # fmt: skip
        os.close(theirs)

    def until(self, pattern: str, within_s: float = 15.0) -> None:
        """Read on until it shows something new that matches."""
        end_s = time.monotonic() + within_s
        while not (found := re.search(pattern, self.shown[self._read :])):
            left_s = end_s - time.monotonic()
            assert left_s > 0, f"{pattern} was not shown: {self.shown}"
            if select.select([self._ours], [], [], left_s)[0]:
                try:
                    self.shown += os.read(self._ours, 65_536).decode()
                except OSError:  # the other end is closed
                    assert re.search(pattern, self.shown[self._read :]), self.shown
        self._read += found.end()

    def types(self, line: str) -> None:
        os.write(self._ours, line.encode() + b"\n")

    def ends(self) -> int:
        with contextlib.suppress(OSError):
            while more := os.read(self._ours, 65_536):
                self.shown += more.decode()
        return self.process.wait(10)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(5)
        os.close(self._ours)


@pytest.fixture
def branch() -> Iterator[AgentBranch]:
    with agent_branch() as made:
        made.start("actor")
        made.start_agent()
        wait_until(lambda: made.up() and made.active() == "wan0")
        yield made


def pull(branch: AgentBranch, wire: str) -> None:
    ip("-n", branch.far, "link", "set", wire, "down")


def plug(branch: AgentBranch, wire: str) -> None:
    ip("-n", branch.far, "link", "set", wire, "up")


def test_every_cable_in_turn(branch: AgentBranch) -> None:
    engineer = AtTerminal(branch, "--json", "record.json")
    try:
        engineer.until(r"Your name \[\w+\]: ")
        engineer.types("Ana Silva")
        engineer.until(r"\[1/9\] Plug in every line: wan0, wan1\.")
        engineer.until(r"\[2/9\] Pull the cable of wan0 now\.")
        pull(branch, "wan0")
        engineer.until(r"\+ PASS: DOWN; traffic on wan1 after \d\.\d s; branch OK|DEGRADED")
        engineer.until(r"\[3/9\] Plug wan0 back in\.")
        engineer.until(r"waiting, \d+ s left: not UP: wan0 DOWN")
        plug(branch, "wan0")
        engineer.until(r"\+ PASS: UP; traffic on wan\d")
        engineer.until(r"\[4/9\] Pull the cable of wan1 now\.")
        pull(branch, "wan1")
        engineer.until(r"\+ PASS: DOWN; traffic")
        plug(branch, "wan1")
        engineer.until(r"\+ PASS: UP")
        assert engineer.ends() == 0
    finally:
        engineer.close()
    sheet = engineer.shown[engineer.shown.index("ACCEPTANCE SHEET") :].replace("\r", "")
    assert "Branch      acme/lyon-3" in sheet
    assert "Ana Silva" in sheet
    for absent in ("pull all wires", "collector reached", "pull the UPS plug", "wet the water sensor"):
        assert re.search(rf"^- NOT CONFIGURED {absent}", sheet, re.MULTILINE)
    assert "EVERY STEP PASSED AS A DRY RUN: no traffic was really moved." in sheet
    assert max(map(len, sheet.splitlines())) <= 80
    assert len(sheet.splitlines()) <= 60
    record = json.loads((branch.folder / "record.json").read_text())
    assert (record["by"], record["dry_run"], record["config_hash"]) == ("Ana Silva", True, branch.ask()["config_hash"])
    moved = next(result for result in record["results"] if result["step"] == "pull:wan0")
    assert (moved["outcome"], moved["code"]) == ("pass", "moved")
    assert 0 <= moved["values"]["took_s"] < 3


def test_skipped_stopped_and_gone_on_with(branch: AgentBranch) -> None:
    first = AtTerminal(branch, "--by", "Ana", "--json", "record.json", "--language", "fr")
    try:
        first.until(r"\[2/9\] Débranchez maintenant le câble de wan0\.")
        first.types("s")
        first.until("Pourquoi est-elle passée")
        first.types("armoire fermée")
        first.until(r"\[3/9\]")
        first.until(r"\[4/9\]")
        os.killpg(first.process.pid, signal.SIGINT)
        assert first.ends() == 1
        assert "Reprendre avec : branchline commission" in first.shown
        assert "Traceback" not in first.shown
    finally:
        first.close()
    second = AtTerminal(branch, "--json", "record.json", "--resume", "--by", "Luc")
    try:
        second.until(r"\[4/9\] Pull the cable of wan1 now\.")
        pull(branch, "wan0")
        second.until(r"wan0 went DOWN instead: is that the right cable\?")
        plug(branch, "wan0")
        second.until(r"not DOWN: wan1 UP")
        pull(branch, "wan1")
        second.until(r"\+ PASS")
        plug(branch, "wan1")
        assert second.ends() == 1
    finally:
        second.close()
    assert "NOT ACCEPTED: 0 failed, 1 skipped, 0 not done." in second.shown
    assert "armoire fermée" in second.shown
    record = json.loads((branch.folder / "record.json").read_text())
    assert {result["by"] for result in record["results"]} == {"Ana", "Luc"}


def test_a_cable_nobody_pulls_fails_and_can_be_tried_again(branch: AgentBranch) -> None:
    engineer = AtTerminal(branch, "--by", "Ana", "--wait", "1s")
    try:
        engineer.until(r"X FAIL: not DOWN: wan0 UP\. Enter: once more, c: carry on, q: stop\. ")
        engineer.types("")
        engineer.until(r"X FAIL: not DOWN: wan0 UP")
        engineer.types("c")
        engineer.until(r"\[4/9\]")
        engineer.until(r"X FAIL: not DOWN: wan1 UP")
        engineer.types("q")
        assert engineer.ends() == 1
    finally:
        engineer.close()
    record = json.loads((branch.folder / "commission-lyon-3-rtr1.json").read_text())
    assert [result["step"] for result in record["results"] if result["outcome"] == "fail"] == ["pull:wan0", "pull:wan1"]


def test_nobody_at_the_terminal(branch: AgentBranch) -> None:
    def commission(*options: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            (sys.executable, "-m", "branchline", "commission", "--config", str(branch.file), *options),
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, cwd=branch.folder, timeout=30,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
        )  # fmt: skip

    refused = commission()
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert "use --yes" in refused.stderr
    for name in ("x" * 61, "Ana\x9b2J", "Ana\u202e"):
        nameless = commission("--yes", "--by", name)
        assert (nameless.returncode, nameless.stderr.count("--by is no name")) == (2, 1)
    done = commission("--yes", "--by", "robot", "--wait", "500ms")
    assert done.returncode == 1
    assert "NOT ACCEPTED: 2 failed, 0 skipped, 0 not done." in done.stdout
    again = commission("--yes", "--by", "robot")
    assert (again.returncode, "is there already" in again.stderr) == (2, True)
    branch.settings(SETTINGS.replace("203.0.113.13", "203.0.113.14"))
    other = commission("--yes", "--json", "other.json")
    assert other.returncode == 1
    assert "the agent runs with other settings" in other.stderr
    changed = commission("--yes", "--resume")
    assert changed.returncode == 2
    assert "was made with other settings" in changed.stderr
    branch.close()
    gone = commission("--yes", "--json", "other.json")
    assert (gone.returncode, gone.stderr.count("\n")) == (1, 1)
    assert "no agent answers" in gone.stderr

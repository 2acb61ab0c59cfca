"""A real agent whose wires are cut one after the other, watched through the page from the branch's LAN."""

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.integration.agent.agent_branch import SETTINGS, AgentBranch, agent_branch, wait_until
from tests.integration.agent.namespace import ip, namespace
from tests.needs import needs_program, needs_root

pytestmark = [needs_root, needs_program("ip"), needs_program("curl")]

URL = "http://192.168.44.1:8481"


@pytest.fixture
def branch_and_lan() -> Iterator[tuple[AgentBranch, str]]:
    with agent_branch() as branch, namespace() as lan:
        ip("-n", branch.near, "link", "add", "lan0", "type", "veth", "peer", "name", "lan0", "netns", lan)
        for name, address in ((branch.near, "192.168.44.1/24"), (lan, "192.168.44.9/24")):
            ip("-n", name, "address", "add", address, "dev", "lan0")
            ip("-n", name, "link", "set", "lan0", "up")
        branch.settings(SETTINGS + '\n[page]\nlisten = "192.168.44.1:8481"\n')
        yield branch, lan


def seen_from(namespace_: str, path: str = "/", *options: str) -> tuple[str, str]:
    """HTTP status and body, "000" when nothing answers."""
    done = subprocess.run(
        ("ip", "netns", "exec", namespace_, "curl", "-s", "-m", "3", "-w", "\n%{http_code}", *options, URL + path),
        capture_output=True,
        text=True,
        check=False,
    )
    body, _, code = done.stdout.rpartition("\n")
    return code, body


def test_the_page_follows_a_branch_until_it_is_cut_off(branch_and_lan: tuple[AgentBranch, str]) -> None:
    branch, lan = branch_and_lan
    branch.start("page")
    wait_until(lambda: seen_from(lan)[0] == "503")
    assert "does not answer" in seen_from(lan)[1]
    branch.start("actor")
    branch.start_agent()
    wait_until(lambda: "Everything works" in seen_from(lan)[1], 15.0)
    branch.cut("wan0")
    wait_until(lambda: "Traffic goes over wan1." in seen_from(lan)[1])
    assert "Works, but not every line does" in seen_from(lan)[1]
    branch.cut("wan1")
    wait_until(lambda: "Cut off: no line answers" in seen_from(lan)[1])
    code, body = seen_from(lan, "/status.json")
    assert (code, json.loads(body)["branch_state"]) == ("200", "ISOLATED")
    assert "unknown: no battery is read" in seen_from(lan)[1]


def test_an_override_given_on_the_router_is_shown(branch_and_lan: tuple[AgentBranch, str]) -> None:
    branch, lan = branch_and_lan
    branch.start("actor")
    branch.start_agent()
    branch.start("page")
    wait_until(lambda: branch.up() and branch.active() == "wan0")
    words = [sys.executable, "-m", "branchline", "agent", "override", "wan1", "--for", "8h", "--why", "works on line 1"]
    subprocess.run([*words, "--run-dir", str(branch.folder / "run")], check=True, capture_output=True)
    wait_until(lambda: "wan1 was chosen by hand until" in seen_from(lan)[1])
    assert "(8 h more): works on line 1" in seen_from(lan)[1]


def test_nobody_beyond_the_isp_sees_the_page(branch_and_lan: tuple[AgentBranch, str]) -> None:
    """Linux would answer for the LAN's address on a WAN interface."""
    branch, lan = branch_and_lan
    ip("-n", branch.far, "address", "add", "9.9.9.9/32", "dev", "lo")
    ip("-n", branch.far, "route", "add", "192.168.44.0/24", "via", "10.0.0.2")
    branch.start("page")
    wait_until(lambda: seen_from(lan)[0] == "503")
    for neighbour in ("10.0.0.1", "9.9.9.9"):
        assert seen_from(branch.far, "/", "--interface", neighbour)[0] == "000"
    assert seen_from(lan)[0] == "503"

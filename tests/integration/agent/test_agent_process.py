"""The agent process: started wrong, signalled, robbed of its disk and of its actor, asked by strangers."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.control import Override, Release
from tests.integration.agent.agent_branch import ROOT, SETTINGS, AgentBranch, agent_branch, wait_until
from tests.integration.agent.namespace import ip, sysctl
from tests.needs import needs_program, needs_root

pytestmark = [needs_root, needs_program("ip")]


@pytest.fixture
def branch() -> Iterator[AgentBranch]:
    with agent_branch() as made:
        yield made


def with_actor(branch: AgentBranch) -> "subprocess.Popen[bytes]":
    """Agent and actor, both wires up and the first in use."""
    branch.start("actor")
    agent = branch.start_agent()
    wait_until(lambda: branch.up() and branch.active() == "wan0")
    return agent


def test_a_cut_wire_is_left_and_a_hang_up_keeps_what_did_not_change(branch: AgentBranch) -> None:
    agent = with_actor(branch)
    before = branch.ask()["config_hash"]
    sockets = icmp_sockets(agent.pid)
    said = len(branch.events())
    other_anchor = SETTINGS.replace("203.0.113.13", "10.0.1.1").replace('hold = "1s"', 'hold = "2s"')
    branch.settings(other_anchor.replace("rank = 1", "rank = 9"))
    agent.send_signal(signal.SIGHUP)
    wait_until(lambda: branch.ask()["config_hash"] != before)
    assert icmp_sockets(agent.pid) == sockets
    assert [event for event in branch.events()[said:] if event["event"] == "StateChange"] == []
    wait_until(lambda: branch.active() == "wan1")  # it ranks first now, and is proved by its anchors
    branch.cut("wan1")
    wait_until(lambda: branch.active() == "wan0", 3.0)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("rank = 1", "rank = ", "agent.toml line 15: not valid TOML"),
        ("rank = 1", "rank = 2", "path[2].rank: 2 is also path[1]'s"),
        ('"rtr1"', '"rtr2"', "[agent] changed; restart the agent"),
        ('interface = "wan1"', 'interface = "wan7"', "interface of path wan1 changed; restart actor and agent"),
        (
            "[failover]",
            '[proof]\ndns_name = "a.b"\ntls_host = "a.b"\ntls_ca_file = "/nonexistent"\n[failover]',
            "proof.tls_ca_file: /nonexistent cannot be used (No such file or directory)",
        ),
    ],
)
def test_a_bad_file_is_refused_whole(branch: AgentBranch, old: str, new: str, sentence: str) -> None:
    agent = branch.start_agent()
    wait_until(branch.up)
    before = branch.ask()["config_hash"]
    # Something else in it is right, and not taken either.
    branch.settings(SETTINGS.replace(old, new).replace("203.0.113.12", "203.0.113.99"))
    agent.send_signal(signal.SIGHUP)
    wait_until(lambda: "settings kept as they were" in branch.log())
    assert sentence in branch.log()
    assert "Traceback" not in branch.log()
    assert branch.ask()["config_hash"] == before
    branch.settings(SETTINGS.replace("rank = 2", "rank = 3"))
    agent.send_signal(signal.SIGHUP)
    wait_until(lambda: branch.ask()["config_hash"] != before)


def test_hang_ups_from_the_first_moment_on_do_no_harm(branch: AgentBranch) -> None:
    agent = branch.start_agent()
    wait_until(lambda: "SIGHUP" in handled(agent.pid))
    for _ in range(20):
        agent.send_signal(signal.SIGHUP)
        time.sleep(0.01)
    wait_until(branch.up, 20.0)
    assert agent.poll() is None
    assert "Traceback" not in branch.log()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_is_quick_and_leaves_the_routes(branch: AgentBranch, number: signal.Signals) -> None:
    agent = with_actor(branch)
    routes = subprocess.run(("ip", "-n", branch.near, "route"), capture_output=True, check=True).stdout
    began = time.monotonic()
    agent.send_signal(number)
    assert agent.wait(5) == 0
    assert time.monotonic() - began < 1.0
    assert subprocess.run(("ip", "-n", branch.near, "route"), capture_output=True, check=True).stdout == routes
    assert "Traceback" not in branch.log()


def test_strict_reverse_path_filtering_is_refused_at_start_and_told_when_it_comes_later(branch: AgentBranch) -> None:
    sysctl(branch.near, "net.ipv4.conf.wan1.rp_filter", "1")
    agent = branch.start_agent()
    assert agent.wait(10) == 1
    assert branch.log().startswith("branchline agent: path wan1: net.ipv4.conf.wan1.rp_filter is 1 (strict)")
    assert branch.log().count("\n") == 1
    ip("-n", branch.near, "link", "del", "wan1")
    sysctl(branch.near, "net.ipv4.conf.default.rp_filter", "1")
    branch.start_agent()
    wait_until(lambda: branch.up("wan0"))
    wait_until(lambda: branch.states()["wan1"] == "DOWN")
    ip("-n", branch.near, "link", "add", "wan1", "type", "veth", "peer", "name", "wan1", "netns", branch.far)
    wait_until(lambda: "path wan1: net.ipv4.conf.wan1.rp_filter is 1" in branch.log())


def test_an_interface_that_is_missing_at_start_is_used_when_it_comes(branch: AgentBranch) -> None:
    ip("-n", branch.near, "link", "del", "wan1")
    branch.start("actor")
    branch.start_agent()
    wait_until(lambda: branch.up("wan0"))
    ip("-n", branch.near, "link", "add", "wan1", "type", "veth", "peer", "name", "wan1", "netns", branch.far)
    for name, host in ((branch.near, 2), (branch.far, 1)):
        ip("-n", name, "address", "add", f"10.0.1.{host}/24", "dev", "wan1")
        ip("-n", name, "link", "set", "wan1", "up")
    sysctl(branch.near, "net.ipv4.conf.wan1.rp_filter", "2")
    ip("-n", branch.near, "route", "add", "default", "via", "10.0.1.1", "dev", "wan1", "metric", "101")
    wait_until(branch.up)
    branch.cut("wan0")
    wait_until(lambda: branch.active() == "wan1", 3.0)


@pytest.mark.parametrize("state", ["missing", "full"])
def test_without_a_disk_it_judges_and_moves(branch: AgentBranch, state: str) -> None:
    folder = branch.folder / "state"
    if state == "missing":
        folder.write_text("a file where the directory should be")
        with_actor(branch)
    else:
        folder.mkdir()
        subprocess.run(("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)), check=True)
    try:
        if state == "full":
            (folder / "filler").write_bytes(b"\0" * 65_536)
            with_actor(branch)
        branch.cut("wan0")
        wait_until(lambda: branch.active() == "wan1", 3.0)
        spool = branch.ask()["spool"]
        assert isinstance(spool, dict)
        assert spool["trouble"]
        wait_until(lambda: "memory.json cannot be written" in branch.log())
        assert "Traceback" not in branch.log()
    finally:
        branch.close()
        if state == "full":
            subprocess.run(("umount", str(folder)), check=True)


def test_without_an_actor_it_watches_says_so_once_and_takes_the_actor_when_it_comes(branch: AgentBranch) -> None:
    branch.start_agent()
    wait_until(branch.up, 8.0)  # probing does not wait for the actor
    wait_until(lambda: any(event["event"] == "ready" for event in branch.events()), 15.0)
    assert branch.ask()["active"] is None
    assert branch.log().count("no actor:") == 1
    branch.start("actor")
    wait_until(lambda: branch.active() == "wan0", 3.0)
    branch.cut("wan0")
    wait_until(lambda: branch.active() == "wan1", 3.0)


@pytest.mark.parametrize("content", [b"", b'{"boot_id": "', b"\xff" * 4096, b'{"version": 99}'])
def test_a_torn_memory_is_told_and_forgotten(branch: AgentBranch, content: bytes) -> None:
    (branch.folder / "state").mkdir()
    (branch.folder / "state" / "memory.json").write_bytes(content)
    branch.start_agent()
    wait_until(branch.up)
    assert "memory.json cannot be read" in branch.log()
    file = branch.folder / "state" / "memory.json"
    wait_until(lambda: file.read_bytes() != content)
    assert json.loads(file.read_bytes())["memory"]["version"] == 1


def test_an_override_outlives_a_kill_and_ends_by_release(branch: AgentBranch) -> None:
    agent = with_actor(branch)
    answer = branch.ask(Override("wan1", 3600.0, "works on line 1"))
    assert "error" not in answer
    wait_until(lambda: branch.active() == "wan1")
    time.sleep(1.1)  # the memory is written at most once a second
    agent.kill()
    agent.wait(5)
    branch.start_agent()
    wait_until(lambda: branch.up() and branch.active() == "wan1")
    override = branch.ask()["override"]
    assert isinstance(override, dict)
    assert override["why"] == "works on line 1"
    branch.ask(Release())
    wait_until(lambda: branch.active() == "wan0")


def test_strangers_may_not_ask_and_the_group_may_look_but_not_act(branch: AgentBranch) -> None:
    branch.start_agent()
    wait_until(branch.up)
    assert "Permission denied" in as_stranger(branch, 65_534, '{"ask":"status"}')
    assert '"branch_state"' in as_stranger(branch, 0, '{"ask":"status"}')
    for ask in ('{"ask":"override","path":"wan1","for_s":60,"why":"x"}', '{"ask":"release"}'):
        assert "only root and the agent's own user may act" in as_stranger(branch, 0, ask)


def test_the_commands_work_on_the_branch_itself(branch: AgentBranch) -> None:
    def agent(*words: str) -> "subprocess.CompletedProcess[str]":
        command = (sys.executable, "-m", "branchline", "agent", *words, "--run-dir", str(branch.folder / "run"))
        return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)

    gone = agent("status")
    assert (gone.returncode, gone.stderr.count("\n")) == (1, 1)
    assert "start it, or name its run_dir with --run-dir" in gone.stderr
    with_actor(branch)
    shown = agent("status")
    assert shown.returncode == 0
    assert shown.stdout.startswith("branch OK, traffic on wan0\n")
    assert "* wan0 UP " in shown.stdout
    assert max(map(len, shown.stdout.splitlines())) <= 80
    refused = agent("override", "wan7", "--why", "x")
    assert (refused.returncode, refused.stderr) == (1, "'wan7' is not a path here; choose one of wan0, wan1\n")
    assert agent("override", "wan1", "--for", "8d", "--why", "x").returncode == 1
    assert "override: wan1 for 8h more (x)" in agent("override", "wan1", "--why", "x").stdout
    wait_until(lambda: branch.active() == "wan1")
    assert json.loads(agent("release", "--json").stdout)["override"] is None


def test_whoever_stops_reading_standard_output_does_not_end_it(branch: AgentBranch) -> None:
    reader, writer = os.pipe()
    command = ("ip", "netns", "exec", branch.near, *branch.command("run"), "--events-stdout")
    agent = subprocess.Popen(command, stdout=writer, stderr=subprocess.PIPE, cwd=ROOT)
    try:
        os.close(writer)
        os.read(reader, 1)
        os.close(reader)
        wait_until(branch.up)
        branch.cut("wan0")
        wait_until(lambda: branch.states().get("wan0") == "DOWN")
        assert agent.poll() is None
    finally:
        agent.terminate()
        _, said = agent.communicate(timeout=5)
    assert said.count(b"nobody reads standard output any more") == 1


def as_stranger(branch: AgentBranch, group: int, line: str) -> str:
    """What user 65534 of that group is answered, or the error it gets."""
    script = (
        "import socket, sys\ns = socket.socket(socket.AF_UNIX)\n"
        "try:\n s.connect(sys.argv[1]); s.sendall(sys.argv[2].encode() + b'\\n'); print(s.makefile().read())\n"
        "except OSError as error:\n print(error)\n"
    )
    ids = ("--reuid=65534", f"--regid={group}", "--clear-groups")
    socket_file = str(branch.folder / "run" / "agent.sock")
    command = ("setpriv", *ids, "/usr/bin/python3", "-c", script, socket_file, line)
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def icmp_sockets(pid: int) -> set[str]:
    """The inodes of a process's ping sockets."""
    rows = {line.split()[9] for line in Path(f"/proc/{pid}/net/icmp").read_text().splitlines()[1:]}
    links = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            links.add(str(entry.readlink()))
    return rows & {link.removeprefix("socket:[").removesuffix("]") for link in links}


def handled(pid: int) -> set[str]:
    """The names of the signals a process handles itself."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    mask = next(int(line.split()[1], 16) for line in lines if line.startswith("SigCgt"))
    return {number.name for number in signal.Signals if mask >> (number - 1) & 1}

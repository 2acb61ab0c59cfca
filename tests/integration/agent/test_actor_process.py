"""The actor process: who may ask, what it refuses, and what a kill, a vanished agent or bad bytes do to a branch."""

import asyncio
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from agent.actor_client import ActorClient, ActorGoneError
from failover.actuators.protocol import (
    Apply,
    Commit,
    Counted,
    Counters,
    Done,
    Evidence,
    Refused,
    Reply,
    Request,
    Rollback,
    Snapshot,
    SnapshotRequest,
)
from tests.integration.agent.conftest import Branch
from tests.integration.failover.branch_net import inside, run, wait_for
from tests.needs import needs_program, needs_root
from wire.messages import ActKind

pytestmark = [needs_root, needs_program("nft"), needs_program("ip")]

DEAD_WIRE = Evidence(from_silent_s=0.5, target_answered_s=0.2, target_proved_s=None)
RUN = "import sys; from agent.actor.main import main; sys.exit(main(sys.argv[1:]))"
ACTOR = (sys.executable, "-c", RUN)


def start(branch: Branch) -> subprocess.Popen[str]:
    return branch.net.spawn(branch.net.router, *ACTOR, "--config", str(branch.file), ready="listening")


def ask(branch: Branch, request: Request) -> Reply:
    async def once() -> Reply:
        client = ActorClient(branch.run_dir / "actor.sock")
        end = time.monotonic() + 5
        try:
            while True:
                try:
                    return await client.request(request, 2)
                except ActorGoneError:
                    if time.monotonic() > end:
                        raise
                    await asyncio.sleep(0.02)
        finally:
            await client.close()

    return asyncio.run(once())


def move(path: str, *, name: str = "m1", trial_s: float = 10.0, evidence: Evidence = DEAD_WIRE) -> Apply:
    return Apply(name, path, ActKind.EMERGENCY, trial_s, evidence)


def snapshot(branch: Branch) -> Snapshot:
    reply = ask(branch, SnapshotRequest())
    assert isinstance(reply, Snapshot)
    return reply


def cut(branch: Branch, path: str) -> None:
    run(
        "ip",
        "netns",
        "exec",
        branch.net.provider(path),
        "nft",
        "-f",
        "-",
        text="table inet cut { chain in { type filter hook prerouting priority raw; policy drop; }; }",
    )


def test_a_move_is_proved_and_committed(branch: Branch) -> None:
    start(branch)
    assert snapshot(branch).active == "isp1", "the first start adopts what main uses"
    flow = branch.net.socket_in(branch.net.pc)
    assert branch.net.ask(flow, tries=2) == "isp1 10.0.0.2"
    done = ask(branch, move("cell"))
    assert isinstance(done, Done)
    trial = snapshot(branch)
    assert (trial.active, trial.pending, trial.previous) == ("cell", "m1", "isp1")
    assert 8 < trial.pending_left_s <= 10
    assert branch.net.ask(flow, tries=1) == ""
    assert isinstance(ask(branch, Commit("m1")), Done)
    assert branch.net.ask(flow, tries=2) == "cell 10.2.0.2"
    assert isinstance(ask(branch, Commit("m1")), Done), "a repeated commit gets the same answer"
    assert snapshot(branch).pending == ""
    counted = ask(branch, Counters())
    assert isinstance(counted, Counted)
    assert counted.packets["cell"] >= 1


def test_a_roll_back_puts_the_path_before_back(branch: Branch) -> None:
    start(branch)
    ask(branch, move("isp2"))
    ask(branch, move("cell", name="m2"))  # tried next without waiting: the path before is still the committed one
    assert branch.net.ask_new() == "cell 10.2.0.2"
    assert isinstance(ask(branch, Rollback("m2")), Done)
    assert branch.net.ask_new() == "isp1 10.0.0.2"
    assert isinstance(ask(branch, Rollback("m2")), Done)
    refused = ask(branch, Commit("m2"))
    assert refused == Refused("'m2' is not pending, no apply is; 'm2' was rolled back; ask for a snapshot", retry=False)


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        (move("dsl"), "path 'dsl' is not in the actor's settings; it knows isp1, isp2, cell"),
        (move("cell", trial_s=0.4), "rollback_after_s is 0.4; it must be between 0.5 and 60"),
        (move("cell", trial_s=61), "rollback_after_s is 61; it must be between 0.5 and 60"),
        (move("cell", name=""), "an apply needs an id, to be committed or rolled back by"),
        (
            move("cell", evidence=Evidence(0.1, 0.1, None)),
            (
                "the path in use has been silent for only 0.10 s and the target is not proved; "
                "wait for 0.25 s of silence or prove the target first"
            ),
        ),
        (Commit("m7"), "'m7' is not pending, no apply is; ask for a snapshot"),
    ],
)
def test_what_is_refused_moves_nothing(branch: Branch, request_: Request, why: str) -> None:
    start(branch)
    reply = ask(branch, request_)
    assert isinstance(reply, Refused)
    assert reply.why == why
    assert snapshot(branch).active == "isp1"


def test_when_the_agent_vanishes_and_the_new_path_carries_traffic_it_is_kept(branch: Branch) -> None:
    actor = start(branch)
    cut(branch, "isp1")
    ask(branch, move("cell", trial_s=1.0))
    assert branch.net.ask_new() == "cell 10.2.0.2"
    wait_for(lambda: snapshot(branch).pending == "")
    assert snapshot(branch).active == "cell"
    assert branch.net.ask_new() == "cell 10.2.0.2"
    _said(actor, "trial m1 ended without an answer: cell carries traffic, kept")


def test_when_the_agent_vanishes_and_the_new_path_is_mute_the_one_before_comes_back(branch: Branch) -> None:
    actor = start(branch)
    cut(branch, "cell")
    ask(branch, move("cell", trial_s=1.0))
    assert branch.net.ask_new(tries=1) == ""
    wait_for(lambda: snapshot(branch).active == "isp1")
    assert branch.net.ask_new() == "isp1 10.0.0.2"
    _said(actor, "trial m1 ended without an answer: back to isp1")


def test_when_both_paths_carry_traffic_the_one_before_comes_back(branch: Branch) -> None:
    start(branch)
    ask(branch, move("cell", trial_s=1.0))
    assert branch.net.ask_new() == "cell 10.2.0.2"
    old = branch.net.socket_in(branch.net.router, source="10.0.0.2")  # a flow that still goes by the path left
    assert branch.net.ask(old, tries=2) == "isp1 10.0.0.2"
    wait_for(lambda: snapshot(branch).active == "isp1")


@pytest.mark.parametrize("after_ms", [0, 1, 2, 3, 5, 8, 12, 20])
def test_killed_at_any_moment_of_a_move_the_branch_works_and_the_trial_goes_on(branch: Branch, after_ms: int) -> None:
    actor = start(branch)
    with socket.socket(socket.AF_UNIX) as asking:
        asking.connect(str(branch.run_dir / "actor.sock"))
        asking.sendall(msgspec.json.encode(move("isp2", trial_s=2.5)) + b"\n")
        time.sleep(after_ms / 1000)  # the moment of the kill is what is varied
        actor.send_signal(signal.SIGKILL)
        actor.wait()
    assert branch.net.ask_new() in {"isp1 10.0.0.2", "isp2 10.1.0.2"}, "dead actor, working path"
    start(branch)
    found = snapshot(branch)
    assert (found.active, found.pending, found.previous) in {("isp1", "", ""), ("isp2", "m1", "isp1")}
    assert branch.net.ask_new().startswith(found.active)
    if found.pending:
        assert isinstance(ask(branch, Rollback("m1")), Done)
    assert branch.net.ask_new() == "isp1 10.0.0.2"


def test_a_trial_that_ended_while_the_actor_was_dead_is_judged_at_its_start(branch: Branch) -> None:
    actor = start(branch)
    cut(branch, "cell")
    ask(branch, move("cell", trial_s=0.5))
    actor.kill()
    actor.wait()
    time.sleep(0.6)  # the trial's own length
    start(branch)
    wait_for(lambda: snapshot(branch).active == "isp1")
    assert branch.net.ask_new() == "isp1 10.0.0.2"


def test_stopping_leaves_the_path_in_place(branch: Branch) -> None:
    actor = start(branch)
    ask(branch, move("cell"))
    ask(branch, Commit("m1"))
    actor.terminate()
    assert actor.wait(timeout=5) == 0
    assert branch.net.ask_new() == "cell 10.2.0.2"
    start(branch)
    assert snapshot(branch).active == "cell"
    assert branch.net.ask_new() == "cell 10.2.0.2"


def test_flushed_rules_are_put_back_at_once_and_counted(branch: Branch) -> None:
    start(branch)
    branch.net.ip("rule", "flush")
    wait_for(lambda: snapshot(branch).mended > 0, within_s=3)  # sooner than the round of every 5 s
    assert branch.net.ask_new() == "isp1 10.0.0.2"


def test_bad_lines_are_refused_and_the_actor_goes_on(branch: Branch) -> None:
    start(branch)
    bad: list[bytes] = [
        b"not json\n",
        b"\n",
        b"[]\n",
        b'{"verb": "format"}\n',
        b'{"verb": "commit"}\n',
        b'{"verb": "commit", "id": "x", "more": 1}\n',
        b"\xff\xfe\n",
        b"[" * 10_000 + b"\n",
        b"x" * 100_000 + b"\n",
        b'{"verb": "apply", "id": "a", "path": "cell", "kind": "emergency", "rollback_after_s": 1e999}\n',
    ]
    for line in bad:
        with socket.socket(socket.AF_UNIX) as asking:
            asking.settimeout(3)
            asking.connect(str(branch.run_dir / "actor.sock"))
            asking.sendall(line)
            reply = json.loads(asking.makefile("rb").readline())
            assert reply["reply"] == "refused", line[:60]
            asking.sendall(b'{"verb": "counters"}\n')
            assert json.loads(asking.makefile("rb").readline())["reply"] == "counted", line[:60]
    assert snapshot(branch).active == "isp1"


def test_only_root_and_the_agents_user_may_ask(branch: Branch) -> None:
    branch.file.write_text(branch.file.read_text().replace("[actor]", '[actor]\nagent_user = "daemon"'))
    start(branch)
    file = branch.run_dir / "actor.sock"
    assert file.stat().st_mode & 0o777 == 0o660
    assert file.group() == "daemon"
    branch.run_dir.chmod(0o755)
    _open_up(branch.run_dir)
    file.chmod(0o666)  # so that it is the peer's user that decides, not the file's mode
    code = (
        "import socket, sys; s = socket.socket(socket.AF_UNIX); s.settimeout(3); s.connect(sys.argv[1])\n"
        'try: s.sendall(b\'{"verb": "counters"}\\n\')\n'
        "except BrokenPipeError: pass\n"
        "print(s.recv(4000).decode())"
    )
    said = {
        user: run("setpriv", "--reuid", user, "--clear-groups", "/usr/bin/python3", "-c", code, str(file))
        for user in ("nobody", "daemon")
    }
    assert "may not ask the actor; only root and the agent's user may" in said["nobody"]
    assert '"counted"' in said["daemon"]


@pytest.mark.parametrize(
    ("change", "code", "sentence"),
    [
        (lambda text: text.replace('name = "isp1"', 'nome = "isp1"'), 2, "is not a known key"),
        (lambda text: text + "[", 2, "not valid TOML"),
    ],
)
def test_bad_settings_end_with_one_sentence(
    branch: Branch, change: Callable[[str], str], code: int, sentence: str
) -> None:
    branch.file.write_text(change(branch.file.read_text()))
    done = _run_actor(branch)
    assert done.returncode == code
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1


def test_strict_rp_filter_ends_the_start_with_one_sentence(branch: Branch) -> None:
    run("ip", "netns", "exec", branch.net.router, "sysctl", "-qw", "net.ipv4.conf.all.rp_filter=1")
    done = _run_actor(branch)
    assert done.returncode == 1
    assert done.stderr.startswith("branchline-agent actor: net.ipv4.conf.wan0.rp_filter is 1 in effect")
    assert done.stderr.count("\n") == 1


def test_without_net_admin_the_start_ends_with_one_sentence(branch: Branch) -> None:
    done = _run_actor(branch, "setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin")
    assert done.returncode == 1
    assert "CAP_NET_ADMIN is missing" in done.stderr
    assert done.stderr.count("\n") == 1


def _run_actor(branch: Branch, *before: str) -> subprocess.CompletedProcess[str]:
    with inside(branch.net.router):
        return subprocess.run(
            [*before, *ACTOR, "--config", str(branch.file)], capture_output=True, text=True, timeout=20, check=False
        )


def _said(actor: subprocess.Popen[str], sentence: str) -> None:
    actor.terminate()
    assert actor.stdout
    assert sentence in actor.stdout.read()


def _open_up(folder: Path) -> None:
    """Let other users walk to a file below pytest's private folder."""
    for parent in [folder, *folder.parents]:
        if parent == Path("/tmp"):  # noqa: S108 - only read
            break
        parent.chmod(parent.stat().st_mode | 0o011)

"""The doctor before a real mosquitto: why the agent cannot talk to it, and why records do not get on."""

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from agent.config import BranchSettings, BrokerSettings
from agent.doctor import broker
from agent.doctor.finding import Finding, Mark
from agent.doctor.site import AgentUser, Missing, Site, ask
from branchline.settings import parse
from lab import certificates
from tests.integration.agent.uplink_broker import PASSWORD, Mosquitto, free_port
from tests.needs import needs_program

pytestmark = [needs_program("mosquitto"), needs_program("mosquitto_passwd")]

ROOT = Path(__file__).parents[3]
# Takes the connection and the subscription, and drops what the agent writes.
ACL_THAT_DENIES = "user collector\ntopic readwrite bl/1/#\npattern read bl/1/ack/%u/%c\n"


def settings(folder: Path, **keys: object) -> BranchSettings:
    (folder / "password").write_text(f"{keys.pop('password', PASSWORD)}\n")
    text = (
        f'[agent]\ntenant = "t1"\nbranch = "b1"\nname = "a1"\nstate_dir = "{folder}/state"\nrun_dir = "{folder}/run"\n'
        '[[path]]\nname = "wan1"\ninterface = "lo"\nrank = 1\n[[anchor]]\nname = "here"\nipv4 = "127.0.0.1"\n'
        '[spool]\ncommit_every = "200ms"\n[probing]\nwindow = "1s"\n'
    )
    made = parse(text, BranchSettings, "agent.toml")
    keys = {"host": "127.0.0.1", "password_file": str(folder / "password"), **keys}
    return msgspec.structs.replace(made, broker=msgspec.convert(keys, BrokerSettings))


def site(settings: BranchSettings, agent: object = None) -> Site:
    nobody = Missing("not asked")
    seen = agent if isinstance(agent, dict) else nobody
    return Site(Path("agent.toml"), "", settings, nobody, nobody, seen, AgentUser("root", 0, (0,), None))


def look(settings: BranchSettings) -> Finding:
    (finding,) = broker.reachable(site(settings))
    return finding


@pytest.fixture
async def mosquitto(tmp_path: Path) -> AsyncIterator[Mosquitto]:
    made = Mosquitto(tmp_path)
    await made.start()
    yield made
    made.close()


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_a_broker_that_knows_us(tmp_path: Path, mosquitto: Mosquitto, protocol: str) -> None:
    finding = await asyncio.to_thread(look, settings(tmp_path, port=mosquitto.port, protocol=protocol))
    assert finding == Finding(Mark.OK, f"127.0.0.1:{mosquitto.port}", "welcomes user t1/b1")


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_a_wrong_password(tmp_path: Path, mosquitto: Mosquitto, protocol: str) -> None:
    wrong = settings(tmp_path, port=mosquitto.port, protocol=protocol, password="guessed")
    finding = await asyncio.to_thread(look, wrong)
    assert finding.mark is Mark.FAIL
    assert finding.said in {"not authorised (t1/b1)", "refuses user or password (t1/b1)"}
    assert f"with the password in {tmp_path}/password" in finding.remedy


def test_nobody_listens(tmp_path: Path) -> None:
    port = free_port()
    finding = look(settings(tmp_path, port=port))
    assert (finding.mark, finding.said) == (Mark.FAIL, "refuses the connection")
    assert finding.remedy == (
        f"broker 127.0.0.1:{port}: refuses the connection; "
        "check that the broker runs and that port in [broker] is right"
    )


def test_no_answer_to_tcp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.uplink.dial.TCP_S", 0.3)
    with _full() as port:
        finding = look(settings(tmp_path, port=port))
    assert (finding.mark, finding.said) == (Mark.FAIL, "does not answer")


@contextmanager
def _full() -> Iterator[int]:
    """A port whose queue is full, so that the kernel drops further calls, as a firewall does."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        port = listener.getsockname()[1]
        callers = [socket.socket() for _ in range(4)]
        for caller in callers:
            caller.setblocking(False)
            caller.connect_ex(("127.0.0.1", port))
        yield port
        for caller in callers:
            caller.close()


def test_something_else_listens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker, "ANSWER_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        finding = look(settings(tmp_path, port=listener.getsockname()[1]))
    assert (finding.mark, finding.said) == (Mark.FAIL, "does not answer MQTT")


async def test_tls_failures_are_told_apart(
    tmp_path: Path, mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.uplink.dial.TLS_S", 0.5)
    for name in ("theirs", "ours"):
        (tmp_path / name).mkdir()
    theirs = certificates.make(tmp_path / "theirs")
    ours = certificates.make(tmp_path / "ours")
    plain = settings(tmp_path, port=mosquitto.port, ca_file=str(ours.authority))
    finding = await asyncio.to_thread(look, plain)
    assert finding.mark is Mark.FAIL
    assert "TLS" in finding.said
    port = free_port()
    file = tmp_path / "tls.conf"
    file.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\nuser root\n"
        f"certfile {theirs.certificate}\nkeyfile {theirs.key}\n"
    )
    with _program("mosquitto", "-c", str(file)):
        await asyncio.to_thread(_wait_for_port, port)
        finding = await asyncio.to_thread(look, settings(tmp_path, port=port, ca_file=str(ours.authority)))
    assert finding.said.startswith("TLS failed (")
    assert finding.remedy.endswith("check ca_file, cert_file and the clock")


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_an_acl_that_denies_in_silence(tmp_path: Path, protocol: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker, "SILENT_S", 2.0)
    monkeypatch.setattr(broker, "WATCH_S", 1.0)
    mosquitto = Mosquitto(tmp_path, acl=ACL_THAT_DENIES)
    await mosquitto.start()
    try:
        finding = await asyncio.to_thread(_with_agent, settings(tmp_path, port=mosquitto.port, protocol=protocol))
    finally:
        mosquitto.close()
    assert finding.mark is Mark.FAIL
    assert "pattern write bl/1/+/+/%u/%c" in finding.remedy
    if protocol == "3.1.1":
        assert "silently drops them" in finding.remedy


def _with_agent(made: BranchSettings) -> Finding:
    """Run the agent until its records have been unanswered for a while, then look."""
    run_dir = Path(made.agent.run_dir)
    assert made.broker
    file = run_dir.parent / "agent.toml"
    file.write_text(
        f'[agent]\ntenant = "t1"\nbranch = "b1"\nname = "a1"\nstate_dir = "{made.agent.state_dir}"\n'
        f'run_dir = "{run_dir}"\n[broker]\nhost = "127.0.0.1"\nport = {made.broker.port}\n'
        f'protocol = "{made.broker.protocol}"\npassword_file = "{made.broker.password_file}"\n'
        '[[path]]\nname = "wan1"\ninterface = "lo"\nrank = 1\n[[anchor]]\nname = "here"\nipv4 = "127.0.0.1"\n'
        '[spool]\ncommit_every = "200ms"\n[probing]\nwindow = "1s"\n'
    )
    with (
        _program(sys.executable, "-m", "branchline", "agent", "actor", "--config", str(file)),
        _program(sys.executable, "-m", "branchline", "agent", "run", "--config", str(file)),
    ):
        end_s = time.monotonic() + 30
        while True:
            status = ask(run_dir / "agent.sock")
            if not isinstance(status, Missing):
                uplink = status["uplink"]
                if uplink["connected"] and uplink["since_s"] > 3 and uplink["samples"]["sent"]:
                    break
            assert time.monotonic() < end_s, status
            time.sleep(0.1)
        (finding,) = broker.acknowledged(site(made, status))
    return finding


@contextmanager
def _program(*words: str) -> Iterator[None]:
    environment = {**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin", "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT, env=environment)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def _wait_for_port(port: int) -> None:
    end_s = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            assert time.monotonic() < end_s
            time.sleep(0.02)
        else:
            return

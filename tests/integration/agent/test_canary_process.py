"""The canary: its packets leave as a user's would, each path's own by that path."""

import os
import socket
import struct
import subprocess
import sys

import pytest

from agent import canary
from failover.actuators.linux import LinuxActuator
from tests.integration.agent.conftest import Branch
from tests.integration.failover.branch_net import PATHS, WORLD, inside, run
from tests.needs import needs_program, needs_root

pytestmark = [needs_root, needs_program("nft"), needs_program("ip")]

RUN = "import sys; from agent.canary import main; sys.exit(main(sys.argv[1:]))"


def lend(branch: Branch) -> "subprocess.Popen[str]":
    return branch.net.spawn(
        branch.canary, sys.executable, "-c", RUN, "--config", str(branch.file), ready="lending 198.18.188.2"
    )


def prepare(branch: Branch, path: str) -> None:
    with inside(branch.net.router):
        actuator = LinuxActuator(branch.net.settings())
        actuator.prepare()
        actuator.apply(path)
        actuator.close()


def test_each_source_leaves_translated_through_its_path(branch_with_canary: Branch) -> None:
    prepare(branch_with_canary, "isp2")
    lend(branch_with_canary)
    file = branch_with_canary.run_dir / "canary.sock"
    for source, wanted in [
        ("198.18.188.2", "isp2 10.1.0.2"),
        *((f"198.18.188.{3 + place}", f"{path} 10.{place}.0.2") for place, path in enumerate(PATHS)),
    ]:
        with canary.borrow(file, "udp", source) as lent:
            assert not lent.getblocking()
            assert not os.get_inheritable(lent.fileno())
            lent.settimeout(0.5)
            assert branch_with_canary.net.ask(lent, tries=2) == wanted


def test_icmp_and_tcp_sockets_are_lent_too(branch_with_canary: Branch) -> None:
    prepare(branch_with_canary, "isp1")
    lend(branch_with_canary)
    file = branch_with_canary.run_dir / "canary.sock"
    with canary.borrow(file, "icmp", "198.18.188.5") as ping:
        ping.settimeout(1)
        ping.sendto(struct.pack("!BBHHH", 8, 0, 0, 0, 1), (WORLD, 0))
        assert ping.recv(100)[0] == 0
    with inside(branch_with_canary.net.provider("cell")):
        listener = socket.create_server((WORLD, 443))
    with listener, canary.borrow(file, "tcp", "198.18.188.5") as call:
        call.settimeout(2)
        call.connect((WORLD, 443))
        served, peer = listener.accept()
        served.close()
        assert peer[0] == "10.2.0.2"


@pytest.mark.parametrize(
    ("kind", "source", "why"),
    [
        ("udp", "192.168.77.1", "is not one of the canary's addresses"),
        ("udp", "198.18.188.1", "is not one of the canary's addresses"),
        ("raw", "198.18.188.2", "not a request such as"),
    ],
)
def test_nothing_else_is_lent(branch_with_canary: Branch, kind: str, source: str, why: str) -> None:
    lend(branch_with_canary)
    file = branch_with_canary.run_dir / "canary.sock"
    with pytest.raises(canary.CanaryError, match=why):
        canary.borrow(file, kind, source)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as rude:
        rude.connect(str(file))  # says nothing and goes
    canary.borrow(file, "udp", "198.18.188.2").close()


def test_outside_its_namespace_it_says_so(branch_with_canary: Branch) -> None:
    branch_with_canary.net.spawn(
        branch_with_canary.net.pc, sys.executable, "-c", RUN, "--config", str(branch_with_canary.file), ready="lending"
    )
    with pytest.raises(canary.CanaryError, match="run the canary inside its namespace"):
        canary.borrow(branch_with_canary.run_dir / "canary.sock", "udp", "198.18.188.2")


def test_nobody_lends_is_an_os_error(branch: Branch) -> None:
    with pytest.raises(FileNotFoundError):
        canary.borrow(branch.run_dir / "canary.sock", "udp", "198.18.188.2")


def test_create_from_the_command_line(branch: Branch) -> None:
    branch.net.stack.callback(run, "ip", "netns", "delete", branch.canary)
    for _ in range(2):
        with inside(branch.net.router):
            done = subprocess.run(
                [sys.executable, "-c", RUN, "--create", "--config", str(branch.file)],
                capture_output=True,
                text=True,
                check=False,
                timeout=20,
            )
        assert (done.returncode, done.stderr) == (0, "")
    listed = run("ip", "-n", branch.canary, "-br", "address", "show", "dev", "eth0")
    assert [f"198.18.188.{last}/28" in listed for last in (2, 3, 4, 5)] == [True] * 4

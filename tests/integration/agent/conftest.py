"""A branch in namespaces with its settings file, for the actor and the canary."""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from agent import canary
from tests.integration.failover.branch_net import PATHS, BranchNet, branch_net, inside


@dataclass(frozen=True)
class Branch:
    """The namespaces, the settings file and the run directory."""

    net: BranchNet
    file: Path
    run_dir: Path

    @property
    def canary(self) -> str:
        return f"{self.net.tag}-c"


@pytest.fixture
def branch(tmp_path: Path) -> Iterator[Branch]:
    with branch_net(tmp_path) as net:
        made = Branch(net, tmp_path / "agent.toml", tmp_path / "run")
        made.file.write_text(_settings(made))
        yield made


@pytest.fixture
def branch_with_canary(branch: Branch) -> Branch:
    # registered first and without a check, so that a creation that fails half way leaves nothing behind
    delete = ["ip", "netns", "delete", branch.canary]
    branch.net.stack.callback(subprocess.run, delete, capture_output=True, check=False)
    with inside(branch.net.router):
        for _ in range(2):  # any number of times
            canary.create("198.18.188.0/28", len(PATHS), namespace=branch.canary)
    return branch


def _settings(branch: Branch) -> str:
    text = f"""
[agent]
tenant = "acme"
branch = "b1"
name = "r1"
run_dir = "{branch.run_dir}"
state_dir = "{branch.run_dir}"
[actor]
actuator = "linux"
lan_interface = "lan0"
resolv_file = "{branch.net.resolv_file}"
[canary]
namespace = "{branch.canary}"
[proof]
dns_name = "who.example"
tls_host = "192.0.2.1"
"""
    for place, name in enumerate(PATHS):
        text += f"""
[[path]]
name = "{name}"
interface = "wan{place}"
rank = {place + 1}
role = "{"cell" if name == "cell" else "wire"}"
mtu = {1420 if name == "cell" else 1500}
dns = ["10.{place}.0.1"]
ipv6_prefix = "2001:db8:{place + 1}::/64"
[[anchor]]
name = "a{place}"
ipv4 = "192.0.2.{place + 1}"
"""
    return text

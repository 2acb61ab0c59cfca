"""The branch's units under a real systemd, in the lab's network: just these rights are enough, and none is missing."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.control import Status, ask_agent
from lab import house_settings
from lab.cuts import Armed, silent
from lab.house_settings import HouseOptions
from lab.network import Network
from tests.integration.deploy.booted import Booted
from tests.integration.deploy.install_pages import BRANCH_FILES
from tests.needs import needs_program, needs_root

pytestmark = [
    needs_root,
    *(needs_program(name) for name in ("ip", "nft", "dnsmasq", "openssl", "unshare", "systemctl", "curl")),
]
PAGE = "127.0.0.1:8481"
UNITS = ("branchline-agent", "branchline-actor", "branchline-canary-create", "branchline-canary")


@pytest.fixture(scope="module")
def network() -> Iterator[Network]:
    with Network(11) as made:
        yield made


@pytest.fixture(scope="module")
def machine(network: Network) -> Iterator[Booted]:
    folder = Path(tempfile.mkdtemp(prefix="bl-boot-", dir="/var/tmp"))
    shutil.copy(network.certificates.authority, folder / "ca.pem")
    (folder / "agent.toml").write_text(settings(network))
    own = f"install -D -m 640 {folder}/agent.toml /etc/branchline/agent.toml\n"
    own += f"install -m 644 {folder}/ca.pem /etc/branchline/ca.pem\nchgrp -R branchline /etc/branchline\n"
    booted = Booted(folder, BRANCH_FILES + own, network.spaces.name("rtr"))
    try:
        booted.start()
        booted.run("systemctl", "enable", "--now", "branchline-agent")
        booted.wait(lambda: booted.active(*UNITS), 20.0)
        yield booted
    finally:
        booted.close()


def settings(network: Network) -> str:
    """The lab's branch with the places of an installed one, and without headquarters."""
    text = house_settings.agent(HouseOptions(), network.folder, "bl-canary", network.certificates)
    head, _, rest = text.partition("[broker]")
    text = head + "[probing]" + rest.partition("[probing]")[2]
    for lab_s, shipped in (
        (str(network.folder / "state"), "/var/lib/branchline"),
        (str(network.folder / "run"), "/run/branchline"),
        (str(network.resolv_file), "/run/branchline/resolv.conf"),
        (str(network.certificates.authority), "/etc/branchline/ca.pem"),
        ('agent_user = "root"', 'agent_user = "branchline"'),
    ):
        assert lab_s in text
        text = text.replace(lab_s, shipped)
    return text + f'[page]\nlisten = "{PAGE}"\n'


def status(machine: Booted) -> dict[str, object]:
    try:
        return ask_agent(machine.path("/run/branchline/agent.sock"), Status())
    except OSError:
        return {}


def test_each_runs_as_its_own_user_with_its_own_rights(machine: Booted) -> None:
    rights = {}
    for unit in ("branchline-agent", "branchline-actor", "branchline-canary"):
        fields = machine.process(unit)
        assert machine.show(unit, "NRestarts") == {"NRestarts": "0"}, machine.log(unit)
        rights[unit] = (fields["CapEff"], fields["CapBnd"], fields["NoNewPrivs"], fields["Seccomp"])
        assert fields["Uid"].split()[0] != "0"
    none, net_admin = "0" * 16, f"{1 << 12:016x}"
    assert rights == {
        "branchline-agent": (none, none, "1", "2"),
        "branchline-actor": (net_admin, net_admin, "1", "2"),
        "branchline-canary": (none, none, "1", "2"),
    }


def test_a_cut_line_is_left_and_the_move_is_proved(machine: Booted, network: Network) -> None:
    machine.wait(lambda: status(machine).get("branch_state") == "OK", 30.0)
    assert status(machine)["active"] == "wan1"
    with Armed(silent(network.spaces, "isp1")) as armed:
        armed.fire()
        machine.wait(lambda: status(machine)["active"] == "wan2" and status(machine)["move"] is None, 15.0)
    assert "lookup 188" in machine.run("ip", "rule")


def test_a_killed_agent_comes_back_and_traffic_stays(machine: Booted) -> None:
    before = machine.show("branchline-agent", "MainPID")["MainPID"]
    machine.run("kill", "-9", before)
    machine.wait(lambda: machine.show("branchline-agent", "MainPID")["MainPID"] not in {before, "0"}, 15.0)
    machine.wait(lambda: status(machine).get("active") == "wan2", 15.0)


def test_settings_are_read_again_on_reload(machine: Booted) -> None:
    before = status(machine)["config_hash"]
    machine.run("sed", "-i", 's/profile = "standard"/profile = "fast"/', "/etc/branchline/agent.toml")
    machine.run("systemctl", "reload", "branchline-agent")
    machine.wait(lambda: status(machine).get("config_hash") not in {before, None}, 10.0)


def test_the_page_may_look_at_the_agent_and_not_act(machine: Booted) -> None:
    machine.run("systemctl", "start", "branchline-page")
    machine.wait(lambda: "wan2" in machine.run("curl", "-s", f"http://{PAGE}/"), 15.0)
    assert machine.process("branchline-page")["CapBnd"] == "0" * 16
    groups = machine.process("branchline-page")["Groups"].split()
    assert machine.run("getent", "group", "branchline").split(":")[2] in groups
    assert machine.show("branchline-page", "NRestarts") == {"NRestarts": "0"}, machine.log("branchline-page")


def test_a_page_without_settings_says_so_once_and_stays_ended(machine: Booted) -> None:
    machine.run("sed", "-i", r"/^\[page\]/,$d", "/etc/branchline/agent.toml")
    machine.run("systemctl", "restart", "branchline-page")
    machine.wait(lambda: machine.show("branchline-page", "ActiveState") == {"ActiveState": "failed"}, 15.0)
    assert machine.show("branchline-page", "NRestarts") == {"NRestarts": "0"}
    assert machine.log("branchline-page").count("there is no page; add [page]") == 1

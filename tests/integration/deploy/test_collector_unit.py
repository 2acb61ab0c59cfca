"""The centre on Debian without Docker: the page's own commands, mosquitto, InfluxDB and the collector under systemd."""

import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.agent.namespace import namespace
from tests.integration.deploy.booted import Booted
from tests.integration.deploy.install_pages import blocks
from tests.needs import needs_program, needs_root
from wire.codec import encode
from wire.messages import Batch, LinkState, Role, StateChange
from wire.topics import Address, Lane, lane_topic

pytestmark = [
    needs_root,
    *(needs_program(name) for name in ("ip", "mosquitto", "influxd", "influx", "openssl", "unshare", "systemctl")),
]
ADDRESS = Address("acme", "lyon-3", "rtr1")
PASSWORD = "correct horse"  # the page has a person type it
PAGE = blocks("install-centre")


def typed(text: str) -> str:
    """The block with a person's part filled in: passwords given, the tree's example left as it is."""
    for user in ("collector", "acme/lyon-3"):
        text = text.replace(
            f"mosquitto_passwd /etc/mosquitto/passwords {user}",
            f"mosquitto_passwd -b /etc/mosquitto/passwords {user} '{PASSWORD}'",
        )
    return text.replace(
        "/dev/stdin /etc/branchline/collector-password", "/run/typed /etc/branchline/collector-password"
    )


@pytest.fixture(scope="module")
def machine() -> Iterator[Booted]:
    folder = Path(tempfile.mkdtemp(prefix="bl-boot-", dir="/var/tmp"))
    work = folder / "work"
    shutil.copytree(Path(__file__).parents[3] / "deploy", work / "deploy")
    (work / "docs").mkdir()
    shutil.copytree(Path(__file__).parents[3] / "docs" / "examples", work / "docs" / "examples")
    before = f"""
echo '127.0.0.1 broker.example.com' >>/etc/hosts
cp /usr/lib/systemd/system/mosquitto.service /usr/lib/systemd/system/influxdb.service /etc/systemd/system/
install -d -o influxdb /var/lib/influxdb
printf %s '{PASSWORD}' >/run/typed
cd {work}
"""
    install = "".join(
        typed(PAGE[name].replace("systemctl", ": systemctl"))
        for name in ("certificate", "broker", "passwords", "collector")
    )
    with namespace() as network:
        booted = Booted(folder, before + "(\n" + install + ")\n", network)
        try:
            booted.start()
            yield booted
        finally:
            booted.close()


def test_the_page_s_commands_make_a_centre_that_stores_what_a_branch_says(machine: Booted) -> None:
    for name, units in (("broker", "mosquitto"), ("database", "influxdb")):
        for line in PAGE[name].splitlines():
            if line.startswith(("systemctl", "printf")):
                machine.run("sh", "-c", line)
        machine.wait(lambda units=units: machine.active(f"{units}.service"), 15.0)  # type: ignore[misc]
    machine.wait(lambda: machine.run("influx", "-execute", "CREATE DATABASE branchline") == "", 20.0)
    assert "correct (collector hq1" in machine.run(*words("check-config"))
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "enable", "--now", "branchline-collector")
    machine.wait(lambda: "broker.connected" in machine.log("branchline-collector"), 20.0)
    say(machine, StateChange(time.time_ns(), "fibre", Role.WIRE, "A", LinkState.UP, LinkState.DOWN, "cut", 500.0))
    machine.wait(
        lambda: "lyon-3" in machine.run("influx", "-database", "branchline", "-execute", "SELECT * FROM link_state"),
        20.0,
    )
    machine.wait(lambda: "acme/lyon-3/rtr1" in machine.run(*words("collector branches --config")), 20.0)
    rights = machine.process("branchline-collector")
    assert rights["Uid"].split()[0] != "0"
    assert (rights["CapBnd"], rights["NoNewPrivs"], rights["Seccomp"]) == ("0" * 16, "1", "2")
    assert machine.show("branchline-collector", "NRestarts") == {"NRestarts": "0"}


def test_a_killed_collector_is_started_again(machine: Booted) -> None:
    before = machine.show("branchline-collector", "MainPID")["MainPID"]
    machine.run("kill", "-9", before)
    machine.wait(lambda: machine.show("branchline-collector", "MainPID")["MainPID"] not in {before, "0"}, 15.0)


def words(start: str) -> tuple[str, ...]:
    """The page's line that begins like this."""
    (line,) = [line for line in PAGE["start"].splitlines() if line.startswith(f"branchline {start}")]
    return ("/opt/branchline/bin/branchline", *line.split()[1:])


def say(machine: Booted, event: StateChange) -> None:
    """As the branch: over TLS, with its password, on its own topic."""
    payload = machine.folder / "payload"
    payload.write_bytes(encode(Batch(Lane.EVENTS, "e1", 1, 1, False, time.time_ns(), (event,))))
    said = machine.run(
        *("mosquitto_pub", "-h", "broker.example.com", "-p", "8883", "--cafile", "/etc/branchline/ca.pem", "-q", "1"),
        *("-u", "acme/lyon-3", "-P", PASSWORD, "-i", "rtr1", "-V", "5"),
        *("-t", lane_topic(Lane.EVENTS, ADDRESS), "-f", str(payload)),
    )
    assert said == "", said

"""The units fit each other, the settings' defaults, and the users and folders that `deploy/` makes."""

import re

import pytest

from agent.canary import NAMESPACE
from agent.config import AgentSettings, CanarySettings
from collector.config import WhoSettings
from tests.unit.deploy.shipped import DEPLOY, UNITS, values

SERVICES = [name for name in UNITS if name != "branchline-canary-create.service"]
BRANCH = [name for name in UNITS if name != "branchline-collector.service"]
DEFAULTS = AgentSettings(tenant="t", branch="b", name="a")


def users() -> set[str]:
    files = "".join(file.read_text() for file in (DEPLOY / "sysusers.d").iterdir())
    return set(re.findall(r"^u (\S+)", files, re.MULTILINE))


def test_there_is_a_unit_for_each_process() -> None:
    assert {name.removesuffix(".service").removeprefix("branchline-") for name in UNITS} == {
        *("agent", "actor", "canary", "canary-create", "page", "collector")
    }


@pytest.mark.parametrize("name", UNITS)
def test_what_a_unit_names_is_there(name: str) -> None:
    named = set(re.findall(r"\bbranchline-[a-z-]+\.service", UNITS[name]))
    assert named <= set(UNITS)
    (command,) = values(name, "ExecStart")
    assert command.startswith(("/opt/branchline/bin/branchline-agent ", "/opt/branchline/bin/branchline collector "))
    assert set(values(name, "User")) <= users()
    assert set(values(name, "Group") + values(name, "SupplementaryGroups")) <= users()


@pytest.mark.parametrize("name", SERVICES)
def test_a_unit_comes_back_for_ever_and_gains_no_right(name: str) -> None:
    assert values(name, "Restart") == ["always"]
    assert values(name, "StartLimitIntervalSec") == ["0"]
    assert float(values(name, "RestartSec")[0]) >= 1
    assert values(name, "NoNewPrivileges") == ["yes"]
    assert values(name, "ProtectSystem") == ["strict"]
    assert values(name, "CapabilityBoundingSet") == (["CAP_NET_ADMIN"] if name == "branchline-actor.service" else [""])


def test_folders_are_those_of_the_settings() -> None:
    for name in ("agent", "actor", "canary"):
        assert values(f"branchline-{name}.service", "ReadWritePaths") == [DEFAULTS.run_dir]
    made = (DEPLOY / "tmpfiles.d" / "branchline.conf").read_text()
    assert f"d {DEFAULTS.run_dir} 3770 branchline-actor branchline" in made
    assert f"/var/lib/{values('branchline-agent.service', 'StateDirectory')[0]}" == DEFAULTS.state_dir
    kept = values("branchline-collector.service", "StateDirectory")[0]
    assert WhoSettings(name="c").data_dir == f"/var/lib/{kept}"


def test_the_canary_s_namespace_is_the_settings_own() -> None:
    assert CanarySettings().namespace == NAMESPACE
    assert values("branchline-canary.service", "NetworkNamespacePath") == [f"/run/netns/{NAMESPACE}"]


def test_the_maker_of_a_namespace_keeps_no_mounts_of_its_own() -> None:
    own = r"^(Protect\w+|Private\w+|ReadWritePaths|ReadOnlyPaths|InaccessiblePaths|StateDirectory)="
    assert re.findall(own, UNITS["branchline-canary-create.service"], re.MULTILINE) == []


def test_strict_filtering_is_off_and_pings_are_allowed() -> None:
    lines = (DEPLOY / "sysctl.d" / "60-branchline.conf").read_text().splitlines()
    settings = dict(line.split(" = ") for line in lines if "=" in line and not line.startswith("#"))
    assert settings["net.ipv4.conf.all.rp_filter"] == "2"
    low, high = settings["net.ipv4.ping_group_range"].split()
    assert (int(low), int(high)) == (0, 2**31 - 1)

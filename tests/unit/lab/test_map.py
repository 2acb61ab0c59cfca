"""The lab's map, its settings files and its command, without a network."""

import ipaddress
import json
from pathlib import Path

import pytest

from agent.config import BranchSettings
from branchline.settings import parse
from collector.config import CollectorSettings
from lab import cli, house_settings, scenarios, topology
from lab.certificates import Certificates
from lab.house_settings import HouseOptions
from lab.results import Run
from lab.topology import CARRIERS, PLACES

FOLDER = Path("/lab")
CERTIFICATES = Certificates(FOLDER / "ca.pem", FOLDER / "server.pem", FOLDER / "server.key")


def test_no_address_is_given_twice() -> None:
    given = [address for p in PLACES for address in (p.ipv4, p.core4, p.ipv6, p.core6)]
    given += [address for c in CARRIERS for address in (c.gateway4, c.router4, c.gateway6, c.router6)]
    assert len(set(given)) == len(given)
    pool = ipaddress.ip_network(topology.CELL_POOL)
    assert ipaddress.ip_address(topology.CELL_NAT) in pool
    assert not any(ipaddress.ip_address(p.ipv4) in pool for p in PLACES)


def test_each_carrier_delegates_from_its_own_prefix() -> None:
    for carrier in CARRIERS:
        own = ipaddress.IPv6Network(carrier.prefix6)
        assert ipaddress.IPv6Network(f"{carrier.lan6}/64").subnet_of(own)
        assert ipaddress.IPv6Address(carrier.router6) in own


def test_every_role_has_a_configuration_and_is_cabled() -> None:
    names = {role: f"x-{role}" for role in topology.ROLES}
    cables = topology.links(names)
    for role in topology.ROLES:
        assert topology.addresses(role).startswith("link set lo up\n")
        assert (f"netns x-{role} " in cables or f"netns x-{role}\n" in cables) == (role != "canary")


def test_the_agents_file_is_accepted_by_the_agent() -> None:
    options = HouseOptions(profile="fast", hold="3s", window="500ms", commit_every="1s")
    settings = parse(house_settings.agent(options, FOLDER, "x-canary", CERTIFICATES), BranchSettings, "agent.toml")
    assert [path.name for path in settings.path] == ["wan1", "wan2", "cell5g"]
    assert (settings.failover.hold, settings.probing.window, settings.spool.commit_every) == (3.0, 0.5, 1.0)
    assert settings.path[2].metered
    assert settings.canary is not None
    assert settings.canary.namespace == "x-canary"
    plain = parse(house_settings.agent(HouseOptions(), FOLDER, "c", CERTIFICATES), BranchSettings, "agent.toml")
    assert plain.failover.hold == 300.0


def test_the_collectors_file_is_accepted_by_the_collector() -> None:
    settings = parse(house_settings.collector(FOLDER), CollectorSettings, "collector.toml")
    assert settings.store.database == house_settings.DATABASE


def test_every_scenario_can_be_loaded_and_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    for name in scenarios.SCENARIOS:
        assert callable(scenarios.load(name))
    assert cli.main(["list"]) == 0
    shown = capsys.readouterr().out
    assert all(f"  {name} " in shown for name in scenarios.SCENARIOS)
    assert max(len(line) for line in shown.splitlines()) <= 100


def test_without_root_there_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert cli.main(["silent-cut"]) == 1
    said = capsys.readouterr().err
    assert said == "branchline lab: needs root to make network namespaces; run it with sudo\n"


@pytest.mark.parametrize(("program", "package"), cli.PROGRAMS.items())
def test_a_missing_program_is_named_with_its_package(
    program: str, package: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setenv("PATH", "/usr/bin")
    monkeypatch.setattr("shutil.which", lambda name, path: None if name == program else f"{path}/{name}")
    assert cli.main(["silent-cut", "--json"]) == 1
    said = capsys.readouterr()
    assert said.err == f"branchline lab: the program {program} is missing; install it with: apt install {package}\n"
    assert said.out == ""


@pytest.mark.parametrize(
    "words",
    [["nonsense"], ["silent-cut", "--runs", "0"], ["quiet", "--minutes", "-1"], ["silent-cut", "--profile", "slow"]],
)
def test_wrong_usage_is_exit_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(words)
    assert ended.value.code == 2
    assert "usage: branchline lab" in capsys.readouterr().err


def test_the_document_is_all_that_goes_to_standard_output(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli, "_missing", lambda: None)
    monkeypatch.setattr(scenarios, "load", lambda _: lambda order: Run(order.seed, wrong=("bad",) * (order.seed - 3)))
    assert cli.main(["silent-cut", "--json", "--seed", "3"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["runs"][0]["seed"] == 3
    assert said.err == "run 1 of 1, seed 3: first packet after never, on no new path\n"
    assert cli.main(["silent-cut", "--seed", "3", "--runs", "2"]) == 1
    said = capsys.readouterr()
    assert "WRONG, seed 4: bad" in said.out
    assert "run 2 of 2, seed 4" in said.err

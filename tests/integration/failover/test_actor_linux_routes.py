"""Tables and rules of the Linux actuator, and what they do to a PC's traffic."""

import dataclasses
import socket
import subprocess
import sys

import pytest

from failover.actuators.base import ActuatorError
from failover.actuators.linux import LinuxActuator
from tests.integration.failover.branch_net import PATHS, WORLD, BranchNet, inside, run
from tests.needs import needs_program, needs_root

pytestmark = [needs_root, needs_program("nft"), needs_program("ip")]


def _lines(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines()]


def test_rules_and_tables_stand_exactly_as_stated(net: BranchNet, actuator: LinuxActuator) -> None:
    actuator.apply("cell")
    own = [line.removesuffix(" proto 178") for line in _lines(net.ip("rule")) if "proto 178" in line]
    assert own == [
        "18800: from all lookup main suppress_prefixlength 0",
        "18801: from all oif wan0 lookup 1880",
        "18801: from 10.0.0.2 lookup 1880",
        "18801: from 198.18.188.3 lookup 1880",
        "18801: from all oif wan1 lookup 1881",
        "18801: from 10.1.0.2 lookup 1881",
        "18801: from 198.18.188.4 lookup 1881",
        "18801: from all oif wan2 lookup 1882",
        "18801: from 10.2.0.2 lookup 1882",
        "18801: from 198.18.188.5 lookup 1882",
        "18802: from all lookup 188",
    ]
    own6 = [line.removesuffix(" proto 178") for line in _lines(net.ip("-6", "rule")) if "proto 178" in line]
    assert own6 == [
        "18800: from all lookup main suppress_prefixlength 0",
        "18801: from all oif wan0 lookup 1880",
        "18801: from 2001:db8:f0::2 lookup 1880",
        "18801: from all oif wan1 lookup 1881",
        "18801: from 2001:db8:f1::2 lookup 1881",
        "18801: from all oif wan2 lookup 1882",
        "18801: from 2001:db8:f2::2 lookup 1882",
        "18802: from all lookup 188",
    ]
    assert _lines(net.ip("route", "show", "table", "188")) == ["default via 10.2.0.1 dev wan2 proto 178 mtu 1420"]
    assert _lines(net.ip("-6", "route", "show", "table", "188")) == [
        "default via 2001:db8:f2::1 dev wan2 proto 178 metric 1024 mtu 1420 pref medium"
    ]
    assert _lines(net.ip("route", "show", "table", "1880")) == ["default via 10.0.0.1 dev wan0 proto 178"]
    assert _lines(net.ip("-6", "route", "show", "table", "1881")) == [
        "default via 2001:db8:f1::1 dev wan1 proto 178 metric 1024 pref medium"
    ]


def test_preparing_moves_nothing_and_the_path_in_main_is_reported(net: BranchNet, actuator: LinuxActuator) -> None:
    assert actuator.snapshot()[0] == "isp1"
    assert net.ask_new() == "isp1 10.0.0.2"
    assert "table 188 " not in net.ip("route", "show", "table", "all")


@pytest.mark.parametrize("again", [1, 2])
def test_a_pc_moves_with_both_families(net: BranchNet, actuator: LinuxActuator, again: int) -> None:
    for place, path in enumerate(PATHS):
        for _ in range(again):
            actuator.apply(path)
        actuator.settle(path)
        assert actuator.snapshot()[0] == path
        assert net.ask_new() == f"{path} 10.{place}.0.2"
        prefix = f"2001:db8:{place + 1}::10"
        assert net.ask_new(ipv6=True, source=prefix) == f"{path} {prefix}"


def test_no_moment_without_a_default_route(net: BranchNet, actuator: LinuxActuator) -> None:
    actuator.apply("isp1")
    monitor = net.spawn(net.router, "ip", "-ts", "monitor", "route")
    asking = [net.socket_in(net.router) for _ in PATHS]
    for place, path in enumerate(("isp2", "cell", "isp1", "isp2")):
        actuator.apply(path)
        asking[place % 3].connect((WORLD, 7))  # looks the route up; raises without one
    monitor.terminate()
    assert monitor.stdout
    seen = monitor.stdout.read()
    assert "Deleted" not in seen, seen


def test_a_bound_socket_and_a_path_address_leave_by_their_own_path(net: BranchNet, actuator: LinuxActuator) -> None:
    actuator.apply("cell")
    for place, path in enumerate(PATHS):
        by_address = net.socket_in(net.router, source=f"10.{place}.0.2")
        assert net.ask(by_address, tries=2) == f"{path} 10.{place}.0.2"
        bound = net.socket_in(net.router)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, f"wan{place}".encode())
        assert net.ask(bound, tries=2) == f"{path} 10.{place}.0.2"


def test_a_family_the_path_lacks_is_unreachable_not_leaked(net: BranchNet, actuator: LinuxActuator) -> None:
    net.ip("-6", "route", "delete", "default", "dev", "wan2")
    net.ip("-6", "address", "flush", "dev", "wan2", "scope", "global")
    fresh = LinuxActuator(net.settings())
    fresh.apply("cell")
    assert _lines(net.ip("-6", "route", "show", "table", "188"))[0].startswith("unreachable default")
    assert net.ask_new() == "cell 10.2.0.2"
    assert net.ask_new(ipv6=True, source="2001:db8:1::10", tries=1) == ""
    fresh.apply("isp2")
    assert net.ask_new(ipv6=True, source="2001:db8:2::10") == "isp2 2001:db8:2::10"
    fresh.close()


def test_a_path_without_interface_or_gateway_is_refused_and_nothing_moves(
    net: BranchNet, actuator: LinuxActuator
) -> None:
    actuator.apply("isp1")
    net.ip("link", "set", "wan1", "down")
    with pytest.raises(ActuatorError, match=r"path 'isp2' has no gateway: interface 'wan1' is down") as caught:
        actuator.apply("isp2")
    assert caught.value.retry
    net.ip("link", "delete", "wan2")
    with pytest.raises(ActuatorError, match=r"path 'cell' has no interface 'wan2' now"):
        actuator.apply("cell")
    with pytest.raises(ActuatorError, match=r"path 'isp9' is not in the settings"):
        actuator.apply("isp9")
    assert actuator.snapshot()[0] == "isp1"
    assert net.ask_new() == "isp1 10.0.0.2"


def test_a_missing_interface_does_not_stop_preparing(net: BranchNet) -> None:
    net.ip("link", "delete", "wan2")
    with inside(net.router):
        made = LinuxActuator(net.settings())
        made.prepare()
        _, paths = made.snapshot()
        made.close()
    assert [path.interface_present for path in paths] == [True, True, False]


def test_a_point_to_point_path_needs_no_gateway(net: BranchNet) -> None:
    net.ip("link", "delete", "wan2")
    net.ip("tuntap", "add", "wan2", "mode", "tun")
    net.ip("address", "add", "100.64.0.7/32", "dev", "wan2")
    net.ip("link", "set", "wan2", "up")
    with inside(net.router):
        made = LinuxActuator(net.settings())
        made.prepare()
        made.apply("cell")
        made.close()
    assert _lines(net.ip("route", "show", "table", "188")) == [
        "default dev wan2 proto 178 scope link linkdown mtu 1420"
    ]


def test_strict_rp_filter_is_refused_with_its_remedy(net: BranchNet) -> None:
    run("ip", "netns", "exec", net.router, "sysctl", "-qw", "net.ipv4.conf.wan1.rp_filter=1")
    with inside(net.router):
        made = LinuxActuator(net.settings())
        with pytest.raises(ActuatorError) as caught:
            made.prepare()
        made.close()
    assert str(caught.value) == (
        "net.ipv4.conf.wan1.rp_filter is 1 in effect (the larger of all and wan1), which drops the answers on a "
        "resting path; set net.ipv4.conf.wan1.rp_filter=2"
    )
    assert not caught.value.retry


def test_a_broken_second_family_does_not_hold_the_first(net: BranchNet, actuator: LinuxActuator) -> None:
    actuator.apply("isp1")
    net.ip("-6", "address", "flush", "dev", "wan1", "scope", "global")  # main keeps the route by its gateway
    actuator.apply("isp2")
    assert net.ask_new() == "isp2 10.1.0.2"
    assert _lines(net.ip("-6", "route", "show", "table", "188"))[0].startswith("unreachable default")
    assert actuator.reconcile() == ()


def test_a_gateway_outside_the_subnet_is_reached_on_link(net: BranchNet) -> None:
    settings = net.settings()
    net.ip("address", "flush", "dev", "wan1", "scope", "global")
    net.ip("address", "add", "10.1.0.2/32", "dev", "wan1")
    second = dataclasses.replace(settings.paths[1], gateway_ipv4="10.1.0.1")
    with inside(net.router):
        made = LinuxActuator(dataclasses.replace(settings, paths=(settings.paths[0], second, settings.paths[2])))
        made.prepare()
        made.apply("isp2")
        made.close()
    assert _lines(net.ip("route", "show", "table", "188")) == ["default via 10.1.0.1 dev wan1 proto 178 onlink"]
    assert net.ask_new() == "isp2 10.1.0.2"


def test_without_the_right_the_sentence_says_which(net: BranchNet) -> None:
    code = (
        "from failover.actuators import load\n"
        "from failover.actuators.base import ActuatorError\n"
        "from failover.actuators.settings import ActuatorSettings, PathPlan\n"
        "try: load('linux', ActuatorSettings((PathPlan('a', 'wan0'),))).prepare()\n"
        "except ActuatorError as error: print(error)\n"
    )
    done = subprocess.run(
        [
            "ip",
            "netns",
            "exec",
            net.router,
            "setpriv",
            "--bounding-set=-net_admin",
            "--inh-caps=-net_admin",
            sys.executable,
            "-c",
            code,
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == (
        "the tables and rules cannot be installed: CAP_NET_ADMIN is missing; "
        "start the actor by branchline-actor.service, or with that capability"
    )

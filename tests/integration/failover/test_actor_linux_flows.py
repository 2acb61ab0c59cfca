"""What the Linux actuator does to flows, names, prefixes and segment sizes, and what it mends."""

import shutil
import socket
from pathlib import Path

import pytest

from agent import canary
from failover.actuators.linux import LinuxActuator
from tests.integration.failover.branch_net import WORLD, BranchNet, inside, run, wait_for
from tests.needs import needs_program, needs_root

pytestmark = [needs_root, needs_program("nft"), needs_program("ip")]


def test_an_old_flow_through_static_translation_is_dead_until_settled(net: BranchNet, actuator: LinuxActuator) -> None:
    actuator.apply("isp1")
    flow = net.socket_in(net.pc)
    assert net.ask(flow, tries=2) == "isp1 10.0.0.2"
    actuator.apply("isp2")
    assert net.ask(flow, tries=3) == ""
    assert actuator.settle("isp2") >= 1
    assert net.ask(flow, tries=2) == "isp2 10.1.0.2"
    assert actuator.settle("isp2") == 0


def test_settling_knows_the_address_of_an_interface_that_is_gone(net: BranchNet, actuator: LinuxActuator) -> None:
    actuator.apply("isp1")
    flow = net.socket_in(net.pc)
    assert net.ask(flow, tries=2) == "isp1 10.0.0.2"
    net.ip("link", "set", "wan0", "down")
    net.ip("address", "flush", "dev", "wan0")
    actuator.apply("isp2")
    assert actuator.settle("isp2") >= 1
    assert net.ask(flow, tries=2) == "isp2 10.1.0.2"


def test_settling_spares_probes_and_flows_of_the_path_in_use(net: BranchNet, actuator: LinuxActuator) -> None:
    actuator.apply("isp1")
    with inside(net.router):
        probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP)
    with probe:
        probe.settimeout(1)
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"wan1")
        probe.sendto(b"\x08\0\0\0\0\0\0\x01", (WORLD, 0))
        probe.recv(100)
        user = net.socket_in(net.pc)
        assert net.ask(user, tries=2) == "isp1 10.0.0.2"
        assert actuator.settle("isp1") == 0


def test_counted_are_users_packets_from_beyond_the_gateway_only(net: BranchNet, actuator: LinuxActuator) -> None:
    actuator.apply("isp2")
    assert actuator.counters() == {"isp1": 0, "isp2": 0, "cell": 0}
    with inside(net.router):
        probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP)
    with probe:
        probe.settimeout(1)
        for target in (WORLD, "10.1.0.1"):
            probe.sendto(b"\x08\0\0\0\0\0\0\x01", (target, 0))
            probe.recv(100)
    near = net.socket_in(net.router)
    near.sendto(b"x", ("10.1.0.1", 9))  # the link's own subnet
    scan = net.socket_in(net.provider("isp2"), source=WORLD)
    scan.sendto(b"x", ("10.1.0.2", 4444))  # a stranger's packet proves one direction only
    assert actuator.counters() == {"isp1": 0, "isp2": 0, "cell": 0}
    assert net.ask_new(tries=1) == "isp2 10.1.0.2"
    assert actuator.counters() == {"isp1": 0, "isp2": 1, "cell": 0}
    actuator.prepare()
    assert actuator.counters()["isp2"] == 1, "preparing again must not lose the count"


def test_segments_fit_the_path_in_use(net: BranchNet, actuator: LinuxActuator) -> None:
    for path, wanted in (("isp1", 1460), ("cell", 1380)):
        actuator.apply(path)
        actuator.settle(path)
        with inside(net.provider(path)):
            listener = socket.create_server((WORLD, 80))
        with inside(net.pc):
            asking = socket.socket()
        with listener, asking:
            asking.settimeout(3)
            asking.connect((WORLD, 80))
            served, _ = listener.accept()
            with served:
                for end in (served, asking):
                    size = end.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG)
                    assert wanted - 12 <= size <= wanted, (path, size)


def test_what_others_remove_is_put_back_with_a_sentence_each(net: BranchNet, actuator: LinuxActuator) -> None:
    actuator.apply("isp2")
    assert actuator.reconcile() == ()
    net.ip("rule", "flush")
    net.ip("-6", "rule", "flush")
    net.ip("route", "flush", "table", "188")
    net.ip("route", "flush", "table", "1882")
    run("ip", "netns", "exec", net.router, "nft", "delete", "table", "inet", "branchline")
    net.resolv_file.unlink()
    assert net.ask_new(tries=1) == ""
    mended = actuator.reconcile()
    assert "put back the IPv4 rule 18802: lookup 188" in mended
    assert "put back the IPv6 rule 18800: lookup main suppress_prefixlength 0" in mended
    assert "put the IPv4 default route by isp2 in table 188" in mended
    assert "put the IPv4 default route by cell in table 1882" in mended
    assert "put back the nft table inet branchline" in mended
    assert f"wrote the resolvers of isp2 to {net.resolv_file}" in mended
    assert net.ask_new() == "isp2 10.1.0.2"
    assert actuator.reconcile() == ()


def test_a_move_works_even_just_after_the_rules_were_flushed(net: BranchNet, actuator: LinuxActuator) -> None:
    actuator.apply("isp1")
    net.ip("rule", "flush")
    actuator.apply("isp2")
    assert net.ask_new() == "isp2 10.1.0.2"


def test_rules_taken_out_of_the_nft_table_are_put_back(net: BranchNet, actuator: LinuxActuator) -> None:
    run("ip", "netns", "exec", net.router, "nft", "flush", "table", "inet", "branchline")
    assert actuator.reconcile() == ("put back the nft table inet branchline",)


def test_a_link_that_comes_back_gets_its_table_back_without_a_daemon(net: BranchNet, actuator: LinuxActuator) -> None:
    actuator.apply("isp1")
    net.ip("link", "set", "wan1", "down")
    actuator.reconcile()
    net.ip("link", "set", "wan1", "up")
    assert "put the IPv4 default route by isp2 in table 1881" in actuator.reconcile()


def test_a_new_address_moves_rule_and_subnet(net: BranchNet, actuator: LinuxActuator) -> None:
    actuator.apply("isp1")
    net.ip("address", "add", "10.7.0.2/24", "dev", "wan2")
    net.ip("address", "delete", "10.2.0.2/24", "dev", "wan2")
    mended = actuator.reconcile()
    assert "put back the IPv4 rule 18801: from 10.7.0.2 lookup 1882" in mended
    assert "removed the stale IPv4 rule 18801: from 10.2.0.2 lookup 1882" in mended
    listed = run("ip", "netns", "exec", net.router, "nft", "list", "set", "inet", "branchline", "near4_2")
    assert "10.7.0.0/24" in listed
    assert "10.2.0.0/24" not in listed


def test_prefixes_of_resting_paths_are_deprecated(net: BranchNet, actuator: LinuxActuator) -> None:
    for place, path in enumerate(("isp1", "isp2")):
        actuator.apply(path)
        for prefix in (1, 2, 3):
            listed = net.ip("-6", "address", "show", "dev", "lan0", "to", f"2001:db8:{prefix}::/64")
            assert ("deprecated" in listed) == (prefix != place + 1), listed


@needs_program("dnsmasq")
def test_dnsmasq_follows_the_path_in_use(net: BranchNet, actuator: LinuxActuator) -> None:
    actuator.apply("isp1")
    for place, path in enumerate(("isp1", "isp2")):
        net.spawn(
            net.provider(path),
            _dnsmasq(),
            "--keep-in-foreground",
            "--conf-file=/dev/null",
            "--no-resolv",
            "--no-hosts",
            "--user=root",
            "--pid-file=",
            f"--address=/who.example/192.0.2.{10 + place}",
            f"--listen-address=10.{place}.0.1",
            "--bind-interfaces",
            "--log-facility=-",
            ready="started",
        )
    net.spawn(
        net.router,
        _dnsmasq(),
        "--keep-in-foreground",
        "--conf-file=/dev/null",
        "--no-hosts",
        "--user=root",
        "--pid-file=",
        f"--resolv-file={net.resolv_file}",
        "--cache-size=0",
        "--interface=lan0",
        "--log-facility=-",
        ready="started",
    )
    wait_for(lambda: _resolve(net) == "192.0.2.10")
    actuator.apply("isp2")
    wait_for(lambda: _resolve(net) == "192.0.2.11", within_s=3)


@needs_program("dnsmasq")
def test_a_host_prefers_the_prefix_of_the_path_in_use(net: BranchNet, actuator: LinuxActuator) -> None:
    run("ip", "-n", net.pc, "-6", "address", "flush", "dev", "eth0", "scope", "global")
    run("ip", "netns", "exec", net.pc, "sysctl", "-qw", "net.ipv6.conf.eth0.accept_ra=1")
    actuator.apply("isp1")
    net.spawn(
        net.router,
        _dnsmasq(),
        "--keep-in-foreground",
        "--conf-file=/dev/null",
        "--no-hosts",
        "--user=root",
        "--pid-file=",
        "--port=0",
        "--enable-ra",
        "--dhcp-range=::,constructor:lan0,ra-only,64,10m",
        "--log-facility=-",
        ready="started",
    )
    wait_for(lambda: _preferred(net) == ["2001:db8:1:"])
    actuator.apply("isp2")
    wait_for(lambda: _preferred(net) == ["2001:db8:2:"])
    actuator.apply("isp1")
    wait_for(lambda: _preferred(net) == ["2001:db8:1:"])


def _preferred(net: BranchNet) -> list[str]:
    listed = run("ip", "-n", net.pc, "-6", "address", "show", "dev", "eth0", "scope", "global")
    lines = [line.split() for line in listed.splitlines() if "inet6" in line and "deprecated" not in line]
    return [words[1][: len("2001:db8:1:")] for words in lines]


def _dnsmasq() -> str:
    return shutil.which("dnsmasq", path="/usr/sbin:/usr/bin:/sbin") or "dnsmasq"


def _resolve(net: BranchNet) -> str:
    asking = net.socket_in(net.pc)
    asking.sendto(b"\0\x07\x01\0\0\x01\0\0\0\0\0\0\x03who\x07example\0\0\x01\0\x01", ("192.168.77.1", 53))
    try:
        return socket.inet_ntoa(asking.recv(512)[-4:])
    except OSError:
        return ""
    finally:
        asking.close()


def test_canary_flows_stay_on_their_path_when_others_are_settled(
    net: BranchNet, actuator: LinuxActuator, tmp_path: Path
) -> None:
    inside_name = f"{net.tag}-c"
    with inside(net.router):
        canary.create("198.18.188.0/28", 3, namespace=inside_name)
    net.stack.callback(run, "ip", "netns", "delete", inside_name)
    actuator.apply("isp1")
    pinned = net.socket_in(inside_name, source="198.18.188.5")
    assert net.ask(pinned, tries=2) == "cell 10.2.0.2"
    assert actuator.settle("isp1") == 0
    assert net.ask(pinned, tries=1) == "cell 10.2.0.2"
    assert actuator.counters()["cell"] == 0


@pytest.fixture(autouse=True)
def _fast(net: BranchNet) -> None:
    """Flows time out after the test, never in it."""
    run("ip", "netns", "exec", net.router, "sysctl", "-qw", "net.netfilter.nf_conntrack_udp_timeout=30")

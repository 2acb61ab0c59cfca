"""The parts of the Linux actuator that need no kernel. Bytes are built by hand from the kernel's headers."""

import ipaddress
import socket
import struct
from pathlib import Path

import pytest

from failover.actuators import ACTUATORS, load
from failover.actuators.base import ActuatorError
from failover.actuators.dry_run import DryRunActuator
from failover.actuators.linux import dns, nft
from failover.actuators.linux.conntrack import Abandoned, flow_is_abandoned
from failover.actuators.linux.guard import check_rp_filter
from failover.actuators.linux.marks import Addresses
from failover.actuators.linux.netlink import attribute, attributes
from failover.actuators.linux.routes import Sight, describe, rules
from failover.actuators.linux.values import IfAddress, Link, Rule
from failover.actuators.settings import ActuatorSettings, PathPlan

WIRE = PathPlan("wire", "wan0", canary_ipv4="198.18.188.3", ipv6_prefix="2001:db8:1::/64")
CELL = PathPlan("cell", "wwan0", ipv6_prefix="2001:db8:2::/64")
SETTINGS = ActuatorSettings((WIRE, CELL), canary_network="198.18.188.0/28")


def sight(plan: PathPlan, place: int, *addresses: str) -> Sight:
    link = Link(place + 2, plan.interface, 1500, up=True, point_to_point=False)
    found = tuple(IfAddress(place + 2, ipaddress.ip_interface(text), True, 9, 9, 0) for text in addresses)
    return Sight(plan, place, link, found, {})


def flow(source: str, back_to: str, *, protocol: int = socket.IPPROTO_UDP) -> bytes:
    """A conntrack entry as the kernel dumps it: its original source, and where its replies go."""
    family = socket.AF_INET6 if ":" in source else socket.AF_INET
    kinds = (3, 4) if family == socket.AF_INET6 else (1, 2)
    far = socket.inet_pton(family, "2001:db8:ffff::1" if family == socket.AF_INET6 else "192.0.2.1")

    def ends(first: bytes, second: bytes) -> bytes:
        ips = attribute(kinds[0], first) + attribute(kinds[1], second)
        return attribute(1 | 0x8000, ips) + attribute(2 | 0x8000, attribute(1, bytes([protocol])))

    original = ends(socket.inet_pton(family, source), far)
    reply = ends(far, socket.inet_pton(family, back_to))
    body = struct.pack("!BBH", family, 0, 0) + attribute(1 | 0x8000, original) + attribute(2 | 0x8000, reply)
    body += attribute(12, b"\x01\x02\x03\x04")
    return struct.pack("=IHHII", 16 + len(body), 256, 2, 1, 0) + body


MARKS = Abandoned(
    frozenset({socket.inet_aton("10.0.0.2"), socket.inet_pton(socket.AF_INET6, "2001:db8:f0::2")}),
    (ipaddress.IPv6Network("2001:db8:1::/64"),),
    ipaddress.IPv4Network("198.18.188.0/28"),
)


@pytest.mark.parametrize(
    ("body", "forgotten"),
    [
        (flow("192.168.1.9", "10.0.0.2"), True),
        (flow("192.168.1.9", "10.1.0.2"), False),
        (flow("10.0.0.2", "10.0.0.2"), True),
        (flow("10.0.0.2", "10.0.0.2", protocol=socket.IPPROTO_ICMP), False),
        (flow("192.168.1.9", "10.0.0.2", protocol=socket.IPPROTO_ICMP), True),
        (flow("198.18.188.3", "10.0.0.2"), False),
        (flow("192.168.1.9", "192.168.1.9"), False),
        (flow("2001:db8:1::10", "2001:db8:1::10"), True),
        (flow("2001:db8:2::10", "2001:db8:2::10"), False),
        (flow("2001:db8:2::10", "2001:db8:f0::2"), True),
    ],
)
def test_which_flows_are_forgotten(body: bytes, forgotten: bool) -> None:  # noqa: FBT001 - a table
    found = flow_is_abandoned(body, MARKS)
    assert (found is not None) == forgotten
    if found:
        assert found[0] == body[16]
        assert attributes(found[2]) == {12: b"\x01\x02\x03\x04"}


def test_a_flow_without_the_expected_parts_is_kept() -> None:
    assert flow_is_abandoned(b"\0" * 16 + struct.pack("!BBH", 2, 0, 0), MARKS) is None


def test_attributes_stop_at_nonsense() -> None:
    assert attributes(attribute(1, b"a") + struct.pack("=HH", 2, 9)) == {1: b"a"}


def test_addresses_are_remembered_and_bounded() -> None:
    seen = Addresses(SETTINGS)
    seen.remember([sight(WIRE, 0, "10.0.0.2/24"), sight(CELL, 1, "10.9.9.9/32")])
    for last in range(1, 9):
        seen.remember([sight(WIRE, 0), sight(CELL, 1, f"10.1.0.{last}/32")])
    marks = seen.abandoned("wire")
    assert marks.addresses == {socket.inet_aton(f"10.1.0.{last}") for last in range(1, 9)}
    assert marks.prefixes == (ipaddress.IPv6Network("2001:db8:2::/64"),)
    assert socket.inet_aton("10.0.0.2") in seen.abandoned("cell").addresses


def test_an_address_two_paths_share_is_never_abandoned() -> None:
    seen = Addresses(SETTINGS)
    seen.remember([sight(WIRE, 0, "192.168.1.2/24"), sight(CELL, 1, "192.168.1.2/24")])
    assert seen.abandoned("cell").addresses == frozenset()


def test_rules_in_the_order_the_kernel_asks() -> None:
    sights = [sight(WIRE, 0, "10.0.0.2/24", "10.0.0.2/32"), sight(CELL, 1)]
    assert [describe(rule) for rule in rules(socket.AF_INET, sights)] == [
        "18800: lookup main suppress_prefixlength 0",
        "18801: oif wan0 lookup 1880",
        "18801: from 10.0.0.2 lookup 1880",
        "18801: from 198.18.188.3 lookup 1880",
        "18801: oif wwan0 lookup 1881",
        "18802: lookup 188",
    ]
    assert Rule(socket.AF_INET6, 18802, 188) == rules(socket.AF_INET6, sights)[-1]


def test_the_nft_table_is_replaced_in_one_transaction() -> None:
    text = nft.ruleset([sight(WIRE, 0, "10.0.0.2/24", "2001:db8:f0::2/64")], "198.18.188.0/28")
    assert text.splitlines()[:3] == [
        "add table inet branchline",
        "delete table inet branchline",
        "table inet branchline {",
    ]
    assert "elements = { 10.0.0.0/24 }" in text
    assert "elements = { 2001:db8:f0::/64, fe80::/10 }" in text
    assert 'iifname "wan0" ip saddr != @near4_0 counter name path_0' in text
    assert "tcp option maxseg size set rt mtu" in text


@pytest.mark.parametrize("name", ['a"b', "a b", "a;b", "a\nb", "a{"])
def test_an_interface_name_cannot_become_nft_text(name: str) -> None:
    with pytest.raises(ActuatorError, match="has a character nft cannot take; rename the interface"):
        nft.ruleset([sight(PathPlan("x", name), 0)], "")


@pytest.mark.parametrize(("of_all", "own", "refused"), [(0, 1, True), (1, 0, True), (1, 2, False), (0, 0, False)])
def test_the_larger_rp_filter_counts(tmp_path: Path, of_all: int, own: int, refused: bool) -> None:  # noqa: FBT001
    for name, value in (("all", of_all), ("default", 0), ("wan0", own)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "rp_filter").write_text(f"{value}\n")
    if refused:
        with pytest.raises(ActuatorError, match=r"set net\.ipv4\.conf\.wan0\.rp_filter=2"):
            check_rp_filter(["wan0"], tmp_path)
    else:
        check_rp_filter(["wan0"], tmp_path)


def test_an_interface_to_come_starts_with_default(tmp_path: Path) -> None:
    for name, value in (("all", 0), ("default", 1)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "rp_filter").write_text(f"{value}\n")
    with pytest.raises(ActuatorError):
        check_rp_filter(["wwan0"], tmp_path)


def test_resolvers_are_written_whole_and_only_when_they_change(tmp_path: Path) -> None:
    file = tmp_path / "run" / "resolv.conf"
    assert dns.put(file, ("192.0.2.53", "2001:db8::53"))
    assert file.read_text() == "nameserver 192.0.2.53\nnameserver 2001:db8::53\n"
    assert file.stat().st_mode & 0o777 == 0o644
    before = file.stat().st_ino
    assert not dns.put(file, ("192.0.2.53", "2001:db8::53"))
    assert dns.put(file, ("192.0.2.54",))
    assert file.stat().st_ino != before, "renamed into place, never written in place"
    assert [found.name for found in file.parent.iterdir()] == ["resolv.conf"]


def test_dry_run_records_what_it_would_do() -> None:
    assert set(ACTUATORS) == {"linux", "dry_run"}
    made = load("dry_run", SETTINGS)
    assert isinstance(made, DryRunActuator)
    made.prepare()
    made.apply("cell")
    made.settle("cell")
    assert made.snapshot()[0] == "cell"
    assert made.done == [
        "install the tables and rules of wire, cell",
        "route new traffic by cell",
        "drop flows still translated to a path other than cell",
    ]
    with pytest.raises(ActuatorError, match="path 'dsl' is not in the settings"):
        made.apply("dsl")
    for _ in range(1100):
        made.apply("wire")
    assert len(made.done) == 1000

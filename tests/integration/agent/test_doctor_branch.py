"""The doctor on a real branch: each fault is made for real and must be named with its remedy."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.agent.doctor_branch import DoctorBranch, doctor_branch
from tests.integration.failover.branch_net import run, wait_for
from tests.needs import needs_program, needs_root

pytestmark = [needs_root, needs_program("nft"), needs_program("ip")]

NO_AGENT = {"agent"}


@pytest.fixture(scope="module")
def branch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DoctorBranch]:
    """One for all: every test leaves it as it was."""
    with doctor_branch(tmp_path_factory.mktemp("doctor")) as made:
        yield made


def test_a_sound_branch_without_agent_lacks_only_the_agent(branch: DoctorBranch) -> None:
    report = branch.doctor()
    assert report.failed() == NO_AGENT
    assert report.of("agent")["remedy"].startswith("nobody answers on ")
    assert report.of("actor")["said"] == "answers, isp1 in use"
    assert report.of("rules")["mark"] == report.of("tables", "in use")["mark"] == "ok"
    assert report.of("gateway", "isp2")["said"] == "IPv4 via 10.1.0.1, IPv6 via 2001:db8:f1::1"
    for name in ("isp1", "isp2", "cell"):
        said = report.of("probes", name)["said"]
        assert all(f"site{number}" in said for number in (1, 2, 3)), said
    assert report.of("canary")["said"] == "lends ICMP, UDP and TCP sockets"
    assert report.of("resolvers", "isp1")["said"] == "lists 10.0.0.1"


def test_on_a_terminal_a_failing_line_is_followed_by_its_sentence(branch: DoctorBranch) -> None:
    with branch.sysctl("ipv4.ip_forward", "0"):
        done = branch.command("doctor", "--config", str(branch.file))
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    place = lines.index("X FAIL  forwarding     IPv4: net.ipv4.ip_forward is 0")
    assert lines[place + 1].strip() == (
        "net.ipv4.ip_forward is 0, so this router carries nobody's IPv4 traffic; write `net.ipv4.ip_forward = 1` into "
        "/etc/sysctl.d/90-branchline.conf and run `sysctl --system`"
    )


def test_strict_reverse_path_filter(branch: DoctorBranch) -> None:
    with branch.sysctl("ipv4.conf.wan1.rp_filter", "1"):
        report = branch.doctor()
    assert report.failed() == NO_AGENT | {"rp_filter"}
    assert report.of("rp_filter", "isp2")["said"] == "wan1: 1 (strict)"
    assert (
        "`sysctl -w net.ipv4.conf.all.rp_filter=2 net.ipv4.conf.wan1.rp_filter=2`"
        in (report.of("rp_filter", "isp2")["remedy"])
    )


def test_no_group_may_ping(branch: DoctorBranch) -> None:
    with branch.sysctl("ipv4.ping_group_range", "1 0"):
        report = branch.doctor()
    assert report.failed() == NO_AGENT | {"ping socket"}
    assert "`net.ipv4.ping_group_range = 0 0`" in report.of("ping socket")["remedy"]
    assert "EACCES" in report.of("ping socket")["remedy"]
    assert report.of("probes")["mark"] == "skip"


def test_a_missing_default_route(branch: DoctorBranch) -> None:
    net = branch.net
    net.ip("route", "del", "default", "via", "10.1.0.1", "dev", "wan1", "metric", "101")
    try:
        report = branch.doctor()
    finally:
        net.ip("route", "add", "default", "via", "10.1.0.1", "dev", "wan1", "metric", "101")
    assert "gateway" in report.failed()
    finding = report.of("gateway", "isp2")
    assert finding["said"] == "no IPv4 default route over wan1"
    assert "set path[2].gateway_ipv4" in finding["remedy"]


def test_a_second_masters_rule_and_its_marks(branch: DoctorBranch) -> None:
    net = branch.net
    net.ip("route", "add", "default", "via", "10.1.0.1", "dev", "wan1", "table", "2")
    net.ip("rule", "add", "priority", "2002", "fwmark", "0x200/0x3f00", "lookup", "2")
    net.ip("rule", "add", "priority", "2003", "from", "192.0.2.77", "lookup", "77")
    try:
        report = branch.doctor()
    finally:
        net.ip("rule", "del", "priority", "2002")
        net.ip("rule", "del", "priority", "2003")
        net.ip("route", "del", "default", "table", "2")
    assert report.failed() == NO_AGENT | {"other rules"}
    finding = report.of("other rules", "mwan3")
    assert finding["said"] == "2002: from all fwmark 0x200/0x3f00 lookup 2"
    assert "`ip rule del priority 2002`" in finding["remedy"]


def test_equal_metrics(branch: DoctorBranch) -> None:
    net = branch.net
    net.ip("route", "add", "default", "via", "10.2.0.1", "dev", "wan2", "metric", "100", "tos", "8")
    net.ip("route", "append", "default", "via", "10.1.0.1", "dev", "wan1", "metric", "100")
    try:
        report = branch.doctor()
    finally:
        net.ip("route", "del", "default", "via", "10.1.0.1", "dev", "wan1", "metric", "100")
        net.ip("route", "del", "default", "via", "10.2.0.1", "dev", "wan2", "metric", "100", "tos", "8")
    assert "equal metrics" in report.failed()
    assert "wan0, wan1" in report.of("equal metrics", "IPv4")["said"]


def test_another_daemon_is_named(branch: DoctorBranch, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "forever")
    script = tmp_path / "mwan3track"
    script.write_text("echo ready\nread word < forever\n")
    process = branch.net.spawn(branch.net.router, "sh", "-c", f"cd {tmp_path} && exec sh mwan3track wan", ready="ready")
    report = branch.doctor()
    process.kill()
    process.wait()
    assert report.failed() == NO_AGENT | {"other daemons"}
    finding = report.of("other daemons", "mwan3")
    assert finding["said"] == f"runs as process {process.pid}"
    assert "`/etc/init.d/mwan3 stop; /etc/init.d/mwan3 disable`" in finding["remedy"]
    assert branch.doctor().failed() == NO_AGENT


def test_a_dead_line_and_a_dead_anchor_are_told_apart(branch: DoctorBranch) -> None:
    net = branch.net
    for name in ("isp1", "isp2", "cell"):
        run("ip", "-n", net.provider(name), "address", "del", "192.0.2.3/32", "dev", "lo")
    run("ip", "-n", net.provider("isp2"), "link", "set", "cust", "down")
    try:
        report = branch.doctor()
    finally:
        run("ip", "-n", net.provider("isp2"), "link", "set", "cust", "up")
        for name in ("isp1", "isp2", "cell"):
            run("ip", "-n", net.provider(name), "address", "add", "192.0.2.3/32", "dev", "lo")
        run("ip", "-n", net.provider("isp2"), "-6", "address", "replace", "2001:db8:f1::1/64", "dev", "cust")
    assert report.of("interface", "isp2")["said"] == "wan1 has no carrier"
    assert report.of("probes", "isp2")["said"].startswith("IPv4 no anchor")
    assert report.of("probes", "site3")["said"] == "answers IPv4 on no path"
    assert report.of("probes", "isp1")["mark"] == "ok"
    wait_for(lambda: "NO-CARRIER" not in net.ip("link", "show", "wan1"))


def test_a_stopped_actor_and_flushed_rules(branch: DoctorBranch) -> None:
    branch.stop_actor()
    try:
        report = branch.doctor()
        assert report.failed() == NO_AGENT | {"actor"}  # what it put in place outlives it
        assert "`systemctl start branchline-actor`" in report.of("actor")["remedy"]
        branch.net.ip("rule", "del", "priority", "18802")
        report = branch.doctor()
        assert "the rule `IPv4 18802: lookup 188` is missing; start the actor" in report.of("rules")["remedy"]
    finally:
        branch.start_actor()
    assert branch.doctor().failed() == NO_AGENT


def test_resolvers_of_another_line(branch: DoctorBranch) -> None:
    branch.stop_actor()  # it would write the file anew
    before = branch.net.resolv_file.read_text()
    branch.net.resolv_file.write_text("nameserver 10.1.0.1\n")
    try:
        finding = branch.doctor().of("resolvers", "isp1")
    finally:
        branch.net.resolv_file.write_text(before)
        branch.start_actor()
    assert "lists 10.1.0.1, but isp1 is in use with 10.0.0.1" in finding["remedy"]

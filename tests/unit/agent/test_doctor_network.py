"""What the doctor thinks of interfaces, gateways, probes, rules and other masters."""

import socket
from pathlib import Path

import pytest

from agent.doctor import foreign_rules, lines, masters, reach, routing
from agent.doctor.finding import Finding, Mark
from agent.doctor.network import DefaultRoute, ForeignRule
from agent.doctor.processes import ProcessSeen
from agent.links import GONE, LinkSeen
from agent.probes import Outcome, Result, Target
from tests.unit.agent.doctor_values import CELL, WAN

V4, V6 = int(socket.AF_INET), int(socket.AF_INET6)
UP = LinkSeen(present=True, carrier=True, ifindex=2)
DARK = LinkSeen(present=True, carrier=False, ifindex=2)
BOTH: dict[int, tuple[str, ...]] = {4: ("192.0.2.2",), 6: ("2001:db8::2",)}


@pytest.mark.parametrize(
    ("link", "addresses", "mark", "part"),
    [
        (UP, BOTH, "ok", ""),
        (UP, {}, "ok", ""),
        (GONE, {}, "FAIL", "there is no interface eth1"),
        (DARK, BOTH, "FAIL", "`ip link set eth1 up`"),
        (UP, {4: (), 6: ("2001:db8::2",)}, "FAIL", "no IPv4 address"),
        (UP, {4: ("192.0.2.2",), 6: ()}, "warn", "no IPv6 address, but anchors have"),
    ],
)
def test_interfaces(link: LinkSeen, addresses: dict[int, tuple[str, ...]], mark: str, part: str) -> None:
    finding = lines.judge_interface(WAN, link, addresses, 4, {4, 6})
    assert finding.mark == mark
    assert part in finding.remedy


def test_a_missing_modem_is_to_be_plugged_in() -> None:
    assert "plug the modem in" in lines.judge_interface(CELL, GONE, {}, 4, {4}).remedy


def test_gateways() -> None:
    assert lines.judge_gateway(WAN, 1, {4: "192.0.2.1"}, 4, ipv6=False) == Finding(
        Mark.OK, "fibre", "IPv4 via 192.0.2.1"
    )
    finding = lines.judge_gateway(WAN, 1, {}, 4, ipv6=False)
    assert finding.mark is Mark.FAIL
    assert "`ip route add default via GATEWAY dev eth1 metric 100`" in finding.remedy
    assert "set path[1].gateway_ipv4" in finding.remedy
    finding = lines.judge_gateway(WAN, 1, {4: "192.0.2.1"}, 4, ipv6=True)
    assert (finding.mark, "accept_ra = 2" in finding.remedy) == (Mark.WARN, True)


def _target(path: str, anchor: str, family: int = 4) -> Target:
    return Target(path, f"if-{path}", anchor, family, "192.0.2.9" if family == 4 else "2001:db8::9")


def _result(path: str, anchor: str, kind: Outcome = Outcome.REPLY, family: int = 4, detail: str = "") -> Result:
    return Result(path, family, anchor, kind, 0.0, 0.02, 20.04 if kind is Outcome.REPLY else None, detail)


TARGETS = [_target(path, anchor) for path in ("p1", "p2") for anchor in ("a", "b")]


def test_every_anchor_answers() -> None:
    results = [_result(target.path, target.anchor) for target in TARGETS]
    assert reach.judge(TARGETS, results, 4) == [
        Finding(Mark.OK, "p1", "IPv4 a 20.0 ms, b 20.0 ms"),
        Finding(Mark.OK, "p2", "IPv4 a 20.0 ms, b 20.0 ms"),
    ]


def test_a_silent_path_says_why() -> None:
    answers = [_result("p1", "a"), _result("p1", "b")]
    refused = _result("p2", "a", Outcome.ICMP_ERROR, detail="host unreachable, says 10.0.0.1")
    first, second = reach.judge(TARGETS, [*answers, refused], 4)
    assert first.mark is Mark.OK
    assert (second.mark, second.said) == (Mark.FAIL, "IPv4 no anchor (host unreachable, says 10.0.0.1)")
    assert "`ping -I if-p2 192.0.2.9`" in second.remedy


def test_an_anchor_silent_on_every_path_is_blamed_itself() -> None:
    found = reach.judge(TARGETS, [_result("p1", "a"), _result("p2", "a")], 4)
    assert [(finding.mark, finding.about) for finding in found] == [("ok", "p1"), ("ok", "p2"), ("FAIL", "b")]


def test_an_anchor_silent_on_one_path_is_that_paths_affair() -> None:
    found = reach.judge(TARGETS, [_result("p1", "a"), _result("p1", "b"), _result("p2", "a")], 4)
    assert [(finding.mark, finding.about) for finding in found] == [("ok", "p1"), ("warn", "p2")]
    assert "though on other paths it does" in found[1].remedy


def test_with_all_silent_no_anchor_is_blamed() -> None:
    assert [finding.about for finding in reach.judge(TARGETS, [], 4)] == ["p1", "p2"]


def test_the_second_version_only_warns() -> None:
    targets = [*TARGETS, _target("p1", "a", 6)]
    results = [_result(target.path, target.anchor) for target in TARGETS]
    first = reach.judge(targets, results, 4)[0]
    assert (first.mark, first.said) == (Mark.WARN, "IPv4 a 20.0 ms, b 20.0 ms; IPv6 no anchor")


def test_rules() -> None:
    assert routing.judge_rules(9, [], [], running=True).mark is Mark.OK
    assert routing.judge_rules(0, ["x"], [], running=False).said == "none of the actor's rules is in place"
    missing = routing.judge_rules(8, ["IPv4 18802: lookup 188"], [], running=True)
    assert (missing.mark, "`IPv4 18802: lookup 188` is missing" in missing.remedy) == (Mark.FAIL, True)
    assert routing.judge_rules(10, [], ["y"], running=True).mark is Mark.WARN


def test_tables() -> None:
    assert routing.judge_table("fibre", 1880, V4, "192.0.2.1", ["192.0.2.1"], running=True).mark is Mark.OK
    assert routing.judge_table("dsl", 1881, V4, "", [""], running=True).said == "table 1881, IPv4 via the link itself"
    wrong = routing.judge_table("fibre", 1880, V6, "fe80::1", [], running=False)
    assert (wrong.mark, wrong.said) == (Mark.FAIL, "table 1880, IPv6 has no default route")


def _rule(
    text: str, *, priority: int = 2001, table: int = 2, action: str = "lookup", everything: bool = False, **more: bool
) -> ForeignRule:
    return ForeignRule(V4, priority, f"{priority}: {text}", action, table, everything, more.get("specific", False), 0)


@pytest.mark.parametrize(
    ("rule", "has_default", "mark"),
    [
        (_rule("from all lookup local", priority=0, table=255, everything=True), False, None),
        (_rule("from all lookup main", priority=32766, table=254, everything=True), True, None),
        (_rule("from all fwmark 0x100/0x3f00 lookup 1"), True, "FAIL"),
        (_rule("from all lookup 52", table=52, everything=True), False, None),
        (_rule("from all lookup 52", table=52, everything=True), True, "FAIL"),
        (_rule("from all lookup main", table=254, everything=True), True, "FAIL"),
        (_rule("from all fwmark 0x80000/0xff0000 lookup main", table=254), True, "warn"),
        (_rule("from all lookup main suppress_prefixlength 0", table=254, everything=True, specific=True), True, None),
        (_rule("from all unreachable", table=0, action="unreachable", everything=True), False, "FAIL"),
        (_rule("from 10.0.0.9/32 blackhole", table=0, action="blackhole"), False, None),
    ],
)
def test_rules_of_others(*, rule: ForeignRule, has_default: bool, mark: str | None) -> None:
    finding = foreign_rules.judge_rule(rule, has_default=has_default)
    assert (None if finding is None else finding.mark) == mark


def test_mwan3_is_known_by_its_marks() -> None:
    finding = foreign_rules.judge_rule(_rule("from all fwmark 0x100/0x3f00 lookup 1"), has_default=True)
    assert finding is not None
    assert finding.about == "mwan3"


def test_known_daemons_are_named_once() -> None:
    running = [ProcessSeen(pid, "mwan3track", ("sh",)) for pid in (7, 8)] + [ProcessSeen(9, "sshd", ("sshd",))]
    (finding,) = masters.judge_daemons(running)
    assert (finding.mark, finding.about, finding.said) == (Mark.FAIL, "mwan3", "runs as process 7")


@pytest.mark.parametrize(
    ("texts", "tests"),
    [
        ([], False),
        (["[main]\nplugins=keyfile\n"], False),
        (["[connectivity]\nuri=http://check.example\n"], True),
        (["[connectivity]\nuri=http://check.example\ninterval=0\n"], False),
        (["[connectivity]\nuri=http://check.example\n", "[connectivity]\nenabled=false\n"], False),
        (["no ini at all\n", "[connectivity]\nuri=http://check.example\n"], True),
    ],
)
def test_network_managers_connectivity_check(*, tmp_path: Path, texts: list[str], tests: bool) -> None:
    files = [tmp_path / f"{number}.conf" for number in range(len(texts))]
    for file, text in zip(files, texts, strict=True):
        file.write_text(text)
    assert masters.connectivity([*files, tmp_path / "missing.conf"]) is tests


def test_network_manager_is_a_master_only_when_it_judges_lines() -> None:
    assert masters.judge_network_manager(checks=False, penalty=False) == []
    assert masters.judge_network_manager(checks=True, penalty=False)[0].mark is Mark.FAIL
    assert "has pushed a default route behind" in masters.judge_network_manager(checks=False, penalty=True)[0].remedy


def test_where_nothing_is_moved_another_master_is_no_failure() -> None:
    (finding,) = masters.judge_daemons([ProcessSeen(7, "keepalived", ("keepalived",))])
    assert masters.tolerated(finding, "agent").mark is Mark.WARN
    assert masters.tolerated(finding, "device").mark is Mark.OK


def test_equal_metrics() -> None:
    one = DefaultRoute(V4, 254, "eth1", "192.0.2.1", 100, 3)
    other = DefaultRoute(V4, 254, "ppp0", "", 100, 3)
    sixth = DefaultRoute(V6, 254, "ppp0", "fe80::1", 100, 9)
    assert masters.judge_metrics([one, sixth]) == []
    (finding,) = masters.judge_metrics([one, other, sixth])
    assert (finding.about, finding.said) == ("IPv4", "metric 100 over eth1, ppp0")


def test_mended() -> None:
    assert masters.judge_mended(0).mark is Mark.OK
    assert masters.judge_mended(4).mark is Mark.WARN

"""What the doctor thinks of agent, canary, names, broker and records."""

from pathlib import Path
from typing import Any

import pytest

from agent.canary import CanaryError
from agent.config import BranchSettings, BrokerSettings
from agent.doctor import broker, disk, hello, names, parts
from agent.doctor.finding import Mark
from branchline.settings import load
from tests.unit.agent.doctor_values import status

EXAMPLE = Path(__file__).parents[3] / "docs/examples/agent.toml"


@pytest.mark.parametrize(
    ("changes", "mark"),
    [
        ({}, "ok"),
        ({"config_hash": "beef"}, "warn"),
        ({"branch_state": "ISOLATED"}, "FAIL"),
        ({"paths": [{"path": "dsl", "state": "DOWN"}]}, "warn"),
    ],
)
def test_the_agents_own_word(changes: dict[str, Any], mark: str) -> None:
    assert parts.judge_agent(status(**changes), "cafe", "/etc/branchline/agent.toml").mark == mark


def test_the_canary() -> None:
    file = Path("/run/branchline/canary.sock")
    assert parts.judge_canary(None, file).mark is Mark.OK
    assert parts.judge_canary(PermissionError(13, "Permission denied"), file).mark is Mark.SKIP
    assert "refuses: no" in parts.judge_canary(CanaryError("no"), file).remedy
    assert (
        "`systemctl start branchline-canary`" in parts.judge_canary(FileNotFoundError(2, "No such file"), file).remedy
    )


def test_resolvers() -> None:
    assert names.resolvers("# x\nnameserver 192.0.2.53\nsearch a\nnameserver 2001:db8::53\n") == (
        "192.0.2.53",
        "2001:db8::53",
    )
    mine = ("192.0.2.53",)
    assert names.judge_resolv_file("/r", "fibre", mine, mine).mark is Mark.OK
    assert names.judge_resolv_file("/r", "fibre", (), None).mark is Mark.WARN
    assert names.judge_resolv_file("/r", "fibre", mine, None).said == "not there"
    assert "fibre is in use with 192.0.2.53" in names.judge_resolv_file("/r", "fibre", mine, ("8.8.8.8",)).remedy


def test_a_forwarder_that_nobody_told() -> None:
    assert names.judge_forwarder("/r", ["dnsmasq"]).said == "dnsmasq reads it"
    assert "`resolv-file=/r`" in names.judge_forwarder("/r", []).remedy


@pytest.mark.parametrize(
    ("code", "mark", "said"),
    [
        (0, "ok", "welcomes user acme/lyon-3"),
        (4, "FAIL", "refuses user or password (acme/lyon-3)"),
        (0x86, "FAIL", "refuses user or password (acme/lyon-3)"),
        (5, "FAIL", "not authorised (acme/lyon-3)"),
        (0x87, "FAIL", "not authorised (acme/lyon-3)"),
        (0x85, "warn", "wants the agent's own client id"),
        (0x84, "FAIL", "does not speak MQTT 5"),
        (0x97, "FAIL", "refuses (code 151)"),
        (None, "FAIL", "closes the connection"),
    ],
)
def test_the_brokers_answer(code: int | None, mark: str, said: str) -> None:
    finding = broker.judge_answer("h:1883", BrokerSettings(host="h"), load(EXAMPLE, BranchSettings), code)
    assert (finding.mark, finding.said) == (mark, said)


def test_connect_packet_has_no_will_and_a_clean_session() -> None:
    packet = hello.connect("a1-doctor", "t/b", "p" * 200, mqtt5=True)
    assert packet[:3] == bytes((0x10, 0xE5, 0x01))  # 229 bytes follow
    assert packet[3:13] == b"\0\4MQTT\5\xc2\0\x0a"
    assert len(packet) == 3 + 229
    assert hello.connect("a", "t/b", None, mqtt5=False)[2:12] == b"\0\4MQTT\4\x82\0\x0a"


@pytest.mark.parametrize(
    ("packet", "reason"),
    [
        (b"\x20\x02\x00\x00", 0),
        (b"\x20\x02\x00\x05", 5),
        (b"\x20\x09\x00\x87\x06\x21\x00\x14\x22\x00\x00", 0x87),
        (b"HTTP/1.1 400", None),
        (b"\x20\x02\x00", None),
        (b"", None),
    ],
)
def test_reason_of_a_connack(packet: bytes, reason: int | None) -> None:
    assert hello.reason(packet) == reason


OWED = {"spool__events__rows": 3, "uplink__events__sent": 8}


@pytest.mark.parametrize(
    ("first", "last", "mark", "part"),
    [
        ({}, {}, "ok", ""),
        ({"uplink__connected": False}, {"uplink__connected": False}, "skip", ""),
        (OWED, {**OWED, "uplink__events__acked": 6}, "ok", ""),
        ({**OWED, "uplink__last_ack_s": 60.0}, {**OWED, "uplink__last_ack_s": 65.0}, "FAIL", "silently drops them"),
        ({**OWED, "uplink__last_ack_s": None}, {**OWED, "uplink__last_ack_s": None}, "FAIL", "pattern write"),
        (
            {**OWED, "uplink__since_s": 4.0},
            {**OWED, "uplink__since_s": 9.0, "uplink__last_ack_s": None},
            "warn",
            "again",
        ),
        (
            OWED,
            {**OWED, "uplink__last_ack_s": 60.0, "uplink__trouble": "x: nobody listens there"},
            "FAIL",
            "subscriber",
        ),
        ({}, {"uplink__trouble": "the broker refuses our records (Not authorized)"}, "FAIL", "refuses our records"),
    ],
)
def test_acknowledgements(first: dict[str, Any], last: dict[str, Any], mark: str, part: str) -> None:
    finding = broker.judge_acks(status(**first), status(**last))
    assert finding.mark == mark
    assert part in finding.remedy


def test_records() -> None:
    assert disk.judge_records(status()["spool"]).mark is Mark.OK
    assert (
        disk.judge_records(status(spool__samples__dropped=4)["spool"]).said
        == "0 wait, 4 dropped since the agent started"
    )
    assert disk.judge_records(status(spool__trouble="the disk is full; free some space")["spool"]).mark is Mark.FAIL

import json
import socket
from pathlib import Path

import pytest

from agent import canary
from agent.config import ActorSettings, AgentSettings, CanarySettings


def test_addresses_first_the_users_then_one_for_each_path() -> None:
    assert canary.addresses("198.18.188.0/28", 2) == ("198.18.188.2", "198.18.188.3", "198.18.188.4")


@pytest.mark.parametrize(
    ("network", "paths", "why"),
    [
        ("198.18.188.0/29", 5, "too small for 5 paths"),
        ("198.18.188.0", 1, "is not an IPv4 network"),
        ("198.18.188/28", 1, "is not an IPv4 network"),
        ("2001:db8::/64", 1, "is not an IPv4 network"),
        ("198.18.188.0/x", 1, "is not an IPv4 network"),
    ],
)
def test_a_network_that_will_not_do(network: str, paths: int, why: str) -> None:
    with pytest.raises(canary.CanaryError, match=why):
        canary.addresses(network, paths)


def test_a_socket_is_bound_to_the_source_asked_for() -> None:
    for kind, wanted in (("udp", socket.SOCK_DGRAM), ("tcp", socket.SOCK_STREAM)):
        made = canary.lend(json.dumps({"type": kind, "source": "127.0.0.1"}).encode(), ("127.0.0.1",))
        assert isinstance(made, socket.socket)
        with made:
            assert made.type == wanted
            assert made.getsockname()[0] == "127.0.0.1"


@pytest.mark.parametrize(
    "request_",
    [
        b"",
        b"{}",
        b"[]",
        b"\xff",
        b"[" * 100_000,
        b'{"type": "raw", "source": "127.0.0.1"}',
        b'{"type": ["udp"], "source": "127.0.0.1"}',
        b'{"type": "udp"}',
    ],
)
def test_what_is_not_a_request(request_: bytes) -> None:
    assert canary.lend(request_, ("127.0.0.1",)) == ('not a request such as {"type": "icmp", "source": "198.18.188.3"}')


@pytest.mark.parametrize("source", ["0.0.0.0", "", "192.0.2.1", None, 7, ["127.0.0.1"]])
def test_only_its_own_addresses_are_lent(source: object) -> None:
    made = canary.lend(json.dumps({"type": "udp", "source": source}).encode(), ("127.0.0.1",))
    assert made == f"source {source!r} is not one of the canary's addresses 127.0.0.1"


def test_defaults_are_those_of_the_settings(tmp_path: Path) -> None:
    """The lender reads the file itself, to stay small; what it assumes must be what the settings say."""
    file = tmp_path / "agent.toml"
    file.write_text("[agent]\n[canary]\n[[path]]\n")
    agent = AgentSettings(tenant="t", branch="b", name="n")
    assert canary._settings(str(file)) == (
        agent.run_dir,
        ActorSettings().agent_user,
        CanarySettings().ipv4,
        CanarySettings().namespace,
        1,
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (None, "{file}: cannot be read (No such file or directory); check the path and its permissions"),
        ("[agent]\n[[path]]\n", "{file}: canary is missing; add it"),
        ("[canary]\n[agent]\n", "{file}: path is missing; add it"),
        (
            '[agent]\n[[path]]\n[canary]\nipv4 = "198.18.188.0/31"\n',
            "{file}: canary.ipv4: '198.18.188.0/31' is not an IPv4 network such as 198.18.188.0/28",
        ),
    ],
)
def test_bad_settings_are_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str | None, sentence: str
) -> None:
    file = tmp_path / "agent.toml"
    if text is not None:
        file.write_text(text)
    assert canary.main(["--config", str(file)]) == 2
    assert capsys.readouterr().err == f"branchline-agent canary: {sentence.format(file=file)}\n"


def test_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert canary.main([]) == 2
    assert "usage: branchline-agent canary --config FILE [--create]" in capsys.readouterr().err
    assert canary.main(["--help"]) == 0
    assert "usage" in capsys.readouterr().out


@pytest.mark.parametrize(("more", "unit"), [([], "branchline-canary"), (["--create"], "branchline-canary-create")])
def test_what_the_system_refuses_names_the_unit_that_may(
    more: list[str],
    unit: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted", "/run/x")

    monkeypatch.setattr(canary, "create", refuse)
    monkeypatch.setattr(canary, "_lend", refuse)
    file = tmp_path / "agent.toml"
    file.write_text('[agent]\n[canary]\n[[path]]\nname = "wan1"\n')
    assert canary.main(["--config", str(file), *more]) == 1
    assert f"/run/x: Operation not permitted; start it by {unit}.service" in capsys.readouterr().err

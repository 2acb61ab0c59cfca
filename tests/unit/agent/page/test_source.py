"""However many people look, the agent is asked at most once a second; and who may look at all."""

import socket

import pytest

from agent.page.arrival import interface_of
from agent.page.server import Server, Source
from agent.page.settings import PageSettings
from agent.page.shown import shown_of
from tests.unit.agent.page.told import machine, told
from wire.messages import LinkState

OK = told(machine(wan1=LinkState.UP, wan2=LinkState.UP, cell=LinkState.UP))


class Agent:
    def __init__(self) -> None:
        self.asked = 0
        self.gone = False

    def ask(self) -> dict[str, object]:
        self.asked += 1
        if self.gone:
            raise ConnectionRefusedError(111, "Connection refused")
        return OK


def test_the_agent_is_asked_once_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [50.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    agent = Agent()
    source = Source(agent.ask)
    assert [source.status() for _ in range(100)] == [shown_of(OK)] * 100
    assert agent.asked == 1
    agent.gone = True
    now[0] += 0.9
    assert source.status() == shown_of(OK)
    now[0] += 0.2
    assert [source.status() for _ in range(100)] == [None] * 100
    assert agent.asked == 2


@pytest.mark.parametrize("answer", [{"error": "not a request"}, {"branch_state": "OK"}, OK | {"paths": "wan1"}])
def test_an_answer_that_is_no_status_is_none(answer: dict[str, object]) -> None:
    assert Source(lambda: answer).status() is None


@pytest.mark.parametrize(
    ("listen", "peer", "welcome"),
    [
        ("192.168.1.1:80", "192.168.1.77", True),
        ("192.168.1.1:80", "10.9.9.9", True),
        ("192.168.1.1:80", "8.8.8.8", False),
        ("192.168.1.1:80", "100.64.3.3", False),
        ("[fd00::1]:80", "fe80::1%lan0", True),
        ("[fd00::1]:80", "2a01:e0a::1", False),
        ("[2a01:e0a::1]:80", "2a01:e0a::2", True),
    ],
)
def test_the_isps_neighbours_may_not_look(listen: str, peer: str, welcome: bool) -> None:  # noqa: FBT001 - a table
    assert Server(PageSettings(listen=listen), "b", Agent().ask)._welcome(peer, "lan0") is welcome


def test_nobody_may_look_from_a_wan_interface() -> None:
    server = Server(PageSettings(listen="192.168.1.1:80"), "b", Agent().ask, wan={"eth1", "ppp0"})
    assert not server._welcome("192.168.1.77", "ppp0")
    assert server._welcome("192.168.1.77", "lan0")
    assert server._welcome("192.168.1.77", None)


@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_the_kernel_says_by_which_interface_a_connection_came(family: socket.AddressFamily, host: str) -> None:
    with (
        socket.create_server((host, 0), family=family) as listening,
        socket.create_connection(listening.getsockname()[:2]),
        listening.accept()[0] as taken,
    ):
        assert interface_of(taken) == "lo"
    with socket.socket(family) as unconnected:
        assert interface_of(unconnected) is None


def test_one_neighbour_has_few_connections() -> None:
    server = Server(PageSettings(listen="127.0.0.1:80"), "b", Agent().ask)
    assert [server._welcome("10.0.0.1", "lan0") for _ in range(8)] == [True] * 6 + [False] * 2
    assert server._welcome("10.0.0.2", "lan0")

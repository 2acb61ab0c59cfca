"""Parts of the demo: what people see of it, what it tells machines, and where its messages go."""

import io
import json
import socket
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from rich.console import Console

from agent.config import BranchSettings
from branchline import settings
from collector.config import CollectorSettings
from collector.incidents.model import AlertClass, Cause, Incident, Member, Phase, Severity
from collector.inventory.places import Places
from lab.demo.files import agent_file, collector_file, free_web_port
from lab.demo.memory import pss_mib
from lab.demo.picture import Picture
from lab.demo.receiver import Receiver
from lab.demo.summary import summary
from lab.demo.view import view
from lab.fleet.news import FleetNews, MoveTold, read_news, write_news
from lab.fleet.places import build_inventory
from lab.own_links import LOOPBACK_ANCHORS, OwnLink

MOVES = tuple(
    MoveTold(1_790_000_000.0 + number, f"branch-{number}", "fibre", "cell5g", 400.0 + number, outcome)
    for number, outcome in enumerate(["committed"] * 9 + ["rolled_back"])
)
NEWS = FleetNews(
    branches=255, lines=700, seconds=50.0, produced=900, waiting=30, held=30, moves=MOVES, cpu_pct=20.0, done=True
)
LONG = "a branch with a very long name indeed " * 5


def _incident(number: int) -> Incident:
    return Incident(
        id=f"20261122-031250-{number:04x}",
        key=f"flood/demo/{number}",
        tenant="demo",
        cause=Cause.FLOOD,
        confidence=0.9,
        alert_class=AlertClass.ON_5G,
        severity=Severity.WORK,
        phase=Phase.OPEN if number else Phase.RESOLVED,
        started_s=1.0,
        opened_s=1.0,
        changed_s=1.0,
        members=(Member("demo", "tours", "", "ON_5G", "", 1.0),),
    )


PICTURE = Picture(
    states={"OK": 230, "ON_5G": 20, "ISOLATED": 5},
    incidents=tuple(_incident(number) for number in range(9)),
    news=NEWS,
    agent={"paths": [{"path": "eth0", "state": "UP", "rtt_ms": 1.0, "loss_pct": 0.0, "trouble": LONG}] * 9},
    hearing=True,
)


@pytest.mark.parametrize("picture", [PICTURE, Picture()])
def test_the_view_fits_a_small_terminal(picture: Picture) -> None:
    console = Console(file=io.StringIO(), width=80, height=24, force_terminal=True, color_system=None)
    places = Places([build_inventory()])
    console.print(view(picture, places, [LONG] * 9, "http://127.0.0.1:8480/", next_s=None))
    assert isinstance(console.file, io.StringIO)
    lines = console.file.getvalue().splitlines()
    assert len(lines) <= 23
    assert max(map(len, lines)) <= 80


def test_the_view_says_what_is_simulated_and_what_was_undone_is_no_move() -> None:
    console = Console(file=io.StringIO(), width=80, force_terminal=True, color_system=None)
    console.print(view(PICTURE, Places(), [], "http://127.0.0.1:8480/", next_s=7.0))
    assert isinstance(console.file, io.StringIO)
    shown = console.file.getvalue()
    assert "255 simulated branches, 700 lines; a flood comes in 7 s" in shown
    assert "moves: 9" in shown
    assert "branch-9" not in shown
    assert "open incidents: 8" in shown


def test_the_summary() -> None:
    told = summary(PICTURE, messages=3, page_url="http://x/", first_page_s=1.5, memory_mib=180.0)
    assert json.loads(json.dumps(told)) == told
    wanted = {"branches": 255, "lines": 700, "moves": 9, "incidents": {"flood": 9}, "messages": 3, "real_agents": 1}
    assert {key: told[key] for key in wanted} == wanted
    assert (told["lost"], told["held"], told["switch_ms"]) == (0, 30, {"median": 404.0, "max": 408.0})
    nothing = summary(Picture(), messages=0, page_url="", first_page_s=None, memory_mib=None)
    assert nothing.keys() == told.keys()


def test_news_are_read_back(tmp_path: Path) -> None:
    file = tmp_path / "fleet.json"
    assert read_news(file) is None
    write_news(file, NEWS)
    assert read_news(file) == NEWS


def test_the_settings_are_valid(tmp_path: Path) -> None:
    file = collector_file(tmp_path, broker_port=1883, web_port=8480, receiver_port=8481)
    collector = settings.parse(settings.read(file), CollectorSettings, str(file))
    assert collector.web is not None
    assert collector.web.only_here
    assert (collector.broker.protocol, collector.store.kind, collector.incidents.merge) == ("3.1.1", "sqlite", 10.0)
    file = agent_file(tmp_path, [OwnLink("lo", LOOPBACK_ANCHORS)], 1883)
    agent = settings.parse(settings.read(file), BranchSettings, str(file))
    assert agent.broker is not None
    assert agent.agent.name != collector.collector.name, "one of the two would throw the other off the broker"


def test_a_taken_port_is_passed_over() -> None:
    first = free_web_port()
    with socket.create_server(("127.0.0.1", first)):
        assert free_web_port() != first


def test_a_message_that_comes_twice_is_one_and_nonsense_is_refused() -> None:
    heard: list[str] = []
    with Receiver(heard.append) as receiver:
        url = f"http://127.0.0.1:{receiver.port}/"
        for key in ("a", "a", "b"):
            body = json.dumps({"key": key, "subject": f"subject {key}"}).encode()
            urllib.request.urlopen(urllib.request.Request(url, body), timeout=5).close()
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(urllib.request.Request(url, b"no document"), timeout=5)
        refused.value.close()
    assert refused.value.code == 400
    assert heard == receiver.subjects == ["subject a", "subject b"]


def test_memory_of_nobody_is_unknown() -> None:
    assert pss_mib([2**22 + 1]) is None

"""The page's process: asked well, asked badly, asked slowly, asked by too many; with an agent and without."""

import contextlib
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from agent.control import Status
from agent.page.shown import Shown, shown_of
from tests.integration.agent.agent_branch import ROOT, SETTINGS, wait_until
from tests.integration.agent.page.page_process import FakeAgent, PageProcess, command, page_and_agent
from tests.unit.agent.page.told import machine, told
from wire.messages import LinkState

UP = told(machine(wan1=LinkState.UP, wan2=LinkState.UP, cell=LinkState.UP))


@pytest.fixture
def both() -> Iterator[tuple[PageProcess, FakeAgent]]:
    with page_and_agent(UP) as made:
        yield made


def test_page_status_and_head(both: tuple[PageProcess, FakeAgent]) -> None:
    page, agent = both
    status, fields, body = page.get(accept_language="fr-FR,fr;q=0.9")
    assert status == 200
    assert "Tout fonctionne" in body
    assert (fields["content-language"], fields["refresh"]) == ("fr", "5")
    assert fields["content-security-policy"].startswith("default-src 'none'; style-src 'self';")
    assert (fields["cache-control"], fields["x-content-type-options"]) == ("no-store", "nosniff")
    assert "refresh" not in page.get("/still")[1]
    assert page.get("/page.css")[1]["content-type"] == "text/css; charset=utf-8"
    status, fields, body = page.get("/status.json")
    assert (status, msgspec.json.decode(body, type=Shown)) == (200, shown_of(UP))
    length = fields["content-length"]
    status, fields, body = page.get("/status.json", "HEAD")
    assert (status, fields["content-length"], body) == (200, length, "")
    assert page.get("/etc/passwd")[0] == 404
    assert page.get("/../agent.toml")[0] == 404
    assert page.pss_mib() < 32  # tests/bench/page.py prints it
    assert set(map(type, agent.asked)) == {Status}


def test_nothing_sent_to_the_page_acts(both: tuple[PageProcess, FakeAgent]) -> None:
    page, agent = both
    for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "CONNECT", "TRACE", "override"):
        status, fields, body = page.get("/", method)
        assert (status, fields["allow"]) == (405, "GET, HEAD")
        assert body == "this page only reads; use branchline-agent on the router to act\n"
    line = b'{"ask":"override","path":"wan2","for_s":60,"why":"x"}\n'
    assert page.raw(line + b"\r\n\r\n").startswith(b"HTTP/1.1 400 ")
    assert agent.asked == []


def test_an_agent_that_is_gone_is_told_with_503_and_comes_back(both: tuple[PageProcess, FakeAgent]) -> None:
    page, agent = both
    assert page.get()[0] == 200
    agent.end()
    wait_until(lambda: page.get()[0] == 503, 5.0)
    status, fields, body = page.get()
    assert (status, fields["refresh"]) == (503, "5")
    assert "The agent of this router does not answer" in body
    assert page.get("/status.json")[2] == '{"error":"the agent does not answer"}'
    again = FakeAgent(page.folder / "run" / "agent.sock", UP)
    wait_until(lambda: page.get()[0] == 200, 5.0)
    again.end()
    assert page.log.read_text().count("does not answer") <= 2


def test_people_who_look_often_do_not_reach_the_agent_often(both: tuple[PageProcess, FakeAgent]) -> None:
    page, agent = both
    began, count = time.monotonic(), 0
    while time.monotonic() - began < 2.0:
        assert page.get("/status.json")[0] == 200
        count += 1
    assert count > 20
    assert len(agent.asked) <= 3


def lasts_s(page: PageProcess, start: bytes) -> float:
    """How long a client that sends one byte after another is borne."""
    began = time.monotonic()
    with socket.create_connection((page.host, page.port)) as drip, contextlib.suppress(ConnectionError):
        drip.sendall(start)
        drip.settimeout(0.2)
        while time.monotonic() - began < 10:
            drip.sendall(b"a")
            with contextlib.suppress(TimeoutError):
                if drip.recv(1) == b"":
                    break
    return time.monotonic() - began


def test_requests_that_are_too_large_or_never_end(both: tuple[PageProcess, FakeAgent]) -> None:
    page, _ = both
    assert page.raw(b"GET / HTTP/1.1\r\nx: " + b"a" * 9000).startswith(b"HTTP/1.1 431 ")
    began = time.monotonic()
    assert page.raw(b"GET / HTTP/1.1\r\nHost") == b""
    assert 2.5 < time.monotonic() - began < 5.0
    assert 2.0 < lasts_s(page, b"GET / HTTP/1.1\r\nHost: ") < 5.0
    assert page.get()[0] == 200


def test_one_neighbour_cannot_keep_the_others_out(both: tuple[PageProcess, FakeAgent]) -> None:
    page, _ = both
    idle = [socket.create_connection((page.host, page.port)) for _ in range(40)]
    try:
        request = f"GET /status.json HTTP/1.1\r\nHost: {page.host}\r\n\r\n".encode()
        began = time.monotonic()
        assert page.raw(request, source="127.0.0.2").startswith(b"HTTP/1.1 200 ")
        assert time.monotonic() - began < 2.0
        threads = len(list(Path(f"/proc/{page.process.pid}/task").iterdir()))
        assert threads <= 17
    finally:
        for sock in idle:
            sock.close()


def test_many_neighbours_wait_their_turn(both: tuple[PageProcess, FakeAgent]) -> None:
    page, _ = both
    idle = [
        socket.create_connection((page.host, page.port), 10, (f"127.0.0.{host}", 0))
        for host in range(3, 9)
        for _ in range(4)
    ]
    try:
        wait_until(lambda: len(list(Path(f"/proc/{page.process.pid}/task").iterdir())) >= 17)
        request = f"GET /status.json HTTP/1.1\r\nHost: {page.host}\r\n\r\n".encode()
        assert page.raw(request, source="127.0.0.2", within_s=15).startswith(b"HTTP/1.1 200 ")
        assert len(list(Path(f"/proc/{page.process.pid}/task").iterdir())) <= 17
    finally:
        for sock in idle:
            sock.close()


@pytest.mark.parametrize(
    ("page", "code", "sentence"),
    [
        ("", 2, 'agent.toml: there is no page; add [page] with listen = "192.168.1.1:8481"'),
        ("[page]\nlisten = 3\n", 2, "page.listen is a whole number, but must be text in quotes"),
        ('[page]\nlisten = "127.0.0.1:{port}"\n', 1, "cannot listen (Address already in use); choose another port"),
    ],
)
def test_a_wrong_start_is_one_sentence(tmp_path: Path, page: str, code: int, sentence: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        file = tmp_path / "agent.toml"
        text = SETTINGS + page.replace("{port}", str(taken.getsockname()[1]))
        file.write_text(text.replace("{folder}", str(tmp_path)))
        done = subprocess.run(command(file), cwd=ROOT, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == code
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_an_address_that_is_not_there_yet_is_waited_for(tmp_path: Path) -> None:
    file = tmp_path / "agent.toml"
    file.write_text(SETTINGS.replace("{folder}", str(tmp_path)) + '[page]\nlisten = "192.0.2.77:8481"\n')
    with subprocess.Popen(command(file), cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert "the branch's page is at http://192.0.2.77:8481/" in process.stderr.readline()
        assert "192.0.2.77 is no address of this machine yet" in process.stderr.readline()
        assert process.poll() is None
        process.terminate()

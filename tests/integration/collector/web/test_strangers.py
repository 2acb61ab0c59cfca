"""Strangers who reach the port and may not log in, over real connections."""

import asyncio
import contextlib
import socket
from pathlib import Path

import aiohttp
import pytest

from collector.web import connections, stream
from collector.web.passwords import hash_password
from collector.web.settings import WebSettings
from collector.web.users import UserRole, put_user, remove_user
from tests.integration.collector.web.fleet import fleet_places
from tests.integration.collector.web.site import Site, site

PASSWORD = "correct horse"
OUTSIDE = WebSettings(listen="127.0.0.1:0", public_url="http://noc.example")


async def answer(port: int, request: bytes, wait_s: float = 10.0) -> bytes:
    """What comes back until the other side closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    try:
        async with asyncio.timeout(wait_s):
            return await reader.read()
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


async def alive(running: Site) -> int:
    async with aiohttp.ClientSession() as client, client.get(f"{running.url}/healthz") as found:
        return found.status


async def test_a_request_that_never_ends_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "REQUEST_S", 0.3)
    async with site(tmp_path, fleet_places(1), web=OUTSIDE, alive=False) as running:
        beginnings = (
            b"",
            b"GET / HTTP/1.1\r\nHost: x\r\nA",
            b"POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: 30000\r\n\r\na=",
        )
        assert await asyncio.gather(*(answer(running.port, each) for each in beginnings)) == [b""] * 3
        whole = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
        reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
        writer.write(whole)
        assert b"200 OK" in await reader.readuntil(b"ok\n")
        writer.write(whole[:9])
        assert await reader.read() == b"", "the second request of a connection too"
        writer.close()


async def test_too_many_connections_do_not_use_up_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MAX_CONNECTIONS", 5)
    async with site(tmp_path, fleet_places(1), web=OUTSIDE, alive=False) as running:
        held = [await asyncio.open_connection("127.0.0.1", running.port) for _ in range(5)]
        assert await answer(running.port, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n") == b""
        for _, writer in held:
            writer.close()
            await writer.wait_closed()
        async with asyncio.timeout(10):
            while True:
                try:
                    assert await alive(running) == 200
                    break
                except aiohttp.ClientError:
                    await asyncio.sleep(0.05)


def test_one_network_does_not_keep_the_others_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MAX_OF_ONE_NETWORK", 1)
    monkeypatch.setattr(connections, "network_of", lambda address: address)
    with contextlib.ExitStack() as held:
        listener = held.enter_context(connections.Listener(socket.AF_INET, socket.SOCK_STREAM))
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.setblocking(False)
        address = listener.getsockname()
        for stranger in ("127.0.0.1", "127.0.0.2"):
            held.enter_context(socket.create_connection(address, source_address=(stranger, 0)))
            connection, found = listener.accept()
            held.enter_context(connection)
            assert found[0] == stranger
            held.enter_context(socket.create_connection(address, source_address=(stranger, 0)))
            with pytest.raises(BlockingIOError):
                listener.accept()


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("127.0.0.1", ""),
        ("::1", ""),
        ("somewhere", "somewhere"),
    ],
)
def test_whom_an_address_stands_for(address: str, network: str) -> None:
    assert connections.network_of(address) == network


async def test_nonsense_is_refused_and_not_a_fault(tmp_path: Path) -> None:
    async with site(tmp_path, fleet_places(1), web=OUTSIDE, alive=False) as running:
        for words, status in (
            ("GET /login?next=//%5b", 200),
            ("GET /language/en?next=//%5b", 303),
            ("GET /metrics", 401),
            ("GET /static/../metrics", 404),
            ("POST /login", 403),
        ):
            head = f"{words} HTTP/1.1\r\nHost: x/static/?\r\nOrigin: http://[\r\nConnection: close\r\n\r\n"
            found = await answer(running.port, head.encode())
            assert found.startswith(f"HTTP/1.1 {status}".encode()), (words, found[:80])


async def test_who_is_removed_sees_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "CHECK_S", 0.1)
    async with (
        site(tmp_path, fleet_places(1), web=OUTSIDE, alive=False) as running,
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as client,
        asyncio.timeout(20),
    ):
        kept = hash_password(PASSWORD)
        await running.database.run(lambda connection: put_user(connection, "vera", UserRole.VIEWER, kept, 1.0))
        form = {"name": "vera", "password": PASSWORD}
        async with client.post(f"{running.url}/login", data=form, allow_redirects=False) as found:
            cookie = {"Cookie": found.headers["Set-Cookie"].partition(";")[0]}
        async with client.get(f"{running.url}/events", headers=cookie) as events:
            await events.content.readline()
            await running.database.run(lambda connection: remove_user(connection, "vera"))
            while await events.content.readline():
                pass
        async with client.get(f"{running.url}/events", headers=cookie) as events:
            assert events.status == 401

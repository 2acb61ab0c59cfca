"""Who may see and do what, over real HTTP."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from collector.errors import CollectorError
from collector.web.attempts import LIMITS
from collector.web.passwords import hash_password
from collector.web.serve import listen
from collector.web.settings import WebSettings
from collector.web.users import UserRole, put_user
from tests.integration.collector.web.fleet import branch_now, fleet_places, show
from tests.integration.collector.web.site import Site, site
from wire.messages import BranchState

PASSWORD = "correct horse"
HTML = {"Accept": "text/html"}


@pytest.fixture
async def behind_proxy(tmp_path: Path) -> AsyncIterator[Site]:
    """A page that others reach by a proxy on this machine; a viewer and an operator; one open incident."""
    web = WebSettings(listen="127.0.0.1:0", public_url="https://noc.example")
    async with site(tmp_path, fleet_places(8), web=web, alive=False) as running:
        kept = hash_password(PASSWORD)
        for name, role in (("vera", UserRole.VIEWER), ("otto", UserRole.OPERATOR)):
            await running.database.run(lambda connection, n=name, r=role: put_user(connection, n, r, kept, 1.0))  # type: ignore[misc]
        now_s = running.clock.now_s()
        show(running.board, [branch_now(n, BranchState.DEGRADED, now_s) for n in range(8)], now_s)
        await running.desk.look()
        yield running


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield session


async def log_in(client: aiohttp.ClientSession, running: Site, name: str, password: str = PASSWORD) -> tuple[int, str]:
    """Status, and the session cookie as a header."""
    form = {"name": name, "password": password, "next": "/incidents"}
    async with client.post(f"{running.url}/login", data=form, allow_redirects=False) as answer:
        cookie = answer.headers.get("Set-Cookie", "")
        return answer.status, cookie


async def test_without_logging_in_nothing_is_shown(behind_proxy: Site, client: aiohttp.ClientSession) -> None:
    for path in ("/", "/events", "/branch/acme/b000", "/incidents", "/metrics", "/readyz", "/runbooks/isolated"):
        async with client.get(behind_proxy.url + path) as answer:
            assert answer.status == 401, path
            assert "Nantes" not in await answer.text()
    async with client.get(f"{behind_proxy.url}/?region=X", headers=HTML, allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (303, "/login?next=%2F%3Fregion%3DX")
    async with client.get(f"{behind_proxy.url}/healthz") as answer:
        assert answer.status == 200
    async with client.get(f"{behind_proxy.url}/login", headers=HTML) as answer:
        assert answer.status == 200
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'self';")
        assert "unsafe" not in answer.headers["Content-Security-Policy"]
        assert answer.headers["Cache-Control"] == "no-store"


async def test_roles(behind_proxy: Site, client: aiohttp.ClientSession) -> None:
    incident = next(iter(behind_proxy.desk.open_incidents))
    for name, expected in (("vera", 403), ("otto", 303)):
        status, cookie = await log_in(client, behind_proxy, name)
        assert status == 303
        assert cookie.startswith("__Host-bl_session=")
        for word in ("HttpOnly", "Path=/", "SameSite=strict", "Secure"):
            assert word in cookie
        headers = {**HTML, "Cookie": cookie.partition(";")[0]}
        async with client.get(f"{behind_proxy.url}/incident/{incident}", headers=headers) as answer:
            page = await answer.text()
        token = re.search(r'name="csrf" value="([0-9a-f]{64})"', page)
        assert token is not None
        url = f"{behind_proxy.url}/incident/{incident}/acknowledge"
        form = {"csrf": token[1], "comment": "mine", "hours": "4"}
        async with client.post(url, data=form, headers=headers, allow_redirects=False) as answer:
            assert answer.status == expected
        async with client.post(url, data={**form, "csrf": "0" * 64}, headers=headers) as answer:
            assert answer.status == 403, "a token nobody gave out"
        foreign = {**headers, "Sec-Fetch-Site": "cross-site"}
        async with client.post(url, data=form, headers=foreign) as answer:
            assert answer.status == 403, "a form of another site"
        async with client.post(url, data={**form, "comment": "x" * 40_000}, headers=headers) as answer:
            assert answer.status == 413
    held = behind_proxy.desk.open_incidents[incident].acknowledgement
    assert held is not None
    assert held.by == "otto"


async def test_logging_out_ends_the_session(behind_proxy: Site, client: aiohttp.ClientSession) -> None:
    _, cookie = await log_in(client, behind_proxy, "otto")
    headers = {**HTML, "Cookie": cookie.partition(";")[0]}
    async with client.get(behind_proxy.url, headers=headers) as answer:
        token = re.search(r'name="csrf" value="([0-9a-f]{64})"', await answer.text())
    assert token is not None
    form = {"csrf": token[1]}
    async with client.post(f"{behind_proxy.url}/logout", data=form, headers=headers, allow_redirects=False) as answer:
        assert answer.status == 303
    async with client.get(behind_proxy.url, headers=headers, allow_redirects=False) as answer:
        assert answer.status == 303
        assert answer.headers["Location"].startswith("/login")


async def test_guessing_is_slowed_and_tells_no_names(behind_proxy: Site, client: aiohttp.ClientSession) -> None:
    statuses = [(await log_in(client, behind_proxy, "otto", "wrong"))[0] for _ in range(LIMITS["both"])]
    assert statuses == [403] * LIMITS["both"]
    assert (await log_in(client, behind_proxy, "otto"))[0] == 429, "even the right password waits"
    assert (await log_in(client, behind_proxy, "nobody", "wrong"))[0] == 403
    assert (await log_in(client, behind_proxy, "vera"))[0] == 303


async def test_on_loopback_only_this_machine_is_let_in(tmp_path: Path, client: aiohttp.ClientSession) -> None:
    async with site(tmp_path, fleet_places(3), alive=False) as running:
        for headers, status in (
            ({}, 200),
            ({"Host": f"localhost:{running.port}"}, 200),
            ({"Host": "evil.example"}, 403),
            ({"Host": "evil.example:80"}, 403),
            ({"X-Forwarded-For": "203.0.113.9"}, 403),
            ({"Forwarded": "for=203.0.113.9"}, 403),
        ):
            async with client.get(running.url, headers=headers) as answer:
                assert answer.status == status, headers
        async with client.get(f"{running.url}/metrics") as answer:
            assert await answer.text() == "branchline_up 1\n"
        async with client.get(f"{running.url}/readyz") as answer:
            assert answer.status == 200
        async with client.post(f"{running.url}/incident/x/comment", data={"text": "no token"}) as answer:
            assert answer.status == 403
        async with client.get(f"{running.url}/language/fr?next=//evil.example", allow_redirects=False) as answer:
            assert answer.headers["Location"] == "/"


async def test_static_files_are_kept_for_ever_and_old_ones_are_gone(
    tmp_path: Path, client: aiohttp.ClientSession
) -> None:
    async with site(tmp_path, fleet_places(3), alive=False) as running:
        async with client.get(running.url) as answer:
            page = await answer.text()
        assert "://" not in page.replace(running.url, ""), "nothing comes from another site"
        for path in set(re.findall(r'"(/static/[^"]+)"', page)):
            async with client.get(running.url + path) as answer:
                assert answer.status == 200
                assert "immutable" in answer.headers["Cache-Control"]
        async with client.get(f"{running.url}/static/0000000000000000/page.css") as answer:
            assert answer.status == 404


async def test_a_taken_address_is_one_sentence(tmp_path: Path) -> None:
    async with site(tmp_path, fleet_places(1), alive=False) as running:
        with pytest.raises(CollectorError, match=r"\[web\] listen: .* cannot be used \(Address already in use\)"):
            await asyncio.to_thread(listen, WebSettings(listen=f"127.0.0.1:{running.port}"))

"""A carrier takes 255 branches down at once: one page and one resolve, over a real broker, through `kill -9`."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests.integration.collector.fleet import Fleet
from tests.integration.collector.servers import Server, collector, free_port, wait_for
from tests.needs import needs_program

pytestmark = [needs_program("mosquitto"), pytest.mark.timeout(150)]

BRANCHES = 255


class Pager:
    """A receiver: keeps what was posted to it, by Idempotency-Key as a real one does."""

    def __init__(self) -> None:
        self.told: list[dict[str, object]] = []
        self.keys: set[str] = set()
        pager = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                key = self.headers["Idempotency-Key"]
                if key not in pager.keys:
                    pager.keys.add(key)
                    pager.told.append(body)
                self.send_response(204)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
                """Be quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"

    def events(self) -> list[tuple[object, object]]:
        return [(each["event"], each["class"]) for each in self.told]


@pytest.fixture
def pager() -> Iterator[Pager]:
    made = Pager()
    thread = Thread(target=made.server.serve_forever)
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


@contextlib.asynccontextmanager
async def fleet_of(port: int, isps: list[str]) -> AsyncIterator[Fleet]:
    fleet = Fleet(port, isps)
    task = asyncio.create_task(fleet.run())
    await wait_for(lambda: fleet.connected)
    try:
        yield fleet
    finally:
        task.cancel()
        await asyncio.wait([task], timeout=5)


def _collector(directory: Path, broker: Server, pager: Pager) -> Server:
    assert broker.port is not None
    more = (
        '[incidents]\nmerge = "8s"\nclear_after = "3s"\n'
        f'[[notify]]\nname = "pager"\nkind = "webhook"\nurl = "{pager.url}"\nseverities = ["page"]\n'
        f'[web]\nlisten = "127.0.0.1:{free_port()}"\n'
    )
    return collector(directory, broker.port, 'kind = "sqlite"', more=more)


async def _restart(server: Server) -> None:
    if server.running:
        await asyncio.to_thread(server.kill)
    await asyncio.to_thread(server.start)


async def test_a_carrier_outage_is_one_page_and_one_resolve_over_kills(
    tmp_path: Path, broker: Server, pager: Pager
) -> None:
    server = _collector(tmp_path, broker, pager)
    assert broker.port is not None
    async with fleet_of(broker.port, ["Orange"] * BRANCHES) as fleet:
        try:
            await _restart(server)
            await fleet.calm()
            await wait_for(lambda: fleet.waiting == 0)
            await asyncio.gather(*(fleet.cut(number) for number in range(BRANCHES)))
            await wait_for(lambda: fleet.waiting == 0)
            await _restart(server)  # while what belongs together is still gathered
            await wait_for(lambda: pager.told != [], 30, "the page")
            assert pager.events() == [("trigger", "carrier")]
            assert pager.told[0]["branch_count"] == BRANCHES
            assert pager.told[0]["cause"] == "isp"
            await _restart(server)  # between open and resolve
            await asyncio.gather(*(fleet.mend(number) for number in range(BRANCHES)))
            await wait_for(lambda: fleet.waiting == 0)
            await asyncio.sleep(1)
            await _restart(server)  # while it waits whether the calm lasts
            await wait_for(lambda: len(pager.told) > 1, 30, "the resolve")
            await asyncio.sleep(10)  # longer than merge and clear_after: nothing more may come
            assert pager.events() == [("trigger", "carrier"), ("resolve", "carrier")]
            assert len({each["incident_id"] for each in pager.told}) == 1
        finally:
            if server.running:
                server.kill()


async def test_successful_failovers_wake_nobody(tmp_path: Path, broker: Server, pager: Pager) -> None:
    server = _collector(tmp_path, broker, pager)
    assert broker.port is not None
    async with fleet_of(broker.port, [f"ISP {number}" for number in range(20)]) as fleet:
        try:
            await _restart(server)
            await fleet.calm()
            await fleet.cut(3)
            await fleet.cut(11)
            await wait_for(lambda: fleet.waiting == 0)
            await asyncio.sleep(11)
            await fleet.mend(3)
            await fleet.mend(11)
            await asyncio.sleep(5)
            assert pager.events() == []
        finally:
            if server.running:
                server.kill()

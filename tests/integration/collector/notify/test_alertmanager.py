"""Debian's Alertmanager, for real: one alert for each incident, ends seen, what it has is reconciled."""

import asyncio
import json
import sqlite3
import subprocess
import urllib.request
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from aiohttp import web

from collector.incidents.model import AlertClass, Cause, Incident, Severity
from collector.notify.alertmanager import Alertmanager
from collector.notify.base import Later
from collector.notify.model import NoticeEvent
from collector.notify.settings import NotifySettings
from tests.integration.collector.notify.rig import Rig, poll
from tests.integration.collector.servers import ROOT, Server, free_port
from tests.needs import needs_program
from tests.unit.collector.notify.incidents import incident, page

pytestmark = needs_program("prometheus-alertmanager")
TRIGGER, UPDATE, RESOLVE = NoticeEvent.TRIGGER, NoticeEvent.UPDATE, NoticeEvent.RESOLVE


class Real:
    """An Alertmanager, and the webhook it tells: lists of (status, incident ids)."""

    def __init__(self, server: Server, port: int) -> None:
        self.server = server
        self.port = port
        self.told: list[tuple[str, list[str]]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def alerts(self) -> list[dict[str, str]]:
        """Labels of the alerts that are not resolved."""

        def ask() -> list[dict[str, str]]:
            with urllib.request.urlopen(f"{self.url}/api/v2/alerts", timeout=5) as answer:  # noqa: S310 - http on loopback
                return [each["labels"] for each in json.loads(answer.read())]

        return await asyncio.to_thread(ask)

    async def until(self, count: int, wait_s: float = 15.0) -> list[dict[str, str]]:
        async def reached() -> bool:
            return len(await self.alerts()) == count

        await poll(reached, wait_s)
        return await self.alerts()

    async def until_told(self, status: str, incident_id: str) -> None:
        async def told() -> bool:
            return any(status == each and incident_id in ids for each, ids in self.told)

        await poll(told, 20)


@pytest.fixture
async def real(tmp_path: Path) -> AsyncIterator[Real]:
    port, hook = free_port(), free_port()
    config = tmp_path / "alertmanager.yml"
    config.write_text(
        f"""route:
  receiver: hook
  group_by: [incident_id]
  group_wait: 100ms
  group_interval: 1s
  repeat_interval: 4h
receivers:
  - name: hook
    webhook_configs:
      - url: http://127.0.0.1:{hook}/
        send_resolved: true
"""
    )
    words = [f"--config.file={config}", f"--storage.path={tmp_path}/am", f"--web.listen-address=127.0.0.1:{port}"]
    server = Server(tmp_path, "alertmanager", ["prometheus-alertmanager", *words, "--cluster.listen-address="], port)
    made = Real(server, port)

    async def take(request: web.Request) -> web.Response:
        body = await request.json()
        made.told.append((body["status"], [each["labels"]["incident_id"] for each in body["alerts"]]))
        return web.Response()

    app = web.Application()
    app.router.add_post("/", take)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", hook).start()
    await asyncio.to_thread(server.start)
    yield made
    if server.running:
        server.kill()
    await runner.cleanup()


def _settings(real: Real) -> NotifySettings:
    return NotifySettings(name="am", kind="alertmanager", url=real.url, severities=(Severity.PAGE, Severity.WORK))


async def test_one_alert_for_an_incident_and_its_end(real: Real, tmp_path: Path) -> None:
    rig = Rig(tmp_path / "r.db", _settings(real))
    async with rig.running():
        await rig.tell((TRIGGER, page()))
        (labels,) = await real.until(1)
        assert labels == {
            "alertname": "BranchlineIsolated",
            "incident_id": page().id,
            "severity": "page",
            "class": "isolated",
            "cause": "unknown",
            "tenant": "acme",
            "branch": "nantes-1",
            "product": "branchline",
            "collector": "c1",
            "receiver": "am",
        }
        await real.until_told("firing", page().id)
        await rig.tell((UPDATE, msgspec.structs.replace(page(), cause=Cause.POWER, confidence=0.9)))
        await rig.until("delivered", "delivered")
        assert await real.alerts() == [labels], "labels stay as they were first told"
        await rig.tell((RESOLVE, page()))
        await real.until(0)
        await real.until_told("resolved", page().id)
    assert [status for status, _ in real.told] == ["firing", "resolved"]


async def test_an_incident_that_becomes_a_page_is_one_alert_with_its_new_severity(real: Real, tmp_path: Path) -> None:
    rig = Rig(tmp_path / "r.db", _settings(real))
    async with rig.running():
        await rig.tell((TRIGGER, incident()))
        await real.until(1)
        worse = incident(severity=Severity.PAGE, alert_class=AlertClass.ISOLATED)
        await rig.tell((UPDATE, worse))
        await rig.until("delivered", "delivered")
        assert [each["severity"] for each in await real.alerts()] == ["page"]
        await rig.tell((RESOLVE, worse))
        await real.until(0)


async def test_what_it_forgot_is_told_again_and_what_is_over_ends(real: Real, tmp_path: Path) -> None:
    """It loses its memory while the collector runs; later the collector is told an end while it cannot be reached."""
    rig = Rig(tmp_path / "r.db", _settings(real))
    async with rig.running():
        await rig.tell((TRIGGER, page(1)), (TRIGGER, page(2)))
        await real.until(2)
    real.server.kill()
    for file in (tmp_path / "am").iterdir():
        file.unlink()
    await asyncio.to_thread(real.server.start)
    assert await real.alerts() == []
    async with rig.running():
        await real.until(2)

    def lose(connection: sqlite3.Connection) -> None:
        """As if the record of the second one had been lost with a restored backup."""
        connection.execute("DELETE FROM deliveries WHERE incident = ?", (page(2).id,))

    await rig.database.run(lose)
    async with rig.running():
        (left,) = await real.until(1)
    assert left["incident_id"] == page(1).id


async def test_an_end_that_waits_is_not_taken_back_by_keeping(real: Real, tmp_path: Path) -> None:
    rig = Rig(tmp_path / "r.db", _settings(real))
    async with rig.running():
        await rig.tell((TRIGGER, page()))
        await real.until(1)
        await real.until_told("firing", page().id)
    await rig.tell((RESOLVE, page()))
    async with rig.running():
        await rig.until("delivered", "delivered")
        await real.until(0)
    await real.until_told("resolved", page().id)
    assert [status for status, _ in real.told] == ["firing", "resolved"]


async def test_255_in_a_second_and_all_their_ends(real: Real, tmp_path: Path) -> None:
    rig = Rig(tmp_path / "r.db", _settings(real))
    told: list[Incident] = [page(number) for number in range(1, 256)]
    loop = asyncio.get_running_loop()
    async with rig.running():
        began_s = loop.time()
        await rig.tell(*((TRIGGER, each) for each in told))
        await rig.until(*["delivered"] * 255, wait_s=40)
        took_s = loop.time() - began_s
        assert len(await real.alerts()) == 255
        await rig.tell(*((RESOLVE, each) for each in told))
        await rig.until(*["delivered"] * 510, wait_s=40)
        assert await real.alerts() == []
    print(f"255 alerts told in {took_s:.2f} s")  # noqa: T201 - the figure


async def test_what_is_no_alertmanager(tmp_path: Path) -> None:
    settings = NotifySettings(name="am", kind="alertmanager", url=f"http://127.0.0.1:{free_port()}")
    notifier = Alertmanager(settings, "c1")
    assert isinstance(await notifier.keep((), frozenset()), Later)
    await notifier.close()


async def test_it_takes_hostile_values(real: Real, tmp_path: Path) -> None:
    evil = 'x"\n,}{alertname="y"} <script>' + "\u202e=1+1" * 2000
    member = msgspec.structs.replace(page().members[0], isp=evil)
    rig = Rig(tmp_path / "r.db", _settings(real))
    async with rig.running():
        await rig.tell((TRIGGER, page(members=(member,))))
        (labels,) = await real.until(1)
        assert labels["alertname"] == "BranchlineIsolated"
        assert labels["isp"] == evil.strip()
        await rig.tell((RESOLVE, page(members=(member,))))
        await real.until(0)


@needs_program("amtool")
async def test_the_route_of_the_documentation_is_correct() -> None:
    example = ROOT / "docs" / "examples" / "alertmanager.yml"
    process = await asyncio.create_subprocess_exec(
        "amtool", "check-config", example, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    out, err = await process.communicate()
    assert process.returncode == 0, out + err
    words = ["config", "routes", "test", f"--config.file={example}", "severity=page", "class=test"]
    process = await asyncio.create_subprocess_exec("amtool", *words, stdout=subprocess.PIPE)
    assert (await process.communicate())[0].strip() == b"on-call"

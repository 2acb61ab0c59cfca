"""A broker that is restarted tells the last will of everybody who was connected: nobody is woken by that."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path

import aiomqtt
import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from collector.branch_file import BRANCHES_FILE, read_branches
from collector.database import FILE_NAME, read_only
from collector.incidents import book
from tests.integration.collector.fleet import CELL, WIRE, digest
from tests.integration.collector.servers import collector, free_port, mosquitto, wait_for
from tests.needs import needs_program
from wire.codec import encode
from wire.messages import Batch, BranchState, LinkState, Presence
from wire.topics import Address, Lane, lane_topic, presence_topic

pytestmark = [needs_program("mosquitto"), pytest.mark.timeout(60)]

BRANCHES = 12


class Agent:
    """One branch as its agent is seen: a will that waits 30 s, a birth and a digest on every connection."""

    def __init__(self, port: int, number: int) -> None:
        self._port = port
        self.address = Address("acme", f"b{number}", "rtr1")
        self.connections = 0

    async def run(self) -> None:
        while True:
            with contextlib.suppress(aiomqtt.MqttError):
                await self._one_connection()
            await asyncio.sleep(1.0)

    async def _one_connection(self) -> None:
        number = self.connections + 1
        delay = Properties(PacketTypes.WILLMESSAGE)  # type: ignore[no-untyped-call]  # paho is half typed
        delay.WillDelayInterval = 30
        kept = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho is half typed
        kept.SessionExpiryInterval = 3600
        will = aiomqtt.Will(presence_topic(self.address), self._presence(number, online=False), 1, True, delay)
        async with aiomqtt.Client(
            "127.0.0.1",
            self._port,
            identifier=self.address.branch,
            protocol=aiomqtt.ProtocolVersion.V5,
            will=will,
            properties=kept,
        ) as client:
            self.connections = number
            await client.publish(presence_topic(self.address), self._presence(number, online=True), 1, retain=True)
            live = digest(BranchState.OK, WIRE, LinkState.UP)
            batch = Batch(Lane.EVENTS, "e1", number, number, False, time.time_ns(), (live,))
            await client.publish(lane_topic(Lane.EVENTS, self.address), encode(batch), 1)
            async for _ in client.messages:
                pass

    def _presence(self, number: int, *, online: bool) -> bytes:
        return encode(Presence(online, "e1", number, "0.1.0", "abc", True, time.time_ns(), CELL))


@contextlib.asynccontextmanager
async def connected(agents: list[Agent]) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(each.run()) for each in agents]
    try:
        await wait_for(lambda: all(each.connections == 1 for each in agents))
        yield
    finally:
        waiting = set(tasks)
        while waiting:  # aiomqtt can swallow a cancellation
            for task in waiting:
                task.cancel()
            _, waiting = await asyncio.wait(waiting, timeout=1)


def _states(data: Path) -> set[str]:
    with contextlib.suppress(Exception):
        return {row.state for row in read_branches(data / BRANCHES_FILE).branches}
    return set()


async def test_a_restarted_broker_isolates_nobody(tmp_path: Path) -> None:
    port = free_port()
    broker = mosquitto(tmp_path, port)
    server = collector(tmp_path, port, 'kind = "sqlite"')
    data = tmp_path / "data"
    await asyncio.to_thread(broker.start)
    await asyncio.to_thread(server.start)
    agents = [Agent(port, number) for number in range(BRANCHES)]
    try:
        await wait_for(lambda: "broker.connected" in server.text())
        async with connected(agents):
            await wait_for(lambda: _states(data) == {"OK"}, 20, "everybody OK")
            await asyncio.to_thread(broker.stop)
            await asyncio.to_thread(broker.start)
            await wait_for(lambda: all(each.connections > 1 for each in agents), 20, "agents")
            await wait_for(lambda: server.text().count("broker.connected") > 1, 20, "the collector")
            await wait_for(lambda: _states(data) == {"OK"}, 20, "everybody OK again")
        assert "ISOLATED" not in server.text()
        connection = read_only(data / FILE_NAME)
        assert book.load(connection) == []
        connection.close()
    finally:
        for each in (server, broker):
            if each.running:
                each.kill()

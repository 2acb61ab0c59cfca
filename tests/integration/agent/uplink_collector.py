"""A small collector for tests: keeps records in memory and acknowledges as the real one does after its fsync."""

import asyncio
import logging

import aiomqtt

from tests.integration.agent.uplink_broker import Mosquitto
from wire.codec import decode_batch, decode_presence, encode
from wire.messages import Ack, Batch, Presence, Record
from wire.topics import PRESENCE_FILTER, Address, Lane, ack_topic, lane_filters, parse_lane_topic


class FakeCollector:
    """Stays connected until closed. `mute`: does not acknowledge; `echo`: how often it says each ack."""

    def __init__(self, broker: Mosquitto, address: Address) -> None:
        self._broker = broker
        self._address = address
        self.mute = False
        self.echo = 1
        self.records: dict[tuple[str, Lane], dict[int, Record]] = {}
        self.batches: list[Batch] = []
        self.presences: list[Presence] = []
        self.watermarks: dict[tuple[str, Lane], int] = {}
        self.listening = asyncio.Event()
        self._client: aiomqtt.Client | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        if self._task:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def say(self, ack: Ack | bytes) -> None:
        assert self._client
        payload = ack if isinstance(ack, bytes) else encode(ack)
        await self._client.publish(ack_topic(self._address), payload, qos=1)

    def held(self, lane: Lane, epoch: str) -> dict[int, Record]:
        return self.records.get((epoch, lane), {})

    async def _run(self) -> None:
        logging.getLogger("mqtt").setLevel(logging.CRITICAL)
        while True:
            try:
                async with self._broker.client() as client:
                    self._client = client
                    for topic in (*lane_filters(self._address.part), PRESENCE_FILTER):
                        await client.subscribe(topic, qos=1)
                    self.listening.set()
                    async for message in client.messages:
                        await self._take(client, message)
            except aiomqtt.MqttError:
                self.listening.clear()
                await asyncio.sleep(0.05)
            finally:
                if self._client and self._client._disconnected.done():
                    self._client._disconnected.exception()  # seen; the library would have it logged as forgotten

    async def _take(self, client: aiomqtt.Client, message: aiomqtt.Message) -> None:
        assert isinstance(message.payload, bytes)
        if message.topic.matches(PRESENCE_FILTER):
            self.presences.append(decode_presence(message.payload))
            return
        lane, address = parse_lane_topic(str(message.topic))
        assert address == self._address
        batch = decode_batch(message.payload)
        self.batches.append(batch)
        key = (batch.epoch, lane)
        held = self.records.setdefault(key, {})
        for index, record in enumerate(batch.records):
            held.setdefault(batch.first_seq + index, record)
        mark = max(self.watermarks.get(key, 0), batch.base - 1)
        while mark + 1 in held:
            mark += 1
        self.watermarks[key] = mark
        if not self.mute:
            for _ in range(self.echo):
                await client.publish(ack_topic(address), encode(Ack(lane, batch.epoch, mark)), qos=1)

"""A tiny agent for tests: keeps its records until the application acknowledgement, and sends them again (go-back-N)."""

import asyncio
from contextlib import suppress

import aiomqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from wire.codec import decode_ack, encode
from wire.messages import Batch, LinkState, Record, Role, Window
from wire.topics import Address, Lane, ack_topic, lane_topic

START_NS = 1_790_000_000_000_000_000
RESEND_S = 1.0


def window(seq: int) -> Window:
    """The window with this sequence number: its own time, so that the database can count what is missing."""
    at_ns = START_NS + seq * 10_000_000
    return Window(
        at_ns, 10.0, "isp1", Role.WIRE, "ISP 1", 4, LinkState.UP, 300, 297, 0, 0, 0, 0, 1.5, 2.0, 3.0, 4.0, None
    )


class TinyAgent:
    """Publishes windows of one lane. `records` is its spool: sequence number to record."""

    def __init__(self, port: int, address: Address, *, batch: int = 20, window_messages: int = 50) -> None:
        self._port = port
        self.address = address
        self._batch = batch
        self._limit = window_messages * batch
        self.epoch = "e1"
        self.records: dict[int, Record] = {}
        self.produced = 0
        self.watermark = 0
        self.acks = 0
        self._sent = 0
        self._news = asyncio.Event()

    def make(self, count: int) -> None:
        """Spool more windows."""
        for _ in range(count):
            self.produced += 1
            self.records[self.produced] = window(self.produced)
        self._news.set()

    @property
    def done(self) -> bool:
        return self.watermark == self.produced

    async def run(self) -> None:
        """Stay connected and send for ever."""
        while True:
            try:
                await self._connection()
            except* (aiomqtt.MqttError, OSError):
                pass  # the next connection sends again
            await asyncio.sleep(0.1)

    async def _connection(self) -> None:
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho is half typed
        properties.SessionExpiryInterval = 60
        async with aiomqtt.Client(
            "127.0.0.1",
            self._port,
            identifier=self.address.agent,
            protocol=aiomqtt.ProtocolVersion.V5,
            clean_start=False,
            properties=properties,
        ) as client:
            await client.subscribe(ack_topic(self.address), 1)
            self._sent = self.watermark
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._send(client))
                tasks.create_task(self._hear(client))

    async def _hear(self, client: aiomqtt.Client) -> None:
        async for message in client.messages:
            ack = decode_ack(message.payload)
            self.acks += 1
            if ack.epoch == self.epoch and ack.lane is Lane.SAMPLES and ack.watermark > self.watermark:
                for seq in range(self.watermark + 1, ack.watermark + 1):
                    del self.records[seq]
                self.watermark = ack.watermark
                self._news.set()

    async def _send(self, client: aiomqtt.Client) -> None:
        loop = asyncio.get_running_loop()
        progress, progress_s = self.watermark, loop.time()
        while True:
            if self.watermark != progress or self._sent == self.watermark:
                progress, progress_s = self.watermark, loop.time()
            if loop.time() - progress_s > RESEND_S:
                self._sent, progress_s = self.watermark, loop.time()
            self._sent = max(self._sent, self.watermark)
            first = self._sent + 1
            last = min(self._sent + self._batch, self.produced)
            if first > last or last - self.watermark > self._limit:
                self._news.clear()
                with suppress(TimeoutError):
                    async with asyncio.timeout(0.05):
                        await self._news.wait()
                continue
            records = tuple(self.records[seq] for seq in range(first, last + 1))
            batch = Batch(Lane.SAMPLES, self.epoch, first, self.watermark + 1, False, START_NS, records)
            await client.publish(lane_topic(Lane.SAMPLES, self.address), encode(batch), qos=1)
            self._sent = last

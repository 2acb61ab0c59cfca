"""How fast one collector process takes samples, each synced to disk before it is acknowledged. Prints JSON.

Two runs on real parts (mosquitto, InfluxDB 1.6 on this machine): `drain` empties a broker queue filled beforehand,
`live` sends at a fixed rate and measures from sending to the application acknowledgement.

    python -m tests.bench.ingest [--messages 10000] [--rate 1000] [--seconds 10]
"""

import argparse
import asyncio
import json
import os
import statistics
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import aiomqtt
import msgspec

from tests.integration.collector.agents import window
from tests.integration.collector.servers import (
    InfluxDB,
    Server,
    collector,
    free_port,
    influxd,
    mosquitto,
    wait_until,
)
from wire.codec import decode_ack, encode
from wire.messages import Batch
from wire.topics import Address, Lane, lane_topic

BEGIN_NS = time.time_ns() - 600 * 10**9
SAMPLES = 20
AGENTS = 50
IN_FLIGHT = 200


def message(address: Address, number: int) -> tuple[str, bytes]:
    """The `number`-th message of an agent, from 0. Its windows are of now, so that their hours are noted."""
    first = number * SAMPLES + 1
    records = tuple(
        msgspec.structs.replace(window(seq), start_ns=BEGIN_NS + seq * 10_000_000)
        for seq in range(first, first + SAMPLES)
    )
    return lane_topic(Lane.SAMPLES, address), encode(Batch(Lane.SAMPLES, "e1", first, 1, False, 0, records))


@dataclass
class Bench:
    """Publisher and listener."""

    port: int
    agents: list[Address] = field(default_factory=lambda: [Address("t1", f"b{n}", f"a{n}") for n in range(AGENTS)])
    watermarks: dict[str, int] = field(default_factory=dict)
    next_number: int = 0
    sent_s: dict[tuple[str, int], float] = field(default_factory=dict)
    delays_s: list[float] = field(default_factory=list)
    first_ack: tuple[float, int] = (0.0, 0)
    last_ack_s: float = 0.0

    def client(self, name: str) -> aiomqtt.Client:
        return aiomqtt.Client("127.0.0.1", self.port, identifier=name, protocol=aiomqtt.ProtocolVersion.V5)

    def acked(self) -> int:
        """Samples acknowledged, over all agents."""
        return sum(self.watermarks.values())

    async def listen(self) -> None:
        """Record every application acknowledgement."""
        async with self.client("listener") as client:
            await client.subscribe("bl/1/ack/#", 0)
            async for incoming in client.messages:
                ack, agent = decode_ack(incoming.payload), str(incoming.topic).rsplit("/", 1)[1]
                now_s = time.monotonic()
                for seq in range(self.watermarks.get(agent, 0) + SAMPLES, ack.watermark + 1, SAMPLES):
                    sent_s = self.sent_s.pop((agent, seq), None)
                    if sent_s is not None:
                        self.delays_s.append(now_s - sent_s)
                self.watermarks[agent] = max(ack.watermark, self.watermarks.get(agent, 0))
                self.first_ack = self.first_ack if self.first_ack[0] else (now_s, self.acked())
                self.last_ack_s = now_s

    async def publish(self, client: aiomqtt.Client, count: int, rate: float | None) -> None:
        """Send `count` messages in turn over the agents; `rate` per second, or as fast as the broker takes them."""
        inner = client._client
        first = self.next_number
        self.next_number += count
        ready = [message(self.agents[n % AGENTS], n // AGENTS) for n in range(first, first + count)]
        begin_s = time.monotonic()
        for index, (topic, payload) in enumerate(ready):
            if rate is not None:
                await asyncio.sleep(max(0.0, begin_s + index / rate - time.monotonic()))
                agent, number = self.agents[(first + index) % AGENTS].agent, (first + index) // AGENTS
                self.sent_s[agent, (number + 1) * SAMPLES] = time.monotonic()
            inner.publish(topic, payload, qos=1)
            while len(inner._out_messages) > IN_FLIGHT:  # noqa: ASYNC110 - paho has no event for it
                await asyncio.sleep(0.001)


def cpu_s(pid: int) -> float:
    """User and system CPU of a process so far, in seconds."""
    words = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


async def until(bench: Bench, samples: int, wait_s: float) -> None:
    async with asyncio.timeout(wait_s):
        while bench.acked() < samples:  # noqa: ASYNC110 - counted elsewhere
            await asyncio.sleep(0.02)


async def measure(port: int, server: Server, database: InfluxDB, options: argparse.Namespace) -> dict[str, object]:
    """Run both."""
    bench = Bench(port)
    listener = asyncio.create_task(bench.listen())
    await asyncio.to_thread(server.start)  # once, so that the broker knows the session
    await asyncio.to_thread(wait_until, lambda: "broker.connected" in server.text())
    await asyncio.to_thread(server.kill)
    async with bench.client("publisher") as client:
        await bench.publish(client, options.messages, None)
        total = options.messages * SAMPLES
        began_s = time.monotonic()
        await asyncio.to_thread(server.start)
        await until(bench, total, 300)
        drain_s = bench.last_ack_s - bench.first_ack[0]
        await asyncio.to_thread(wait_until, lambda: stored(database) >= total, 300)
        drain: dict[str, object] = {
            "samples": total,
            "samples_per_s": round((total - bench.first_ack[1]) / drain_s),
            "cpu_us_per_sample": round(1e6 * cpu_s(server.pid) / total, 1),
            "stored_samples_per_s": round(total / (time.monotonic() - began_s)),
        }
        bench.delays_s.clear()
        used_s = cpu_s(server.pid)
        began_s = time.monotonic()
        count = round(options.rate * options.seconds)
        await bench.publish(client, count, options.rate)
        sent_s = time.monotonic() - began_s
        await until(bench, total + count * SAMPLES, 60)
        used_s = cpu_s(server.pid) - used_s
        delays_ms = sorted(1000 * each for each in bench.delays_s)
        live: dict[str, object] = {
            "samples": count * SAMPLES,
            "sent_samples_per_s": round(count * SAMPLES / sent_s),
            "cpu_us_per_sample": round(1e6 * used_s / (count * SAMPLES), 1),
            "ack_delay_ms": {
                "p50": round(statistics.median(delays_ms), 1),
                "p99": round(delays_ms[int(len(delays_ms) * 0.99)], 1),
                "max": round(delays_ms[-1], 1),
            },
        }
        sent = total + count * SAMPLES
        await asyncio.to_thread(wait_until, lambda: stored(database) >= sent, 60)
    listener.cancel()
    await asyncio.wait([listener])
    return {
        "samples_per_message": SAMPLES,
        "lost": sent - await asyncio.to_thread(stored, database),
        "drain": drain,
        "live": live,
    }


def stored(database: InfluxDB) -> int:
    return database.count("bl", "link", "sent")


def main() -> None:
    """Start the parts, measure, print, stop the parts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=10_000, help="messages of 20 samples to drain")
    parser.add_argument("--rate", type=float, default=1000.0, help="messages of 20 samples a second in the live run")
    parser.add_argument("--seconds", type=float, default=10.0, help="length of the live run")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        broker, store = mosquitto(directory, free_port()), influxd(directory, free_port())
        server = None
        try:
            broker.start()
            store.start()
            assert broker.port is not None
            assert store.port is not None
            database = InfluxDB(store.port)
            database.create("bl")
            text = f'kind = "influx1"\nurl = "http://127.0.0.1:{store.port}"\ndatabase = "bl"'
            server = collector(directory, broker.port, text)
            print(json.dumps(asyncio.run(measure(broker.port, server, database, options)), indent=2))
        finally:
            for each in (server, store, broker):
                if each is not None and each.running:
                    each.kill()


if __name__ == "__main__":
    main()

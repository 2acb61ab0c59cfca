"""From the agent's spool to the database over real parts: what is counted there is what was kept, less what was told.

Spool and uplink in a process, mosquitto, the collector's process, InfluxDB; no namespaces, no root.
"""

import asyncio
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import aiomqtt
import pytest

from tests.integration.agent.uplink_records import ADDRESS
from tests.integration.collector.servers import (
    ROOT,
    InfluxDB,
    Server,
    collector,
    free_port,
    influxd,
    mosquitto,
    wait_for,
    wait_until,
)
from tests.needs import needs_program
from wire.codec import decode_batch
from wire.messages import Batch, Gap, Window
from wire.topics import Lane, lane_filters

pytestmark = [needs_program("mosquitto"), needs_program("influxd")]
KILLS = 12
DRAIN_S = 30.0
HOARD = 12_000
# The collector has no user name here, so that `topic` speaks of it.
ACL = "topic readwrite bl/1/#\npattern write bl/1/+/+/%u/%c\npattern write bl/1/st/%u/%c\npattern read bl/1/ack/%u/%c\n"
NO_ACKS = ACL.replace("readwrite", "read")


@dataclass
class Agent:
    """The agent's process. Figures as it told them last."""

    state: Path
    port: int
    epoch: str = ""
    events: int = 0
    samples: int = 0
    rows: int = -1
    dropped: int = 0
    appended: int = 0
    process: "subprocess.Popen[bytes] | None" = None
    _readers: list[threading.Thread] = field(default_factory=list)

    def start(self, mode: str, count: int | None = None) -> None:
        """Start it and wait until it has spoken."""
        self.rows = -1
        words = ["-m", "tests.integration.lab.spooling_agent", str(self.state), mode, str(count or self.port)]
        self.process = subprocess.Popen([sys.executable, *words], stdout=subprocess.PIPE, cwd=ROOT)
        self._readers = [threading.Thread(target=self._read, args=(self.process,))]
        self._readers[0].start()
        wait_until(lambda: self.rows >= 0, 20, "the agent's first word")

    def kill(self) -> None:
        if self.process:
            self.process.kill()
            self.finished()

    def finished(self) -> None:
        """Wait for its end, and until all it said was read."""
        assert self.process
        self.process.wait(30)
        for reader in self._readers:
            reader.join()
        self.process = None

    def _read(self, process: "subprocess.Popen[bytes]") -> None:
        assert process.stdout
        with process.stdout:
            for line in process.stdout:
                words = line.decode().split()
                if not line.endswith(b"\n") or len(words) != 6:
                    continue  # killed in the middle of a word
                assert words[0] == self.epoch or not self.epoch
                self.epoch = words[0]
                self.events, self.samples = max(self.events, int(words[1])), max(self.samples, int(words[2]))
                self.dropped, self.appended, self.rows = int(words[4]), int(words[5]), int(words[3])


@dataclass
class House:
    """All four parts, each started and killed as a test likes."""

    agent: Agent
    broker: Server
    collector: Server
    database: Server
    influx: InfluxDB

    def stored(self, measurement: str, column: str) -> int:
        try:
            return self.influx.count("bl", measurement, column)
        except OSError:
            return -1  # it is starting

    def drained(self) -> bool:
        return self.agent.rows == 0

    def has_all(self) -> bool:
        return (self.stored("link", "sent"), self.stored("link_state", "new")) == (
            self.agent.samples,
            self.agent.events,
        )

    def connects(self) -> int:
        return self.collector.text().count("broker.connected")

    def strangers(self) -> bool:
        return (self.collector.directory / "data/dead-letters/dead-letters.jsonl").exists()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    broker, database = mosquitto(tmp_path, free_port()), influxd(tmp_path, free_port())
    (tmp_path / "acl").write_text(ACL)
    (tmp_path / "mosquitto.conf").write_text(
        (tmp_path / "mosquitto.conf").read_text() + f"acl_file {tmp_path / 'acl'}\n"
    )
    assert broker.port
    assert database.port
    store = f'kind = "influx1"\nurl = "http://127.0.0.1:{database.port}"\ndatabase = "bl"'
    centre = collector(tmp_path, broker.port, store, more='[journal]\nsegment_size = "1MB"')
    made = House(Agent(tmp_path / "state", broker.port), broker, centre, database, InfluxDB(database.port))
    try:
        database.start()
        made.influx.create("bl")
        broker.start()
        centre.start()
        yield made
    finally:
        made.agent.kill()
        for server in (centre, broker, database):
            if server.running:
                server.kill()


def test_anything_killed_at_any_moment(house: House) -> None:
    dice = random.Random(11)  # noqa: S311 - a fixed seed, so that a failure can be repeated
    victims = ["agent", "broker", "collector", "database"]
    house.agent.start("live")
    for number in range(KILLS):
        time.sleep(dice.uniform(0.05, 0.7))
        victim = victims[number] if number < len(victims) else dice.choice(victims)
        if victim == "agent":
            house.agent.kill()
            house.agent.start("live")
            continue
        server: Server = getattr(house, victim)
        server.kill()
        if number == len(victims) - 1:
            time.sleep(2.0)  # the database stays away for a while
        server.start()
    house.agent.kill()
    house.agent.start("drain")
    wait_until(house.drained, DRAIN_S, "every acknowledgement")
    wait_until(house.has_all, DRAIN_S, "every record in the database, once")
    assert house.agent.dropped == 0
    assert house.agent.samples > 500
    assert not house.strangers()


def test_every_acknowledgement_lost_for_a_while(house: House, tmp_path: Path) -> None:
    wait_until(lambda: house.connects() == 1, DRAIN_S, "the collector at the broker")
    (tmp_path / "acl").write_text(NO_ACKS)
    house.broker.stop(signal.SIGTERM)
    house.broker.start()
    # An agent that nobody hears goes over to one record at a time, and stays there without an acknowledgement.
    wait_until(lambda: house.connects() == 2, DRAIN_S, "the collector at the broker again")
    house.agent.start("live")
    wait_until(lambda: house.stored("link", "sent") > 20, DRAIN_S, "records in the database")
    house.agent.kill()
    house.agent.start("drain")
    assert house.agent.rows == house.agent.samples + house.agent.events
    (tmp_path / "acl").write_text(ACL)
    house.broker.stop(signal.SIGTERM)
    house.broker.start()
    wait_until(house.drained, DRAIN_S, "every acknowledgement")
    wait_until(house.has_all, DRAIN_S, "every record in the database, once")


async def test_a_gap_is_told_and_blocks_nothing(house: House) -> None:
    """Two minutes of silence filled the spool: what is left arrives as history, what is not is told, news overtakes."""
    agent = house.agent
    await asyncio.to_thread(agent.start, "hoard", HOARD)
    await asyncio.to_thread(agent.finished)
    dropped, epoch, last = agent.dropped, agent.epoch, agent.samples
    assert 0 < dropped < agent.appended == HOARD
    heard: list[Batch] = []
    listening = asyncio.Event()
    assert house.broker.port
    witness = asyncio.create_task(listen(house.broker.port, heard, listening))
    await listening.wait()
    await asyncio.to_thread(agent.start, "live")
    await wait_for(lambda: 0 <= agent.rows < 200, DRAIN_S, "the backlog acknowledged while new records come")
    await asyncio.to_thread(agent.kill)
    await asyncio.to_thread(agent.start, "drain")
    await wait_for(house.drained, DRAIN_S, "every acknowledgement")
    witness.cancel()
    await asyncio.wait([witness])
    assert {batch.epoch for batch in heard} == {epoch} == {agent.epoch}
    numbered = {
        batch.first_seq + place: (batch.hist, record)
        for batch in heard
        if batch.lane is Lane.SAMPLES
        for place, record in enumerate(batch.records)
    }
    assert {hist for seq, (hist, _) in numbered.items() if seq <= last} == {True}
    assert {hist for seq, (hist, _) in numbered.items() if seq > last} == {False}
    gaps = [record for _, record in numbered.values() if isinstance(record, Gap)]
    windows = sum(isinstance(record, Window) for _, record in numbered.values())
    produced = HOARD + agent.samples - last
    assert windows == produced - dropped
    await asyncio.to_thread(wait_until, lambda: house.stored("link", "sent") == windows, DRAIN_S, "all, once")
    told = house.influx.rows("bl", "SELECT sum(gap_count) AS count FROM pipeline WHERE lane = 'd'")
    assert int(str(told[0]["count"])) == sum(gap.count for gap in gaps) == dropped
    assert not house.strangers()


async def listen(port: int, heard: list[Batch], listening: asyncio.Event) -> None:
    """Write down what the agent publishes."""
    async with aiomqtt.Client("127.0.0.1", port, identifier="witness") as client:
        await client.subscribe([(name, 1) for name in lane_filters(ADDRESS.part)])
        listening.set()
        async for message in client.messages:
            heard += [decode_batch(message.payload)]

"""The uplink against a real mosquitto."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from agent.config import BrokerSettings
from agent.spool import Spool
from agent.uplink import Uplink
from tests.integration.agent.uplink_broker import PASSWORD, Mosquitto
from tests.integration.agent.uplink_collector import FakeCollector
from tests.needs import needs_program
from wire.messages import Ack, LinkState, Presence, Role, StateChange, Window
from wire.topics import Address, Lane

pytestmark = [needs_program("mosquitto"), needs_program("mosquitto_passwd")]

ADDRESS = Address("t1", "b1", "a1")


def presence() -> Presence:
    return Presence(True, "", 0, "0.1.0", "cafe", True, time.time_ns(), "isp1")


def event(number: int) -> StateChange:
    return StateChange(time.time_ns(), "isp1", Role.WIRE, "isp", LinkState.UP, LinkState.DOWN, f"{number}", 500.0)


def sample(number: int) -> Window:
    none = (None,) * 5
    return Window(time.time_ns(), 10.0, "isp1", Role.WIRE, "isp", 4, LinkState.UP, number, 0, 0, 0, 0, 0, *none)


async def until(met: Callable[[], bool], wait_s: float = 15.0) -> None:
    deadline_s = time.monotonic() + wait_s
    while not met():
        assert time.monotonic() < deadline_s, "it did not come to pass in time"
        await asyncio.sleep(0.01)


class Branch:
    """Broker, collector, spool and uplink of one test."""

    def __init__(self, folder: Path, broker: Mosquitto, settings: BrokerSettings) -> None:
        self.broker = broker
        self.collector = FakeCollector(broker, ADDRESS)
        self.spool = Spool(folder / "state", max_bytes=10_000_000, commit_every_s=0.2, now_ns=time.time_ns)
        self.uplink = Uplink(settings, ADDRESS, self.spool, presence, resend_s=0.3)

    def delivered(self) -> bool:
        stats = self.spool.stats
        return all(
            set(self.collector.held(lane, stats.epoch)) == set(range(1, stats.lane(lane).last_seq + 1)) for lane in Lane
        )

    def settled(self) -> bool:
        return self.delivered() and not any(self.spool.stats.lane(lane).rows for lane in Lane)


def settings_for(broker: Mosquitto, folder: Path, protocol: str = "5", password: str = PASSWORD) -> BrokerSettings:
    file = folder / "password"
    file.write_text(password + "\n")
    return BrokerSettings(
        host="127.0.0.1", port=broker.port, protocol="5" if protocol == "5" else "3.1.1", password_file=str(file)
    )


@asynccontextmanager
async def running(branch: Branch) -> AsyncIterator[Branch]:
    await branch.spool.open()
    branch.collector.start()
    await branch.collector.listening.wait()
    task = asyncio.create_task(branch.uplink.run())
    try:
        yield branch
    finally:
        ended = task.done()
        task.cancel()
        await asyncio.wait([task])
        await branch.collector.close()
        await branch.spool.close()
        if ended:
            await task


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Mosquitto]:
    mosquitto = Mosquitto(tmp_path)
    await mosquitto.start()
    yield mosquitto
    mosquitto.close()


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_both_lanes_arrive_and_leave_the_spool(tmp_path: Path, broker: Mosquitto, protocol: str) -> None:
    async with running(Branch(tmp_path, broker, settings_for(broker, tmp_path, protocol))) as branch:
        for number in range(700):
            branch.spool.append(sample(number))
        branch.spool.append(event(0))
        await until(lambda: branch.spool.stats.events.last_seq == 1 and branch.settled())
        assert branch.collector.presences[-1].online
        assert branch.collector.presences[-1].connection == 1
        status = branch.uplink.status
        assert status.connected
        assert status.trouble is None
        assert status.samples.acked == 700
        assert not any(batch.hist for batch in branch.collector.batches)


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_a_killed_broker_costs_nothing(tmp_path: Path, broker: Mosquitto, protocol: str) -> None:
    async with running(Branch(tmp_path, broker, settings_for(broker, tmp_path, protocol))) as branch:
        for round_number in range(4):
            for number in range(300):
                branch.spool.append(sample(number))
            branch.spool.append(event(round_number))
            await asyncio.sleep(0.03)
            broker.kill()
            branch.spool.append(event(round_number))
            await broker.start()
        await until(lambda: branch.spool.stats.samples.last_seq == 1200 and branch.settled(), 40)
        assert branch.uplink.status.connection >= 2


async def test_lost_and_repeated_acknowledgements(tmp_path: Path, broker: Mosquitto) -> None:
    async with running(Branch(tmp_path, broker, settings_for(broker, tmp_path))) as branch:
        branch.collector.mute = True
        branch.spool.append(event(0))
        await until(lambda: len(branch.collector.batches) >= 2)
        assert branch.spool.stats.events.rows == 1
        branch.collector.mute = False
        branch.collector.echo = 3
        branch.spool.append(event(1))
        await until(branch.settled)
        await branch.collector.say(b"\x01\x00nonsense")
        await branch.collector.say(Ack(Lane.EVENTS, "0" * 16, 9))
        await until(lambda: branch.uplink.status.acks_malformed == 1 and branch.spool.stats.acks_ignored == 1)
        branch.spool.append(event(2))
        await until(branch.settled)

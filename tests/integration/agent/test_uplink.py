"""The uplink against a real mosquitto."""

import asyncio
import re
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from agent.config import BrokerSettings
from agent.spool import Spool
from agent.uplink import Uplink
from tests.integration.agent.uplink_broker import ACL, PASSWORD, Mosquitto, free_port
from tests.integration.agent.uplink_collector import FakeCollector
from tests.integration.agent.uplink_records import ADDRESS, event, presence, sample
from tests.needs import needs_program
from wire.messages import Ack
from wire.topics import Lane

pytestmark = [needs_program("mosquitto"), needs_program("mosquitto_passwd")]


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

    async def arrives(self, wait_s: float = 15.0) -> None:
        """All that was appended is on disk, then with the collector, then gone from the spool."""
        await self.spool.flush()
        await until(self._settled, wait_s)

    def _settled(self) -> bool:
        stats = self.spool.stats
        return all(
            set(self.collector.held(lane, stats.epoch)) == set(range(1, stats.lane(lane).last_seq + 1))
            and stats.lane(lane).rows == 0
            for lane in Lane
        )


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
        await branch.arrives()
        await until(lambda: bool(branch.collector.presences))
        assert branch.collector.presences[-1].online
        assert branch.collector.presences[-1].connection == 1
        await until(lambda: branch.uplink.status.samples.acked == 700)
        status = branch.uplink.status
        assert status.connected
        assert status.trouble is None
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
        await branch.arrives(40)
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
        await branch.arrives()
        await branch.collector.say(b"\x01\x00nonsense")
        await branch.collector.say(Ack(Lane.EVENTS, "0" * 16, 9))
        await until(lambda: branch.uplink.status.acks_malformed == 1 and branch.spool.stats.acks_ignored == 1)
        branch.spool.append(event(2))
        await branch.arrives()


async def test_a_move_is_told_at_once_over_the_new_path(tmp_path: Path, broker: Mosquitto) -> None:
    async with running(Branch(tmp_path, broker, settings_for(broker, tmp_path))) as branch:
        branch.uplink.use_path("isp1", "127.0.0.1", metered=False)
        branch.spool.append(event(0))
        await branch.arrives()
        broker.freeze()  # the old session is dead from now on, though its socket is not
        branch.uplink.use_path("isp2", "127.0.0.2", metered=False)
        await asyncio.sleep(0.2)
        started_s = time.monotonic()
        broker.thaw()
        branch.spool.append(event(1))
        await branch.arrives()
        assert time.monotonic() - started_s < 1.0
        assert branch.uplink.status.path == "isp2"
        assert "127.0.0.2" in broker.log_text()
        assert all(told.online for told in branch.collector.presences)


async def test_many_moves_in_a_row(tmp_path: Path, broker: Mosquitto) -> None:
    async with running(Branch(tmp_path, broker, settings_for(broker, tmp_path))) as branch:
        for number in range(60):
            branch.spool.append(event(number))
            branch.uplink.use_path("isp", f"127.0.0.{1 + number % 3}", metered=number % 2 == 1)
            # Cancelled anywhere: while dialling, greeting, subscribing, sending, saying goodbye.
            await asyncio.sleep(0.0005 * number)
        started_s = time.monotonic()
        branch.uplink.use_path("isp1", "127.0.0.1", metered=False)
        await branch.arrives()
        assert time.monotonic() - started_s < 2.0


async def test_a_metered_path_holds_samples_back_but_not_events(tmp_path: Path, broker: Mosquitto) -> None:
    async with running(Branch(tmp_path, broker, settings_for(broker, tmp_path))) as branch:
        branch.uplink.use_path("cell", "", metered=True)
        for number in range(10):
            branch.spool.append(sample(number))
        branch.spool.append(event(0))
        await until(lambda: branch.uplink.status.events.acked == 1)
        assert branch.uplink.status.samples.held
        assert branch.spool.stats.samples.rows == 10
        assert not branch.collector.held(Lane.SAMPLES, branch.spool.epoch)
        branch.uplink.use_path("isp1", "", metered=False)
        await branch.arrives()


async def test_a_spool_the_disk_rolled_back_starts_a_new_epoch(tmp_path: Path, broker: Mosquitto) -> None:
    async with running(Branch(tmp_path, broker, settings_for(broker, tmp_path))) as branch:
        branch.spool.append(event(0))
        await branch.arrives()
        old = branch.spool.epoch
        await branch.collector.say(Ack(Lane.EVENTS, old, 50))
        await until(lambda: branch.spool.epoch != old)
        branch.spool.append(event(1))
        await until(lambda: branch.spool.stats.events.rows == 0 and branch.spool.stats.events.last_seq == 2)
        assert list(branch.collector.held(Lane.EVENTS, branch.spool.epoch)) == [2]
        await until(lambda: branch.collector.presences[-1].epoch == branch.spool.epoch)


async def test_the_will_waits_for_a_reconnect(
    tmp_path: Path, broker: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.uplink.transport.WILL_DELAY_S", 2)
    monkeypatch.setattr("agent.uplink.transport.SESSION_EXPIRY_S", 4)
    async with running(Branch(tmp_path, broker, settings_for(broker, tmp_path))) as branch:
        told = branch.collector.presences
        await until(lambda: len(told) == 1)
        _cut(branch)
        await until(lambda: len(told) == 2)
        await asyncio.sleep(3)
        assert [(presence.online, presence.connection) for presence in told] == [(True, 1), (True, 2)]
        monkeypatch.setattr(branch.uplink._dialer, "_known", [])
        monkeypatch.setattr(branch.uplink._dialer, "_port", free_port())
        _cut(branch)
        await until(lambda: len(told) == 3)
        assert (told[2].online, told[2].connection) == (False, 2)


def _cut(branch: Branch) -> None:
    """End the connection without a DISCONNECT, as when the path or the process dies."""
    session = branch.uplink._session
    assert session
    session._client._sock.shutdown(socket.SHUT_RDWR)


NO_WRITE = "user collector\ntopic readwrite bl/1/#\npattern read bl/1/ack/%u/%c\n"


@pytest.mark.parametrize(
    ("protocol", "password", "acl", "sentence"),
    [
        ("5", "wrong", ACL, r"refuses user 't1/b1', client 'a1' \(.*Not authorized\); check password_file"),
        ("3.1.1", "wrong", ACL, r"refuses user 't1/b1', client 'a1' \(.*\); check password_file"),
        ("5", PASSWORD, NO_WRITE, r"the broker refuses our records \(Not authorized\); check that its ACL has"),
        ("3.1.1", PASSWORD, NO_WRITE, "the collector has not answered for .* or the broker's ACL silently denies us"),
    ],
)
async def test_a_refusal_is_one_sentence(  # noqa: PLR0917 - pytest passes by name
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, protocol: str, password: str, acl: str, sentence: str
) -> None:
    monkeypatch.setattr("agent.uplink.uplink.SILENT_S", 0.5)
    broker = Mosquitto(tmp_path, acl=acl)
    await broker.start()
    try:
        settings = settings_for(broker, tmp_path, protocol, password)
        async with running(Branch(tmp_path, broker, settings)) as branch:
            branch.spool.append(event(0))
            await until(lambda: bool(re.search(sentence, branch.uplink.status.trouble or "")))
            await branch.spool.flush()
            assert branch.spool.stats.events.rows == 1
    finally:
        broker.close()


async def test_nobody_listening_is_told_apart(
    tmp_path: Path, broker: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.uplink.uplink.SILENT_S", 0.5)
    async with running(Branch(tmp_path, broker, settings_for(broker, tmp_path))) as branch:
        await branch.collector.close()
        branch.spool.append(event(0))
        await until(lambda: "nobody listens there" in (branch.uplink.status.trouble or ""))


async def test_a_broker_that_is_not_there(tmp_path: Path) -> None:
    settings = BrokerSettings(host="127.0.0.1", port=free_port())
    spool = Spool(tmp_path, max_bytes=10_000_000, commit_every_s=1, now_ns=time.time_ns)
    await spool.open()
    uplink = Uplink(settings, ADDRESS, spool, presence)
    task = asyncio.create_task(uplink.run())
    await until(lambda: "refuses the connection" in (uplink.status.trouble or ""))
    uplink.use_path("isp2", "192.0.2.1", metered=False)
    await until(lambda: "cannot be reached from 192.0.2.1" in (uplink.status.trouble or ""))
    assert uplink.status.connection == 0
    task.cancel()
    await asyncio.wait([task])
    await spool.close()

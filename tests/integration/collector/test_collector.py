"""The whole collector as a process, on a real broker and a real database."""

import asyncio
import contextlib
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import aiomqtt
import pytest

from collector.dead_letters import read_letters
from tests.integration.collector.agents import START_NS, TinyAgent
from tests.integration.collector.servers import (
    ROOT,
    InfluxDB,
    Server,
    collector,
    free_port,
    mosquitto,
    wait_for,
    wait_until,
)
from tests.needs import needs_program, needs_root
from wire.codec import encode
from wire.messages import (
    Act,
    ActKind,
    ActOutcome,
    Batch,
    BranchState,
    Digest,
    DigestPath,
    LinkState,
    Presence,
    Role,
    StateChange,
)
from wire.topics import Address, Lane, lane_topic, presence_topic

ADDRESS = Address("t1", "b1", "a1")

pytestmark = [needs_program("mosquitto"), needs_program("influxd")]


def _store(server: Server) -> str:
    return f'kind = "influx1"\nurl = "http://127.0.0.1:{server.port}"\ndatabase = "bl"'


@contextlib.asynccontextmanager
async def alive(server: Server) -> AsyncIterator[None]:
    await asyncio.to_thread(server.start)
    try:
        await asyncio.to_thread(
            wait_until, lambda: "broker.connected" in server.text(), 20, "the collector's connection"
        )
        yield
    finally:
        if server.running:
            await asyncio.to_thread(server.kill)


@contextlib.asynccontextmanager
async def publishing(*agents: TinyAgent) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(agent.run()) for agent in agents]
    try:
        yield
    finally:
        waiting = set(tasks)
        while waiting:  # aiomqtt can swallow a cancellation
            for task in waiting:
                task.cancel()
            _, waiting = await asyncio.wait(waiting, timeout=1)


async def _say(port: int, *messages: tuple[str, bytes], retain: bool = False) -> None:
    async with aiomqtt.Client("127.0.0.1", port, identifier="tester", protocol=aiomqtt.ProtocolVersion.V5) as client:
        for topic, payload in messages:
            await client.publish(topic, payload, qos=1, retain=retain)


def _mount(*words: str) -> None:
    subprocess.run(words, check=True, timeout=20)


def _branches(directory: Path) -> dict[str, str]:
    words = [sys.executable, "-m", "branchline", "collector", "branches", "--config", str(directory / "collector.toml")]
    out = subprocess.run([*words, "--json"], cwd=ROOT, capture_output=True, check=False, timeout=20)
    if out.returncode:
        return {}
    return {each["branch"]: each["state"] for each in json.loads(out.stdout)["branches"]}


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_windows_reach_the_database(
    protocol: str, tmp_path: Path, broker: Server, influx_server: Server, influx: InfluxDB
) -> None:
    assert broker.port is not None
    server = collector(tmp_path, broker.port, _store(influx_server), broker=f'protocol = "{protocol}"')
    agent = TinyAgent(broker.port, ADDRESS)
    agent.make(3000)
    async with alive(server), publishing(agent):
        await wait_for(lambda: agent.done)
        await asyncio.to_thread(wait_until, lambda: influx.count("bl", "link", "sent") == 3000, 20, "3000 windows")
        assert server.stop() == 0


async def test_events_and_branch_state(tmp_path: Path, broker: Server, influx_server: Server, influx: InfluxDB) -> None:
    assert broker.port is not None
    now_ns = time.time_ns()
    digest = Digest(now_ns, BranchState.OK, "isp1", (DigestPath("isp1", LinkState.UP, 20.0, 0.0, 100),))
    down = StateChange(now_ns, "isp1", Role.WIRE, "ISP, 1", LinkState.UP, LinkState.DOWN, 'silent "really"', 500.0)
    up = StateChange(now_ns, "5g", Role.CELL, "mobile=5g", LinkState.UNKNOWN, LinkState.UP, "proved", None)
    moved = tuple(
        Act(now_ns, "m1", ActKind.EMERGENCY, outcome, "isp1", "5g", "silent", 12.0)
        for outcome in (ActOutcome.APPLIED, ActOutcome.COMMITTED)
    )
    topic = lane_topic(Lane.EVENTS, ADDRESS)
    birth = Presence(True, "e1", 1, "0.1.0", "abc", True, now_ns, "isp1")
    will = Presence(False, "e1", 1, "0.1.0", "abc", True, now_ns, "isp1")
    server = collector(tmp_path, broker.port, _store(influx_server))
    async with alive(server):
        await _say(broker.port, (presence_topic(ADDRESS), encode(birth)), retain=True)
        await _say(broker.port, (topic, encode(Batch(Lane.EVENTS, "e1", 1, 1, False, now_ns, (digest,)))))
        await asyncio.to_thread(wait_until, lambda: _branches(tmp_path) == {"b1": "OK"}, 20, "OK")
        await _say(broker.port, (topic, encode(Batch(Lane.EVENTS, "e1", 2, 1, False, now_ns, (down, up, *moved)))))
        await asyncio.to_thread(wait_until, lambda: _branches(tmp_path) == {"b1": "ON_5G"}, 20, "ON_5G")
        await _say(broker.port, (presence_topic(ADDRESS), encode(will)), retain=True)
        await asyncio.to_thread(wait_until, lambda: _branches(tmp_path) == {"b1": "ISOLATED"}, 20, "ISOLATED")
        await asyncio.to_thread(wait_until, lambda: influx.count("bl", "act", "outcome") == 2, 20, "both reports")
        await asyncio.to_thread(
            wait_until, lambda: influx.rows("bl", "SELECT last(state) FROM branch_state")[0]["last"] == 4, 20, "state 4"
        )
        rows = influx.rows("bl", "SELECT * FROM link_state")
    assert [(row["isp"], row["reason"], row["new"]) for row in rows] == [
        ("ISP, 1", 'silent "really"', 3),
        ("mobile=5g", "proved", 1),
    ]


async def test_what_nobody_can_use_is_kept(
    tmp_path: Path, broker: Server, influx_server: Server, influx: InfluxDB
) -> None:
    assert broker.port is not None
    topic = lane_topic(Lane.SAMPLES, ADDRESS)
    other = topic.replace("/b1/", "/b2/")
    empty = encode(Batch(Lane.SAMPLES, "e1", 1, 1, False, START_NS, ()))
    server = collector(tmp_path, broker.port, _store(influx_server))
    agent = TinyAgent(broker.port, ADDRESS)
    agent.make(20)
    async with alive(server), publishing(agent):
        await _say(broker.port, (topic, b"\x07later"), (topic, b""), (other, empty), (topic, b"\x01\x01\xff"))
        await wait_for(lambda: agent.done)
        await wait_for(lambda: len(read_letters(tmp_path / "data/dead-letters")) == 4)
    letters = read_letters(tmp_path / "data/dead-letters")
    assert {each.payload for each in letters} == {b"\x07later", b"", empty, b"\x01\x01\xff"}
    assert any("but t1/b2 is in part" in each.sentence for each in letters)


async def test_broker_killed_and_back(tmp_path: Path, influx_server: Server, influx: InfluxDB) -> None:
    """The broker keeps nothing on disk; the application acknowledgement makes the agent send again."""
    port = free_port()
    broker = mosquitto(tmp_path, port)
    await asyncio.to_thread(broker.start)
    server = collector(tmp_path, port, _store(influx_server))
    agent = TinyAgent(port, ADDRESS)
    try:
        async with alive(server), publishing(agent):
            for _ in range(3):
                agent.make(2000)
                before = agent.watermark
                await wait_for(lambda: agent.watermark > before)  # noqa: B023 - awaited here
                await asyncio.to_thread(broker.kill)
                await asyncio.to_thread(broker.start)
            await wait_for(lambda: agent.done, 30)
            await asyncio.to_thread(wait_until, lambda: influx.count("bl", "link", "sent") == 6000, 20, "6000 windows")
    finally:
        broker.kill()


async def test_a_lost_acknowledgement_is_repeated(
    tmp_path: Path, broker: Server, influx_server: Server, influx: InfluxDB
) -> None:
    assert broker.port is not None
    server = collector(tmp_path, broker.port, _store(influx_server))
    agent = TinyAgent(broker.port, ADDRESS)
    agent.make(100)
    async with alive(server):
        async with publishing(agent):
            await wait_for(lambda: agent.done)
        forgetful = TinyAgent(broker.port, ADDRESS)
        forgetful.make(100)
        async with publishing(forgetful):
            await wait_for(lambda: forgetful.done)
        await asyncio.to_thread(wait_until, lambda: influx.count("bl", "link", "sent") == 100, 20, "100 windows")


async def test_parts_given_up_are_left(tmp_path: Path, broker: Server, influx_server: Server, influx: InfluxDB) -> None:
    """The broker remembers the session's subscriptions; those of parts no longer owned have to go."""
    assert broker.port is not None
    agent = TinyAgent(broker.port, ADDRESS)
    server = collector(tmp_path, broker.port, _store(influx_server))
    config = tmp_path / "collector.toml"
    async with publishing(agent):
        async with alive(server):
            agent.make(20)
            await wait_for(lambda: agent.done)
        server.log.unlink()
        foreign = (ADDRESS.part + 1) % 64
        config.write_text(config.read_text().replace('name = "c1"', f'name = "c1"\nparts = [{foreign}]'))
        async with alive(server):
            agent.make(20)
            await asyncio.sleep(1.5)  # time for an acknowledgement that must not come
            assert not agent.done


async def test_user_errors_are_one_sentence(tmp_path: Path, broker: Server, influx_server: Server) -> None:
    assert broker.port is not None
    server = collector(tmp_path, broker.port, _store(influx_server))
    async with alive(server):
        words = [sys.executable, "-m", "branchline", "collector", "run", "--config", str(tmp_path / "collector.toml")]
        second = await asyncio.to_thread(subprocess.run, words, cwd=ROOT, capture_output=True, timeout=20, check=False)
    assert second.returncode == 1
    assert second.stderr.decode() == f"{tmp_path}/data: another collector uses this data_dir; give each its own\n"


@needs_root
async def test_full_disk_stops_acknowledging_and_recovers(
    tmp_path: Path, broker: Server, influx_server: Server, influx: InfluxDB
) -> None:
    assert broker.port is not None
    data = tmp_path / "data"
    data.mkdir()
    await asyncio.to_thread(_mount, "mount", "-t", "tmpfs", "-o", "size=3m", "branchline-test", str(data))
    balloon = data / "balloon"
    server = collector(tmp_path, broker.port, _store(influx_server))
    agent = TinyAgent(broker.port, ADDRESS)
    try:
        async with alive(server), publishing(agent):
            agent.make(100)
            await wait_for(lambda: agent.done)
            with contextlib.suppress(OSError), balloon.open("wb", buffering=0) as stream:
                while True:
                    stream.write(bytes(1024))
            agent.make(5000)
            await wait_for(lambda: "journal.held" in server.text(), 20, "the sentence about the full disk")
            stuck = agent.watermark
            assert stuck < 5100
            assert len(agent.records) == 5100 - stuck
            balloon.unlink()
            await wait_for(lambda: agent.done, 20, "all acknowledged after the disk has room")
            assert "journal.recovered" in server.text()
            await asyncio.to_thread(wait_until, lambda: influx.count("bl", "link", "sent") == 5100, 20, "5100 windows")
    finally:
        await asyncio.to_thread(_mount, "umount", str(data))


@needs_program("mosquitto")
@pytest.mark.timeout(90)
async def test_a_failed_part_ends_the_process(tmp_path: Path, broker: Server) -> None:
    """Half a collector would look alive and acknowledge nothing."""
    assert broker.port is not None
    server = collector(tmp_path, broker.port, 'kind = "influx1"\nurl = "http://127.0.0.1:9"\ndatabase = "bl"')
    await asyncio.to_thread(server.start)
    try:
        await asyncio.to_thread(wait_until, lambda: "broker.connected" in server.text())
        (tmp_path / "data/journal").rename(tmp_path / "elsewhere")
        await asyncio.to_thread(wait_until, lambda: not server.running, 60, "its end")
        assert server.stop() == 1
        assert "collector.failed | a fault in the collector's watch" in server.text()
    finally:
        if server.running:
            server.kill()

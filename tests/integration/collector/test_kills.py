"""kill -9 of the collector while an agent publishes: nothing lost, nothing twice."""

import asyncio
import random
from pathlib import Path

import pytest

from tests.integration.collector.agents import TinyAgent
from tests.integration.collector.servers import InfluxDB, Server, collector, wait_for, wait_until
from tests.needs import needs_program
from wire.topics import Address

KILLS = 10


def _store(server: Server) -> str:
    return f'kind = "influx1"\nurl = "http://127.0.0.1:{server.port}"\ndatabase = "bl"'


@pytest.mark.timeout(150)  # ten starts of a process and what each wait may take on a busy machine
@needs_program("mosquitto")
@needs_program("influxd")
async def test_ten_kills(tmp_path: Path, broker: Server, influx_server: Server, influx: InfluxDB) -> None:
    assert broker.port is not None
    dice = random.Random(7)  # noqa: S311 - a fixed seed, so that a failure can be repeated
    server = collector(tmp_path, broker.port, _store(influx_server), more='[journal]\nsegment_size = "1MB"')
    agents = [TinyAgent(broker.port, Address("t1", f"b{n}", f"a{n}")) for n in range(2)]
    try:
        await asyncio.to_thread(server.start)
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(agent.run()) for agent in agents]
            for _ in range(KILLS):
                before = sum(agent.watermark for agent in agents)
                _feed(agents)
                await wait_for(lambda: sum(a.watermark for a in agents) > before, 30, "progress")  # noqa: B023 - awaited here
                end_s = asyncio.get_running_loop().time() + dice.uniform(0.05, 0.7)
                while asyncio.get_running_loop().time() < end_s:
                    _feed(agents)
                    await asyncio.sleep(0.01)
                await asyncio.to_thread(server.kill)
                await asyncio.to_thread(server.start)
            await wait_for(lambda: all(agent.done for agent in agents), 30, "every acknowledgement")
            for task in running:
                task.cancel()
        produced = sum(agent.produced for agent in agents)
        await asyncio.to_thread(
            wait_until, lambda: influx.count("bl", "link", "sent") >= produced, 30, "every record in the database"
        )
        assert influx.count("bl", "link", "sent") == produced
        assert produced > 2000
        assert all(not agent.records for agent in agents)
        assert not (tmp_path / "data/dead-letters/dead-letters.jsonl").exists()
    finally:
        if server.running:
            server.kill()


def _feed(agents: list[TinyAgent]) -> None:
    for agent in agents:
        agent.make(20)

"""kill -9 of a collector with the embedded store while agents publish: nothing lost, nothing twice, the file sound."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from tests.integration.collector.agents import TinyAgent
from tests.integration.collector.servers import Server, collector, wait_for, wait_until
from tests.needs import needs_program
from wire.topics import Address

KILLS = 3


def _count(file: Path) -> int:
    try:
        connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
    except sqlite3.OperationalError:
        return 0
    try:
        return int(connection.execute("SELECT count(f_sent) FROM p_link").fetchone()[0])
    except sqlite3.OperationalError:  # not made yet
        return 0
    finally:
        connection.close()


@pytest.mark.timeout(90)  # starts of a process and what each wait may take on a busy machine
@needs_program("mosquitto")
async def test_kills(tmp_path: Path, broker: Server) -> None:
    assert broker.port is not None
    file = tmp_path / "data/history.db"
    server = collector(tmp_path, broker.port, 'kind = "sqlite"')
    agents = [TinyAgent(broker.port, Address("t1", f"b{n}", f"a{n}")) for n in range(2)]
    try:
        await asyncio.to_thread(server.start)
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(agent.run()) for agent in agents]
            for _ in range(KILLS):
                before = _count(file)
                for agent in agents:
                    agent.make(300)
                await wait_for(lambda: _count(file) > before, 30, "progress")  # noqa: B023 - awaited here
                await asyncio.to_thread(server.kill)
                await asyncio.to_thread(server.start)
            await wait_for(lambda: all(agent.done for agent in agents), 30, "every acknowledgement")
            for task in running:
                task.cancel()
        produced = sum(agent.produced for agent in agents)
        await asyncio.to_thread(wait_until, lambda: _count(file) >= produced, 30, "every record in the file")
        assert _count(file) == produced == KILLS * 600
        connection = sqlite3.connect(file)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        connection.close()
    finally:
        if server.running:
            server.kill()

"""kill -9, again and again: every record that was committed arrives."""

import asyncio
import random
import signal
import sys
from pathlib import Path

import pytest

from tests.integration.agent.uplink_broker import PASSWORD, Mosquitto
from tests.integration.agent.uplink_collector import FakeCollector
from tests.integration.agent.uplink_records import ADDRESS
from tests.needs import needs_program
from wire.topics import Lane

pytestmark = [needs_program("mosquitto"), needs_program("mosquitto_passwd")]
KILLS = 20


class Agent:
    """The agent's process; keeps the highest numbers it told to be committed."""

    def __init__(self, state: Path, port: int, password_file: Path) -> None:
        self._arguments = [str(state), str(port), str(password_file)]
        self.epoch = ""
        self.committed = dict.fromkeys(Lane, 0)
        self.rows = 0
        self._spoke = asyncio.Event()

    async def speaks(self) -> None:
        """Wait for its next line."""
        self._spoke.clear()
        await self._spoke.wait()

    async def run(self, mode: str) -> tuple[asyncio.subprocess.Process, asyncio.Task[None]]:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "tests.integration.agent.uplink_agent", *self._arguments, mode),
            stdout=asyncio.subprocess.PIPE,
        )
        return process, asyncio.create_task(self._follow(process))

    async def _follow(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout
        async for line in process.stdout:
            words = line.decode().split()
            if not line.endswith(b"\n") or len(words) != 4:
                continue  # killed in the middle of a word
            assert words[0] == self.epoch or not self.epoch
            self.epoch = words[0]
            for lane, word in ((Lane.EVENTS, words[1]), (Lane.SAMPLES, words[2])):
                self.committed[lane] = max(self.committed[lane], int(word))
            self.rows = int(words[3])
            self._spoke.set()


@pytest.mark.timeout(180)
async def test_every_committed_record_arrives(tmp_path: Path) -> None:
    dice = random.Random()  # noqa: S311 - no secret
    broker = Mosquitto(tmp_path)
    await broker.start()
    collector = FakeCollector(broker, ADDRESS)
    collector.start()
    password_file = tmp_path / "password"
    password_file.write_text(PASSWORD)
    agent = Agent(tmp_path / "state", broker.port, password_file)
    try:
        for _ in range(KILLS):
            process, follower = await agent.run("produce")
            await agent.speaks()
            await asyncio.sleep(dice.uniform(0.0, 0.7))
            if dice.random() < 0.3:
                broker.kill()
                await broker.start()
            process.send_signal(signal.SIGKILL)
            await process.wait()
            await follower
        process, follower = await agent.run("drain")
        async with asyncio.timeout(60):
            await agent.speaks()
            while agent.rows:
                await agent.speaks()
        process.send_signal(signal.SIGKILL)
        await process.wait()
        await follower
        assert min(agent.committed.values()) > 0
        for lane in Lane:
            assert set(collector.held(lane, agent.epoch)) == set(range(1, agent.committed[lane] + 1))
    finally:
        await collector.close()
        broker.close()

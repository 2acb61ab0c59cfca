"""The agent's side of the actor's socket against a real unix socket that misbehaves."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from agent.actor_client import ActorClient, ActorGoneError
from failover.actuators.protocol import Counted, Counters

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[None, None, None]]
ANSWER = b'{"reply": "counted", "packets": {"wire": 7}}\n'


async def close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


@asynccontextmanager
async def served(handler: Handler, file: Path) -> AsyncIterator[None]:
    """A unix socket server that leaves no task behind."""
    tasks: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.ensure_future(handler(reader, writer)))

    server = await asyncio.start_unix_server(accept, file)
    try:
        yield
    finally:
        server.close()
        await asyncio.wait_for(asyncio.gather(*tasks), 5)


async def good(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while await reader.readline():
        writer.write(ANSWER)
        await writer.drain()
    await close(writer)


async def one_answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readline()
    writer.write(ANSWER)
    await close(writer)


async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    await close(writer)


async def rubbish(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readline()
    writer.write(b"hello\n")
    await close(writer)


async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readline()
    writer.write(b"x" * 200_000)
    await close(writer)


async def test_many_requests_share_one_connection(tmp_path: Path) -> None:
    async with served(good, tmp_path / "s"):
        client = ActorClient(tmp_path / "s")
        replies = await asyncio.gather(*(client.request(Counters(), 2) for _ in range(50)))
        assert replies == [Counted({"wire": 7})] * 50
        await client.close()


async def test_a_connection_the_actor_closed_is_opened_again(tmp_path: Path) -> None:
    async with served(one_answer, tmp_path / "s"):
        client = ActorClient(tmp_path / "s")
        for _ in range(3):
            assert await client.request(Counters(), 2) == Counted({"wire": 7})
        await client.close()


@pytest.mark.parametrize(
    ("handler", "why"),
    [(mute, "no answer within 0.2 s"), (rubbish, "its answer is not understood"), (endless, "is it running?")],
)
async def test_an_actor_that_does_not_answer_is_gone(tmp_path: Path, handler: Handler, why: str) -> None:
    async with served(handler, tmp_path / "s"):
        client = ActorClient(tmp_path / "s")
        with pytest.raises(ActorGoneError, match=why):
            await client.request(Counters(), 0.2)
        await client.close()


async def test_no_actor_is_gone(tmp_path: Path) -> None:
    with pytest.raises(ActorGoneError, match=r"No such file or directory.*is it running\?"):
        await ActorClient(tmp_path / "s").request(Counters(), 1)


async def test_a_late_answer_is_never_taken_for_the_next_one(tmp_path: Path) -> None:
    count = 0

    async def late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        while await reader.readline():
            count += 1
            if count == 1:
                await asyncio.sleep(0.2)
            writer.write(b'{"reply": "counted", "packets": {"wire": %d}}\n' % count)
        await close(writer)

    async with served(late, tmp_path / "s"):
        client = ActorClient(tmp_path / "s")
        with pytest.raises(ActorGoneError):
            await client.request(Counters(), 0.05)
        assert await client.request(Counters(), 2) == Counted({"wire": 2})
        await client.close()

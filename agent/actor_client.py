"""The agent's side of the actor's socket."""

import asyncio
import contextlib
from pathlib import Path

import msgspec

from failover.actuators.protocol import MAX_LINE_BYTES, Reply, Request

_decoder = msgspec.json.Decoder(Reply)


class ActorGoneError(Exception):
    """The actor did not answer: not running, restarted half way, refused the connection, or too slow."""


class ActorClient:
    """One connection, opened when needed and again after a fault; requests wait for each other."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = asyncio.Lock()
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def request(self, request: Request, timeout_s: float) -> Reply:
        """Send one request and wait for its reply.

        A connection left over from an actor that restarted is replaced once: the verbs may be repeated.

        Raises:
            ActorGoneError: no reply within `timeout_s`, waiting for earlier requests included.
        """
        try:
            async with asyncio.timeout(timeout_s), self._lock:
                if self._streams is not None:
                    with contextlib.suppress(OSError, EOFError):
                        return await self._exchange(request)
                return await self._exchange(request)
        except TimeoutError:
            why = f"no answer within {timeout_s:g} s"
        except (OSError, EOFError, asyncio.LimitOverrunError) as error:
            why = str(error) or "it closed the connection"
        except msgspec.DecodeError as error:
            why = f"its answer is not understood ({error})"
        raise ActorGoneError(f"the actor at {self._path} cannot be asked: {why}; is it running?")

    async def close(self) -> None:
        """Close the connection, if there is one."""
        async with self._lock:
            if self._streams is not None:
                writer = self._streams[1]
                self._forget()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()

    async def _exchange(self, request: Request) -> Reply:
        if self._streams is None:
            self._streams = await asyncio.open_unix_connection(self._path, limit=MAX_LINE_BYTES * 4)
        reader, writer = self._streams
        try:
            writer.write(msgspec.json.encode(request) + b"\n")
            await writer.drain()
            reply: Reply = _decoder.decode(await reader.readuntil(b"\n"))
        except BaseException:
            self._forget()  # a reply still to come would answer the next request
            raise
        return reply

    def _forget(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

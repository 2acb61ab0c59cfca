"""The agent's own socket: status, override, release. Works with no WAN at all; JSON, one object a line.

Reading is for whoever may open the socket (its group); acting is for root and the agent's own user. Nothing a client
does, or leaves undone, holds up the agent.
"""

import asyncio
import logging
import os
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec

log = logging.getLogger(__name__)

MAX_LINE_BYTES = 4096
ANSWER_WITHIN_S = 5.0
OVERRIDE_AT_MOST_S = 7 * 86_400.0
WHY_CHARACTERS = 200
CLIENTS_AT_MOST = 16
LISTEN_AGAIN_S = 10.0


class Status(msgspec.Struct, frozen=True, tag="status", tag_field="ask"):
    """How is this branch?"""


class Override(msgspec.Struct, frozen=True, tag="override", tag_field="ask", forbid_unknown_fields=True):
    """Prefer a path for a while; principle 8 still holds."""

    path: str
    for_s: float
    why: str


class Release(msgspec.Struct, frozen=True, tag="release", tag_field="ask"):
    """Take the override back."""


Ask = Status | Override | Release
Answerer = Callable[[Ask], dict[str, object]]

_decoder = msgspec.json.Decoder(Ask)


class ControlServer:
    """Serves the socket until cancelled."""

    def __init__(self, file: Path, answer: Answerer) -> None:
        self._file = file
        self._answer = answer
        self._clients = 0

    async def run(self) -> None:
        """Listen; one request a connection. While the socket cannot be made the agent works on without it."""
        told = ""
        while True:
            try:
                server = await self._listen()
                break
            except OSError as error:
                if str(error) != told:
                    told = str(error)
                    log.error(  # noqa: TRY400 - one sentence, no traceback
                        "%s cannot be made (%s), so nobody can ask this agent; make its directory writable",
                        *(self._file, error.strerror or error),
                    )
                await asyncio.sleep(LISTEN_AGAIN_S)
        try:
            await asyncio.Event().wait()
        finally:
            server.close()  # not waited for: a client that lingers would hold up the agent's end

    async def _listen(self) -> asyncio.Server:
        with suppress(FileNotFoundError):
            self._file.unlink()
        server = await asyncio.start_unix_server(self._serve, str(self._file), limit=MAX_LINE_BYTES)
        self._file.chmod(0o660)
        return server

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._clients += 1
        try:
            if self._clients > CLIENTS_AT_MOST:
                return  # descriptors are for probing
            async with asyncio.timeout(ANSWER_WITHIN_S):
                answer = self._reply(await reader.readline(), _peer_uid(writer))
                writer.write(msgspec.json.encode(answer) + b"\n")
                await writer.drain()
        except (OSError, TimeoutError, ValueError):
            log.info("a control connection ended early")
        except asyncio.CancelledError:
            pass  # the agent ends; Python 3.11's streams would report the cancellation of this task as a fault
        finally:
            self._clients -= 1
            writer.close()

    def _reply(self, line: bytes, uid: int) -> dict[str, object]:
        try:
            ask = _decoder.decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            return {"error": f"not a request: {error}"}
        if not isinstance(ask, Status) and uid not in {0, os.geteuid()}:
            return {"error": "only root and the agent's own user may act; use sudo"}
        if isinstance(ask, Override) and not 0 < ask.for_s <= OVERRIDE_AT_MOST_S:
            return {"error": "an override lasts more than 0 s and at most 7 days; choose --for 8h"}
        if isinstance(ask, Override) and not (0 < len(ask.why.strip()) <= WHY_CHARACTERS and ask.why.isprintable()):
            return {"error": f"the reason must be one line of 1 to {WHY_CHARACTERS} characters; shorten --why"}
        return self._answer(ask)


def ask_agent(file: Path, ask: Ask) -> dict[str, object]:
    """Ask the agent of this machine (blocking, for the command line).

    Raises:
        OSError: no agent listens there, or it gave no answer.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(ANSWER_WITHIN_S)
        sock.connect(str(file))
        sock.sendall(msgspec.json.encode(ask) + b"\n")
        data = b""
        while not data.endswith(b"\n"):
            more = sock.recv(65_536)
            if not more:
                break
            data += more
    try:
        answer: dict[str, object] = msgspec.json.decode(data, type=dict[str, object])
    except msgspec.MsgspecError:
        raise ConnectionError("it closed the connection without an answer") from None
    return answer


def _peer_uid(writer: asyncio.StreamWriter) -> int:
    sock = writer.get_extra_info("socket")
    raw = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("iII"))
    _, uid, _ = struct.unpack("iII", raw)
    return int(uid)

"""The actor's unix socket: one JSON request a line, one reply a line, only for root and the agent's user.

One bad line costs its sender a refusal; a sender that does not read its replies or talks without end loses its
connection; nothing a sender does ends the actor.
"""

import logging
import os
import selectors
import socket
import struct
import time
from collections.abc import Collection
from pathlib import Path

import msgspec

from agent.actor.core import Actor
from agent.actor.route_watch import RouteWatch
from failover.actuators.protocol import MAX_LINE_BYTES, Refused, Reply, Request

_log = logging.getLogger("branchline.actor")

MAX_CONNECTIONS = 8
_PEER = struct.Struct("iII")
_decoder = msgspec.json.Decoder(Request)


class Server:
    """Serves one Actor until `stop`."""

    def __init__(self, actor: Actor, file: Path, *, uids: Collection[int], gid: int) -> None:
        self._actor = actor
        self._uids = frozenset(uids)
        self._buffers: dict[socket.socket, bytearray] = {}
        self._overlong: set[socket.socket] = set()
        self._selector = selectors.DefaultSelector()
        self._stopping = False
        self.refused = 0
        file.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        before = os.umask(0o177)
        try:
            self._listener.bind(str(file))
        finally:
            os.umask(before)
        os.chown(file, -1, gid)
        file.chmod(0o660)
        self._listener.listen(MAX_CONNECTIONS)
        self._listener.setblocking(False)
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._routes = RouteWatch(self._selector)

    def stop(self) -> None:
        """Return from `serve` after the request in hand."""
        self._stopping = True

    def serve(self) -> None:
        """Answer requests and tick the actor until stopped."""
        while not self._stopping:
            ready = self._selector.select(min(1.0, self._actor.wait_s(now_s())))
            for key, _ in ready:
                if key.fileobj is self._listener:
                    self._accept()
                elif self._routes.is_mine(key.fileobj):
                    self._routes.rest()
                    self._actor.disturbed(now_s())
                elif isinstance(key.fileobj, socket.socket):
                    self._read(key.fileobj)
            reconciled_s = self._actor.reconciled_s
            self._actor.tick(now_s())
            if self._actor.reconciled_s != reconciled_s:
                self._routes.listen()

    def close(self) -> None:
        """Close every connection."""
        for peer in [*self._buffers, self._listener]:
            peer.close()
        self._routes.close()
        self._selector.close()

    def _accept(self) -> None:
        try:
            peer, _ = self._listener.accept()
        except OSError:
            return  # gone before we came
        peer.setblocking(False)
        _, uid, _ = _PEER.unpack(peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size))
        if uid not in self._uids:
            self._refuse(peer, f"user id {uid} may not ask the actor; only root and the agent's user may")
            peer.close()
        elif len(self._buffers) >= MAX_CONNECTIONS:
            self._refuse(peer, f"the actor already has {MAX_CONNECTIONS} connections")
            peer.close()
        else:
            self._buffers[peer] = bytearray()
            self._selector.register(peer, selectors.EVENT_READ)

    def _read(self, peer: socket.socket) -> None:
        try:
            data = peer.recv(MAX_LINE_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._drop(peer)
            return
        buffer = self._buffers[peer]
        buffer += data
        while (end := buffer.find(b"\n")) >= 0:
            line = bytes(buffer[:end])
            del buffer[: end + 1]
            if peer in self._overlong:
                self._overlong.discard(peer)  # the tail of a line already refused
            elif not self._answer(peer, line):
                return
        if len(buffer) > MAX_LINE_BYTES:
            buffer.clear()
            if peer not in self._overlong:
                self._overlong.add(peer)
                self._refuse(peer, f"a request longer than {MAX_LINE_BYTES} bytes")

    def _answer(self, peer: socket.socket, line: bytes) -> bool:
        try:
            request: Request = _decoder.decode(line)
        except (msgspec.DecodeError, RecursionError) as error:
            return self._refuse(peer, f"not a request: {error}")
        reply = self._actor.answer(request, now_s())
        verb = type(request).__name__.lower().removesuffix("request")
        if isinstance(reply, Refused):
            self.refused += 1
            _log.warning("%s %s refused: %s", verb, getattr(request, "id", ""), reply.why)
        elif verb in {"apply", "commit", "rollback"}:
            _log.info("%s %s: %s", verb, getattr(request, "id", ""), reply)
        else:
            _log.debug("%s", verb)
        return self._send(peer, reply)

    def _refuse(self, peer: socket.socket, why: str) -> bool:
        self.refused += 1
        _log.warning("refused (%d so far): %s", self.refused, why)
        return self._send(peer, Refused(why, retry=False))

    def _send(self, peer: socket.socket, reply: Reply) -> bool:
        line = msgspec.json.encode(reply) + b"\n"
        try:
            sent = peer.send(line, socket.MSG_NOSIGNAL)
        except OSError:
            sent = 0
        if sent != len(line):
            self._drop(peer)
        return sent == len(line)

    def _drop(self, peer: socket.socket) -> None:
        if self._buffers.pop(peer, None) is not None:
            self._selector.unregister(peer)
        self._overlong.discard(peer)
        peer.close()


def now_s() -> float:
    """Seconds since boot, sleep included: a trial that slept through its deadline is over."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)

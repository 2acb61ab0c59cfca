"""MQTT, and the only file that knows which library speaks it (aiomqtt 2.5 over paho).

The library gets a socket that is connected already (see `dial`), so nothing in it blocks and no thread of its own can
be left behind with a connection that would later throw out the next one (same client id).
"""

import asyncio
import contextlib
import logging
import math
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiomqtt
from aiomqtt.exceptions import MqttConnectError
from paho.mqtt.client import MQTT_CLEAN_START_FIRST_ONLY
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from agent.uplink.errors import TransportError

ANSWER_S = 10.0
GOODBYE_S = 0.1
WILL_DELAY_S = 30
# A delayed will waits no longer than the broker keeps the session, and only taking that session up again stops it
# (MQTT 5, 3.1.3.2.2). So the agent keeps one, though publishing needs none.
SESSION_EXPIRY_S = 2 * WILL_DELAY_S
# Reason codes of MQTT 5, 2.4; paho reports a connection that just ended as unspecified.
REFUSED_FROM = UNSPECIFIED = 0x80
SESSION_TAKEN_OVER = 0x8E

# What the library logs is told by this program in one sentence, or expected.
logging.getLogger("mqtt").setLevel(logging.CRITICAL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Greeting:
    """How to introduce ourselves, and the retained message the broker sends for us when we vanish."""

    host: str
    port: int
    user: str
    client_id: str
    password: str | None = field(repr=False)
    mqtt5: bool
    keepalive_s: int
    will_topic: str
    will: bytes


class Session:
    """One MQTT session on one connection. Make it with `Session.start`, and always `close` it."""

    def __init__(self, client: "_Client") -> None:
        self._client = client

    @classmethod
    async def start(cls, sock: socket.socket, greeting: Greeting) -> "Session":
        """Introduce ourselves on a connected socket, which the session owns from now on.

        Raises:
            TransportError: refused, or no answer.
        """
        session = cls(_Client(sock, greeting))
        where = f"broker {greeting.host}:{greeting.port}"
        try:
            await session._client.start()
        except MqttConnectError as error:
            await session.close()
            raise TransportError(
                f"{where}: refuses user {greeting.user!r}, client {greeting.client_id!r} ({error});"
                " check password_file in [broker] and the broker's users"
            ) from None
        except (aiomqtt.MqttError, TimeoutError) as error:
            await session.close()
            what = str(error) or "no answer"
            raise TransportError(
                f"{where}: takes the connection but does not speak MQTT with us ({what});"
                " check port, protocol and TLS in [broker]"
            ) from None
        except BaseException:
            await session.close()
            raise
        return session

    @property
    def puback_reason(self) -> tuple[int, str]:
        """Code and words of the broker's last PUBACK; (0, "Success") when well, always so with MQTT 3.1.1."""
        return self._client.puback_reason

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Publish with QoS 1; returns when the broker has it, which does not mean that anybody else has.

        Raises:
            TransportError: the connection is lost.
        """
        with _told():
            # No timeout of its own: a slow path is not a lost one. Keepalive and TCP find out.
            await self._client.publish(topic, payload, qos=1, retain=retain, timeout=math.inf)

    async def subscribe(self, topic: str) -> None:
        """Subscribe with QoS 1.

        Raises:
            TransportError: the connection is lost, or the broker says no.
        """
        with _told():
            async with asyncio.timeout(ANSWER_S):
                answers = await self._client.subscribe(topic, qos=1, timeout=math.inf)
        if any((answer if isinstance(answer, int) else answer.value) >= REFUSED_FROM for answer in answers):
            raise TransportError(f"the broker does not let us read {topic}; check its ACL")

    async def received(self) -> AsyncIterator[bytes]:
        """Payloads of what we subscribed to.

        Raises:
            TransportError: the connection is lost.
        """
        with _told():
            async for message in self._client.messages:
                yield message.payload if isinstance(message.payload, bytes) else b""

    async def close(self) -> None:
        """End the session within a tenth of a second, whether the path still works or not."""
        await self._client.stop()


@contextlib.contextmanager
def _told() -> "Any":
    try:
        yield
    except TimeoutError:
        raise TransportError("the broker does not answer any more") from None
    except aiomqtt.MqttError as error:
        raise TransportError(_why_lost(error.__cause__ or error)) from None


def _why_lost(cause: BaseException) -> str:
    code = getattr(getattr(cause, "rc", None), "value", None)
    if code == SESSION_TAKEN_OVER:
        return (
            "the broker ended our session for another client of the same name; give each agent its own name in [agent]"
        )
    if code == UNSPECIFIED:
        return "the connection to the broker was closed by the other side"
    return f"the connection to the broker is lost ({cause})"


class _Client(aiomqtt.Client):
    """The library's client, on our socket, within our loop."""

    def __init__(self, sock: socket.socket, greeting: Greeting) -> None:
        session, delay = None, None
        if greeting.mqtt5:
            session = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            session.SessionExpiryInterval = SESSION_EXPIRY_S
            delay = Properties(PacketTypes.WILLMESSAGE)  # type: ignore[no-untyped-call]
            delay.WillDelayInterval = WILL_DELAY_S
        super().__init__(
            greeting.host,
            greeting.port,
            username=greeting.user,
            password=greeting.password,
            identifier=greeting.client_id,
            protocol=aiomqtt.ProtocolVersion.V5 if greeting.mqtt5 else aiomqtt.ProtocolVersion.V311,
            will=aiomqtt.Will(greeting.will_topic, greeting.will, qos=1, retain=True, properties=delay),
            clean_session=None if greeting.mqtt5 else True,
            clean_start=False if greeting.mqtt5 else MQTT_CLEAN_START_FIRST_ONLY,
            # Its timeouts are built on wait_for, which in Python 3.11 can swallow a cancellation: we bring our own.
            timeout=math.inf,
            keepalive=greeting.keepalive_s,
            max_inflight_messages=1000,
            properties=session,
        )
        self.pending_calls_threshold = 1000
        self.puback_reason = (0, "Success")
        self._sock = sock
        # paho has no public way to be given a socket.
        self._client._create_socket_connection = lambda: sock  # type: ignore[method-assign]  # noqa: SLF001

    async def start(self) -> None:
        self._client_connect()  # sends CONNECT; nothing in it waits, the socket is connected
        async with asyncio.timeout(ANSWER_S):
            await self._connected

    async def stop(self) -> None:
        try:
            if self._connected.done() and not self._disconnected.done():
                self._client.disconnect()
                await asyncio.wait([self._disconnected], timeout=GOODBYE_S)
        finally:
            self._client._sock_close()  # noqa: SLF001 - unregisters and closes at once, which no public call does
            self._sock.close()
        if self._misc_task:
            self._misc_task.cancel()
            await asyncio.wait([self._misc_task])
        for future in (self._connected, self._disconnected):
            if future.done() and not future.cancelled():
                future.exception()  # seen; otherwise it would be logged as forgotten

    def _on_publish(self, client: Any, userdata: Any, mid: int, reason_code: Any, properties: Any) -> None:
        # The library drops the reason (MQTT 5): a denied publish would look like one that was taken.
        self.puback_reason = (reason_code.value, reason_code.getName())
        super()._on_publish(client, userdata, mid, reason_code, properties)

    def _on_disconnect(self, client: Any, userdata: Any, flags: Any, reason_code: Any, properties: Any = None) -> None:
        if self._connected.done():
            super()._on_disconnect(client, userdata, flags, reason_code, properties)
        else:
            self._connected.set_exception(aiomqtt.MqttError("it closes the connection"))

    def _on_socket_register_write(self, client: Any, _userdata: Any, sock: Any) -> None:
        # The library defers this; by then the socket may be closed and its number somebody else's.
        self._loop.add_writer(sock.fileno(), self._write, client)

    def _write(self, client: Any) -> None:
        try:
            client.loop_write()
        except OSError as error:
            if not self._disconnected.done():
                self._disconnected.set_exception(error)

    def _on_socket_open(self, client: Any, _userdata: Any, sock: Any) -> None:
        self._loop.add_reader(sock.fileno(), self._read, client, sock)
        self._misc_task = self._loop.create_task(self._misc_loop(), name="uplink keepalive")

    def _read(self, client: Any, sock: Any) -> None:
        try:
            client.loop_read()
            while sock.fileno() >= 0 and getattr(sock, "pending", int)():
                client.loop_read()  # TLS may hold more than one packet that the descriptor does not show
        except OSError as error:
            if not self._disconnected.done():
                self._disconnected.set_exception(error)

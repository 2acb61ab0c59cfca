"""The MQTT connection of the collector: the only file here that knows aiomqtt.

Measured traps this file works around: aiomqtt sends PUBACK before it hands a message over, unless paho's manual
acknowledgement is on; its MQTT 5 default wipes the session at process start; a timeout around its iterator swallows
messages. It has no reconnect, so a new client is made for each connection.
"""

import asyncio
import logging
import random
import ssl
from collections.abc import Callable, Iterable
from contextlib import suppress

import aiomqtt
from paho.mqtt.client import MQTT_CLEAN_START_FIRST_ONLY
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from branchline.settings import SettingsError
from collector.config import BrokerSettings
from collector.counters import Counters
from collector.delivery import Delivery
from collector.events import tell
from collector.secret_files import secret
from wire.topics import PARTS, PRESENCE_FILTER, lane_filters

WINDOW_3_1_1 = 20
FIRST_WAIT_S, LONGEST_WAIT_S = 0.2, 15.0
MAX_PACKET_BYTES = 2 * 1024 * 1024


class Transport:
    """One persistent session at the broker, kept connected by `run`."""

    def __init__(
        self,
        settings: BrokerSettings,
        *,
        client_id: str,
        parts: frozenset[int],
        deliver: Callable[[Delivery], None],
        counters: Counters,
    ) -> None:
        """Prepare; raises SettingsError when a password, certificate or key file cannot be used."""
        self._settings = settings
        self._client_id = client_id
        self._parts = parts
        self._deliver = deliver
        self._counters = counters
        self._connection = 0
        self._client: aiomqtt.Client | None = None
        self._password = secret(settings.password_file, "password_file in [broker]") or None
        self._tls = _tls(settings)
        self.connected = False

    @property
    def max_group(self) -> int:
        """How many deliveries may wait for one commit: never more than the broker sends without an answer."""
        return WINDOW_3_1_1 if self._settings.protocol == "3.1.1" else min(400, self._settings.receive_maximum)

    async def run(self) -> None:
        """Connect, receive, reconnect with back-off, for ever."""
        wait_s = FIRST_WAIT_S
        said = ""
        while True:
            connects = self._counters.connects
            try:
                await self._one_connection()
            except (aiomqtt.MqttError, OSError, ValueError) as error:
                sentence = str(error.__cause__ or error) or type(error).__name__
                if sentence != said:
                    where = f"{self._settings.host}:{self._settings.port}"
                    what = "cannot be used; check [broker] and that it runs"
                    tell(logging.WARNING, "broker.lost", f"the broker at {where} {what} ({sentence})", at=where)
                    said = sentence
            finally:
                self._client = None
                self.connected = False
            if self._counters.connects > connects:
                wait_s, said = FIRST_WAIT_S, ""
            await asyncio.sleep(wait_s * random.uniform(0.5, 1.0))  # noqa: S311 - spreads reconnects, no secret
            wait_s = min(wait_s * 2, LONGEST_WAIT_S)

    def puback(self, deliveries: Iterable[Delivery]) -> None:
        """Send PUBACKs in order for the deliveries of the present connection; the others come again."""
        client = self._client
        if client is None:
            return
        for each in deliveries:
            if each.connection == self._connection:
                code = client._client.ack(each.mid, each.qos)  # noqa: SLF001 - aiomqtt 2 has no public way
                if code != MQTTErrorCode.MQTT_ERR_SUCCESS:
                    return  # the connection just died; the broker delivers again

    def publish(self, topic: str, payload: bytes) -> None:
        """Send at QoS 0; lost without a connection."""
        if self._client is not None and self.connected:
            self._client._client.publish(topic, payload, qos=0)  # noqa: SLF001 - aiomqtt waits for QoS 0 as well

    async def _one_connection(self) -> None:
        self._connection += 1
        client = self._new_client()
        client._client.manual_ack_set(on=True)  # noqa: SLF001 - aiomqtt 2 has no public way
        async with client:
            self._client = client
            self._counters.connects += 1
            owned = [(name, 1) for part in sorted(self._parts) for name in lane_filters(part)]
            granted = await client.subscribe([*owned, (PRESENCE_FILTER, 1)])
            refused = [str(code) for code in granted if _code(code) >= 128]
            if refused:
                tell(
                    logging.ERROR,
                    "broker.refused",
                    f"the broker refused {len(refused)} of {len(granted)} subscriptions; allow this user to read "
                    "bl/1/e/#, bl/1/d/# and bl/1/st/#",
                )
            foreign = [name for part in range(PARTS) if part not in self._parts for name in lane_filters(part)]
            if foreign:  # a session remembers the parts this collector owned before
                await client.unsubscribe(foreign)
            self.connected = True
            tell(logging.INFO, "broker.connected", "receiving", parts=len(self._parts), connection=self._connection)
            await self._receive(client)

    async def _receive(self, client: aiomqtt.Client) -> None:
        waiting = client._queue  # noqa: SLF001 - one task per message otherwise
        async for message in client.messages:
            self._hand_over(message)
            with suppress(asyncio.QueueEmpty):
                while True:
                    self._hand_over(waiting.get_nowait())

    def _hand_over(self, message: aiomqtt.Message) -> None:
        self._deliver(Delivery(str(message.topic), message.payload, message.qos, message.mid, self._connection))

    def _new_client(self) -> aiomqtt.Client:
        settings = self._settings
        v5 = settings.protocol == "5"
        return aiomqtt.Client(
            settings.host,
            settings.port,
            identifier=self._client_id,
            username=settings.username or None,
            password=self._password,
            keepalive=round(settings.keepalive),
            tls_context=self._tls,
            logger=logging.getLogger("collector.mqtt"),
            protocol=aiomqtt.ProtocolVersion.V5 if v5 else aiomqtt.ProtocolVersion.V311,
            clean_session=None if v5 else False,
            clean_start=False if v5 else MQTT_CLEAN_START_FIRST_ONLY,  # paho refuses any other value before MQTT 5
            properties=self._properties() if v5 else None,
        )

    def _properties(self) -> Properties:
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho is half typed
        properties.SessionExpiryInterval = round(self._settings.session_expiry)
        properties.ReceiveMaximum = self._settings.receive_maximum
        properties.MaximumPacketSize = MAX_PACKET_BYTES
        return properties


def _code(code: object) -> int:
    value = getattr(code, "value", code)
    return value if isinstance(value, int) else 0


def _tls(settings: BrokerSettings) -> ssl.SSLContext | None:
    if not settings.ca_file:
        return None
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
        if settings.cert_file:
            context.load_cert_chain(settings.cert_file, settings.key_file)
    except OSError as error:  # ssl.SSLError is one
        files = ", ".join(file for file in (settings.ca_file, settings.cert_file, settings.key_file) if file)
        raise SettingsError(
            f"ca_file, cert_file or key_file in [broker] cannot be used ({error.strerror or error}); look at {files}"
        ) from None
    return context

"""`deploy/mosquitto/mosquitto.conf` for real: TLS, passwords, limits; the shipped agent and collector through it."""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiomqtt
import pytest
from msgspec.structs import replace
from paho.mqtt.client import Client as Paho
from paho.mqtt.client import ConnectFlags, DisconnectFlags
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from agent.config import BrokerSettings
from agent.spool import Spool
from agent.uplink import Uplink
from tests.integration.agent.uplink_records import ADDRESS, event, presence, sample
from tests.integration.collector.servers import collector, wait_for
from tests.integration.deploy.shipped_broker import PASSWORD, SHIPPED, ShippedBroker
from tests.needs import needs_program
from wire.codec import MAX_PAYLOAD_BYTES
from wire.topics import Address, Lane, ack_topic, lane_topic

pytestmark = [needs_program("mosquitto"), needs_program("mosquitto_passwd"), needs_program("openssl")]
MINE = lane_topic(Lane.EVENTS, ADDRESS)


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[ShippedBroker]:
    made = ShippedBroker(tmp_path)
    await asyncio.to_thread(made.start)
    yield made
    made.close()


def client(broker: ShippedBroker, address: Address, **other: Any) -> aiomqtt.Client:
    """Somebody with a branch's password, over TLS unless told otherwise."""
    words: dict[str, Any] = {
        "port": broker.tls_port,
        "username": f"{address.tenant}/{address.branch}",
        "password": PASSWORD,
        "identifier": address.agent,
        "protocol": aiomqtt.ProtocolVersion.V5,
        "timeout": 10,
        "tls_context": ssl.create_default_context(cafile=str(broker.certificates.authority)),
    }
    return aiomqtt.Client("127.0.0.1", **{**words, **other})


def uplink_settings(folder: Path, broker: ShippedBroker) -> BrokerSettings:
    (folder / "password").write_text(PASSWORD)
    return BrokerSettings(
        host="127.0.0.1",
        port=broker.tls_port,
        ca_file=str(broker.certificates.authority),
        password_file=str(folder / "password"),
    )


async def trouble(folder: Path, settings: BrokerSettings, words: str) -> None:
    """The shipped uplink says so in its status."""
    spool = Spool(folder / "state", max_bytes=10_000_000, commit_every_s=1, now_ns=time.time_ns)
    await spool.open()
    uplink = Uplink(settings, ADDRESS, spool, presence)
    task = asyncio.create_task(uplink.run())
    try:
        await wait_for(lambda: words in (uplink.status.trouble or ""), 10, words)
    finally:
        task.cancel()
        await asyncio.wait([task])
        await spool.close()


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_shipped_agent_and_collector_get_along(tmp_path: Path, broker: ShippedBroker, protocol: str) -> None:
    """The agent over TLS; the collector over TLS (MQTT 5) or beside the broker (3.1.1)."""
    (tmp_path / "secret").write_text(PASSWORD)
    more = f'username = "collector"\npassword_file = "{tmp_path}/secret"\nprotocol = "{protocol}"\n'
    if protocol == "5":
        more += f'ca_file = "{broker.certificates.authority}"\n'
    port = broker.tls_port if protocol == "5" else broker.plain_port
    store = 'kind = "influx1"\nurl = "http://127.0.0.1:9"\ndatabase = "bl"'  # not there: this is about the broker
    centre = collector(tmp_path, port, store, broker=more)
    centre.start()
    spool = Spool(tmp_path / "state", max_bytes=10_000_000, commit_every_s=0.1, now_ns=time.time_ns)
    await spool.open()
    settings = replace(uplink_settings(tmp_path, broker), protocol="5" if protocol == "5" else "3.1.1")
    uplink = Uplink(settings, ADDRESS, spool, presence, resend_s=1.0)
    task = asyncio.create_task(uplink.run())
    try:
        spool.append(event(0))
        spool.append(sample(0))
        await spool.flush()
        await wait_for(lambda: spool.stats.events.rows + spool.stats.samples.rows == 0, 20, "acknowledgements")
        assert uplink.status.trouble is None
        assert "broker.refused" not in centre.text()
    finally:
        task.cancel()
        await asyncio.wait([task])
        await spool.close()
        centre.kill()


async def test_an_agent_s_user_writes_its_own_topics_and_reads_no_other_s_acknowledgements(
    broker: ShippedBroker,
) -> None:
    neighbour = Address("t1", "b2", "a1")
    collector_s = {"username": "collector", "identifier": "witness", "port": broker.plain_port, "tls_context": None}
    async with client(broker, neighbour) as thief, client(broker, ADDRESS, **collector_s) as witness:
        await witness.subscribe("bl/1/e/#", 1)
        await thief.subscribe([(ack_topic(ADDRESS), 1), (ack_topic(neighbour), 1)])
        await thief.publish(MINE, b"forged", qos=1)
        await thief.publish(lane_topic(Lane.EVENTS, neighbour), b"its own", qos=1)
        await witness.publish(ack_topic(ADDRESS), b"for the other", qos=1)
        await witness.publish(ack_topic(neighbour), b"for it", qos=1)
        async with asyncio.timeout(10):  # what comes after is proof that what came before was held back
            assert (await anext(witness.messages)).payload == b"its own"
            assert (await anext(thief.messages)).payload == b"for it"


@pytest.mark.parametrize(
    "who",
    [
        {"password": "wrong"},
        {"username": None, "password": None},
        {"username": "t1/nobody"},
        {"tls_context": None, "port": 0, "password": "wrong"},
    ],
)
async def test_strangers_are_refused_on_both_listeners(broker: ShippedBroker, who: dict[str, Any]) -> None:
    if who.get("port") == 0:
        who = {**who, "port": broker.plain_port}
    with pytest.raises(aiomqtt.MqttCodeError, match="Not authorized"):
        async with client(broker, ADDRESS, **who):
            pass


async def test_the_shipped_uplink_says_why_it_is_refused(tmp_path: Path, broker: ShippedBroker) -> None:
    settings = uplink_settings(tmp_path, broker)
    (tmp_path / "password").write_text("wrong")
    await trouble(tmp_path, settings, "refuses user 't1/b1', client 'a1'")
    (tmp_path / "password").write_text(PASSWORD)
    await trouble(tmp_path, replace(settings, ca_file=""), "broker 127.0.0.1")


async def test_without_tls_nobody_comes_in_from_outside(broker: ShippedBroker) -> None:
    with pytest.raises(aiomqtt.MqttError):
        async with client(broker, ADDRESS, tls_context=None):
            pass


@pytest.mark.parametrize(
    ("size", "outcomes"),
    [
        (MAX_PAYLOAD_BYTES, {"No matching subscribers"}),  # taken; nobody is there to read it
        (MAX_PAYLOAD_BYTES + 1, {"Protocol error"}),
        # The broker hangs up while the client still sends: what it said may be lost with the connection.
        (600_000, {"Packet too large", "Unspecified error"}),
    ],
)
async def test_what_is_larger_than_a_payload_can_be_is_refused(
    broker: ShippedBroker, size: int, outcomes: set[str]
) -> None:
    said: list[str] = []
    paho = Paho(CallbackAPIVersion.VERSION2, client_id="a1", protocol=MQTTProtocolVersion.MQTTv5)
    paho.on_publish, paho.on_disconnect, paho.on_connect = _publisher(said, size)
    paho.username_pw_set("t1/b1", PASSWORD)
    await asyncio.to_thread(paho.connect, "127.0.0.1", broker.plain_port)
    paho.loop_start()
    try:
        await wait_for(lambda: bool(said), 10, "an answer of the broker")
        assert said[0] in outcomes
    finally:
        paho.disconnect()
        await asyncio.to_thread(paho.loop_stop)


def _publisher(said: list[str], size: int) -> tuple[Callable[..., None], Callable[..., None], Callable[..., None]]:
    def published(_client: Paho, _data: object, _mid: int, code: ReasonCode, _properties: Properties) -> None:
        said.append(str(code))

    def gone(_client: Paho, _data: object, _flags: DisconnectFlags, code: ReasonCode, _properties: object) -> None:
        said.append(str(code))

    def connected(paho: Paho, _data: object, _flags: ConnectFlags, _code: ReasonCode, _properties: object) -> None:
        paho.publish(MINE, b"\0" * size, qos=1)

    return published, gone, connected


def test_the_limit_is_that_of_the_payload() -> None:
    settings = dict(line.split(" ", 1) for line in (SHIPPED / "mosquitto.conf").read_text().splitlines() if line)
    assert int(settings["message_size_limit"]) == MAX_PAYLOAD_BYTES
    assert int(settings["max_packet_size"]) == 2 * MAX_PAYLOAD_BYTES

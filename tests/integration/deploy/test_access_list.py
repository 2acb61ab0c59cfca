"""`deploy/mosquitto/acl`, word for word: what it opens, what it closes, and what shows when a line is missing."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiomqtt
import pytest
from paho.mqtt.client import Client as Paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode

from agent.config import BrokerSettings
from agent.spool import Spool
from agent.uplink import Uplink
from tests.integration.agent.uplink_broker import PASSWORD, Mosquitto
from tests.integration.agent.uplink_records import ADDRESS, event, presence, sample
from tests.integration.collector.servers import ROOT, collector, wait_for
from tests.needs import needs_program
from wire.codec import encode
from wire.messages import Ack
from wire.topics import Address, Lane, ack_topic, lane_topic, presence_topic

pytestmark = [needs_program("mosquitto"), needs_program("mosquitto_passwd")]
NEIGHBOUR = Address("t1", "b2", "a1")
ACCESS_LIST = (ROOT / "deploy" / "mosquitto" / "acl").read_text()


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Mosquitto]:
    made = Mosquitto(tmp_path, ("t1/b1", "t1/b2"), acl=ACCESS_LIST)
    await made.start()
    yield made
    made.close()


@asynccontextmanager
async def an_agent(
    folder: Path, broker: Mosquitto, address: Address, protocol: str
) -> AsyncIterator[tuple[Spool, Uplink]]:
    (folder / "password").write_text(PASSWORD)
    spool = Spool(folder / address.branch, max_bytes=10_000_000, commit_every_s=0.1, now_ns=time.time_ns)
    await spool.open()
    settings = BrokerSettings(
        host="127.0.0.1",
        port=broker.port,
        protocol="5" if protocol == "5" else "3.1.1",
        password_file=str(folder / "password"),
    )
    uplink = Uplink(settings, address, spool, presence, resend_s=1.0)
    task = asyncio.create_task(uplink.run())
    try:
        yield spool, uplink
    finally:
        task.cancel()
        await asyncio.wait([task])
        await spool.close()


def client(broker: Mosquitto, address: Address) -> aiomqtt.Client:
    """Somebody with an agent's password."""
    user = f"{address.tenant}/{address.branch}"
    return aiomqtt.Client(
        "127.0.0.1", broker.port, username=user, password=PASSWORD, identifier=address.agent,
        protocol=aiomqtt.ProtocolVersion.V5, timeout=3,
    )  # fmt: skip


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_agent_and_collector_get_along(tmp_path: Path, broker: Mosquitto, protocol: str) -> None:
    (tmp_path / "secret").write_text(PASSWORD)
    (tmp_path / "secret").chmod(0o600)
    more = f'username = "collector"\npassword_file = "{tmp_path}/secret"\nprotocol = "{protocol}"'
    store = 'kind = "influx1"\nurl = "http://127.0.0.1:9"\ndatabase = "bl"'  # not there: this is about the broker
    centre = collector(tmp_path, broker.port, store, broker=more)
    centre.start()
    try:
        async with an_agent(tmp_path, broker, ADDRESS, protocol) as (spool, uplink):
            spool.append(event(0))
            spool.append(sample(0))
            await spool.flush()
            await wait_for(lambda: spool.stats.events.rows + spool.stats.samples.rows == 0, 15, "acknowledgements")
            assert uplink.status.trouble is None
        assert "broker.refused" not in centre.text()
        assert "dead_letter" not in centre.text()
    finally:
        centre.kill()


async def test_another_branch_s_topics_are_closed(broker: Mosquitto) -> None:
    heard: list[str] = []
    async with client(broker, NEIGHBOUR) as thief, broker.client("witness") as witness:
        await witness.subscribe([("bl/1/e/#", 1), ("bl/1/d/#", 1), ("bl/1/st/#", 1)])
        await thief.subscribe([(ack_topic(ADDRESS), 1), ("bl/1/#", 1), (ack_topic(NEIGHBOUR), 1)])
        for topic in (lane_topic(Lane.EVENTS, ADDRESS), lane_topic(Lane.SAMPLES, ADDRESS), presence_topic(ADDRESS)):
            await thief.publish(topic, b"forged", qos=1)
        await thief.publish(lane_topic(Lane.EVENTS, NEIGHBOUR), b"mine", qos=1)
        # The collector's user: what comes after is proof that what came before was held back.
        await witness.publish(ack_topic(ADDRESS), encode(Ack(Lane.EVENTS, "e", 1)), qos=1)
        await witness.publish(ack_topic(NEIGHBOUR), encode(Ack(Lane.EVENTS, "e", 2)), qos=1)
        async with asyncio.timeout(10):
            heard.append(str((await anext(witness.messages)).topic))
            heard.append(str((await anext(thief.messages)).topic))
    assert heard == [lane_topic(Lane.EVENTS, NEIGHBOUR), ack_topic(NEIGHBOUR)]


async def test_the_broker_says_so_in_mqtt_5(broker: Mosquitto) -> None:
    answers: dict[int, str] = {}
    paho = Paho(CallbackAPIVersion.VERSION2, client_id=NEIGHBOUR.agent, protocol=MQTTProtocolVersion.MQTTv5)

    def told(_client: Paho, _data: object, mid: int, code: ReasonCode, _properties: object) -> None:
        answers[mid] = str(code)

    paho.on_publish = told
    paho.username_pw_set("t1/b2", PASSWORD)
    await asyncio.to_thread(paho.connect, "127.0.0.1", broker.port)
    paho.loop_start()
    try:
        forged = paho.publish(lane_topic(Lane.EVENTS, ADDRESS), b"forged", qos=1).mid
        await wait_for(lambda: forged in answers, 10, "a PUBACK")
        assert answers[forged] == "Not authorized"
    finally:
        paho.disconnect()
        await asyncio.to_thread(paho.loop_stop)


@pytest.mark.parametrize(
    ("missing", "protocol", "said"),
    [
        ("pattern write bl/1/+/+/%u/%c\n", "5", "the broker refuses our records"),
        ("pattern write bl/1/+/+/%u/%c\n", "3.1.1", "the collector has not answered"),
        ("pattern read bl/1/ack/%u/%c\n", "5", "the collector has not answered"),
        ("pattern read bl/1/ack/%u/%c\n", "3.1.1", "the collector has not answered"),
    ],
)
async def test_a_missing_line_shows_in_status(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str, protocol: str, said: str
) -> None:
    monkeypatch.setattr("agent.uplink.uplink.SILENT_S", 1.0)
    broker = Mosquitto(tmp_path, acl=ACCESS_LIST.replace(missing, ""))
    await broker.start()
    try:
        async with an_agent(tmp_path, broker, ADDRESS, protocol) as (spool, uplink):
            spool.append(event(0))
            await wait_for(lambda: said in (uplink.status.trouble or ""), 15, "trouble in status")
            await spool.flush()
            assert spool.stats.events.rows == 1
    finally:
        broker.close()

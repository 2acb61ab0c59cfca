import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.admission import BatchIn, PresenceIn, Refused, admit
from tests.unit.collector.records import AGENT, NOW_NS, batch, birth, window
from wire.codec import encode
from wire.messages import Batch
from wire.topics import Address, Lane, lane_topic, presence_topic

TOPIC = lane_topic(Lane.SAMPLES, AGENT)


def test_ours() -> None:
    assert admit(TOPIC, encode(batch(window()))) == BatchIn(AGENT, batch(window()))
    assert admit(presence_topic(AGENT), encode(birth(1))) == PresenceIn(AGENT, birth(1))
    assert admit(presence_topic(AGENT), b"") == PresenceIn(AGENT, None)


@pytest.mark.parametrize(
    ("topic", "payload", "sentence"),
    [
        (TOPIC, b"", "payload of 0 bytes has no header"),
        (TOPIC, b"\x09x", "schema version 9 is not known here"),
        (TOPIC, encode(birth(1)), "not the expected message"),
        (TOPIC.replace("/b1/", "/b2/"), encode(batch(window())), "but t1/b2 is in part"),
        ("bl/1/cmd/t1/b1/a1", b"", "is not a lane topic"),
        ("bl/1/st/t1/b1", b"", "is not a presence topic"),
        (TOPIC, encode(batch(window(), lane=Lane.EVENTS)), "a batch of lane 'e' came on the topic of lane 'd'"),
        (TOPIC, encode(batch(window(), first=4, base=5)), "base 5 and sequence numbers 4 to 4 contradict"),
        (TOPIC, encode(batch(window(), first=2**62 + 1)), "contradict each other"),
        (TOPIC, encode(batch(window(-1))), "not the expected message"),
    ],
)
def test_refused(topic: str, payload: bytes, sentence: str) -> None:
    result = admit(topic, payload)
    assert isinstance(result, Refused)
    assert sentence in result.sentence


@given(st.binary(max_size=80), st.sampled_from([TOPIC, presence_topic(AGENT), "bl/1", "", "bl/1/st/+/#/x"]))
def test_never_raises(payload: bytes, topic: str) -> None:
    admit(topic, payload)
    admit(topic, b"\x01\x00" + payload)
    admit(topic, b"\x01\x01" + payload)


def test_every_part() -> None:
    for number in range(200):
        address = Address("t1", f"b{number}", "a")
        message = Batch(Lane.EVENTS, "e", 1, 1, False, NOW_NS, ())
        assert isinstance(admit(lane_topic(Lane.EVENTS, address), encode(message)), BatchIn)

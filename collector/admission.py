"""Is this message one of ours? Pure: topic and bytes in, a batch, a presence or a refusal out."""

from dataclasses import dataclass

import msgspec

from wire.codec import decode_batch, decode_presence
from wire.errors import WireError
from wire.messages import Batch, Presence
from wire.topics import Address, Lane, parse_lane_topic, parse_presence_topic

MAX_SEQ = 2**62


@dataclass(frozen=True, slots=True)
class BatchIn:
    """A batch of an agent."""

    address: Address
    batch: Batch


@dataclass(frozen=True, slots=True)
class PresenceIn:
    """A birth or will; None when the retained message was cleared because the agent is no more."""

    address: Address
    presence: Presence | None


@dataclass(frozen=True, slots=True)
class Refused:
    """Cannot be used, and no retry can help. `sentence` says why."""

    sentence: str


def admit(topic: str, payload: bytes) -> BatchIn | PresenceIn | Refused:
    """Decode one message. Never raises."""
    try:
        if topic.startswith("bl/1/st/"):
            address = parse_presence_topic(topic)
            return PresenceIn(address, decode_presence(payload) if payload else None)
        lane, address = parse_lane_topic(topic)
        batch = decode_batch(payload)
    except (WireError, msgspec.MsgspecError, ValueError) as error:
        return Refused(str(error))
    sentence = _contradiction(batch, lane)
    return Refused(sentence) if sentence else BatchIn(address, batch)


def _contradiction(batch: Batch, lane: Lane) -> str:
    if batch.lane is not lane:
        return f"a batch of lane {batch.lane.value!r} came on the topic of lane {lane.value!r}"
    last = batch.first_seq + len(batch.records) - 1
    if batch.base > batch.first_seq or last > MAX_SEQ:
        return f"base {batch.base} and sequence numbers {batch.first_seq} to {last} contradict each other"
    return ""

"""MQTT topics, built and parsed in one place (docs/design.md section 4).

`part` spreads branches over collectors. It is CRC-32 of `tenant/branch` modulo 64 and fixed for ever: a change would
send a branch's records to a collector that does not know it.
"""

import re
import zlib
from dataclasses import dataclass
from enum import StrEnum

from wire.errors import TopicError

ROOT = "bl/1"
PARTS = 64

# MQTT forbids + # / and NUL inside a level we build; the rest keeps names usable as InfluxDB tags and file names.
NAME_PATTERN = "[A-Za-z0-9][A-Za-z0-9._-]{0,62}"
_NAME = re.compile(NAME_PATTERN + r"\Z")


class Lane(StrEnum):
    """The two streams of records, each with its own sequence numbers."""

    EVENTS = "e"
    SAMPLES = "d"


@dataclass(frozen=True, slots=True)
class Address:
    """One agent: tenant, branch, agent name. The broker's ACL ties them to the MQTT user name and client id."""

    tenant: str
    branch: str
    agent: str

    def __post_init__(self) -> None:
        for part in (self.tenant, self.branch, self.agent):
            check_name(part)

    @property
    def part(self) -> int:
        """The partition, 0 to 63, of this agent's branch."""
        return zlib.crc32(f"{self.tenant}/{self.branch}".encode()) % PARTS


def check_name(name: str) -> str:
    """Return `name` if it may stand in a topic.

    Raises:
        TopicError: it is empty, longer than 63 characters or has a character outside A-Z a-z 0-9 . _ -
    """
    if not _NAME.match(name):
        raise TopicError(
            f"{name[:80]!r} cannot be a name: use 1 to 63 of A-Z a-z 0-9 . _ - and start with a letter or digit"
        )
    return name


def lane_topic(lane: Lane, address: Address) -> str:
    """Where an agent publishes the batches of a lane (QoS 1)."""
    return f"{ROOT}/{lane}/{address.part}/{address.tenant}/{address.branch}/{address.agent}"


def presence_topic(address: Address) -> str:
    """Where an agent keeps its birth or will (retained)."""
    return f"{ROOT}/st/{address.tenant}/{address.branch}/{address.agent}"


def ack_topic(address: Address) -> str:
    """Where the collector acknowledges records to an agent."""
    return f"{ROOT}/ack/{address.tenant}/{address.branch}/{address.agent}"


def lane_filters(part: int) -> tuple[str, str]:
    """The subscriptions a collector needs to own one part: events, samples."""
    return f"{ROOT}/{Lane.EVENTS}/{part}/#", f"{ROOT}/{Lane.SAMPLES}/{part}/#"


PRESENCE_FILTER = f"{ROOT}/st/#"


def parse_lane_topic(topic: str) -> tuple[Lane, Address]:
    """Split a lane topic.

    Raises:
        TopicError: not a lane topic, a bad name, or a part that is not this branch's.
    """
    levels = topic.split("/")
    if len(levels) != 7 or levels[:2] != ["bl", "1"] or levels[2] not in {Lane.EVENTS, Lane.SAMPLES}:
        raise TopicError(f"{topic[:200]!r} is not a lane topic (bl/1/e|d/<part>/<tenant>/<branch>/<agent>)")
    address = Address(*levels[4:])
    if levels[3] != str(address.part):
        raise TopicError(
            f"{topic[:200]!r} has part {levels[3]!r}, but {address.tenant}/{address.branch} is in part {address.part}"
        )
    return Lane(levels[2]), address


def parse_presence_topic(topic: str) -> Address:
    """Split a presence topic.

    Raises:
        TopicError: not a presence topic, or a bad name.
    """
    levels = topic.split("/")
    if len(levels) != 6 or levels[:3] != ["bl", "1", "st"]:
        raise TopicError(f"{topic[:200]!r} is not a presence topic (bl/1/st/<tenant>/<branch>/<agent>)")
    return Address(*levels[3:])

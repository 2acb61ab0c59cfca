"""The records that cross the network. Values only: no behaviour, frozen, positional on the wire.

Times are Unix nanoseconds of the agent's clock; `clock_trusted` in a presence says whether that was set. `None` means
unknown: never zero, never fine. States are small integers (docs/design.md section 7), explained where they are defined.

The limits below are checked on decoding only: a producer keeps to them, a receiver believes nobody. They are what a
time-series database can hold for certain: no NaN, no negative count, no integer over 63 bits, no line break in a text.
"""

from enum import IntEnum, StrEnum
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from wire.topics import NAME_PATTERN, Lane

MAX_TEXT = 500
_INT63 = 2**63 - 1

Count = Annotated[int, Meta(ge=0, le=_INT63)]
Nanoseconds = Annotated[int, Meta(ge=0, le=_INT63)]
Milliseconds = Annotated[float, Meta(ge=0, le=1e12)]
Percent = Annotated[float, Meta(ge=0, le=100)]
Family = Literal[4, 6]
Name = Annotated[str, Meta(pattern=rf"\A{NAME_PATTERN}\Z")]
NameOrNone = Annotated[str, Meta(pattern=rf"\A(?:{NAME_PATTERN})?\Z")]  # empty: none
_ONE_LINE = r"\A[^\x00-\x1f\x7f-\x9f\u2028\u2029]*\Z"
Word = Annotated[str, Meta(min_length=1, max_length=64, pattern=_ONE_LINE)]
Label = Annotated[str, Meta(max_length=63, pattern=_ONE_LINE)]
Text = Annotated[str, Meta(max_length=MAX_TEXT, pattern=_ONE_LINE)]


class LinkState(IntEnum):
    """State of one path. The numbers are stored; they never change."""

    UNKNOWN = 0
    UP = 1
    SUSPECT = 2
    DOWN = 3
    DEGRADED = 4


class BranchState(IntEnum):
    """State of a branch as people read it. The numbers are stored; they never change."""

    UNKNOWN = 0
    OK = 1
    DEGRADED = 2
    ON_5G = 3
    ISOLATED = 4


class Role(StrEnum):
    """What kind of path: a wired line or a cellular one."""

    WIRE = "wire"
    CELL = "cell"


class ActKind(StrEnum):
    """Why traffic was moved."""

    EMERGENCY = "emergency"  # the path in use was silent
    RETURN = "return"  # back to a better path after its hold
    OVERRIDE = "override"  # a person asked
    RECOVER = "recover"  # the agent restarted and found another path in use than it wants


class ActOutcome(StrEnum):
    """How far a move came. One act is reported more than once as it proceeds, under one id."""

    APPLIED = "applied"
    COMMITTED = "committed"
    ROLLED_BACK = "rolled_back"
    FAILED = "failed"


class PowerSource(StrEnum):
    """What a UPS or a mains relay says its load lives on."""

    MAINS = "mains"
    BATTERY = "battery"
    BYPASS = "bypass"
    NONE = "none"
    OTHER = "other"
    UNKNOWN = "unknown"


class SensorKind(StrEnum):
    """What a sensor measures."""

    FLOOD = "flood"
    CONTACT = "contact"
    TEMPERATURE = "temperature"
    HUMIDITY = "humidity"
    MAINS = "mains"
    OTHER = "other"


class SensorState(StrEnum):
    """What a sensor says. A stale or unplugged one is `disconnected`: no evidence either way."""

    OK = "ok"
    ALARM = "alarm"
    DISCONNECTED = "disconnected"
    UNKNOWN = "unknown"


class _Record(msgspec.Struct, frozen=True, array_like=True, tag_field="k", forbid_unknown_fields=True):
    pass


class Window(_Record, frozen=True, tag="w"):
    """Ten seconds of one path and IP family, all anchors together. RTTs are None when nothing was received.

    Loss is (sent - received) / sent over probes whose deadline has passed (RFC 7680 2.4, RFC 6673 4); a late reply is a
    loss and counted in `late`; jitter is RFC 3550 6.4.1 over round trips.
    """

    start_ns: Nanoseconds
    duration_s: Annotated[float, Meta(gt=0, le=86_400)]
    path: Name
    role: Role
    isp: Label
    family: Family
    state: LinkState
    sent: Count
    received: Count
    late: Count
    duplicates: Count
    icmp_errors: Count
    local_errors: Count
    rtt_min_ms: Milliseconds | None
    rtt_median_ms: Milliseconds | None
    rtt_p95_ms: Milliseconds | None
    rtt_max_ms: Milliseconds | None
    rtt_jitter_ms: Milliseconds | None
    silent_anchors: Annotated[tuple[Name, ...], Meta(max_length=64)] = ()


class FlightProbe(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """One probe of a flight record. `rtt_ms` is None when no reply came in time."""

    offset_ms: Annotated[float, Meta(ge=-1e6, le=1e6)]
    anchor: Name
    family: Family
    rtt_ms: Milliseconds | None


class Flight(_Record, frozen=True, tag="f"):
    """Flight record: the probes of one path from 30 s before to 30 s after an event. Offsets count from `at_ns`."""

    at_ns: Nanoseconds
    event: Text
    path: Name
    probes: Annotated[tuple[FlightProbe, ...], Meta(max_length=20_000)]


class StateChange(_Record, frozen=True, tag="s"):
    """A path changed state. `silence_ms` is how long the path had been silent when it was judged, if it was."""

    at_ns: Nanoseconds
    path: Name
    role: Role
    isp: Label
    old: LinkState
    new: LinkState
    reason: Text
    silence_ms: Milliseconds | None


class Act(_Record, frozen=True, tag="a"):
    """A move of the branch's traffic. `id` is the same for each report of one move."""

    at_ns: Nanoseconds
    id: Word
    kind: ActKind
    outcome: ActOutcome
    from_path: NameOrNone
    to_path: NameOrNone
    reason: Text
    route_ms: Milliseconds | None = None


class DigestPath(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """One path of a digest. Bytes are what the interface counted since the last digest."""

    path: Name
    state: LinkState
    rtt_ms: Milliseconds | None
    loss_pct: Percent | None
    bytes_used: Count | None


class Digest(_Record, frozen=True, tag="g"):
    """Once a minute: enough to keep the wall alive on a metered path (at most 300 bytes for four paths)."""

    at_ns: Nanoseconds
    branch_state: BranchState
    active: NameOrNone
    paths: Annotated[tuple[DigestPath, ...], Meta(max_length=64)]


class Power(_Record, frozen=True, tag="p"):
    """One reading of a powered device. A change of `source` goes by the events lane at once, repeats as samples.

    One device saying BATTERY is one sign of lost mains; `input_v` near zero, or another device, is a second.
    """

    at_ns: Nanoseconds
    device: Name
    source: PowerSource
    charge_pct: Percent | None = None
    runtime_s: Annotated[float, Meta(ge=0, le=1e9)] | None = None
    load_pct: Annotated[float, Meta(ge=0, le=1000)] | None = None
    input_v: Annotated[float, Meta(ge=0, le=1e6)] | None = None


class Environment(_Record, frozen=True, tag="n"):
    """One reading of a sensor. A change of `state` goes by the events lane at once, repeats as samples.

    `value` is in `unit` ("%", "C", "cm"); None where the sensor only closes a contact.
    """

    at_ns: Nanoseconds
    sensor: Name
    kind: SensorKind
    state: SensorState
    value: Annotated[float, Meta(ge=-1e9, le=1e9)] | None = None
    unit: Label = ""


class Gap(_Record, frozen=True, tag="x"):
    """Records the agent had to drop: `count` of this lane, so that nobody takes the hole for calm."""

    at_ns: Nanoseconds
    first_seq: Count
    last_seq: Count
    count: Count
    reason: Text


Event = StateChange | Act | Digest | Power | Environment | Gap
Sample = Window | Flight | Power | Environment | Gap
Record = Window | Flight | StateChange | Act | Digest | Power | Environment | Gap


class Batch(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Consecutive records of one lane: record i has sequence number `first_seq + i`.

    `base` is the lowest sequence number the agent still holds; everything below was acknowledged or dropped on purpose
    (then a Gap says so), so that the collector's watermark can pass it. `hist` marks backlog, which fleet decisions
    ignore.
    """

    lane: Lane
    epoch: Word
    first_seq: Count
    base: Count
    hist: bool
    sent_ns: Nanoseconds
    records: Annotated[tuple[Record, ...], Meta(max_length=10_000)]


class Ack(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The collector has every record of this lane and epoch up to `watermark`, included, on disk."""

    lane: Lane
    epoch: Word
    watermark: Count


class Presence(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Birth (online) or will (offline) of an agent, retained.

    `connection` counts the agent's connections; a will numbered lower than the last birth is stale (a takeover).
    """

    online: bool
    epoch: Word
    connection: Count
    version: Word
    config_hash: Label
    clock_trusted: bool
    at_ns: Nanoseconds
    active: NameOrNone

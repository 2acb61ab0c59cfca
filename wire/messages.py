"""The records that cross the network. Values only: no behaviour, frozen, positional on the wire.

Times are Unix nanoseconds of the agent's clock; `clock_trusted` in a presence says whether that was set. `None` means
unknown: never zero, never fine. States are small integers (DESIGN.md section 7), documented where they are defined.
"""

from enum import IntEnum, StrEnum

import msgspec

from wire.topics import Lane


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


class _Record(msgspec.Struct, frozen=True, array_like=True, tag_field="k", forbid_unknown_fields=True):
    pass


class Window(_Record, frozen=True, tag="w"):
    """Ten seconds of one path and IP family, all anchors together. RTTs are None when nothing was received.

    Loss is (sent - received) / sent over probes whose deadline has passed (RFC 7680 2.4, RFC 6673 4); a late reply is a
    loss and counted in `late`; jitter is RFC 3550 6.4.1 over round trips.
    """

    start_ns: int
    duration_s: float
    path: str
    role: Role
    isp: str
    family: int
    state: LinkState
    sent: int
    received: int
    late: int
    duplicates: int
    icmp_errors: int
    local_errors: int
    rtt_min_ms: float | None
    rtt_median_ms: float | None
    rtt_p95_ms: float | None
    rtt_max_ms: float | None
    rtt_jitter_ms: float | None
    silent_anchors: tuple[str, ...] = ()


class FlightProbe(msgspec.Struct, frozen=True, array_like=True):
    """One probe of a flight record. `rtt_ms` is None when no reply came in time."""

    offset_ms: float
    anchor: str
    family: int
    rtt_ms: float | None


class Flight(_Record, frozen=True, tag="f"):
    """Flight record: the probes of one path from 30 s before to 30 s after an event. Offsets count from `at_ns`."""

    at_ns: int
    event: str
    path: str
    probes: tuple[FlightProbe, ...]


class StateChange(_Record, frozen=True, tag="s"):
    """A path changed state. `silence_ms` is how long the path had been silent when it was judged, if it was."""

    at_ns: int
    path: str
    role: Role
    isp: str
    old: LinkState
    new: LinkState
    reason: str
    silence_ms: float | None


class Act(_Record, frozen=True, tag="a"):
    """A move of the branch's traffic. `id` is the same for each report of one move."""

    at_ns: int
    id: str
    kind: ActKind
    outcome: ActOutcome
    from_path: str
    to_path: str
    reason: str
    route_ms: float | None = None


class DigestPath(msgspec.Struct, frozen=True, array_like=True):
    """One path of a digest. Bytes are what the interface counted since the last digest."""

    path: str
    state: LinkState
    rtt_ms: float | None
    loss_pct: float | None
    bytes_used: int | None


class Digest(_Record, frozen=True, tag="g"):
    """Once a minute: enough to keep the wall alive on a metered path (at most 300 bytes for four paths)."""

    at_ns: int
    branch_state: BranchState
    active: str
    paths: tuple[DigestPath, ...]


class Gap(_Record, frozen=True, tag="x"):
    """Records the agent had to drop: `count` of this lane, so that nobody takes the hole for calm."""

    at_ns: int
    first_seq: int
    last_seq: int
    count: int
    reason: str


Event = StateChange | Act | Digest | Gap
Sample = Window | Flight | Gap
Record = Window | Flight | StateChange | Act | Digest | Gap


class Batch(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Consecutive records of one lane: record i has sequence number `first_seq + i`.

    `base` is the lowest sequence number the agent still holds; everything below was acknowledged or dropped on purpose
    (then a Gap says so), so that the collector's watermark can pass it. `hist` marks backlog, which fleet decisions
    ignore.
    """

    lane: Lane
    epoch: str
    first_seq: int
    base: int
    hist: bool
    sent_ns: int
    records: tuple[Record, ...]


class Ack(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The collector has every record of this lane and epoch up to `watermark`, included, on disk."""

    lane: Lane
    epoch: str
    watermark: int


class Presence(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Birth (online) or will (offline) of an agent, retained.

    `connection` counts the agent's connections; a will numbered lower than the last birth is stale (a takeover).
    """

    online: bool
    epoch: str
    connection: int
    version: str
    config_hash: str
    clock_trusted: bool
    at_ns: int
    active: str

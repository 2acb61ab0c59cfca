"""What agent and actor say to each other over the unix socket: one JSON object a line, five verbs.

The actor does not judge lines. It knows the paths of its own settings, refuses what principle 8 forbids
(`failover.safety`), and holds the roll-back timer, so that a killed agent cannot strand the branch.
"""

import msgspec

from wire.messages import ActKind

MAX_LINE_BYTES = 16_384


class _Request(msgspec.Struct, frozen=True, tag_field="verb", forbid_unknown_fields=True):
    pass


class Evidence(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the agent saw when it decided. Seconds; None: never."""

    from_silent_s: float | None
    target_answered_s: float | None
    target_proved_s: float | None


class SnapshotRequest(_Request, frozen=True, tag="snapshot"):
    """What is in place now?"""


class Apply(_Request, frozen=True, tag="apply"):
    """Put the ABSOLUTE state "traffic goes by `path`" in place; undo it after `rollback_after_s` without a commit."""

    id: str
    path: str
    kind: ActKind
    rollback_after_s: float
    evidence: Evidence


class Commit(_Request, frozen=True, tag="commit"):
    """The applied state is proved: stop the roll-back timer and clear flows still translated to abandoned links."""

    id: str


class Rollback(_Request, frozen=True, tag="rollback"):
    """The applied state did not prove itself: put the one before back now."""

    id: str


class Counters(_Request, frozen=True, tag="counters"):
    """Packets received from beyond the gateway, probe replies excluded, per path: passive evidence of traffic."""


Request = SnapshotRequest | Apply | Commit | Rollback | Counters


class PathSnapshot(msgspec.Struct, frozen=True):
    """One path as the system has it. Empty string: none."""

    name: str
    interface_present: bool
    gateway_ipv4: str
    gateway_ipv6: str
    address_ipv4: str


class Snapshot(msgspec.Struct, frozen=True, tag="snapshot", tag_field="reply"):
    """The state in place. `active` is empty before the first apply; `pending` names an apply not yet committed."""

    active: str
    pending: str
    pending_left_s: float
    previous: str
    paths: tuple[PathSnapshot, ...]
    mended: int


class Done(msgspec.Struct, frozen=True, tag="done", tag_field="reply"):
    """The verb was carried out; `took_ms` is the time the system took."""

    active: str
    took_ms: float


class Refused(msgspec.Struct, frozen=True, tag="refused", tag_field="reply"):
    """The verb was not carried out. `retry` says whether the same request can succeed later."""

    why: str
    retry: bool


class Counted(msgspec.Struct, frozen=True, tag="counted", tag_field="reply"):
    """Packets from beyond the gateway so far, by path: only growth says something; without a counter, left out."""

    packets: dict[str, int]


Reply = Snapshot | Done | Refused | Counted

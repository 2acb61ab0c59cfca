"""What the uplink says about itself, for `status` and doctor."""

import msgspec


class LaneStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One lane: highest number sent and acknowledged in this session, and how long the oldest sent one waits.

    `held` when the lane waits for a path that is not metered.
    """

    sent: int = 0
    acked: int = 0
    unacked_s: float | None = None
    held: bool = False


class UplinkStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The uplink. `since_s` counts from the last change of `connected`; `trouble` is one sentence, None when well.

    `last_ack_s` is the age of the collector's last answer, None when it never gave one to this process.
    """

    connected: bool = False
    since_s: float = 0.0
    path: str = ""
    trouble: str | None = None
    connection: int = 0
    last_ack_s: float | None = None
    acks_malformed: int = 0
    acks_ignored: int = 0
    events: LaneStatus = LaneStatus()
    samples: LaneStatus = LaneStatus()

"""What was heard of one agent, the branch as the collector knows it. Values only."""

import msgspec

from wire.messages import ActKind, ActOutcome, BranchState, LinkState, PowerSource, Role, SensorKind, SensorState


class PathHeard(msgspec.Struct, frozen=True, array_like=True):
    """Last known state of one path. Role and ISP are unknown until an event or window names them.

    `since_ns` is the agent's time of its last change of state, 0: not heard of; `reason` the agent's word for it.
    `silent_anchors` did not answer in the last window.
    """

    state: LinkState
    role: Role | None = None
    isp: str = ""
    since_ns: int = 0
    reason: str = ""
    rtt_ms: float | None = None
    loss_pct: float | None = None
    silent_anchors: tuple[str, ...] = ()


class PowerHeard(msgspec.Struct, frozen=True, array_like=True):
    """Last reading of one powered device; `since_ns` is since when it says `source`, `heard_s` the collector's time."""

    source: PowerSource
    at_ns: int
    since_ns: int
    charge_pct: float | None = None
    runtime_s: float | None = None
    load_pct: float | None = None
    input_v: float | None = None
    heard_s: float = 0.0


class SensorHeard(msgspec.Struct, frozen=True, array_like=True):
    """Last reading of one sensor; `since_ns` is since when it says `state`, `heard_s` the collector's time."""

    kind: SensorKind
    state: SensorState
    at_ns: int
    since_ns: int
    value: float | None = None
    unit: str = ""
    heard_s: float = 0.0


class ActHeard(msgspec.Struct, frozen=True, array_like=True):
    """A move of the branch's traffic as it was last reported."""

    at_ns: int
    id: str
    kind: ActKind
    outcome: ActOutcome
    from_path: str
    to_path: str
    reason: str
    route_ms: float | None = None


class BranchHeard(msgspec.Struct, frozen=True, array_like=True):
    """All that was heard of one agent. Times are Unix seconds of the collector, `at_ns` is the agent's.

    `gone_s` is when its last will came. `last_seq` is the highest number of a live record of each lane in the spool
    `spool`: their order is the agent's, whatever became of its clock.
    """

    heard_s: float = 0.0
    epoch: str = ""
    connection: int = -1
    online: bool | None = None
    at_ns: int = 0
    active: str = ""
    reported: BranchState = BranchState.UNKNOWN
    paths: dict[str, PathHeard] = {}
    version: str = ""
    config_hash: str = ""
    power: dict[str, PowerHeard] = {}
    sensors: dict[str, SensorHeard] = {}
    acts: tuple[ActHeard, ...] = ()  # newest last
    reported_since_s: float = 0.0
    gone_s: float = 0.0
    spool: str = ""
    last_seq: dict[str, int] = {}

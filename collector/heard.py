"""What was heard of one agent: presence and records in, the branch as the collector knows it out. Pure."""

from typing import TypeVar

import msgspec

from wire.messages import (
    Act,
    ActKind,
    ActOutcome,
    Batch,
    BranchState,
    Digest,
    Environment,
    LinkState,
    Power,
    PowerSource,
    Presence,
    Role,
    SensorKind,
    SensorState,
    StateChange,
    Window,
)

MAX_PATHS = 32
MAX_DEVICES = 32
KEPT_ACTS = 8


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
    """Last reading of one powered device; `since_ns` is since when it says `source`."""

    source: PowerSource
    at_ns: int
    since_ns: int
    charge_pct: float | None = None
    runtime_s: float | None = None
    load_pct: float | None = None
    input_v: float | None = None


class SensorHeard(msgspec.Struct, frozen=True, array_like=True):
    """Last reading of one sensor; `since_ns` is since when it says `state`."""

    kind: SensorKind
    state: SensorState
    at_ns: int
    since_ns: int
    value: float | None = None
    unit: str = ""


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
    """All that was heard of one agent. Times are Unix seconds of the collector, `at_ns` is the agent's."""

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


def hear_presence(heard: BranchHeard, presence: Presence, now_s: float) -> BranchHeard:
    """Take a birth or will. A will numbered lower than the last birth, or of another epoch, is stale and ignored.

    The birth known already is no sign of life: the broker keeps it and tells it again with every subscription.
    """
    known = heard.connection >= 0
    same = presence.epoch == heard.epoch
    if known and same and presence.connection < heard.connection:
        return heard
    if presence.online and heard.online and same and presence.connection == heard.connection:
        return heard
    if not presence.online:
        if known and not same:
            return heard
        return msgspec.structs.replace(
            heard, epoch=presence.epoch, connection=presence.connection, online=False, heard_s=heard.heard_s or now_s
        )
    return msgspec.structs.replace(
        heard,
        epoch=presence.epoch,
        connection=presence.connection,
        online=True,
        heard_s=now_s,
        active=presence.active or heard.active,
        version=presence.version,
        config_hash=presence.config_hash,
    )


def hear_batch(heard: BranchHeard, batch: Batch, now_s: float) -> BranchHeard:
    """Take a batch. Backlog shows that the agent lives; only live records, no older than the last, change its state.

    Live records after a will disprove it: the broker delivers both in the order in which they came.
    """
    heard = msgspec.structs.replace(heard, heard_s=max(now_s, heard.heard_s))
    if batch.hist:
        return heard
    if heard.online is False:
        heard = msgspec.structs.replace(heard, online=None)
    before = heard.reported
    for record in batch.records:
        heard = _hear(heard, record)
    return heard if heard.reported is before else msgspec.structs.replace(heard, reported_since_s=now_s)


def _hear(heard: BranchHeard, record: object) -> BranchHeard:
    match record:
        case Digest() if record.at_ns >= heard.at_ns:
            heard = _hear_digest(heard, record)
        case StateChange() if record.at_ns >= heard.at_ns:
            heard = _hear_change(heard, record)
        case Act():
            heard = _hear_act(heard, record)
        case Window():
            heard = _hear_window(heard, record)
        case Power():
            heard = _hear_power(heard, record)
        case Environment():
            heard = _hear_environment(heard, record)
        case _:
            pass
    return heard


def _hear_change(heard: BranchHeard, change: StateChange) -> BranchHeard:
    path = msgspec.structs.replace(
        heard.paths.get(change.path, PathHeard(change.new)),
        state=change.new,
        role=change.role,
        isp=change.isp,
        since_ns=change.at_ns,
        reason=change.reason,
    )
    return _with_paths(heard, {**heard.paths, change.path: path}, heard.active, change.at_ns)


def _hear_digest(heard: BranchHeard, digest: Digest) -> BranchHeard:
    paths = {}
    for each in digest.paths[:MAX_PATHS]:
        known = heard.paths.get(each.path, PathHeard(each.state))
        since_ns = known.since_ns if known.state is each.state else digest.at_ns
        paths[each.path] = msgspec.structs.replace(
            known, state=each.state, since_ns=since_ns, rtt_ms=each.rtt_ms, loss_pct=each.loss_pct
        )
    return msgspec.structs.replace(
        heard, at_ns=digest.at_ns, active=digest.active, reported=digest.branch_state, paths=paths
    )


def _hear_act(heard: BranchHeard, act: Act) -> BranchHeard:
    told = ActHeard(act.at_ns, act.id, act.kind, act.outcome, act.from_path, act.to_path, act.reason, act.route_ms)
    before = tuple(each for each in heard.acts if each.id != act.id)
    heard = msgspec.structs.replace(heard, acts=(*before, told)[-KEPT_ACTS:])
    if act.at_ns < heard.at_ns or act.outcome is ActOutcome.FAILED:
        return heard
    active = act.from_path if act.outcome is ActOutcome.ROLLED_BACK else act.to_path
    return _with_paths(heard, heard.paths, active, act.at_ns)


def _hear_window(heard: BranchHeard, window: Window) -> BranchHeard:
    """Figures of the path; its state only while no event has told it: events are newer than the window they end."""
    known = heard.paths.get(window.path)
    figures = {
        "rtt_ms": window.rtt_median_ms,
        "loss_pct": 100.0 * (window.sent - window.received) / window.sent if window.sent else None,
        "silent_anchors": window.silent_anchors,
    }
    if known is None or known.role is None:
        path = PathHeard(window.state, window.role, window.isp, **figures)  # type: ignore[arg-type]
        return _with_paths(heard, {**heard.paths, window.path: path}, heard.active, heard.at_ns)
    if window.family == 6 and known.rtt_ms is not None:
        return heard  # one figure for people: IPv4's where there is one
    path = msgspec.structs.replace(known, **figures)
    return msgspec.structs.replace(heard, paths={**heard.paths, window.path: path})


def _hear_power(heard: BranchHeard, power: Power) -> BranchHeard:
    known = heard.power.get(power.device)
    if known is not None and power.at_ns < known.at_ns:
        return heard
    since_ns = known.since_ns if known is not None and known.source is power.source else power.at_ns
    told = PowerHeard(
        power.source,
        power.at_ns,
        since_ns,
        charge_pct=power.charge_pct,
        runtime_s=power.runtime_s,
        load_pct=power.load_pct,
        input_v=power.input_v,
    )
    return msgspec.structs.replace(heard, power=_newest({**heard.power, power.device: told}))


def _hear_environment(heard: BranchHeard, seen: Environment) -> BranchHeard:
    known = heard.sensors.get(seen.sensor)
    if known is not None and seen.at_ns < known.at_ns:
        return heard
    since_ns = known.since_ns if known is not None and known.state is seen.state else seen.at_ns
    told = SensorHeard(seen.kind, seen.state, seen.at_ns, since_ns, seen.value, seen.unit)
    return msgspec.structs.replace(heard, sensors=_newest({**heard.sensors, seen.sensor: told}))


_Reading = TypeVar("_Reading")


def _newest(readings: dict[str, _Reading]) -> dict[str, _Reading]:
    return dict(list(readings.items())[-MAX_DEVICES:])


def _with_paths(heard: BranchHeard, paths: dict[str, PathHeard], active: str, at_ns: int) -> BranchHeard:
    paths = dict(list(paths.items())[-MAX_PATHS:])
    reported = from_paths(paths, active) or heard.reported
    return msgspec.structs.replace(heard, at_ns=at_ns, active=active, paths=paths, reported=reported)


def from_paths(paths: dict[str, PathHeard], active: str) -> BranchState | None:
    """The state that the paths and the one in use amount to; None when they do not say.

    What was heard came over some path, so this is never ISOLATED.
    """
    if active not in paths or paths[active].role is None:
        return None
    if paths[active].role is Role.CELL:
        return BranchState.ON_5G
    if any(each.state in {LinkState.DOWN, LinkState.DEGRADED} for each in paths.values()):
        return BranchState.DEGRADED
    # SUSPECT lasts a quarter of a second and says nothing to people; the path in use has to be known.
    return BranchState.OK if paths[active].state is not LinkState.UNKNOWN else None

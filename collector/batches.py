"""What records of an agent change in what is known of it. Pure: what was heard and a batch in, what is known out."""

from typing import TypeVar

import msgspec

from collector.heard import ActHeard, BranchHeard, PathHeard, PowerHeard, SensorHeard
from wire.messages import (
    Act,
    ActOutcome,
    Batch,
    BranchState,
    Digest,
    Environment,
    LinkState,
    Power,
    PowerSource,
    Role,
    SensorState,
    StateChange,
    Window,
)

MAX_PATHS = 32
MAX_DEVICES = 32
KEPT_ACTS = 8
READING_S = 86_400.0
"""On 5G only changes are told, so a reading stands for long; no UPS lives on battery for a day."""


def hear_batch(heard: BranchHeard, batch: Batch, now_s: float) -> BranchHeard:
    """Take a batch. Backlog shows that the agent lives; only live records newer than the last change its state.

    Newer by number, not by time: an agent's clock may be set back. Live records after a will disprove it: the broker
    delivers both in the order in which they came.
    """
    heard = msgspec.structs.replace(heard, heard_s=max(now_s, heard.heard_s))
    if batch.hist:
        return heard
    if heard.online is False:
        heard = msgspec.structs.replace(heard, online=None)
    before = heard.reported
    last_seq = heard.last_seq if heard.spool == batch.epoch else {}
    last = last_seq.get(batch.lane, -1)
    for seq, record in enumerate(batch.records, batch.first_seq):
        if seq > last:
            heard = _hear(heard, record, batch.sent_ns, now_s)
        elif isinstance(record, Act) and all(each.id != record.id for each in heard.acts):
            heard = msgspec.structs.replace(heard, acts=(_told(record), *heard.acts)[-KEPT_ACTS:])
    highest = max(last, batch.first_seq + len(batch.records) - 1)
    heard = msgspec.structs.replace(
        heard,
        spool=batch.epoch,
        last_seq={**last_seq, str(batch.lane): highest},
        power={name: _faded_power(each, now_s) for name, each in heard.power.items()},
        sensors={name: _faded_sensor(each, now_s) for name, each in heard.sensors.items()},
    )
    return heard if heard.reported is before else msgspec.structs.replace(heard, reported_since_s=now_s)


def _hear(heard: BranchHeard, record: object, sent_ns: int, now_s: float) -> BranchHeard:
    match record:
        case Digest():
            heard = _hear_digest(heard, record)
        case StateChange():
            heard = _hear_change(heard, record)
        case Act():
            heard = _hear_act(heard, record)
        case Window():
            heard = _hear_window(heard, record)
        case Power():
            heard = _hear_power(heard, record, sent_ns, now_s)
        case Environment():
            heard = _hear_environment(heard, record, sent_ns, now_s)
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
    before = tuple(each for each in heard.acts if each.id != act.id)
    heard = msgspec.structs.replace(heard, acts=(*before, _told(act))[-KEPT_ACTS:])
    if act.outcome is ActOutcome.FAILED:
        return heard
    active = act.from_path if act.outcome is ActOutcome.ROLLED_BACK else act.to_path
    return _with_paths(heard, heard.paths, active, act.at_ns)


def _told(act: Act) -> ActHeard:
    return ActHeard(act.at_ns, act.id, act.kind, act.outcome, act.from_path, act.to_path, act.reason, act.route_ms)


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


def _hear_power(heard: BranchHeard, power: Power, sent_ns: int, now_s: float) -> BranchHeard:
    known = heard.power.get(power.device)
    if known is not None and _older(power.at_ns, known.at_ns, sent_ns):
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
        heard_s=now_s,
    )
    return msgspec.structs.replace(heard, power=_newest({**heard.power, power.device: told}))


def _hear_environment(heard: BranchHeard, seen: Environment, sent_ns: int, now_s: float) -> BranchHeard:
    known = heard.sensors.get(seen.sensor)
    if known is not None and _older(seen.at_ns, known.at_ns, sent_ns):
        return heard
    since_ns = known.since_ns if known is not None and known.state is seen.state else seen.at_ns
    told = SensorHeard(seen.kind, seen.state, seen.at_ns, since_ns, seen.value, seen.unit, now_s)
    return msgspec.structs.replace(heard, sensors=_newest({**heard.sensors, seen.sensor: told}))


def _older(at_ns: int, known_ns: int, sent_ns: int) -> bool:
    """Readings come by two lanes in any order. One known from later than the sending was stamped by a wrong clock."""
    return at_ns < known_ns <= sent_ns


def _faded_power(device: PowerHeard, now_s: float) -> PowerHeard:
    """A device that is not told of for a day while its branch is says nothing any more."""
    return PowerHeard(PowerSource.UNKNOWN, device.at_ns, device.at_ns) if _stale(device.heard_s, now_s) else device


def _faded_sensor(sensor: SensorHeard, now_s: float) -> SensorHeard:
    unknown = SensorState.UNKNOWN
    return SensorHeard(sensor.kind, unknown, sensor.at_ns, sensor.at_ns) if _stale(sensor.heard_s, now_s) else sensor


def _stale(heard_s: float, now_s: float) -> bool:
    return heard_s > 0 and now_s - heard_s > READING_S


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

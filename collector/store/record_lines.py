"""Line protocol from the records of agents. Pure; names from `wire.fields`; times in nanoseconds from each record.

A redelivered record makes the same series and time, so the database overwrites it. Sparse records (state changes,
acts, gaps) get the last three digits of their time from their sequence number: two of them in one nanosecond
stay two points, and each keeps its time to the microsecond.
"""

from functools import lru_cache
from math import isfinite

from collector.store.lines import Value, point, series
from wire import fields
from wire.fields import (
    ActField,
    BranchStateField,
    DigestField,
    EnvironmentField,
    FlightField,
    LinkField,
    LinkStateField,
    Measurement,
    PipelineField,
    PowerField,
    Tag,
)
from wire.messages import (
    Act,
    Batch,
    Digest,
    Environment,
    Flight,
    Gap,
    Power,
    Role,
    StateChange,
    Window,
)
from wire.topics import Address


@lru_cache(maxsize=65536)
def _link_series(address: Address, path: str, role: Role, isp: str, family: int) -> str:
    tags = (*_agent_tags(address), (Tag.LINK, path), (Tag.ROLE, role), (Tag.ISP, isp), (Tag.FAMILY, str(family)))
    return series(Measurement.LINK, tags)


@lru_cache(maxsize=65536)
def _agent_tags(address: Address) -> tuple[tuple[str, str], ...]:
    return (Tag.TENANT, address.tenant), (Tag.BRANCH, address.branch), (Tag.AGENT, address.agent)


def batch_lines(address: Address, batch: Batch) -> list[str]:
    """All lines of a batch."""
    out: list[str] = []
    for seq, record in enumerate(batch.records, batch.first_seq):
        match record:
            case Window():
                out.append(_window(address, record))
            case StateChange():
                out.append(_state_change(address, record, _apart(record.at_ns, seq)))
            case Act():
                out.append(_act(address, record, _apart(record.at_ns, seq)))
            case Digest():
                out += _digest(address, record)
            case Flight():
                out += _flight(address, record)
            case Power():
                out.append(_power(address, record))
            case Environment():
                out.append(_environment(address, record))
            case Gap():
                out.append(_gap(address, batch, record, _apart(record.at_ns, seq)))
    return [line for line in out if line]


def _apart(at_ns: int, seq: int) -> int:
    return at_ns // 1000 * 1000 + seq % 1000


def _window(address: Address, w: Window) -> str:
    """One f-string for what is always there: windows are nearly all the traffic, and `point` takes twice as long."""
    head = (
        f"{_link_series(address, w.path, w.role, w.isp, w.family)} {_DURATION}{w.duration_s!r}{_STATE}{w.state:d}"
        f"{_SENT}{w.sent}{_RECEIVED}{w.received}{_LATE}{w.late}{_DUPLICATES}{w.duplicates}"
        f"{_ICMP_ERRORS}{w.icmp_errors}{_LOCAL_ERRORS}{w.local_errors}{_SILENT}{len(w.silent_anchors)}i"
    )
    if w.sent > 0:
        head += f"{_LOSS}{100.0 * (w.sent - w.received) / w.sent!r}"
    for name, value in (
        (_RTT_MIN, w.rtt_min_ms),
        (_RTT_MEDIAN, w.rtt_median_ms),
        (_RTT_P95, w.rtt_p95_ms),
        (_RTT_MAX, w.rtt_max_ms),
        (_RTT_JITTER, w.rtt_jitter_ms),
    ):
        if value is not None and isfinite(value):
            head += f"{name}{value!r}"
    return f"{head} {w.start_ns}"


# `i` ends the integer before the name
_DURATION = f"{LinkField.DURATION_S}="
_STATE = f",{LinkField.STATE}="
_SENT, _RECEIVED, _LATE, _DUPLICATES, _ICMP_ERRORS, _LOCAL_ERRORS, _SILENT = (
    f"i,{name}="
    for name in (
        LinkField.SENT,
        LinkField.RECEIVED,
        LinkField.LATE,
        LinkField.DUPLICATES,
        LinkField.ICMP_ERRORS,
        LinkField.LOCAL_ERRORS,
        LinkField.SILENT_ANCHORS,
    )
)
_LOSS, _RTT_MIN, _RTT_MEDIAN, _RTT_P95, _RTT_MAX, _RTT_JITTER = (
    f",{name}="
    for name in (
        LinkField.LOSS_PCT,
        LinkField.RTT_MIN_MS,
        LinkField.RTT_MEDIAN_MS,
        LinkField.RTT_P95_MS,
        LinkField.RTT_MAX_MS,
        LinkField.RTT_JITTER_MS,
    )
)


def _state_change(address: Address, s: StateChange, at_ns: int) -> str:
    tags = (*_agent_tags(address), (Tag.LINK, s.path), (Tag.ROLE, s.role), (Tag.ISP, s.isp))
    values: tuple[tuple[str, Value], ...] = (
        (LinkStateField.OLD, s.old),
        (LinkStateField.NEW, s.new),
        (LinkStateField.REASON, s.reason),
        (LinkStateField.SILENCE_MS, s.silence_ms),
    )
    return point(series(Measurement.LINK_STATE, tags), values, at_ns)


def _act(address: Address, a: Act, at_ns: int) -> str:
    tags = (*_agent_tags(address), (Tag.LINK, a.to_path), (Tag.FROM_LINK, a.from_path), (Tag.KIND, a.kind))
    values: tuple[tuple[str, Value], ...] = (
        (ActField.OUTCOME, fields.OUTCOME_CODES[a.outcome]),
        (ActField.ID, a.id),
        (ActField.REASON, a.reason),
        (ActField.ROUTE_MS, a.route_ms),
    )
    return point(series(Measurement.ACT, tags), values, at_ns)


def _digest(address: Address, d: Digest) -> list[str]:
    tags = _agent_tags(address)
    out = [point(series(Measurement.BRANCH_STATE, tags), ((BranchStateField.REPORTED, d.branch_state),), d.at_ns)]
    for path in d.paths:
        values: tuple[tuple[str, Value], ...] = (
            (DigestField.STATE, path.state),
            (DigestField.RTT_MS, path.rtt_ms),
            (DigestField.LOSS_PCT, path.loss_pct),
            (DigestField.BYTES_USED, path.bytes_used),
        )
        out.append(point(series(Measurement.DIGEST, (*tags, (Tag.LINK, path.path))), values, d.at_ns))
    return out


def _flight(address: Address, flight: Flight) -> list[str]:
    tags = (*_agent_tags(address), (Tag.LINK, flight.path))
    out = []
    for probe in flight.probes:
        head = series(Measurement.FLIGHT, (*tags, (Tag.ANCHOR, probe.anchor), (Tag.FAMILY, str(probe.family))))
        values: tuple[tuple[str, Value], ...] = (
            (FlightField.RTT_MS, probe.rtt_ms),
            (FlightField.LOST, int(probe.rtt_ms is None)),
        )
        if isfinite(probe.offset_ms):
            out.append(point(head, values, flight.at_ns + round(probe.offset_ms * 1e6)))
    return out


def _power(address: Address, p: Power) -> str:
    values: tuple[tuple[str, Value], ...] = (
        (PowerField.SOURCE, fields.POWER_CODES[p.source]),
        (PowerField.CHARGE_PCT, p.charge_pct),
        (PowerField.RUNTIME_S, p.runtime_s),
        (PowerField.LOAD_PCT, p.load_pct),
        (PowerField.INPUT_V, p.input_v),
    )
    return point(series(Measurement.POWER, (*_agent_tags(address), (Tag.DEVICE, p.device))), values, p.at_ns)


def _environment(address: Address, e: Environment) -> str:
    tags = (*_agent_tags(address), (Tag.SENSOR, e.sensor), (Tag.KIND, e.kind))
    values: tuple[tuple[str, Value], ...] = (
        (EnvironmentField.STATE, fields.SENSOR_CODES[e.state]),
        (EnvironmentField.VALUE, e.value),
    )
    return point(series(Measurement.ENVIRONMENT, tags), values, e.at_ns)


def _gap(address: Address, batch: Batch, gap: Gap, at_ns: int) -> str:
    tags = (*_agent_tags(address), (Tag.LANE, batch.lane))
    values: tuple[tuple[str, Value], ...] = (
        (PipelineField.GAP_COUNT, gap.count),
        (PipelineField.GAP_FIRST_SEQ, gap.first_seq),
        (PipelineField.GAP_LAST_SEQ, gap.last_seq),
        (PipelineField.GAP_REASON, gap.reason),
    )
    return point(series(Measurement.PIPELINE, tags), values, at_ns)

"""One of each record and message, and hypothesis strategies for all of them."""

from typing import Any

import msgspec
from hypothesis import strategies as st

from wire import messages as m
from wire.messages import Ack, Batch, Presence, Record
from wire.topics import Lane

AT = 1_767_225_600_000_000_000

WINDOW = m.Window(
    AT, 10.0, "isp1", m.Role.WIRE, "Telenet Zakelijk", 4, m.LinkState.UP,
    300, 297, 2, 1, 0, 0, 18.2, 20.1, 24.9, 31.0, 0.8, ("paris",),
)  # fmt: skip
SILENT_WINDOW = m.Window(
    AT, 10.0, "5g", m.Role.CELL, "", 6, m.LinkState.UNKNOWN, 0, 0, 0, 0, 0, 0, None, None, None, None, None
)
FLIGHT = m.Flight(
    AT, "isp1 down", "isp1", (m.FlightProbe(-30000.0, "paris", 4, 20.5), m.FlightProbe(12.5, "ams", 6, None))
)
STATE_CHANGE = m.StateChange(
    AT, "isp1", m.Role.WIRE, "", m.LinkState.SUSPECT, m.LinkState.DOWN, "no anchor answered", 512.0
)
ACT = m.Act(AT, "a-17", m.ActKind.EMERGENCY, m.ActOutcome.APPLIED, "isp1", "5g", "isp1 silent for 512 ms", 3.5)
FIRST_ACT = m.Act(AT, "a-1", m.ActKind.RECOVER, m.ActOutcome.FAILED, "", "isp1", "no gateway")
DIGEST = m.Digest(AT, m.BranchState.OK, "isp1", (m.DigestPath("isp1", m.LinkState.UP, 20.1, 0.0, 91_000_000),))
GAP = m.Gap(AT, 4, 19, 16, "spool full")

POWER = m.Power(AT, "ups", m.PowerSource.BATTERY, 84.0, 1_800.0, 22.5, 0.0)
RELAY = m.Power(AT, "mains-relay", m.PowerSource.NONE)
WATER = m.Environment(AT, "cellar", m.SensorKind.FLOOD, m.SensorState.ALARM, 12.5, "cm")

SAMPLES: tuple[Record, ...] = (WINDOW, SILENT_WINDOW, FLIGHT, RELAY, GAP)
EVENTS: tuple[Record, ...] = (STATE_CHANGE, ACT, FIRST_ACT, DIGEST, POWER, WATER, GAP)
RECORDS = SAMPLES + EVENTS

BATCH = Batch(Lane.EVENTS, "9f8e7d6c5b4a3928", 40, 12, False, AT, EVENTS)
ACK = Ack(Lane.SAMPLES, "9f8e7d6c5b4a3928", 2**63 - 1)
PRESENCE = Presence(True, "9f8e7d6c5b4a3928", 3, "0.1.0", "0123456789ab", False, AT, "")

_one_line = st.text(st.characters(blacklist_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=63)
_by_type: dict[Any, st.SearchStrategy[Any]] = {
    m.Count: st.integers(0, 2**63 - 1),
    m.Nanoseconds: st.integers(0, 2**63 - 1),
    m.Milliseconds: st.floats(0, 1e12),
    m.Percent: st.floats(0, 100),
    m.Name: st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,62}\Z"),
    m.NameOrNone: st.from_regex(r"\A([A-Za-z0-9][A-Za-z0-9._-]{0,62})?\Z"),
    m.Word: _one_line.filter(bool),
    m.Label: _one_line,
    m.Text: _one_line,
}
"""A strategy for each limited type of `wire.messages`; plain types are hypothesis's own."""


def records() -> st.SearchStrategy[Record]:
    """Any record a producer may send."""
    kinds = [m.Window, m.Flight, m.StateChange, m.Act, m.Digest, m.Power, m.Environment, m.Gap]
    return st.one_of(*(_struct(kind) for kind in kinds))


def messages() -> st.SearchStrategy[Batch | Ack | Presence]:
    """Any message."""
    batch = st.builds(
        Batch,
        lane=st.sampled_from(Lane),
        epoch=_by_type[m.Word],
        first_seq=_by_type[m.Count],
        base=_by_type[m.Count],
        hist=st.booleans(),
        sent_ns=_by_type[m.Nanoseconds],
        records=st.lists(records(), max_size=5).map(tuple),
    )
    return st.one_of(batch, _struct(Ack), _struct(Presence))


def _struct(kind: type[Any]) -> st.SearchStrategy[Any]:
    return st.builds(kind, **{field.name: _typed(field.type) for field in msgspec.structs.fields(kind)})


def _typed(kind: Any) -> st.SearchStrategy[Any]:
    if kind in _by_type:
        return _by_type[kind]
    shape = msgspec.inspect.type_info(kind)
    match shape:
        case msgspec.inspect.UnionType(types=options):
            inner = next(arg for arg in kind.__args__ if arg is not type(None))
            assert len(options) == 2, kind
            return st.none() | _typed(inner)
        case msgspec.inspect.VarTupleType():
            item = kind.__origin__.__args__[0]
            return st.lists(_typed(item), max_size=3).map(tuple)
        case msgspec.inspect.StructType(cls=cls):
            return _struct(cls)
        case msgspec.inspect.LiteralType(values=values):
            return st.sampled_from(values)
        case msgspec.inspect.FloatType(ge=low, gt=above, le=high):
            return st.floats(low if low is not None else above, high, exclude_min=above is not None)
    return st.from_type(kind)

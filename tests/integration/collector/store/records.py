"""Records of two branches over two hours, fed to every database."""

from wire.messages import (
    Act,
    ActKind,
    ActOutcome,
    BranchState,
    Digest,
    DigestPath,
    Environment,
    Flight,
    FlightProbe,
    LinkState,
    Power,
    PowerSource,
    Record,
    Role,
    SensorKind,
    SensorState,
    StateChange,
    Window,
)
from wire.topics import Address

HOUR_NS = 3600 * 10**9
START_NS = 1_790_000_000_000_000_000 // HOUR_NS * HOUR_NS
SPAN_NS = 2 * HOUR_NS
ADDRESSES = (Address("t1", "b1", "a1"), Address("t1", "b2", "a1"))
HOSTILE_ISP = 'Ann "O\'Neil", a=b\\c'


def _window(number: int, path: str) -> Window:
    """Window `number` of the two hours; of each hundred one is silent."""
    silent = number % 100 == 7
    state = (LinkState.UP, LinkState.SUSPECT, LinkState.DEGRADED, LinkState.DOWN, LinkState.UNKNOWN)[number // 40 % 5]
    role, isp = (Role.WIRE, HOSTILE_ISP) if path == "isp1" else (Role.CELL, "Cell é")
    rtt_ms = None if silent else 10.0 + (number * 7919 % 1000) / 37
    return Window(
        START_NS + number * 10 * 10**9, 10.0, path, role, isp, 4, state, 300, 0 if silent else 300 - number % 5,
        number % 3, 0, 0, 0, rtt_ms, rtt_ms and rtt_ms + 1.1, rtt_ms and rtt_ms * 2, rtt_ms and rtt_ms * 3,
        None if number % 2 else 0.25,
    )  # fmt: skip


def _at(second: int) -> int:
    return START_NS + second * 10**9 + 123_456_789


SAMPLES: tuple[Record, ...] = (
    *(_window(number, path) for number in range(720) for path in ("isp1", "5g")),
    Flight(
        _at(100), "DOWN", "isp1", tuple(FlightProbe(n * 50.0, "anchor1", 4, None if n > 5 else 1.5) for n in range(9))
    ),
    Power(_at(200), "ups1", PowerSource.MAINS, 100.0, 1800.0, 20.5, 231.0),
    Power(_at(260), "ups1", PowerSource.BATTERY, 99.5, 1700.0, None, 0.0),
    Environment(_at(300), "cellar", SensorKind.FLOOD, SensorState.OK),
    Environment(_at(360), "room", SensorKind.TEMPERATURE, SensorState.OK, 21.5, "C"),
)
EVENTS: tuple[Record, ...] = (
    StateChange(_at(400), "isp1", Role.WIRE, HOSTILE_ISP, LinkState.UP, LinkState.SUSPECT, "silent", 250.0),
    StateChange(
        _at(401), "isp1", Role.WIRE, HOSTILE_ISP, LinkState.SUSPECT, LinkState.DOWN, 'he said "no", = \\', None
    ),
    Act(_at(402), "id1", ActKind.EMERGENCY, ActOutcome.APPLIED, "isp1", "5g", "silent", 12.5),
    Act(_at(405), "id1", ActKind.EMERGENCY, ActOutcome.COMMITTED, "isp1", "5g", "proved"),
    Digest(_at(420), BranchState.ON_5G, "5g", (DigestPath("isp1", LinkState.DOWN, None, 100.0, 2**40),)),
)

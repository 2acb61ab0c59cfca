"""Small records for tests."""

from wire.messages import (
    Act,
    ActKind,
    ActOutcome,
    Batch,
    BranchState,
    Digest,
    DigestPath,
    LinkState,
    Presence,
    Record,
    Role,
    StateChange,
    Window,
)
from wire.topics import Address, Lane

AGENT = Address("t1", "b1", "a1")
NOW_NS = 1_790_000_000_000_000_000


def window(start_ns: int = NOW_NS, path: str = "isp1", isp: str = "ISP 1", rtt_ms: float | None = 2.0) -> Window:
    return Window(
        start_ns, 10.0, path, Role.WIRE, isp, 4, LinkState.UP, 300, 297, 0, 0, 0, 0, 1.0, rtt_ms, 3.0, 4.0, None
    )


def change(at_ns: int, new: LinkState, path: str = "isp1", role: Role = Role.WIRE) -> StateChange:
    return StateChange(at_ns, path, role, "ISP 1", LinkState.UP, new, "silent", 510.0)


def act(at_ns: int, to_path: str, outcome: ActOutcome = ActOutcome.COMMITTED, from_path: str = "isp1") -> Act:
    return Act(at_ns, "id1", ActKind.EMERGENCY, outcome, from_path, to_path, "silent", 12.0)


def digest(at_ns: int, state: BranchState, active: str, **paths: LinkState) -> Digest:
    return Digest(at_ns, state, active, tuple(DigestPath(name, each, 2.0, 0.0, 10) for name, each in paths.items()))


def batch(
    *records: Record,
    first: int = 1,
    base: int = 1,
    lane: Lane = Lane.SAMPLES,
    epoch: str = "e1",
    hist: bool = False,
) -> Batch:
    return Batch(lane, epoch, first, base, hist, NOW_NS, records)


def birth(connection: int, epoch: str = "e1", active: str = "isp1") -> Presence:
    return Presence(True, epoch, connection, "0.1.0", "abc", True, NOW_NS, active)


def will(connection: int, epoch: str = "e1") -> Presence:
    return Presence(False, epoch, connection, "0.1.0", "abc", True, NOW_NS, "isp1")

"""What the branch's LAN is told: of all the agent says, what a person at the branch needs.

Left out on purpose: names of users, hosts and files (in the sentences about broker and disk), the settings' digest,
counters. Whoever runs the router asks `branchline-agent status` for those.
"""

from collections.abc import Mapping
from typing import Literal

import msgspec


class PathShown(msgspec.Struct, frozen=True):
    """One line. Ages and waits in seconds; None: unknown, or never. `proof`: "holds", or what is missing."""

    path: str
    state: str
    for_s: float
    rtt_ms: float | None
    loss_pct: float | None
    answered_s_ago: float | None
    proved_s_ago: float | None
    hold_left_s: float
    proof: str | None
    trouble: str | None


class MoveShown(msgspec.Struct, frozen=True):
    """A move of traffic that is on trial."""

    to_path: str
    reason: str


class OverrideShown(msgspec.Struct, frozen=True):
    """What was chosen by hand."""

    path: str
    left_s: float
    why: str


class Shown(msgspec.Struct, frozen=True):
    """The branch as its page shows it, and as `/status.json` tells it."""

    branch_state: str
    active: str | None
    move: MoveShown | None
    override: OverrideShown | None
    paths: tuple[PathShown, ...]
    headquarters: Literal["none", "reached", "lost"]
    records_waiting: int
    records_lost: int
    disk_trouble: bool


class _Lane(msgspec.Struct, frozen=True):
    rows: int
    dropped: int


class _Spool(msgspec.Struct, frozen=True):
    events: _Lane
    samples: _Lane
    trouble: str | None


class _Uplink(msgspec.Struct, frozen=True):
    connected: bool


class _Told(msgspec.Struct, frozen=True):
    branch_state: str
    active: str | None
    move: MoveShown | None
    override: OverrideShown | None
    paths: tuple[PathShown, ...]
    spool: _Spool
    uplink: _Uplink | None


def shown_of(answer: Mapping[str, object]) -> Shown:
    """An answer of the agent's socket.

    Raises:
        ValueError: it is no status, as of an agent of another version, or one that refuses.
    """
    told = msgspec.convert(answer, _Told)
    lanes = (told.spool.events, told.spool.samples)
    return Shown(
        branch_state=told.branch_state,
        active=told.active,
        move=told.move,
        override=told.override,
        paths=told.paths,
        headquarters="none" if told.uplink is None else "reached" if told.uplink.connected else "lost",
        records_waiting=sum(lane.rows for lane in lanes),
        records_lost=sum(lane.dropped for lane in lanes),
        disk_trouble=told.spool.trouble is not None,
    )

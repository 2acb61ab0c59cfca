"""What the machine asks for. The agent carries these out; the machine itself touches nothing."""

import msgspec

from failover.actuators.protocol import Evidence
from failover.profiles import Effort
from wire.messages import ActKind, ActOutcome, LinkState


class _Action(msgspec.Struct, frozen=True, tag_field="a"):
    pass


class Move(_Action, frozen=True, tag="move"):
    """Have the actor route traffic by `to`, undone after `rollback_after_s` unless committed."""

    id: str
    kind: ActKind
    to: str
    rollback_after_s: float
    evidence: Evidence


class CommitMove(_Action, frozen=True, tag="commit"):
    """The move is proved: keep it."""

    id: str


class UndoMove(_Action, frozen=True, tag="undo"):
    """The move did not prove itself: put the one before back."""

    id: str


class Prove(_Action, frozen=True, tag="prove"):
    """Prove a path: after a move (`move` set) as users go, else through the canary address of that path."""

    path: str
    move: str


class SetEffort(_Action, frozen=True, tag="effort"):
    """Probe a path this hard from now on."""

    path: str
    effort: Effort


class Burst(_Action, frozen=True, tag="burst"):
    """Send extra probes on a path now."""

    path: str
    probes: int


class AskPassive(_Action, frozen=True, tag="ask_passive"):
    """Read the passive counters; a `Passive` for this path is awaited."""

    path: str


class AskOpinion(_Action, frozen=True, tag="ask_opinion"):
    """Ask something other than an anchor on this path; an `Opinion` is awaited."""

    path: str


class LinkChanged(_Action, frozen=True, tag="link_changed"):
    """Report a change of state of a path."""

    path: str
    old: LinkState
    new: LinkState
    reason: str
    silence_s: float | None


class ActReported(_Action, frozen=True, tag="act_reported"):
    """Report how far a move came."""

    id: str
    kind: ActKind
    outcome: ActOutcome
    from_path: str
    to_path: str
    reason: str
    route_ms: float | None = None


Action = Move | CommitMove | UndoMove | Prove | SetEffort | Burst | AskPassive | AskOpinion | LinkChanged | ActReported

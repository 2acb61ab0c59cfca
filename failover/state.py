"""The machine's memory: frozen values, replaced as a whole. Times are monotonic seconds."""

import msgspec

from failover.profiles import Effort, Pace, Profile, pace
from wire.messages import ActKind, LinkState, Role

START_GRACE_S = 30.0


class PathPlan(msgspec.Struct, frozen=True):
    """What the settings say of a path. Rank 1 is best; cellular paths come last whatever their rank.

    `anchors` are those probed over it; empty: all of the plan.
    """

    name: str
    rank: int
    role: Role
    metered: bool
    anchors: tuple[str, ...] = ()


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What the settings say of the branch. Durations in seconds, from docs/design.md section 6."""

    profile: Profile
    paths: tuple[PathPlan, ...]
    anchors: tuple[str, ...]
    hold_s: float = 300.0
    hold_cap_s: float = 4 * 3600.0
    failovers_per_day: int = 11
    proof_s: float = 3.0
    carrier_debounce_s: float = 0.050
    start_grace_s: float = START_GRACE_S
    unproved_after_s: float = 5.0
    answered_within_s: float = 1.0
    backoff_s: float = 5.0
    backoff_cap_s: float = 60.0
    prove_wire_every_s: float = 60.0
    prove_cell_every_s: float = 86_400.0
    calm_s: float = 60.0
    heal_s: float = 3.0

    def path(self, name: str) -> PathPlan:
        """The plan of one path."""
        return next(path for path in self.paths if path.name == name)


class PathState(msgspec.Struct, frozen=True, kw_only=True):
    """One path as the machine knows it."""

    name: str
    role: Role
    link: LinkState = LinkState.UNKNOWN
    effort: Effort = Effort.IDLE
    watching_since_s: float  # silence is never counted from before this
    last_reply_s: float | None = None
    recent: tuple[float, ...] = ()  # arrival of the last replies, newest last: is it answering, or was it one fluke?
    stalled_s: float = 0.0  # time inside this silence in which the agent itself slept
    second_reply_s: float | None = None
    carrier: bool = True
    carrier_lost_s: float | None = None
    passive: int | None = None  # counter when suspicion began, or when it last grew
    passive_grew_s: float | None = None
    opinion: bool | None = None
    opinion_s: float | None = None  # when that opinion came
    opinion_asked_s: float | None = None
    contradicted_s: float | None = None  # since when an anchor answers elsewhere while this path is silent
    changed_s: float
    dirty_s: float  # last moment this path was not clean
    loss_baseline: float = 0.0
    proved_s: float | None = None
    proof_asked_s: float | None = None
    failovers: tuple[float, ...] = ()  # moments traffic had to leave this path, last 24 h
    healing_s: float | None = None  # since when a DOWN path answers again
    passive_asks: int = 0
    tried_s: float | None = None  # last attempt to move here that failed
    tries: int = 0  # failed attempts since it last worked
    unreached: bool = False  # the last attempt ended at an actor that was away

    def silence_s(self, now: float) -> float:
        """How long nothing was heard on this path while somebody listened."""
        heard = self.watching_since_s if self.last_reply_s is None else max(self.watching_since_s, self.last_reply_s)
        return max(0.0, now - heard)

    def answered_s(self, now: float) -> float | None:
        """How long ago the last reply came; None: never."""
        return None if self.last_reply_s is None else max(0.0, now - self.last_reply_s)


class MoveState(msgspec.Struct, frozen=True):
    """A move under way. `proving` once the actor has it in place."""

    id: str
    kind: ActKind
    from_path: str
    to_path: str
    since_s: float
    reason: str
    proving: bool = False
    serves: bool = False  # a proof that failed still had an answer no anchor gives: DNS or TLS
    settling: bool = False  # committed or undone: waiting for the actor's word
    kept: bool = False  # settling by commit


class Wish(msgspec.Struct, frozen=True):
    """A person's override. It always ends."""

    path: str
    until_s: float
    why: str


class BranchMachine(msgspec.Struct, frozen=True, kw_only=True):
    """Everything `decide` remembers."""

    plan: Plan
    paths: tuple[PathState, ...]
    active: str
    started_s: float
    anchors_heard: tuple[tuple[str, float], ...] = ()
    move: MoveState | None = None
    wish: Wish | None = None
    run: str = ""  # names this run of the agent, so that move ids never repeat
    serial: int = 0
    trouble_s: float = float("-inf")  # last moment a wire was not UP: cellular stays armed a while after

    def has(self, name: str) -> bool:
        """Whether there is a path of this name."""
        return any(path.name == name for path in self.paths)

    def path(self, name: str) -> PathState:
        """One path's state."""
        return next(path for path in self.paths if path.name == name)

    def with_path(self, path: PathState) -> "BranchMachine":
        """The same machine with one path replaced."""
        return msgspec.structs.replace(self, paths=tuple(path if old.name == path.name else old for old in self.paths))

    def pace_of(self, path: PathState) -> Pace:
        """How that path is probed now."""
        return pace(self.plan.profile, path.role, path.effort)

    def anchors_alive(self, path: PathState, now: float) -> int:
        """Anchors of a path heard on any path in the last 10 s; all of them while none was heard."""
        asked = self.plan.path(path.name).anchors or self.plan.anchors
        alive = sum(1 for name, at in self.anchors_heard if now - at <= 10.0 and name in asked)
        return alive or len(asked)

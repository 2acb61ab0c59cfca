"""What the machine is told. Times are monotonic seconds; the moment itself is the `now` given to `decide`."""

import msgspec


class _Observation(msgspec.Struct, frozen=True, tag_field="o"):
    pass


class Tick(_Observation, frozen=True, tag="tick"):
    """Time has passed; nothing else happened."""


class Reply(_Observation, frozen=True, tag="reply"):
    """An anchor answered in time on a path. `first` is False for the path's second IP family."""

    path: str
    anchor: str
    at_s: float
    first: bool = True


class Carrier(_Observation, frozen=True, tag="carrier"):
    """The interface of a path gained or lost its carrier, appeared or vanished."""

    path: str
    up: bool


class Stalled(_Observation, frozen=True, tag="stalled"):
    """The agent's own loop slept for `for_s`: nobody was probing. Replies that waited were delivered before this."""

    for_s: float


class Passive(_Observation, frozen=True, tag="passive"):
    """Packets from beyond the gateway so far, probe replies excluded."""

    path: str
    packets: int


class Opinion(_Observation, frozen=True, tag="opinion"):
    """Something other than an anchor (the ISP's resolver) answered on a path, or did not."""

    path: str
    alive: bool


class Proof(_Observation, frozen=True, tag="proof"):
    """The proof of a path came in (docs/design.md principle 3). None: that part is not configured.

    `move` is the id of the move it was asked for, "" for a proof between moves. `forwarded`: at least one part came
    from the canary, forwarded and translated like a user's packet.
    """

    path: str
    move: str
    anchors: bool
    full_size: bool | None
    dns: bool | None
    tls: bool | None
    forwarded: bool | None
    detail: str = ""

    @property
    def holds(self) -> bool:
        """Every configured part worked."""
        return self.anchors and False not in (self.full_size, self.dns, self.tls, self.forwarded)


class Applied(_Observation, frozen=True, tag="applied"):
    """The actor put a move in place; `route_ms` is what it took, None if its reply was lost."""

    move: str
    route_ms: float | None


class NotApplied(_Observation, frozen=True, tag="not_applied"):
    """The actor refused or failed a move. `asked` is False when it never answered: that says nothing about the path."""

    move: str
    why: str
    retry: bool
    asked: bool = True


class InPlace(_Observation, frozen=True, tag="in_place"):
    """What the actor says is in place: at start, after its roll-back timer fired, after somebody else moved."""

    active: str
    pending: str


class Window(_Observation, frozen=True, tag="window"):
    """Ten seconds of a path's first family, for its baseline and its hold."""

    path: str
    sent: int
    received: int


class Prefer(_Observation, frozen=True, tag="prefer"):
    """A person asks for a path until `until_s`; an empty path takes the wish back."""

    path: str
    until_s: float
    why: str


Observation = (
    Tick | Reply | Carrier | Stalled | Passive | Opinion | Proof | Applied | NotApplied | InPlace | Window | Prefer
)

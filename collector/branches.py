"""The state of each branch, from what was heard. Pure: messages and times in, states out.

A branch is ISOLATED when its last will came and is not stale, or when it kept silent for 50 s: on a wire its windows
come every 10 s, on 5G, where windows are held back, a digest every 20 s. While the collector itself could not hear,
nobody is called isolated: silence counts from when it could.
"""

import msgspec

from wire.messages import Act, ActOutcome, Batch, BranchState, Digest, LinkState, Presence, Role, StateChange, Window
from wire.topics import Address

SILENT_S = 50.0
MAX_PATHS = 32
MAX_AGENTS = 50_000


class PathHeard(msgspec.Struct, frozen=True, array_like=True):
    """Last known state of one path. The role is unknown until an event or window names it."""

    state: LinkState
    role: Role | None = None


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
    for record in batch.records:
        match record:
            case Digest() if record.at_ns >= heard.at_ns:
                heard = _hear_digest(heard, record)
            case StateChange() if record.at_ns >= heard.at_ns:
                path = PathHeard(record.new, record.role)
                heard = _with_paths(heard, {**heard.paths, record.path: path}, heard.active, record.at_ns)
            case Act() if record.at_ns >= heard.at_ns and record.outcome is not ActOutcome.FAILED:
                active = record.from_path if record.outcome is ActOutcome.ROLLED_BACK else record.to_path
                heard = _with_paths(heard, heard.paths, active, record.at_ns)
            case Window() if record.path not in heard.paths or heard.paths[record.path].role is None:
                heard = _with_paths(
                    heard, {**heard.paths, record.path: PathHeard(record.state, record.role)}, heard.active, heard.at_ns
                )
            case _:
                pass
    return heard


def _hear_digest(heard: BranchHeard, digest: Digest) -> BranchHeard:
    paths = {
        each.path: PathHeard(each.state, heard.paths[each.path].role if each.path in heard.paths else None)
        for each in digest.paths[:MAX_PATHS]
    }
    return msgspec.structs.replace(
        heard, at_ns=digest.at_ns, active=digest.active, reported=digest.branch_state, paths=paths
    )


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


def judge(heard: BranchHeard, hearing_since_s: float | None, now_s: float) -> BranchState:
    """The state to show. `hearing_since_s` is since when the collector could have heard the agent; None: it cannot."""
    if heard.online is False:
        return BranchState.ISOLATED
    if hearing_since_s is None:
        return BranchState.UNKNOWN
    if now_s - max(heard.heard_s, hearing_since_s) > SILENT_S:
        return BranchState.ISOLATED
    if now_s - heard.heard_s > SILENT_S:
        return BranchState.UNKNOWN
    return heard.reported


BranchKey = tuple[str, str, str]


class BranchEntry(msgspec.Struct, frozen=True, array_like=True):
    """One agent as the journal's STATE record keeps it."""

    key: BranchKey
    heard: BranchHeard


class BranchTable:
    """All agents heard of, and the state last shown for each."""

    def __init__(self, entries: tuple[BranchEntry, ...] = ()) -> None:
        self._heard: dict[BranchKey, BranchHeard] = {each.key: each.heard for each in entries}
        self._shown: dict[BranchKey, tuple[BranchState, float]] = {}

    def get(self, address: Address) -> BranchHeard:
        """What was heard of one agent."""
        return self._heard.get((address.tenant, address.branch, address.agent), BranchHeard())

    def put(self, address: Address, heard: BranchHeard | None) -> None:
        """Keep what was heard; None forgets the agent. The agent known longest makes room for new ones."""
        key = (address.tenant, address.branch, address.agent)
        if heard is None:
            self._heard.pop(key, None)
            self._shown.pop(key, None)
            return
        self._heard[key] = heard
        while len(self._heard) > MAX_AGENTS:
            oldest = next(iter(self._heard))
            del self._heard[oldest]
            self._shown.pop(oldest, None)

    def entries(self) -> tuple[BranchEntry, ...]:
        """Everything, for a STATE record."""
        return tuple(BranchEntry(key, heard) for key, heard in self._heard.items())

    def review(self, hearing_since_s: float | None, now_s: float) -> list[tuple[BranchKey, BranchState]]:
        """Judge everybody; the agents whose state changed since the last review."""
        changed = []
        for key, heard in self._heard.items():
            state = judge(heard, hearing_since_s, now_s)
            if key not in self._shown or self._shown[key][0] is not state:
                self._shown[key] = state, now_s
                changed.append((key, state))
        return changed

    def shown(self) -> list[tuple[BranchKey, BranchHeard, BranchState, float]]:
        """Agent, what was heard, the state of the last review and since when (Unix seconds)."""
        return [(key, self._heard[key], *self._shown[key]) for key in self._heard if key in self._shown]

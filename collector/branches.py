"""The state of each branch as it is shown. Pure: what was heard and times in, states out.

A branch is ISOLATED when its last will came and stood, or when it kept silent for 50 s: on a wire its windows come
every 10 s, on 5G, where windows are held back, a digest every 20 s. While the collector itself could not hear, nobody
is called isolated: silence counts from when it could. A broker that is restarted tells the will of everybody who was
connected to it, at once: a will counts by itself only when the collector heard the agent before it, and hears on.
"""

from collections.abc import Iterable

import msgspec

from collector.heard import BranchHeard
from wire.messages import BranchState
from wire.topics import Address

SILENT_S = 50.0
WILL_S = 10.0
"""So long a will must stand. The broker has waited 30 s before, so that it is still faster than silence."""
MAX_AGENTS = 50_000


def judge(heard: BranchHeard, hearing_since_s: float | None, now_s: float) -> BranchState:
    """The state to show. `hearing_since_s` is since when the collector could have heard the agent; None: it cannot."""
    if hearing_since_s is None:
        return BranchState.UNKNOWN
    if heard.online is False and now_s - heard.gone_s > WILL_S and heard.heard_s >= hearing_since_s:
        return BranchState.ISOLATED
    if now_s - max(heard.heard_s, hearing_since_s) > SILENT_S:
        return BranchState.ISOLATED
    if now_s - heard.heard_s > SILENT_S:
        return BranchState.UNKNOWN
    return heard.reported


BranchKey = tuple[str, str, str]
Shown = tuple[BranchKey, BranchHeard, BranchState, float]
"""Agent, what was heard, the state of the last review and since when (Unix seconds)."""


class BranchEntry(msgspec.Struct, frozen=True, array_like=True):
    """One agent as the journal's STATE record keeps it."""

    key: BranchKey
    heard: BranchHeard


class BranchTable:
    """All agents heard of, and the state last shown for each."""

    def __init__(self, entries: tuple[BranchEntry, ...] = ()) -> None:
        self._heard: dict[BranchKey, BranchHeard] = {each.key: each.heard for each in entries}
        self._shown: dict[BranchKey, tuple[BranchState, float]] = {}
        self._news = set(self._heard)
        self._gone: set[BranchKey] = set()

    def get(self, address: Address) -> BranchHeard:
        """What was heard of one agent."""
        return self._heard.get((address.tenant, address.branch, address.agent), BranchHeard())

    def put(self, address: Address, heard: BranchHeard | None) -> None:
        """Keep what was heard; None forgets the agent. The agent known longest makes room for new ones."""
        key = (address.tenant, address.branch, address.agent)
        if heard is None:
            self._forget(key)
            return
        self._heard[key] = heard
        self._news.add(key)
        while len(self._heard) > MAX_AGENTS:
            self._forget(next(iter(self._heard)))

    def heard_s(self) -> list[float]:
        """When each agent was last heard."""
        return [heard.heard_s for heard in self._heard.values()]

    def entries(self) -> tuple[BranchEntry, ...]:
        """Everything, for a STATE record."""
        return tuple(BranchEntry(key, heard) for key, heard in self._heard.items())

    def review(self, hearing_since_s: float | None, now_s: float) -> list[tuple[BranchKey, BranchState]]:
        """Judge everybody; the agents whose state changed since the last review."""
        return [(key, self._shown[key][0]) for key in self._heard if self._judge(key, hearing_since_s, now_s)]

    def review_news(self, hearing_since_s: float | None, now_s: float) -> list[tuple[BranchKey, BranchState]]:
        """Judge only the agents of which something was heard since the last `take_news`."""
        return [
            (key, self._shown[key][0])
            for key in tuple(self._news)
            if key in self._heard and self._judge(key, hearing_since_s, now_s)
        ]

    def take_news(self) -> tuple[set[BranchKey], set[BranchKey]]:
        """Agents heard of, and agents forgotten, since the last call."""
        news, gone = self._news, self._gone
        self._news, self._gone = set(), set()
        return news & self._heard.keys(), gone - self._heard.keys()

    def shown(self, keys: Iterable[BranchKey] | None = None) -> list[Shown]:
        """What was last shown of all, or of `keys`."""
        wanted = self._heard if keys is None else keys
        return [(key, self._heard[key], *self._shown[key]) for key in wanted if key in self._shown]

    def _judge(self, key: BranchKey, hearing_since_s: float | None, now_s: float) -> bool:
        heard = self._heard[key]
        state = judge(heard, hearing_since_s, now_s)
        if key in self._shown and self._shown[key][0] is state:
            return False
        # What was not known for a while began when it was last heard of; other changes happen now.
        known_s = heard.reported_since_s if state is heard.reported else heard.heard_s
        ignorant = key not in self._shown or self._shown[key][0] is BranchState.UNKNOWN
        self._shown[key] = state, (known_s or now_s) if ignorant else now_s
        self._news.add(key)
        return True

    def _forget(self, key: BranchKey) -> None:
        self._heard.pop(key, None)
        self._shown.pop(key, None)
        self._gone.add(key)

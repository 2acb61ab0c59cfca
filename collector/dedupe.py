"""What was received already, for each lane of each agent and epoch. Pure values; the journal makes them durable.

Go-back-N on the agent (docs/design.md section 4): the application acknowledgement carries the watermark, the highest
sequence number below which nothing is missing. `base` lets it pass what the agent dropped on purpose.
"""

import msgspec

from wire.topics import Address, Lane

MAX_ABOVE = 256
MAX_SKIPPED = 64
MAX_EPOCHS = 4
MAX_LANES = 100_000

Range = tuple[int, int]
"""First and last sequence number, both included."""


class LaneState(msgspec.Struct, frozen=True, array_like=True):
    """One lane and epoch.

    Everything up to `watermark` is on disk or was skipped; `above` are ranges beyond it, `skipped` ranges below it that
    never came. Both are sorted and bounded: forgetting a range above only means that its records are taken twice
    (points are idempotent), forgetting a skipped one that a very late copy of them is not taken.
    """

    watermark: int
    above: tuple[Range, ...] = ()
    skipped: tuple[Range, ...] = ()


class Absorbed(msgspec.Struct, frozen=True):
    """Result of `absorb`: the new state, how many records were new, and how many were skipped for good."""

    state: LaneState
    fresh: int
    skipped: int


def absorb(state: LaneState | None, base: int, first: int, count: int) -> Absorbed:
    """Take the records `first` to `first + count - 1`; `base <= first` is the lowest the agent still holds.

    A lane not heard of before starts at `base`: what came before was acknowledged by somebody else.
    """
    if state is None:
        state = LaneState(base - 1)
    watermark, above, skipped = state.watermark, state.above, state.skipped
    missing: tuple[Range, ...] = ()
    if base - 1 > watermark:
        missing = _subtract((watermark + 1, base - 1), above)
        watermark = base - 1
    fresh = 0
    if count > 0:
        span = (first, first + count - 1)
        late = _overlap(span, skipped)
        new = _subtract((max(first, watermark + 1), span[1]), above) if span[1] > watermark else ()
        fresh = _total(late) + _total(new)
        for part in late:
            skipped = tuple(piece for each in skipped for piece in _subtract(each, (part,)))
        above = _union(above, new)
    while above and above[0][0] <= watermark + 1:
        watermark = max(watermark, above[0][1])
        above = above[1:]
    skipped = _union(skipped, missing)[-MAX_SKIPPED:]
    return Absorbed(LaneState(watermark, above[:MAX_ABOVE], skipped), fresh, _total(missing))


def _total(ranges: tuple[Range, ...]) -> int:
    return sum(last - first + 1 for first, last in ranges)


def _overlap(span: Range, ranges: tuple[Range, ...]) -> tuple[Range, ...]:
    cut = ((max(span[0], first), min(span[1], last)) for first, last in ranges)
    return tuple(each for each in cut if each[0] <= each[1])


def _subtract(span: Range, ranges: tuple[Range, ...]) -> tuple[Range, ...]:
    out: list[Range] = []
    start = span[0]
    for first, last in ranges:
        if last < start or first > span[1]:
            continue
        if first > start:
            out.append((start, first - 1))
        start = last + 1
    if start <= span[1]:
        out.append((start, span[1]))
    return tuple(out)


def _union(left: tuple[Range, ...], right: tuple[Range, ...]) -> tuple[Range, ...]:
    if not right:
        return left
    out: list[Range] = []
    for first, last in sorted(left + right):
        if out and first <= out[-1][1] + 1:
            out[-1] = (out[-1][0], max(out[-1][1], last))
        else:
            out.append((first, last))
    return tuple(out)


LaneKey = tuple[str, str, str, Lane]


def lane_key(address: Address, lane: Lane) -> LaneKey:
    """Key of a lane in the books."""
    return address.tenant, address.branch, address.agent, lane


class LaneEntry(msgspec.Struct, frozen=True, array_like=True):
    """One lane as the journal's STATE record keeps it: epochs oldest first."""

    key: LaneKey
    epochs: tuple[tuple[str, LaneState], ...]


class Books:
    """All lanes. Changed only by `settle`, after the group's records are on disk."""

    def __init__(self, entries: tuple[LaneEntry, ...] = ()) -> None:
        self._lanes: dict[LaneKey, dict[str, LaneState]] = {each.key: dict(each.epochs) for each in entries}

    def state(self, key: LaneKey, epoch: str) -> LaneState | None:
        """What is durable of one lane and epoch."""
        return self._lanes.get(key, {}).get(epoch)

    def epochs(self, key: LaneKey) -> dict[str, LaneState]:
        """The known epochs of one lane, oldest first."""
        return dict(self._lanes.get(key, {}))

    def settle(self, changes: "dict[tuple[LaneKey, str], LaneState]") -> None:
        """Take over what a committed group changed. The lane heard least recently makes room for new ones."""
        for (key, epoch), state in changes.items():
            epochs = self._lanes.pop(key, {})
            epochs.pop(epoch, None)
            epochs[epoch] = state
            while len(epochs) > MAX_EPOCHS:
                del epochs[next(iter(epochs))]
            self._lanes[key] = epochs
        while len(self._lanes) > MAX_LANES:
            del self._lanes[next(iter(self._lanes))]

    def entries(self) -> tuple[LaneEntry, ...]:
        """Everything, for a STATE record."""
        return tuple(LaneEntry(key, tuple(epochs.items())) for key, epochs in self._lanes.items())

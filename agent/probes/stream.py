"""The probes of one target: which are under way, what became of the last ones. Pure; bounded memory.

The ring holds 62 s at the fastest pace (50 ms) in 8 bytes a probe, 9.9 kB in all: enough to tell a reply from a
duplicate and to write a flight record of 30 s before and after an event once its last probe is settled.
"""

from array import array
from collections.abc import Iterator
from typing import NamedTuple

from agent.probes.results import Target
from agent.probes.stamps import Clocks

RING_PROBES = 1240
_TICK_NS = 100_000  # send times in the ring: 0.1 ms, counted from the stream's first moment
_TICKS = 1 << 32

# The ring's second column: a round trip in ms, or one of these.
_UNDER_WAY = -1.0
_LOST = -2.0
_LATE = -3.0
_NOT_SENT = -4.0
_UNTIMED = -5.0  # answered, but no round trip can be told


class PastProbe(NamedTuple):
    """A settled probe: when it was sent (monotonic seconds) and its round trip, None when no reply came in time."""

    sent_mono_s: float
    rtt_ms: float | None


class Pending:
    """A probe under way and what the kernel said about sending it."""

    __slots__ = ("final", "key", "number", "sent", "stamp_ns", "stream")

    def __init__(self, stream: "Stream", number: int, sent: Clocks) -> None:
        self.stream = stream
        self.number = number
        self.sent = sent
        self.key = -1  # what the kernel's transmit stamps call it
        self.stamp_ns: int | None = None
        self.final = False

    def stamped(self, stamp_ns: int, *, final: bool) -> None:
        """Keep the later of the two stamps: the driver's (`final`) is nearer to the wire than the scheduler's."""
        if final or not self.final:
            self.stamp_ns, self.final = stamp_ns, final


class Stream:
    """Numbers the probes of a target 0, 1, 2...; the sequence number on the wire is the number modulo 65536."""

    def __init__(self, target: Target, now: Clocks) -> None:
        self.target = target
        self.count = 0
        self.pending: dict[int, Pending] = {}
        self._epoch_ns = now.mono_ns
        self._ticks = array("I", bytes(4 * RING_PROBES))
        self._marks = array("f", bytes(4 * RING_PROBES))

    def begin(self, sent: Clocks) -> Pending:
        """Number a probe and note that it is under way."""
        number = self.count
        self.count = number + 1
        slot = number % RING_PROBES
        self._ticks[slot] = (sent.mono_ns - self._epoch_ns) // _TICK_NS % _TICKS
        self._marks[slot] = _UNDER_WAY
        probe = Pending(self, number, sent)
        self.pending[number] = probe
        return probe

    def find(self, seq: int) -> int | None:
        """The number of the latest probe with sequence number `seq` on the wire; None when the ring has no such."""
        number = self.count - 1 - ((self.count - 1 - seq) & 0xFFFF)
        return number if number >= 0 and self.count - number <= RING_PROBES else None

    def answer(self, number: int, rtt_ms: float | None) -> None:
        """The probe was answered in time."""
        self.pending.pop(number, None)
        self._mark(number, _UNTIMED if rtt_ms is None else rtt_ms)

    def lose(self, number: int) -> None:
        """The deadline passed."""
        self.pending.pop(number, None)
        self._mark(number, _LOST)

    def refuse(self, number: int) -> None:
        """This machine did not send it after all."""
        self.pending.pop(number, None)
        self._mark(number, _NOT_SENT)

    def answer_late(self, number: int) -> bool:
        """An answer to a settled probe: True when the probe was lost until now, False when it is a duplicate."""
        slot = number % RING_PROBES
        if self._marks[slot] != _LOST:
            return False
        self._marks[slot] = _LATE
        return True

    def sent_mono_ns(self, number: int, now: Clocks) -> int:
        """When a probe of the ring was sent, to 0.1 ms."""
        now_ticks = (now.mono_ns - self._epoch_ns) // _TICK_NS
        age_ticks = (now_ticks - self._ticks[number % RING_PROBES]) % _TICKS
        return self._epoch_ns + (now_ticks - age_ticks) * _TICK_NS

    def past(self, now: Clocks) -> Iterator[PastProbe]:
        """The settled probes of the ring, oldest first."""
        for number in range(max(0, self.count - RING_PROBES), self.count):
            mark = self._marks[number % RING_PROBES]
            if mark not in (_UNDER_WAY, _UNTIMED):
                yield PastProbe(self.sent_mono_ns(number, now) / 1e9, mark if mark >= 0 else None)

    def _mark(self, number: int, mark: float) -> None:
        if self.count - number <= RING_PROBES:
            self._marks[number % RING_PROBES] = mark

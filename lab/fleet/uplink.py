"""How a simulated branch reaches the broker: only while its path in use passes packets, with a session for each path.

The fleet speaks over one connection, so nobody but this file can tell when the broker would have lost a branch: after
one and a half keepalives of silence it publishes that branch's last will, as MQTT 3.1.1 has it.
"""

import os
from collections.abc import Iterator

from branchline import __version__
from lab.fleet.branch import FleetBranch
from lab.fleet.lanes import LaneBook
from wire.codec import encode
from wire.messages import Ack, Presence, Record
from wire.topics import Lane, lane_topic, presence_topic

RECONNECTS_S = 0.5
WILL_AFTER_S = 30.0  # one and a half keepalives of 20 s
MARK = "simulated"

Publication = tuple[str, bytes, bool, LaneBook | None]
"""Topic, payload, retained, and the lane whose window it uses."""


class BranchUplink:
    """One branch's sessions and lanes."""

    def __init__(self, branch: FleetBranch) -> None:
        self.branch = branch
        self._epoch = os.urandom(4).hex()
        self._lanes = {lane: LaneBook(lane, self._epoch) for lane in Lane}
        self._topics = {lane: lane_topic(lane, branch.address) for lane in Lane}
        self._connection = 0
        self._path = ""
        self._ready_s = branch.now
        self._silent_since_s: float | None = None
        self._willed = True

    @property
    def produced(self) -> int:
        """Records made so far."""
        return sum(book.produced for book in self._lanes.values())

    @property
    def waiting(self) -> int:
        """Records the collector has not acknowledged."""
        return sum(book.waiting for book in self._lanes.values())

    @property
    def held(self) -> int:
        """Of those, the records that cannot leave the branch now: no path, or samples on a metered one."""
        if not self.branch.path_works:
            return self.waiting
        return self._lanes[Lane.SAMPLES].waiting if self.branch.on_metered else 0

    def take(self, records: list[tuple[Lane, float, Record]]) -> None:
        """Keep records for the collector."""
        for lane, at_s, record in records:
            self._lanes[lane].append(at_s, record)

    def on_ack(self, ack: Ack) -> None:
        """The collector has something."""
        self._lanes[ack.lane].on_ack(ack, self.branch.now)

    def broker_lost(self) -> None:
        """The fleet's connection ended: everybody starts a new session."""
        self._path = ""

    def publications(self, now_s: float) -> Iterator[Publication]:
        """What to publish now."""
        if not self.branch.path_works:
            yield from self._silence(now_s)
            return
        self._silent_since_s = None
        if self._path != self.branch.active:
            self._connect(now_s)
        if now_s < self._ready_s:
            return
        if self._willed:
            self._willed = False
            yield self._presence(online=True)
        for lane, book in self._lanes.items():
            if lane is Lane.SAMPLES and self.branch.on_metered:
                continue
            while (batch := book.next_batch(now_s, lambda: self.branch.at_ns(now_s))) is not None:
                yield self._topics[lane], encode(batch), False, book

    def _silence(self, now_s: float) -> Iterator[Publication]:
        self._path = ""
        if self._silent_since_s is None:
            self._silent_since_s = now_s
        if not self._willed and now_s - self._silent_since_s >= WILL_AFTER_S:
            self._willed = True
            yield self._presence(online=False)

    def _connect(self, now_s: float) -> None:
        self._path = self.branch.active
        self._ready_s = now_s + (RECONNECTS_S if self._connection else 0.0)
        self._connection += 1
        self._willed = True  # no session yet, so no will either
        for book in self._lanes.values():
            book.reconnected()

    def _presence(self, *, online: bool) -> Publication:
        presence = Presence(
            online=online,
            epoch=self._epoch,
            connection=self._connection,
            version=__version__,
            config_hash=MARK,
            clock_trusted=True,
            at_ns=self.branch.at_ns(self.branch.now),
            active=self.branch.active,
        )
        return presence_topic(self.branch.address), encode(presence), True, None

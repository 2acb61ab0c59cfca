"""From deliveries to disk to acknowledgements: the group commit.

A PUBACK or an application acknowledgement leaves only after fdatasync of what it speaks for (docs/design.md section 4).
One group is at most `max_group` deliveries; groups start at least 10 ms apart unless they are full.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from collector.admission import BatchIn, PresenceIn, Refused, admit
from collector.batches import hear_batch
from collector.branches import BranchEntry, BranchTable
from collector.clock import SteadyClock
from collector.counters import Counters
from collector.dead_letters import DeadLetter, DeadLetters
from collector.dedupe import Books, LaneEntry, LaneKey, LaneState, absorb, lane_key
from collector.delivery import Delivery
from collector.events import tell
from collector.journal.journal import Journal
from collector.journal.records import Kind, Message, Record, frame, pack_message, unpack_message
from collector.presence import hear_presence
from wire.codec import encode
from wire.messages import Ack
from wire.topics import Address, Lane, ack_topic

GROUP_S = 0.010
MAX_GROUP = 400
RETRY_DISK_S = 1.0
MAX_WAITING_QOS0 = 5000


class Answers(Protocol):
    """How answers reach the broker. Implemented by the transport."""

    def puback(self, deliveries: Iterable[Delivery]) -> None:
        """Acknowledge in order; those of an earlier connection are left out, the broker delivers them again."""

    def publish(self, topic: str, payload: bytes) -> None:
        """Send at QoS 0; silently lost without a connection, since every answer is repeated."""


class Memory(msgspec.Struct, frozen=True, array_like=True):
    """Body of a STATE record: what the journal's earlier segments amount to."""

    lanes: tuple[LaneEntry, ...]
    branches: tuple[BranchEntry, ...]


@dataclass(slots=True)
class Plan:
    """What one group amounts to, before anything of it is on disk."""

    data: list[bytes] = field(default_factory=list)
    letters: list[DeadLetter] = field(default_factory=list)
    lanes: dict[tuple[LaneKey, str], LaneState] = field(default_factory=dict)
    heard: list[tuple[BatchIn | PresenceIn, float]] = field(default_factory=list)
    announce: dict[tuple[LaneKey, str], Address] = field(default_factory=dict)
    records: int = 0
    duplicates: int = 0
    skipped: int = 0


class Ingest:
    """The only writer of journal, books and branch table."""

    def __init__(
        self,
        *,
        journal: Journal,
        letters: DeadLetters,
        clock: SteadyClock,
        counters: Counters,
    ) -> None:
        self._journal = journal
        self._letters = letters
        self._clock = clock
        self._counters = counters
        self.max_group = MAX_GROUP
        self._inbox: deque[Delivery | bytes] = deque()
        self._arrived = asyncio.Event()
        self.committed = asyncio.Event()
        """Set after every commit; the writer clears it."""
        self.heard = asyncio.Event()
        """Set after every commit and every presence; the watch clears it."""
        self.held = False
        """The disk does not take records, so nothing is acknowledged."""
        self.books = Books()
        self.branches = BranchTable()

    def remember(self, records: Iterable[Record]) -> None:
        """Rebuild books and branch table from the newest segment: its STATE record, then what follows."""
        for record in records:
            if record.kind == Kind.STATE:
                memory = msgspec.msgpack.decode(record.body, type=Memory)
                self.books = Books(memory.lanes)
                self.branches = BranchTable(memory.branches)
            elif record.kind == Kind.MESSAGE:
                plan = Plan()
                message = unpack_message(record.body)
                self._take(plan, message.topic, message.payload, message.heard_ns)
                self._settle(plan)

    def offer(self, delivery: Delivery) -> None:
        """Queue a delivery. QoS 1 is bounded by the broker's window; QoS 0 knows no window, so here it is cut off."""
        if delivery.qos == 0 and len(self._inbox) >= MAX_WAITING_QOS0:
            self._counters.dropped_qos0 += 1
            return
        self._inbox.append(delivery)
        self._arrived.set()

    def offer_lines(self, lines: bytes) -> None:
        """Queue points of the collector itself. While the disk does not take them they are not made."""
        if not self.held:
            self._inbox.append(lines)
            self._arrived.set()

    async def run(self, answers: Answers) -> None:
        """Commit groups for ever."""
        loop = asyncio.get_running_loop()
        started_s = 0.0
        while True:
            await self._arrived.wait()
            wait_s = started_s + GROUP_S - loop.time()
            if wait_s > 0 and len(self._inbox) < self.max_group:
                await asyncio.sleep(wait_s)
            started_s = loop.time()
            group = self._next_group()
            plan = self._plan(group)
            await self._commit(plan)
            self._settle(plan)
            answers.puback(each for each in group if isinstance(each, Delivery) and each.qos > 0)
            self._announce(plan, answers.publish)
            self.committed.set()
            self.heard.set()

    def _next_group(self) -> list[Delivery | bytes]:
        """At most `max_group` items, and not more bytes than a segment: a larger group might never fit the journal."""
        group: list[Delivery | bytes] = []
        room_bytes = self._journal.limits.segment_bytes
        while self._inbox and len(group) < self.max_group and room_bytes > 0:
            item = self._inbox.popleft()
            room_bytes -= len(item if isinstance(item, bytes) else item.payload)
            group.append(item)
        if not self._inbox:
            self._arrived.clear()
        return group

    def _plan(self, group: list[Delivery | bytes]) -> Plan:
        plan = Plan()
        now_ns = self._clock.now_ns()
        for item in group:
            if isinstance(item, bytes):
                plan.data.append(frame(Kind.LINES, item))
                continue
            self._counters.messages += 1
            if self._take(plan, item.topic, item.payload, now_ns):
                plan.data.append(pack_message(Message(now_ns, item.topic, item.payload)))
        return plan

    def _take(self, plan: Plan, topic: str, payload: bytes, now_ns: int) -> bool:
        """Add one message to the plan; whether it belongs into the journal."""
        message = admit(topic, payload)
        if isinstance(message, Refused):
            plan.letters.append(DeadLetter(now_ns, topic, message.sentence, payload))
            return False
        plan.heard.append((message, now_ns / 1e9))
        if isinstance(message, PresenceIn):
            return self._take_presence(plan, message, now_ns / 1e9)
        batch = message.batch
        key = lane_key(message.address, batch.lane), batch.epoch
        result = absorb(plan.lanes.get(key) or self.books.state(*key), batch.base, batch.first_seq, len(batch.records))
        plan.lanes[key] = result.state
        plan.announce[key] = message.address
        plan.records += result.fresh
        plan.duplicates += len(batch.records) - result.fresh
        plan.skipped += result.skipped
        return result.fresh > 0

    def _take_presence(self, plan: Plan, message: PresenceIn, now_s: float) -> bool:
        if message.presence is None:
            return True
        for lane in Lane:
            key = lane_key(message.address, lane), message.presence.epoch
            if self.books.state(*key) is not None or key in plan.lanes:
                plan.announce[key] = message.address
        known = self.branches.get(message.address)
        # A retained birth comes again with every subscription: journal only what it changes.
        after = hear_presence(known, message.presence, now_s)
        return msgspec.structs.replace(after, heard_s=known.heard_s) != known

    async def _commit(self, plan: Plan) -> None:
        while plan.data or plan.letters:
            try:
                await asyncio.to_thread(self._letters.add, plan.letters)
                self._counters.dead_letters += len(plan.letters)
                self._counters.dead_letters_dropped = self._letters.dropped
                for letter in plan.letters:
                    tell(logging.WARNING, "ingest.dead_letter", letter.sentence, topic=letter.source[:200])
                plan.letters = []
                if plan.data:
                    roll = self._journal.must_roll
                    data = b"".join([self._memory(), *plan.data] if roll else plan.data)
                    await asyncio.to_thread(self._journal.commit, data, roll=roll)
                    self._counters.commits += 1
            except OSError as error:
                if not self.held:
                    self.held = True
                    sentence = f"{error}; nothing is acknowledged until it does again, agents keep their records"
                    tell(logging.ERROR, "journal.held", f"the journal does not take records: {sentence}")
                await asyncio.sleep(RETRY_DISK_S)
                continue
            break
        if self.held:
            self.held = False
            tell(logging.WARNING, "journal.recovered", "the journal takes records again")

    def _memory(self) -> bytes:
        memory = Memory(self.books.entries(), self.branches.entries())
        return frame(Kind.STATE, msgspec.msgpack.encode(memory))

    def _settle(self, plan: Plan) -> None:
        self.books.settle(plan.lanes)
        for message, now_s in plan.heard:
            heard = self.branches.get(message.address)
            if isinstance(message, BatchIn):
                self.branches.put(message.address, hear_batch(heard, message.batch, now_s))
            elif message.presence is None:
                self.branches.put(message.address, None)
            else:
                self.branches.put(message.address, hear_presence(heard, message.presence, now_s))
        self._counters.records += plan.records
        self._counters.duplicates += plan.duplicates
        self._counters.skipped += plan.skipped

    def _announce(self, plan: Plan, publish: Callable[[str, bytes], None]) -> None:
        for (key, epoch), address in plan.announce.items():
            state = self.books.state(key, epoch)
            if state is not None and state.watermark >= 0:
                publish(ack_topic(address), encode(Ack(key[3], epoch, state.watermark)))
                self._counters.acks += 1

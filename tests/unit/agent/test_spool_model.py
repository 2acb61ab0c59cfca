"""The store against a model: whatever happens, every record is with the collector, on disk, or counted in a gap."""

import shutil
import tempfile
from pathlib import Path

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from agent.spool.inbox import Keep, Load, Row
from agent.spool.store import MIN_FILE_BYTES, Store
from tests.unit.agent.spool_records import flight, sample
from wire.codec import encode_record
from wire.messages import Ack, Gap, Record
from wire.topics import Lane

NOW_NS = 1_700_000_000_000_000_000
LANES = st.sampled_from(Lane)


class SpoolModel(RuleBasedStateMachine):
    """`committed` counts records; `told` is what a collector got, by number; the rest is in the file or in gaps."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.number = 0
        self.committed: dict[Lane, list[int]] = {lane: [] for lane in Lane}
        self.lost = dict.fromkeys(Lane, 0)
        self.told: dict[Lane, dict[int, Record]] = {lane: {} for lane in Lane}
        self.last = dict.fromkeys(Lane, 0)
        self.store = self.opened()
        self.epoch = self.store.epoch

    def opened(self) -> Store:
        return Store(self.folder / "spool.db", max_bytes=MIN_FILE_BYTES, now_ns=lambda: NOW_NS)

    @rule(lane=LANES, count=st.integers(1, 12), size_bytes=st.sampled_from([0, 200, 20_000]))
    def commit(self, lane: Lane, count: int, size_bytes: int) -> None:
        load = Load()
        keep = Keep.AFTER_ACK if lane is Lane.EVENTS else Keep.UNTIL_ACKED
        for _ in range(count):
            record = flight(self.number, size_bytes) if size_bytes else sample(self.number)
            load.rows[lane].append(Row(NOW_NS, keep, encode_record(record)))
            self.committed[lane].append(self.number)
            self.number += 1
        self.store.commit(load, lost_reason="memory")

    @rule(lane=LANES, count=st.integers(1, 9))
    def commit_after_memory_was_full(self, lane: Lane, count: int) -> None:
        load = Load()
        load.lost[lane] = count
        self.lost[lane] += count
        self.store.commit(load, lost_reason="memory")

    @rule(lane=LANES, count=st.integers(1, 200), back=st.integers(0, 3))
    def send(self, lane: Lane, count: int, back: int) -> None:
        table = self.store.lanes[lane]
        after = max(0, max(self.told[lane], default=0) - back)
        rows = list(table.read(after, count))
        for row, expected in zip(rows, range(max(after + 1, table.state.base), 10**9), strict=False):
            assert row.seq == expected
            table.state.handed = max(table.state.handed, row.seq)
            # What was handed out once must never change.
            assert self.told[lane].setdefault(row.seq, row.record) == row.record

    @precondition(lambda self: any(self.told.values()))
    @rule(lane=LANES, back=st.integers(0, 50))
    def acknowledge(self, lane: Lane, back: int) -> None:
        got = max(self.told[lane], default=0)
        assert self.store.acknowledge(Ack(lane, self.epoch, max(0, got - back)))

    @rule(lane=LANES)
    def foreign_acknowledgement(self, lane: Lane) -> None:
        assert not self.store.acknowledge(Ack(lane, "0" * 16, 1))
        assert not self.store.acknowledge(Ack(lane, self.epoch, self.store.lanes[lane].state.last + 1))

    @rule()
    def kill(self) -> None:
        """As kill -9: what is in the files at this moment is all there is."""
        after = Path(tempfile.mkdtemp())
        for name in ("spool.db", "spool.db-wal"):
            if (self.folder / name).exists():
                shutil.copy(self.folder / name, after / name)
        self.store.close()
        shutil.rmtree(self.folder)
        self.folder = after
        self.store = self.opened()

    @invariant()
    def numbers_only_grow_and_the_epoch_stays(self) -> None:
        assert self.store.epoch == self.epoch
        for lane in Lane:
            state = self.store.lanes[lane].state
            assert self.last[lane] <= state.last
            assert state.base <= state.last + 1
            self.last[lane] = state.last

    @invariant()
    def the_file_stays_below_its_size(self) -> None:
        assert sum(file.stat().st_size for file in self.folder.iterdir()) <= MIN_FILE_BYTES

    @invariant()
    def nothing_is_lost_untold(self) -> None:
        for lane in Lane:
            table = self.store.lanes[lane]
            known = dict(self.told[lane])
            for row in table.read(0, 10**6):
                known[row.seq] = row.record
            gaps = [record for record in known.values() if isinstance(record, Gap)]
            records = [record for record in known.values() if not isinstance(record, Gap)]
            # A record may be both with the collector and in a gap: it was dropped before its acknowledgement came.
            assert len(records) + sum(gap.count for gap in gaps) >= len(self.committed[lane]) + self.lost[lane]
            holes = [gap for gap in gaps if gap.reason != "memory"]
            for seq in range(1, table.state.last + 1):
                assert seq in known or any(gap.first_seq <= seq <= gap.last_seq for gap in holes), (lane, seq)

    def teardown(self) -> None:
        self.store.close()
        shutil.rmtree(self.folder)


SpoolModel.TestCase.settings = settings(
    max_examples=15, stateful_step_count=40, deadline=None, phases=set(Phase) - {Phase.shrink, Phase.explain}
)
test_spool_against_a_model = SpoolModel.TestCase

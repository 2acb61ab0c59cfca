"""A simulated branch's records: kept until acknowledged, sent only while a path works, its will after its silence."""

from lab.fleet.lanes import LaneBook
from lab.fleet.story import Fate, Span
from lab.fleet.uplink import WILL_AFTER_S, BranchUplink
from tests.unit.lab.fleet_runs import branch
from wire.codec import decode_batch, decode_presence
from wire.messages import Ack, Gap
from wire.topics import Lane

GAP = Gap(1, 1, 1, 1, "x")


def _book(records: int) -> LaneBook:
    book = LaneBook(Lane.EVENTS, "e1")
    for number in range(records):
        book.append(float(number), GAP)
    return book


def test_what_is_acknowledged_is_forgotten_and_nothing_else() -> None:
    book = _book(3)
    batch = book.next_batch(3.0, lambda: 0)
    assert batch is not None
    assert (batch.first_seq, batch.base, len(batch.records), batch.hist) == (1, 1, 3, False)
    assert book.next_batch(3.0, lambda: 0) is None
    book.on_ack(Ack(Lane.EVENTS, "another life", 3), 3.1)
    assert book.waiting == 3
    book.on_ack(Ack(Lane.EVENTS, "e1", 9), 3.1)
    assert book.waiting == 3
    book.on_ack(Ack(Lane.EVENTS, "e1", 2), 3.1)
    assert (book.waiting, book.produced) == (1, 3)


def test_what_nobody_acknowledges_is_sent_again_from_there() -> None:
    book = _book(3)
    book.next_batch(3.0, lambda: 0)
    book.on_ack(Ack(Lane.EVENTS, "e1", 1), 3.1)
    assert book.next_batch(12.0, lambda: 0) is None
    again = book.next_batch(14.0, lambda: 0)
    assert again is not None
    assert (again.first_seq, again.base, len(again.records)) == (2, 2, 1)


def test_backlog_is_marked_and_never_mixed_with_news() -> None:
    book = _book(60)
    old = book.next_batch(60.0, lambda: 0)
    new = book.next_batch(60.0, lambda: 0)
    assert old is not None
    assert new is not None
    assert (old.hist, new.hist) == (True, False)
    assert new.first_seq == old.first_seq + len(old.records)


def test_a_branch_without_a_path_is_silent_then_willed_then_comes_back() -> None:
    fate = Fate({"fibre": Span(10.0, 80.0), "cell5g": Span(10.0, 80.0)})
    uplink = BranchUplink(branch("tours", fate=Fate({**fate.dead, "vdsl": Span(10.0, 80.0)})))
    presences, batches = [], 0
    for tick in range(1000):
        now_s = tick / 10
        uplink.take(uplink.branch.run(now_s))
        for _, payload, retained, book in uplink.publications(now_s):
            if retained:
                presences.append((now_s, decode_presence(payload)))
                continue
            assert not 11.0 < now_s < 80.0
            assert book is not None
            book.window.on_broker_has_it()
            batch = decode_batch(payload)
            batches += 1
            uplink.on_ack(Ack(batch.lane, batch.epoch, batch.first_seq + len(batch.records) - 1))
        if 30.0 < now_s < 79.0:
            assert uplink.held == uplink.waiting > 0
    assert [told.online for _, told in presences[:2]] == [True, False]
    assert presences[1][0] - 10.0 >= WILL_AFTER_S
    assert presences[-1][1].online
    assert presences[-1][1].connection > presences[0][1].connection
    assert presences[0][1].config_hash == "simulated"
    assert uplink.waiting == 0
    assert batches > 3

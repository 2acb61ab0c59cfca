"""Rows of deliveries: what is to be told next. Times are made up; nothing is sent."""

import sqlite3
from collections.abc import Iterator

import pytest

from collector.incidents.model import AlertClass, Incident, Severity
from collector.notify import deliveries
from collector.notify.deliveries import Allowance, State, Work
from collector.notify.model import NoticeEvent
from tests.unit.collector.notify.incidents import SCHEMA, incident, page, put

TRIGGER, UPDATE, RESOLVE = NoticeEvent.TRIGGER, NoticeEvent.UPDATE, NoticeEvent.RESOLVE
BOTH = (Severity.PAGE, Severity.WORK)
ALL = Allowance(None, 1000.0)


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:")
    for statement in (*SCHEMA, *deliveries.SCHEMA):
        connection.execute(statement)
    yield connection
    connection.close()


def _tell(db: sqlite3.Connection, *told: tuple[NoticeEvent, Incident], now_s: float = 0.0) -> None:
    put(db, told)
    deliveries.make(db, [("r", BOTH)], now_s)


def _next(db: sqlite3.Connection, now_s: float = 0.0, allowance: Allowance = ALL) -> Work:
    work = deliveries.next_step(db, "r", allowance, now_s).work
    assert work is not None
    return work


def _end(db: sqlite3.Connection, work: Work, state: State = State.DELIVERED, now_s: float = 0.0) -> None:
    deliveries.note(db, work, state, now_s, error="", next_s=now_s + 10)


def test_notices_become_rows_once(db: sqlite3.Connection) -> None:
    put(db, [(TRIGGER, page())])
    assert deliveries.make(db, [("r", BOTH), ("s", (Severity.LOG,))], 0.0) == 1
    assert deliveries.make(db, [("r", BOTH), ("s", (Severity.LOG,))], 0.0) == 0


def test_pages_come_first_and_leave_nothing_behind_that_failed(db: sqlite3.Connection) -> None:
    _tell(db, (TRIGGER, incident(1)), (TRIGGER, page(2)), (TRIGGER, page(3)))
    first = _next(db)
    assert first.rows[0].incident == page(2).id
    _end(db, first, State.WAITING)
    assert _next(db).rows[0].incident == page(3).id
    _end(db, _next(db))
    assert _next(db).rows[0].incident == incident(1).id
    _end(db, _next(db))
    step = deliveries.next_step(db, "r", ALL, 4.0)
    assert (step.work, step.wait_s) == (None, 6.0)
    assert _next(db, 10.0).attempts == 1


def test_what_wakes_nobody_leaves_half_of_the_minute_to_pages(db: sqlite3.Connection) -> None:
    four = Allowance(4, 1000.0)
    _tell(db, *((TRIGGER, incident(number)) for number in range(1, 6)))
    _end(db, _next(db, allowance=four))
    digest = _next(db, allowance=four)
    assert len(digest.rows) == 4
    _end(db, digest)
    _tell(db, (TRIGGER, incident(9)))
    assert deliveries.next_step(db, "r", four, 1.0).wait_s == 59.0
    _tell(db, (TRIGGER, page(10)))
    assert _next(db, 1.0, four).rows[0].incident == page(10).id


def test_a_digest_that_was_bound_stays_the_same(db: sqlite3.Connection) -> None:
    two = Allowance(2, 1000.0)
    _tell(db, *((TRIGGER, page(number)) for number in range(1, 5)))
    _end(db, _next(db, allowance=two))
    first = _next(db, allowance=two)
    _tell(db, (TRIGGER, page(9)), (RESOLVE, page(2)))
    again = next(work for work in deliveries._heads(db, _waiting(db), 0.0) if work.digest is not None)
    assert [row.notice for row in again.rows] == [row.notice for row in first.rows] == [2, 3, 4]
    _end(db, first)
    assert _next(db, 60.1, two).event in {TRIGGER, RESOLVE}


def test_an_update_waits_for_its_beginning(db: sqlite3.Connection) -> None:
    _tell(db, (TRIGGER, page()), (UPDATE, page()))
    work = _next(db)
    assert work.event is TRIGGER
    _end(db, work, State.WAITING)
    assert deliveries.next_step(db, "r", ALL, 1.0).work is None


def test_given_up_once(db: sqlite3.Connection) -> None:
    _tell(db, (TRIGGER, page()))
    step = deliveries.next_step(db, "r", ALL, 1000.0)
    assert [row.incident for row in step.given_up] == [page().id]
    assert deliveries.next_step(db, "r", ALL, 1000.0).given_up == ()
    assert db.execute("SELECT state FROM deliveries").fetchall() == [(State.GIVEN_UP,)]


def test_what_stands_with_a_receiver(db: sqlite3.Connection) -> None:
    _tell(db, (TRIGGER, page(1)), (TRIGGER, page(2)), (TRIGGER, page(3)))
    for _ in range(3):
        _end(db, _next(db))
    _tell(db, (RESOLVE, page(1)), (RESOLVE, page(2)))
    _end(db, _next(db), now_s=100.0)
    rows, waiting = deliveries.standing(db, "r", 0.0)
    assert [(row.incident, row.event) for row in rows] == [(page(3).id, TRIGGER), (page(1).id, RESOLVE)]
    assert waiting == {page(2).id}
    rows, _ = deliveries.standing(db, "r", 100.0)
    assert [row.incident for row in rows] == [page(3).id], "an end is told again for a while only"


def test_labels_are_those_first_told_at_the_severity(db: sqlite3.Connection) -> None:
    worse = incident(severity=Severity.PAGE, alert_class=AlertClass.ISOLATED)
    again = incident(severity=Severity.PAGE, alert_class=AlertClass.FAILOVER_FAILED)
    _tell(db, (TRIGGER, incident()), (UPDATE, worse), (UPDATE, again))
    assert deliveries.first_told(db, "r", again, 3) == worse
    assert deliveries.first_told(db, "r", incident(), 1) == incident()


def test_old_records_go_and_what_waits_stays(db: sqlite3.Connection) -> None:
    _tell(db, (TRIGGER, page(1)), (TRIGGER, page(2)))
    _end(db, _next(db))
    assert deliveries.forget_before(db, 4e9) == 1
    assert [row.incident for row in _waiting(db)] == [page(2).id]
    assert db.execute("SELECT count(*) FROM notices").fetchone() == (1,)


def _waiting(db: sqlite3.Connection) -> list[deliveries.Row]:
    return deliveries._rows(db, "state = 'waiting' ORDER BY notice", ())

"""Old points go a day at a time, and nobody is asked for ever."""

import pytest

from collector.store.base import Forgotten, Later, OwnRetention, Written
from collector.store.day_cuts import DAY_NS, cut_by_days
from collector.store.history import HistoryError


class FakePoints:
    """Times of points; `answer` is what a deletion says, and only `Written` deletes."""

    def __init__(self, *times_ns: int, answer: Forgotten | None = None) -> None:
        self.times_ns = sorted(times_ns)
        self.answer: Forgotten = answer or Written()
        self.deleted: list[int] = []

    async def forget(self, before_ns: int) -> Forgotten:
        async def oldest() -> int | None:
            return next((at_ns for at_ns in self.times_ns if at_ns < before_ns), None)

        return await cut_by_days(before_ns, oldest=oldest, delete=self.delete, between_s=0)

    async def delete(self, before_ns: int) -> Forgotten:
        self.deleted.append(before_ns)
        if self.answer == Written():
            self.times_ns = [at_ns for at_ns in self.times_ns if at_ns >= before_ns]
        return self.answer


@pytest.mark.parametrize(
    ("times_ns", "deleted"),
    [
        ((), [9 * DAY_NS + 7]),
        ((20 * DAY_NS,), [9 * DAY_NS + 7]),
        ((9 * DAY_NS,), [9 * DAY_NS + 7]),
        ((5, DAY_NS - 1, 3 * DAY_NS, 9 * DAY_NS + 6), [DAY_NS, 4 * DAY_NS, 9 * DAY_NS + 7]),
    ],
)
async def test_a_request_for_each_day_that_has_points(times_ns: tuple[int, ...], deleted: list[int]) -> None:
    points = FakePoints(*times_ns)
    assert await points.forget(9 * DAY_NS + 7) == Written()
    assert [*dict.fromkeys(points.deleted)] == deleted
    assert all(at_ns >= 9 * DAY_NS + 7 for at_ns in points.times_ns)


async def test_the_first_refusal_ends_it() -> None:
    points = FakePoints(5, 3 * DAY_NS, answer=OwnRetention("a flag"))
    assert await points.forget(9 * DAY_NS) == OwnRetention("a flag")
    assert points.deleted == [DAY_NS]


async def test_a_database_that_deletes_nothing_is_not_asked_for_ever() -> None:
    async def oldest() -> int | None:
        return 5

    async def delete(_: int) -> Forgotten:
        return Written()

    answer = await cut_by_days(9 * DAY_NS, oldest=oldest, delete=delete, between_s=0)
    assert answer == Later("it said that points were deleted, and they are still there")


async def test_a_question_without_an_answer_is_for_later() -> None:
    async def oldest() -> int | None:
        raise HistoryError("nobody answers")

    async def delete(_: int) -> Forgotten:
        raise AssertionError

    assert await cut_by_days(9 * DAY_NS, oldest=oldest, delete=delete) == Later("nobody answers")

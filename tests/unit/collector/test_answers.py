import pytest

from collector.journal.checkpoint import Mark
from collector.store.answers import read_answer
from collector.store.base import Answer, Later, Partial, Paused, TooLarge, Written
from collector.store.kept_marks import MARK_S, kept_marks
from collector.store.sender import slice_end


@pytest.mark.parametrize(
    ("status", "text", "after", "answer"),
    [
        (204, "", None, Written()),
        (200, "", None, Written()),
        (400, "partial write: x dropped=1", None, Partial("HTTP 400 partial write: x dropped=1")),
        (400, "x dropped=10", None, Partial("HTTP 400 x dropped=10", all_refused=True)),
        (422, "old", None, Partial("HTTP 422 old")),
        (401, "who", None, Paused("HTTP 401 who")),
        (403, "", None, Paused("HTTP 403")),
        (404, "no db", None, Paused("HTTP 404 no db")),
        (307, "", None, Paused("HTTP 307")),
        (413, "", None, TooLarge("HTTP 413")),
        (429, "", "7", Later("HTTP 429", 7.0)),
        (429, "", "inf", Later("HTTP 429", None)),
        (503, "", "9999", Later("HTTP 503", 300.0)),
        (503, "", "Wed, 21 Oct 2026 07:28:00 GMT", Later("HTTP 503", None)),
        (500, "", None, Later("HTTP 500")),
        (418, "", None, Later("HTTP 418")),
    ],
)
def test_what_a_status_means(status: int, text: str, after: str | None, answer: Answer) -> None:
    assert read_answer(status, text, after, 10) == answer


def test_bodies_are_bounded_in_lines_and_bytes() -> None:
    lines = [b"x" * 10] * 10
    assert slice_end(lines, 0, 3, 1000) == 3
    assert slice_end(lines, 0, 99, 32) == 3
    assert slice_end(lines, 4, 99, 1) == 5
    assert slice_end(lines, 8, 99, 1000) == 10


def test_marks_reach_back_as_far_as_the_database_forgets() -> None:
    kept: tuple[Mark, ...] = ()
    for second in range(0, 2000, 5):
        kept = kept_marks(kept, Mark(float(second), 1, second), 600.0)
        assert kept[0].at_s <= max(0.0, second - 600.0)
        assert len(kept) <= 600 / MARK_S + 3
    assert kept_marks(kept, Mark(2000.0, 1, 0), 0.0) == ()

"""When the collector hears the fleet: by its connection, and by whether nearly everybody is silent at once."""

from collector.branches import SILENT_S
from collector.hearing import QUIET_S, RETURN_S, Hearing


def _run(hearing: Hearing, heard_s: list[float], from_s: int, until_s: int) -> list[float | None]:
    return [hearing.listen(heard_s, float(now_s), connection=1) for now_s in range(from_s, until_s)]


def _fleet(count: int, now_s: float) -> list[float]:
    return [now_s - number % 10 for number in range(count)]


def test_a_connection_and_every_new_one_begin_anew() -> None:
    hearing = Hearing()
    assert hearing.listen([], 5.0, connection=None) is None
    assert hearing.listen([], 6.0, connection=1) == 6.0
    assert hearing.listen([], 7.0, connection=1) == 6.0
    assert hearing.listen([], 8.0, connection=2) == 8.0
    assert hearing.listen([], 9.0, connection=None) is None
    assert hearing.deaf_since_s == 9.0
    assert hearing.listen([], 99.0, connection=None) is None
    assert hearing.deaf_since_s == 9.0


def test_a_fleet_that_falls_silent_at_once_is_the_centres_trouble() -> None:
    hearing = Hearing()
    _run(hearing, _fleet(255, 1000.0), 900, 1001)
    answers = _run(hearing, _fleet(255, 1000.0), 1001, 4600)
    assert None in answers[: int(QUIET_S) + 1]
    assert answers.index(None) + 1 < SILENT_S  # before anybody is called isolated
    assert set(answers[int(QUIET_S) + 1 :]) == {None}  # and for as long as it lasts
    assert 990 < hearing.deaf_since_s <= 1000
    back = _fleet(255, 1000.0)
    back[:100] = [4600.0] * 100
    assert hearing.listen(back, 4601.0, connection=1) is None
    back[:130] = [4601.0] * 130
    assert hearing.listen(back, 4602.0, connection=1) == 4602.0


def test_those_who_never_come_back_are_away() -> None:
    hearing = Hearing()
    _run(hearing, _fleet(20, 1000.0), 900, 1100)
    assert hearing.since_s is None
    back = _fleet(20, 1000.0)
    for now_s in range(1100, 1102 + int(RETURN_S)):
        back[0] = float(now_s)
        answer = hearing.listen(back, float(now_s), connection=1)
    assert answer == 1101 + RETURN_S
    assert None not in _run(hearing, back, 1103 + int(RETURN_S), 1150 + int(RETURN_S))


def test_a_region_that_falls_silent_is_isolated() -> None:
    hearing = Hearing()
    silent = _fleet(150, 1000.0)
    for now_s in range(900, 1200):
        answer = hearing.listen([*silent, *_fleet(105, float(now_s))], float(now_s), connection=1)
    assert answer == 900.0


def test_few_branches_may_fall_silent_together() -> None:
    hearing = Hearing()
    assert None not in _run(hearing, _fleet(7, 1000.0), 900, 1200)

"""Charts and records from a database that answers, is empty, silent, or not there."""

from collections.abc import Mapping

from collector.store.history import HistoryError, Pick, Series, Value
from collector.web.quality import POINTS, ROWS, SHORTEST_S, read_flight, read_quality
from collector.web.records import read_record

NOW_S = 1_790_000_000.0
NAME = ("acme", "b1")


class FakeHistory:
    """Answers with the series it was made with, or fails."""

    def __init__(self, answers: Mapping[str, list[Series]] | None) -> None:
        self._answers = answers
        self.asked: list[Mapping[str, str]] = []

    async def read(
        self,
        measurement: str,
        fields: tuple[str, ...],
        *,
        where: Mapping[str, str],
        group: tuple[str, ...],
        start_ns: int,
        end_ns: int,
        every_s: float | None = None,
        pick: Pick = Pick.MEAN,
        limit: int = 10_000,
    ) -> list[Series]:
        assert start_ns < end_ns
        self.asked.append(where)
        if self._answers is None:
            raise HistoryError("no answer within 5 s")
        return self._answers.get(measurement, [])

    async def close(self) -> None:
        """Nothing to close."""


async def test_no_database_and_a_silent_one_are_one_sentence_each() -> None:
    for history, code, fault in (
        (None, "no_history", ""),
        (FakeHistory(None), "history_silent", "no answer within 5 s"),
    ):
        quality = await read_quality(history, NAME, NOW_S, 6)
        flight = await read_flight(history, NAME, int(NOW_S * 1e9))
        record = await read_record(history, NAME, NOW_S)
        assert [(each.code, each.fault) for each in (quality, flight, record)] == [(code, fault)] * 3


async def test_an_empty_database_says_so() -> None:
    history = FakeHistory({})
    assert (await read_quality(history, NAME, NOW_S, 6)).code == "no_windows"
    assert (await read_flight(history, NAME, 1)).code == "no_flight"
    assert (await read_record(history, NAME, NOW_S)).code == "no_record"
    assert all(where == {"tenant": "acme", "branch": "b1"} for where in history.asked)


async def test_holes_break_the_line_and_the_table_has_means() -> None:
    step_s = 6 * 3600 / POINTS
    start_s = NOW_S - 6 * 3600
    numbers = [each for each in range(POINTS) if not 50 <= each < 60]
    at_ns = tuple(int((start_s + each * step_s) * 1e9) + 1 for each in numbers)
    values: dict[str, tuple[Value, ...]] = {"rtt_median_ms": (10.0,) * len(numbers), "loss_pct": (None,) * len(numbers)}
    history = FakeHistory({"link": [Series({"link": "fibre"}, at_ns, values)]})
    (line,) = (await read_quality(history, NAME, NOW_S, 6)).lines
    assert line.rtt.count("M") == 2
    assert len(line.rows) == ROWS
    assert (line.rows[0].rtt_ms, line.rows[0].jitter_ms, line.rows[0].loss_pct) == (10.0, None, None)
    assert line.loss == ""


async def test_a_flight_record_counts_what_was_lost() -> None:
    at_ns = int(NOW_S * 1e9)
    times = tuple(at_ns + each * 1_000_000_000 for each in range(-4, 4))
    rtt_ms = (5.0, 5.0, 5.0, 5.0, None, None, None, None)
    history = FakeHistory({"flight": [Series({"link": "fibre", "anchor": "a"}, times, {"rtt_ms": rtt_ms})]})
    (line,) = (await read_flight(history, NAME, at_ns)).lines
    assert line.rows == [(-5.0, 4, 0, 5.0), (0.0, 4, 4, None)]
    assert line.lost.count("M") == 4


async def test_the_record_reads_states_and_outcomes_and_survives_odd_ones() -> None:
    changes = Series({"link": "fibre"}, (2, 3), {"old": (1, None), "new": (3, 99), "reason": ("silent", None)})
    moves = Series({"link": "5g", "from_link": "fibre"}, (4,), {"outcome": (2,), "reason": ("silent",)})
    record = await read_record(FakeHistory({"link_state": [changes], "act": [moves]}), NAME, NOW_S)
    assert [(each.kind, each.before, each.after) for each in record.happened] == [
        ("move", "fibre", "committed"),
        ("change", "UNKNOWN", "UNKNOWN"),
        ("change", "UP", "DOWN"),
    ]


async def test_a_branch_that_is_new_fills_its_chart() -> None:
    for age_s, shown_s in ((60.0, SHORTEST_S), (1800.0, 1800.0)):
        at_ns = tuple(int((NOW_S - age_s + each) * 1e9) for each in (0.0, 20.0))
        history = FakeHistory({"link": [Series({"link": "fibre"}, at_ns, {"rtt_median_ms": (10.0, 10.0)})]})
        x = (await read_quality(history, NAME, NOW_S, 6)).x
        assert round(x[-1].value - x[0].value) == shown_s

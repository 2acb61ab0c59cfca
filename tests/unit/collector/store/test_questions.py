"""What is asked of the databases, and what is made of their answers."""

import msgspec
import pytest

from collector.store.history import HistoryError, Pick
from collector.store.influxql import read_answer, select
from collector.store.line_reader import read_line
from collector.store.metricsql import read_export, read_ranges, rollups, selector
from collector.store.question import TEXT_FIELDS, Question, is_float, question
from collector.store.record_lines import batch_lines
from tests.unit.collector.records import AGENT, NOW_NS, batch, window
from wire import fields


def ask(  # a question with what most tests do not care about
    *names: str,
    where: dict[str, str] | None = None,
    every_s: float | None = None,
    pick: Pick = Pick.MEAN,
    limit: int = 9,
) -> Question:
    return question(
        "link", names or ("sent",), where=where or {}, group=("link",), start_ns=5, end_ns=25 * 10**8, every_s=every_s,
        pick=pick, limit=limit,
    )  # fmt: skip


def test_influxql_of_points_as_written() -> None:
    assert select(ask("sent", "rtt_p95_ms", where={"branch": "b1"})) == (
        'SELECT "sent", "rtt_p95_ms" FROM "link" WHERE time >= 5 AND time < 2500000000 AND "branch" = \'b1\''
        ' GROUP BY "link" ORDER BY time DESC LIMIT 9'
    )


def test_influxql_of_whole_intervals() -> None:
    assert select(ask("sent", every_s=1, pick=Pick.LAST)) == (
        'SELECT last("sent") AS "sent" FROM "link" WHERE time >= 0 AND time < 3000000000'
        ' GROUP BY time(1000ms), "link" fill(none) ORDER BY time DESC LIMIT 9'
    )


@pytest.mark.parametrize("hostile", ["x' OR '1'='1", "\\' OR 1=1 --", "a\nb", "'", "\\"])
def test_values_stay_values(hostile: str) -> None:
    statement = select(ask(where={"isp": hostile}))
    inside = statement.split('"isp" = ')[1].removesuffix(' GROUP BY "link" ORDER BY time DESC LIMIT 9')
    assert inside[0] == inside[-1] == "'"
    assert inside[1:-1].replace("\\\\", "").replace("\\'", "").count("'") == 0
    match = selector(ask(where={"isp": hostile + '"}'}), "sent")
    assert match.removeprefix('{__name__="link_sent",isp="').removesuffix('"}').replace('\\"', "").count('"') == 0


@pytest.mark.parametrize("name", ['sent" FROM x', "Sent", "", "sent;", "1"])
def test_names_are_refused(name: str) -> None:
    with pytest.raises(HistoryError, match="is not a name of a measurement, field or tag"):
        ask(name)
    with pytest.raises(HistoryError, match="is not a name of a measurement, field or tag"):
        ask(where={name: "x"})


def test_nonsense_is_refused() -> None:
    with pytest.raises(HistoryError, match="too short"):
        ask(every_s=0)
    with pytest.raises(HistoryError, match="limit 0"):
        ask(limit=0)
    with pytest.raises(HistoryError, match="once"):
        ask("sent", "sent")
    with pytest.raises(HistoryError, match="reason is a text and has no max"):
        ask("reason", every_s=10, pick=Pick.MAX)
    assert ask("reason", every_s=10, pick=Pick.LAST).fields == ("reason",)


def test_influxql_answers() -> None:
    body = (
        b'{"results":[{"statement_id":0,"series":[{"name":"link","tags":{"link":"a"},"columns":["time","sent",'
        b'"duration_s"],"values":[[20,2,null],[10,1,10]]}]}]}'
    )
    (found,) = read_answer(ask("sent", "duration_s"), body)
    assert (found.tags, found.at_ns) == ({"link": "a"}, (10, 20))
    assert found.values == {"sent": (1, 2), "duration_s": (10.0, None)}
    assert isinstance(found.values["duration_s"][0], float)
    assert read_answer(ask("sent"), b'{"results":[{"statement_id":0}]}') == []


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b'{"results":[{"error":"database not found: x"}]}', "cannot answer: database not found: x"),
        (b'{"error":"unauthorized"}', "cannot answer: unauthorized"),
        (b"<html>", "not InfluxQL's"),
        (b'{"results":[{"series":[{"columns":["name"],"values":[["x"]]}]}]}', "other columns"),
        (b'{"results":[{"series":[{"columns":["time","sent"],"values":[],"partial":true}]}]}', "cut its answer short"),
    ],
)
def test_influxql_trouble(body: bytes, sentence: str) -> None:
    with pytest.raises(HistoryError, match=sentence):
        read_answer(ask("sent"), body)


def test_metricsql() -> None:
    assert rollups(ask(every_s=10), "sent") == [
        'sum_over_time({__name__="link_sent"}[10000ms])',
        'count_over_time({__name__="link_sent"}[10000ms])',
    ]
    with pytest.raises(HistoryError, match="not VictoriaMetrics'"):
        read_export(b"<html>")
    with pytest.raises(HistoryError, match="not VictoriaMetrics'"):
        read_ranges(msgspec.json.encode({"results": []}))


def test_types_by_name_are_the_types_written() -> None:
    """The rule of `wire.fields`, which the readers of JSON go by, against a line of the writer."""
    (line,) = batch_lines(AGENT, batch(window(NOW_NS)))
    for name, value in read_line(line).values.items():
        assert is_float(name) == isinstance(value, float), name
    assert {fields.ActField.ID, fields.IncidentField.TITLE} <= TEXT_FIELDS

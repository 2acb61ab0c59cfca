"""What `/metrics` says, read back by Prometheus' own parser."""

from prometheus_client.parser import text_string_to_metric_families

from collector.board import Board
from collector.counters import Counters
from collector.metrics import CollectorMetrics, render_metrics
from tests.unit.collector.test_fleet import B1, B2


def test_every_counter_and_every_state_is_told() -> None:
    board = Board()
    board.show([B1, B2], [], 5.0, hearing=True)
    metrics = CollectorMetrics(
        counters=Counters(messages=7),
        board=board,
        incidents=tuple,
        journal_bytes=lambda: 1000,
        lag_bytes=lambda: 10,
        hours_waiting=lambda: 3,
        ready=lambda: "the broker is away",
    )
    text = render_metrics(metrics).decode()
    values = {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert values[("branchline_collector_messages_total",)] == 7
    assert values[("branchline_collector_ready",)] == 0
    assert values["branchline_branches", ("state", "ON_5G")] == 1
    assert values["branchline_branches", ("state", "OK")] == 0
    assert sum(value for key, value in values.items() if key[0] == "branchline_links") == 6
    assert values[("branchline_collector_journal_lag_bytes",)] == 10

"""Summing up runs."""

import json

import pytest

from lab.results import Order, Run, document, quantile, table

ORDER = Order("silent-cut")


@pytest.mark.parametrize(("q", "expected"), [(0.5, 5), (0.99, 10), (1.0, 10), (0.1, 1)])
def test_quantile_is_nearest_rank(q: float, expected: int) -> None:
    assert quantile([10, 9, 8, 7, 6, 5, 4, 3, 2, 1], q) == expected


def test_the_document_has_every_figure_the_issue_names() -> None:
    run = Run(7, 500.0, 510.0, 520.1234, None, 600.0, 700.0, 650.0, 800.0, 51, "wan2", extra={"own_ms": 3.0})
    made = document(ORDER, [run, Run(8, 400.0)])
    assert json.loads(json.dumps(made)) == made
    runs = made["runs"]
    assert isinstance(runs, list)
    wanted = "detected_ms route_ms first_packet_ms old_udp_ms old_tcp_ms dns_ms first_event_ms packets_lost landed_on"
    assert {*wanted.split(), "rolled_back", "own_ms"} <= set(runs[0])
    assert runs[0]["first_packet_ms"] == 520.123
    medians = made["p50"]
    assert isinstance(medians, dict)
    assert [*medians.values()] == [400.0, 510.0, 520.123, 600.0, 700.0, 650.0, 800.0, 51.0, 3.0]
    assert made["max"]["detected_ms"] == 500.0  # type: ignore[index]
    assert made["measured"]["detected_ms"] == 2  # type: ignore[index]
    assert "p99" not in made


def test_a_99th_percentile_needs_300_runs() -> None:
    runs = [Run(n, detected_ms=float(n)) for n in range(1, 301)]
    assert document(ORDER, runs)["p99"] == {"detected_ms": 297.0}
    assert "p99" in table(ORDER, runs)
    assert "p99" not in table(ORDER, runs[:299])


def test_the_table_fits_a_page_and_tells_what_went_wrong() -> None:
    runs = [Run(1, 500.0, landed_on="wan2", moves=1, extra={"revived_to_first_packet_ms": 12345.6}, wrong=("x" * 200,))]
    text = table(ORDER, runs * 20)
    assert max(len(line) for line in text.splitlines()) <= 100
    assert "WRONG, seed 1: xxx" in text
    assert "landed on: wan2 20" in text

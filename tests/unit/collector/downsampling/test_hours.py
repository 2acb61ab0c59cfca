"""An hour from its windows."""

import random
from dataclasses import dataclass

from collector.downsampling.hours import FIELDS, HOUR_NS, TAGS, hour_lines
from collector.store.history import Series, Value
from collector.store.line_reader import Head, read_line
from wire.fields import LinkField
from wire.messages import LinkState

HOUR = 497_222 * HOUR_NS
NAMES = {
    "tenant": "t1", "branch": "b1", "agent": "a1", "link": "isp1", "role": "wire", "isp": "ISP, 1", "family": "4",
}  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One window."""

    state: LinkState = LinkState.UP
    duration_s: float = 10.0
    sent: int = 300
    received: int = 300
    rtt_ms: float | None = 2.0


def windows(*rows: Row) -> Series:
    columns: dict[str, tuple[Value, ...]] = {
        LinkField.STATE: tuple(int(row.state) for row in rows),
        LinkField.DURATION_S: tuple(row.duration_s for row in rows),
        LinkField.SENT: tuple(row.sent for row in rows),
        LinkField.RECEIVED: tuple(row.received for row in rows),
    }
    columns |= {name: tuple(row.rtt_ms for row in rows) for name in FIELDS if name.startswith("rtt_")}
    return Series(dict(NAMES), tuple(HOUR + n * 10**10 for n in range(len(rows))), columns)


def test_everything_of_an_hour() -> None:
    rows = [Row(rtt_ms=float(n)) for n in range(1, 101)]
    rows += [Row(LinkState.SUSPECT), Row(LinkState.DEGRADED, received=150), Row(LinkState.UNKNOWN, sent=0, received=0)]
    rows += [Row(LinkState.DOWN, received=0, rtt_ms=None), Row(LinkState.DOWN, 4.5, 0, 0, None)]
    (text,) = hour_lines([windows(*rows)], HOUR)
    line = read_line(text)
    assert line.head == Head("link_1h", tuple(sorted(NAMES.items())))
    assert tuple(sorted(TAGS)) == tuple(name for name, _ in line.head.tags)
    assert line.at_ns == HOUR
    assert line.values == {
        "sent": 30_900,
        "received": 30_450,
        "loss_pct": 100 * 450 / 30_900,
        "rtt_min_ms": 1.0,
        "rtt_median_ms": 49.0,
        "rtt_p95_ms": 95.0,
        "rtt_max_ms": 100.0,
        "rtt_jitter_ms": (5050 + 6) / 103,
        "measured_s": 1044.5,
        "up_s": 1010.0,
        "degraded_s": 10.0,
        "down_s": 14.5,
    }


def test_silence_has_no_figures_but_its_seconds() -> None:
    (text,) = hour_lines([windows(Row(LinkState.DOWN, sent=0, received=0, rtt_ms=None))], HOUR)
    assert read_line(text).values == {
        "sent": 0, "received": 0, "measured_s": 10.0, "up_s": 0.0, "degraded_s": 0.0, "down_s": 10.0,
    }  # fmt: skip


def test_order_of_windows_makes_no_difference() -> None:
    generator = random.Random(3)  # noqa: S311 - a shuffle that repeats
    rows = [Row(duration_s=generator.random(), rtt_ms=generator.random() * 1e3) for _ in range(360)]
    line = hour_lines([windows(*rows)], HOUR)
    generator.shuffle(rows)
    assert hour_lines([windows(*rows)], HOUR) == line


def test_no_windows_no_line() -> None:
    assert hour_lines([], HOUR) == []

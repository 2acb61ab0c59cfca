"""One hour of a path from its windows. Pure.

The same windows in any order give the same line to the last digit: sums are exact before they are rounded (`fsum`).
"""

from collections.abc import Iterable
from itertools import compress
from math import ceil, fsum
from statistics import median

from collector.store.history import Series
from collector.store.lines import Value, point, series
from wire.fields import LinkField, LinkHourField, Measurement, Tag
from wire.messages import LinkState

HOUR_NS = 3600 * 10**9
TAGS: tuple[str, ...] = (Tag.TENANT, Tag.BRANCH, Tag.AGENT, Tag.LINK, Tag.ROLE, Tag.ISP, Tag.FAMILY)
"""Of `link` and of `link_1h`."""
FIELDS: tuple[str, ...] = (
    LinkField.STATE,
    LinkField.DURATION_S,
    LinkField.SENT,
    LinkField.RECEIVED,
    LinkField.RTT_MIN_MS,
    LinkField.RTT_MEDIAN_MS,
    LinkField.RTT_P95_MS,
    LinkField.RTT_MAX_MS,
    LinkField.RTT_JITTER_MS,
)
"""Of `link`, what an hour is made from."""
_UP = {LinkState.UP, LinkState.SUSPECT}  # a suspect path still carries traffic


def hour_lines(windows: Iterable[Series], hour_ns: int) -> list[str]:
    """A line of `link_1h` for each series of windows of one hour, tagged like them. Empty without windows."""
    return [line for line in (_line(each, hour_ns) for each in windows) if line]


def _line(windows: Series, hour_ns: int) -> str:
    values = windows.values
    durations_s = [float(each or 0) for each in values[LinkField.DURATION_S]]
    states = values[LinkField.STATE]
    sent = sum(int(each or 0) for each in values[LinkField.SENT])
    received = sum(int(each or 0) for each in values[LinkField.RECEIVED])
    medians_ms = sorted(_known(values[LinkField.RTT_MEDIAN_MS]))
    p95s_ms = sorted(_known(values[LinkField.RTT_P95_MS]))
    jitters_ms = _known(values[LinkField.RTT_JITTER_MS])
    found: tuple[tuple[str, Value], ...] = (
        (LinkHourField.SENT, sent),
        (LinkHourField.RECEIVED, received),
        (LinkHourField.LOSS_PCT, 100.0 * (sent - received) / sent if sent > 0 else None),
        (LinkHourField.RTT_MIN_MS, min(_known(values[LinkField.RTT_MIN_MS]), default=None)),
        (LinkHourField.RTT_MEDIAN_MS, median(medians_ms) if medians_ms else None),
        (LinkHourField.RTT_P95_MS, p95s_ms[ceil(0.95 * len(p95s_ms)) - 1] if p95s_ms else None),
        (LinkHourField.RTT_MAX_MS, max(_known(values[LinkField.RTT_MAX_MS]), default=None)),
        (LinkHourField.RTT_JITTER_MS, fsum(jitters_ms) / len(jitters_ms) if jitters_ms else None),
        (LinkHourField.MEASURED_S, fsum(durations_s)),
        (LinkHourField.UP_S, fsum(compress(durations_s, (state in _UP for state in states)))),
        (LinkHourField.DEGRADED_S, fsum(compress(durations_s, (state == LinkState.DEGRADED for state in states)))),
        (LinkHourField.DOWN_S, fsum(compress(durations_s, (state == LinkState.DOWN for state in states)))),
    )
    tags = tuple((name, windows.tags.get(name, "")) for name in TAGS)
    return point(series(Measurement.LINK_1H, tags), found, hour_ns)


def _known(values: tuple[Value, ...]) -> list[float]:
    return [float(each) for each in values if each is not None]

"""`/metrics`: what this collector does and what it knows, in Prometheus' text format."""

from collections import Counter as Tally
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields as fields_of

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from branchline import __version__
from collector.board import Board
from collector.counters import Counters
from collector.fleet import link_state
from collector.incidents.model import Incident
from wire.messages import BranchState, LinkState


class CollectorMetrics(Collector):
    """Reads the collector's parts when it is asked: nothing is counted twice.

    Args:
        counters: of the whole process.
        board: the fleet now.
        incidents: the open ones.
        journal_bytes: the journal's size.
        lag_bytes: how much of it the database has not taken yet.
        hours_waiting: hours of branches that are still to be made from windows.
        ready: "" when the collector does its work, else why not.
    """

    def __init__(
        self,
        *,
        counters: Counters,
        board: Board,
        incidents: Callable[[], Iterable[Incident]],
        journal_bytes: Callable[[], int],
        lag_bytes: Callable[[], int],
        hours_waiting: Callable[[], int],
        ready: Callable[[], str],
    ) -> None:
        self._counters = counters
        self._board = board
        self._incidents = incidents
        self._journal_bytes = journal_bytes
        self._lag_bytes = lag_bytes
        self._hours_waiting = hours_waiting
        self._ready = ready

    def collect(self) -> Iterator[Metric]:
        """All metrics, named after Prometheus' conventions."""
        info = GaugeMetricFamily("branchline_collector_info", "Version of this collector.", labels=["version"])
        info.add_metric([__version__], 1)
        yield info
        yield _gauge("ready", "1 while the collector hears, keeps and delivers records.", not self._ready())
        yield _gauge("journal_bytes", "Size of the journal.", self._journal_bytes())
        yield _gauge("journal_lag_bytes", "Journal that the database has not taken yet.", self._lag_bytes())
        yield _gauge("hours_waiting", "Hours of branches still to be made from windows.", self._hours_waiting())
        for field in fields_of(self._counters):
            name = f"branchline_collector_{field.name}"
            text = f"{field.name.replace('_', ' ')} since the collector started"
            yield CounterMetricFamily(name, text.capitalize() + ".", value=getattr(self._counters, field.name))
        yield from self._fleet()

    def _fleet(self) -> Iterator[Metric]:
        branches = self._board.branches.values()
        states = Tally(branch.state for branch in branches)
        family = GaugeMetricFamily("branchline_branches", "Branches by state.", labels=["state"])
        for state in BranchState:
            family.add_metric([state.name], states[state])
        yield family
        links = Tally(link_state(branch, path) for branch in branches for path in branch.heard.paths.values())
        family = GaugeMetricFamily("branchline_links", "Lines by state.", labels=["state"])
        for each in LinkState:
            family.add_metric([each.name], links[each])
        yield family
        opened = Tally((each.cause.value, each.severity.value) for each in self._incidents())
        family = GaugeMetricFamily("branchline_incidents_open", "Open incidents.", labels=["cause", "severity"])
        for labels, count in opened.items():
            family.add_metric(list(labels), count)
        yield family


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"branchline_collector_{name}", text, value=value)


def render_metrics(metrics: CollectorMetrics) -> bytes:
    """The page's bytes."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(metrics)
    return generate_latest(registry)

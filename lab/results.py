"""Figures of runs: one run, and many summed up. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

P99_FROM_RUNS = 300
Value = float | int | str | bool | None


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked of one run."""

    scenario: str
    profile: str = "standard"
    seed: int = 0
    keep: bool = False
    minutes: float = 120.0
    kills: int = 20


@dataclass(frozen=True, slots=True)
class Run:
    """One run. Times in milliseconds from the cut; None: it did not happen, or has no meaning in this scenario.

    `wrong` lists, as sentences, what the scenario promises and this run did not keep. `extra` are the scenario's own
    figures.
    """

    seed: int
    detected_ms: float | None = None
    route_ms: float | None = None
    first_packet_ms: float | None = None
    first_packet6_ms: float | None = None
    old_udp_ms: float | None = None
    old_tcp_ms: float | None = None
    dns_ms: float | None = None
    first_event_ms: float | None = None
    packets_lost: int | None = None
    landed_on: str | None = None
    rolled_back: int = 0
    moves: int = 0
    extra: dict[str, Value] = field(default_factory=dict)
    wrong: tuple[str, ...] = ()
    folder: str = ""

    def document(self) -> dict[str, object]:
        """As it stands in the JSON document."""
        own = {name: getattr(self, name) for name in FIGURES}
        rounded = {name: round(value, 3) if isinstance(value, float) else value for name, value in own.items()}
        more: dict[str, object] = {"landed_on": self.landed_on, "rolled_back": self.rolled_back, "moves": self.moves}
        more |= {k: round(v, 3) if isinstance(v, float) else v for k, v in self.extra.items()}
        more |= {"seed": self.seed, "wrong": list(self.wrong)}
        return rounded | more | ({"folder": self.folder} if self.folder else {})


FIGURES = (
    "detected_ms",
    "route_ms",
    "first_packet_ms",
    "first_packet6_ms",
    "old_udp_ms",
    "old_tcp_ms",
    "dns_ms",
    "first_event_ms",
    "packets_lost",
)


def numbers(runs: Sequence[Run]) -> dict[str, list[float]]:
    """Each figure's values over all runs that have it, the scenario's own included."""
    out: dict[str, list[float]] = {}
    for run in runs:
        values = {name: getattr(run, name) for name in FIGURES} | run.extra
        for name, value in values.items():
            if isinstance(value, int | float) and not isinstance(value, bool):
                out.setdefault(name, []).append(float(value))
    return out


def quantile(values: Sequence[float], q: float) -> float:
    """The smallest value that at least the share `q` of all values does not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(q * len(ordered)) - 1)]


def document(order: Order, runs: Sequence[Run]) -> dict[str, object]:
    """The one JSON document of a command. p99 only from 300 runs on: fewer have no 99th percentile but a maximum."""
    found = numbers(runs)
    out: dict[str, object] = {
        "scenario": order.scenario,
        "profile": order.profile,
        "runs": [run.document() for run in runs],
        "p50": {name: round(quantile(values, 0.5), 3) for name, values in found.items()},
        "max": {name: round(max(values), 3) for name, values in found.items()},
        "measured": {name: len(values) for name, values in found.items()},
    }
    if len(runs) >= P99_FROM_RUNS:
        out["p99"] = {name: round(quantile(values, 0.99), 3) for name, values in found.items()}
    return out


def table(order: Order, runs: Sequence[Run]) -> str:
    """The same for people, within 100 columns."""
    found = numbers(runs)
    lines = [f"{order.scenario}, profile {order.profile}, {len(runs)} run{'s' if len(runs) != 1 else ''}", ""]
    head = f"{'figure':30} {'median':>10} {'maximum':>10}"
    lines.append(head + (f" {'p99':>10}" if len(runs) >= P99_FROM_RUNS else "") + "   in runs")
    for name, values in found.items():
        row = f"{name:30} {quantile(values, 0.5):>10.1f} {max(values):>10.1f}"
        row += f" {quantile(values, 0.99):>10.1f}" if len(runs) >= P99_FROM_RUNS else ""
        lines.append(f"{row}   {len(values)} of {len(runs)}")
    landings = sorted({str(run.landed_on) for run in runs if run.landed_on})
    counts = ", ".join(f"{place} {sum(run.landed_on == place for run in runs)}" for place in landings) or "nowhere"
    lines.append("")
    lines.append(
        f"landed on: {counts}; moves {sum(r.moves for r in runs)}, rolled back {sum(r.rolled_back for r in runs)}"
    )
    for run in runs:
        lines += [f"WRONG, seed {run.seed}: {sentence}"[:100] for sentence in run.wrong]
    return "\n".join(lines)

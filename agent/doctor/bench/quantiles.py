"""p50, p95 and p99 of what was measured. Pure."""

from collections.abc import Sequence

QUANTILES = (50, 95, 99)


def quantiles(values: Sequence[float], digits: int = 3) -> dict[str, float] | None:
    """The nearest ranks as `p50`, `p95`, `p99`, and `max`; None when nothing was measured."""
    if not values:
        return None
    ordered = sorted(values)
    last = len(ordered) - 1
    found = {f"p{q}": round(ordered[min(last, -(-q * len(ordered) // 100) - 1)], digits) for q in QUANTILES}
    return {**found, "max": round(ordered[-1], digits)}

"""Geometry of charts: points in, SVG path data out. Pure. Colours are the style sheet's."""

import math
from collections.abc import Sequence

import msgspec

WIDTH, HEIGHT = 720.0, 120.0
LEFT, RIGHT, TOP, BOTTOM = 44.0, 6.0, 8.0, 18.0
_NICE = (1.0, 2.0, 5.0, 10.0)


class Tick(msgspec.Struct, frozen=True):
    """A mark on an axis: where, and what it says."""

    at: float
    value: float


class Scale(msgspec.Struct, frozen=True):
    """From values to places along one axis."""

    low: float
    high: float
    start: float
    end: float

    def place(self, value: float) -> float:
        """Where a value is; values beyond the ends stay at them."""
        share = (value - self.low) / (self.high - self.low) if self.high > self.low else 0.0
        return round(self.start + min(max(share, 0.0), 1.0) * (self.end - self.start), 1)


def time_scale(start_s: float, end_s: float) -> Scale:
    """Along the bottom."""
    return Scale(start_s, end_s, LEFT, WIDTH - RIGHT)


def value_scale(high: float) -> Scale:
    """Up the side, from zero."""
    return Scale(0.0, nice(high), HEIGHT - BOTTOM, TOP)


def nice(high: float) -> float:
    """The next 1, 2 or 5 times a power of ten: where an axis may end."""
    if not high > 0 or not math.isfinite(high):
        return 1.0
    power = 10.0 ** math.floor(math.log10(high))
    return next(each * power for each in _NICE if high <= each * power * (1 + 1e-9))


def line(times_s: Sequence[float], values: Sequence[float | None], x: Scale, y: Scale) -> str:
    """Path data of a line, broken where a value is missing; a lone point becomes a dot."""
    parts: list[str] = []
    drawing = False
    for at_s, value in zip(times_s, values, strict=True):
        if value is None:
            drawing = False
            continue
        parts.append(f"{'L' if drawing else 'M'}{x.place(at_s)} {y.place(value)}")
        if not drawing:
            parts.append("h.1")
        drawing = True
    return "".join(parts)


def bars(times_s: Sequence[float], values: Sequence[float | None], x: Scale, step_s: float) -> str:
    """Path data of bars that hang from the top, as deep as the value's share of 100."""
    deep = HEIGHT - BOTTOM - TOP
    width = max(1.0, x.place(x.low + step_s) - x.place(x.low))
    return "".join(
        f"M{x.place(at_s)} {TOP}h{width:.1f}v{min(value, 100.0) / 100.0 * deep:.1f}h-{width:.1f}Z"
        for at_s, value in zip(times_s, values, strict=True)
        if value is not None and value > 0
    )


def dots(points: Sequence[tuple[float, float]], x: Scale, y: Scale) -> str:
    """Path data of round dots (lines of no length; the style sheet gives them round ends)."""
    return "".join(f"M{x.place(at)} {y.place(value)}h.01" for at, value in points)


def ticks(scale: Scale, count: int) -> list[Tick]:
    """Evenly spread marks, both ends included."""
    steps = [scale.low + (scale.high - scale.low) * each / count for each in range(count + 1)]
    return [Tick(scale.place(each), each) for each in steps]

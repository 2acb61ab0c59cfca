"""Quantities with units, as people write them in settings: `100ms`, `10s`, `4h`, `64MB`."""

import re

_SECONDS = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_BYTES = {"B": 1, "kB": 1000, "MB": 1000**2, "GB": 1000**3}
# ASCII digits only, and few enough that no product overflows.
_QUANTITY = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,9})?) ?([A-Za-z]+)\Z")


class Duration(float):
    """A time span in seconds, written with its unit in settings."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: object) -> "Duration":
        """Read `100ms`, `10s`, `5min`, `4h` or `30d`.

        Raises:
            ValueError: no number, or no unit of time.
        """
        return cls(_parse(text, _SECONDS, "ms, s, min, h or d", "100ms"))

    def written(self) -> str:
        """The span as people write it, in the largest unit that leaves a whole number."""
        return _written(self, _SECONDS)


class Size(int):
    """A number of bytes, written with its unit in settings."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: object) -> "Size":
        """Read `512kB`, `64MB` or `2GB` (powers of 1000).

        Raises:
            ValueError: no number, or no unit of size.
        """
        return cls(round(_parse(text, _BYTES, "B, kB, MB or GB", "64MB")))

    def written(self) -> str:
        """The size as people write it, in the largest unit that leaves a whole number."""
        return _written(self, _BYTES)


def _parse(text: object, units: dict[str, float] | dict[str, int], names: str, example: str) -> float:
    match = _QUANTITY.match(text) if isinstance(text, str) else None
    if match is None or match[2] not in units:
        shown = f'"{text[:40]}"' if isinstance(text, str) else str(text)[:40]
        raise ValueError(f'{shown} has no known unit: write a number with {names}, for example "{example}"')
    return float(match[1]) * units[match[2]]


def _written(value: float, units: dict[str, float] | dict[str, int]) -> str:
    name, unit = next(
        ((name, unit) for name, unit in reversed(units.items()) if value >= unit and (value / unit).is_integer()),
        next(iter(units.items())),
    )
    return f"{value / unit:.12g}{name}"

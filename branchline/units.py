"""Quantities with units, as people write them in settings: `100ms`, `10s`, `4h`, `64MB`."""

import re

_SECONDS = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_BYTES = {"B": 1, "kB": 1000, "MB": 1000**2, "GB": 1000**3}
_QUANTITY = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?([A-Za-z]+)\Z")


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


class Size(int):
    """A number of bytes, written with its unit in settings."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: object) -> "Size":
        """Read `512kB`, `64MB` or `2GB` (powers of 1000).

        Raises:
            ValueError: no number, or no unit of size.
        """
        return cls(_parse(text, _BYTES, "B, kB, MB or GB", "64MB"))


def _parse(text: object, units: dict[str, float] | dict[str, int], names: str, example: str) -> float:
    match = _QUANTITY.match(text) if isinstance(text, str) else None
    if match is None or match[2] not in units:
        raise ValueError(f'{text!r} has no known unit: write a number with {names}, for example "{example}"')
    return float(match[1]) * units[match[2]]

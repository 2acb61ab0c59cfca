"""The French towns in which the simulated branches stand, from `towns.csv` beside this file."""

import csv
import re
import unicodedata
from dataclasses import dataclass
from importlib import resources

FLOODED = "Loire moyenne"
"""The river section that the demo floods."""


@dataclass(frozen=True, slots=True)
class Town:
    """One town. `river` is the section of the river it stands on, "" for none; coordinates are WGS 84 degrees."""

    town: str
    region: str
    latitude_deg: float
    longitude_deg: float
    river: str

    @property
    def slug(self) -> str:
        """Its name as topics and settings can hold it."""
        plain = unicodedata.normalize("NFKD", self.town).encode("ascii", "ignore").decode().lower()
        return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")


def towns() -> tuple[Town, ...]:
    """Every town, in the order of the file."""
    text = resources.files("lab.fleet").joinpath("towns.csv").read_text(encoding="utf-8")
    return tuple(
        Town(row["town"], row["region"], float(row["latitude_deg"]), float(row["longitude_deg"]), row["river"])
        for row in csv.DictReader(text.splitlines())
    )

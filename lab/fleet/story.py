"""What befalls the simulated company: a flood takes the lines of one valley, then a power cut takes a district.

Only what nature and networks do stands here: lines that pass packets or not, water, mains. What follows from it is
found out by the machine of each branch and by the collector.
"""

import random
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field

from collector.inventory.model import BranchEntry
from lab.fleet.places import CELL, DISTRICT
from lab.fleet.towns import FLOODED
from wire.messages import Role

WATER_BEFORE_S = 4.0  # the cellar is wet before the cabinet in the street dies
FLOOD_SPREADS_S = 6.0
POWER_AFTER_S = 10.0
CABINETS_LAST_S = (5.0, 12.0)  # batteries of the ISPs' cabinets
RECOVERS_AFTER_S = 180.0
WITHOUT_CELL = ("blois", "amboise")  # their mast stands in the water as well


@dataclass(frozen=True, slots=True)
class Span:
    """A time something is so, in seconds of the story: from `from_s`, included, until `until_s`."""

    from_s: float
    until_s: float = float("inf")

    def covers(self, at_s: float) -> bool:
        """Whether it is so at that moment."""
        return self.from_s <= at_s < self.until_s


NEVER = Span(float("inf"))


@dataclass(frozen=True, slots=True)
class Fate:
    """What befalls one branch. `dead`: its lines; `water`: water in the cellar; `dark`: no mains from the grid."""

    dead: dict[str, Span] = field(default_factory=dict)
    water: Span = NEVER
    dark: Span = NEVER


CALM = Fate()


def fates(branches: Iterable[BranchEntry], flood_s: float) -> dict[str, Fate]:
    """By branch, what befalls it when the flood comes at `flood_s`. Branches not named live in calm."""
    told = {}
    for branch in branches:
        chance = random.Random(zlib.crc32(branch.name.encode()))
        if branch.flood_zone == FLOODED:
            told[branch.name] = _flooded(branch, flood_s, chance)
        elif branch.power.grid_area == DISTRICT:
            told[branch.name] = _dark(branch, flood_s + POWER_AFTER_S, chance)
    return told


def _flooded(branch: BranchEntry, flood_s: float, chance: random.Random) -> Fate:
    cut_s = flood_s + chance.random() * FLOOD_SPREADS_S
    recovers_s = cut_s + RECOVERS_AFTER_S if chance.random() < 0.6 else float("inf")
    dead = {
        line.name: Span(cut_s + 0.05 * number, recovers_s)
        for number, line in enumerate(branch.line)
        if line.role is Role.WIRE
    }
    if branch.name in WITHOUT_CELL:
        dead[CELL] = Span(cut_s + 3.0, cut_s + RECOVERS_AFTER_S)
    return Fate(dead, water=Span(cut_s - WATER_BEFORE_S, recovers_s))


def _dark(branch: BranchEntry, cut_s: float, chance: random.Random) -> Fate:
    back_s = cut_s + RECOVERS_AFTER_S
    wires_s = cut_s + chance.uniform(*CABINETS_LAST_S)
    dead = {line.name: Span(wires_s, back_s + 2.0) for line in branch.line if line.role is Role.WIRE}
    return Fate(dead, dark=Span(cut_s, back_s))

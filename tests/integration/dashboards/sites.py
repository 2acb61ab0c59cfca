"""A plausible fleet, and a river that rises in one region: its wires go down, its power too."""

from dataclasses import dataclass

from wire.messages import (
    Role,
)
from wire.topics import Address

TENANT = "acme"
REGIONS = ("Grand Est", "Bretagne", "Normandie", "Île-de-France", "Occitanie", "PACA", "Hauts-de-France")
FLOODED = "Grand Est"
ISPS = ("Orange", "SFR", "Bouygues", "Free Pro")
SECOND = 1_000_000_000
WINDOW_S = 10


@dataclass(frozen=True)
class Site:
    """One branch with its lines: (name, role, ISP)."""

    address: Address
    region: str
    lines: tuple[tuple[str, Role, str], ...]

    @property
    def flooded(self) -> bool:
        return self.region == FLOODED


def sites(branches: int, lines: int) -> list[Site]:
    """`branches` branches that have `lines` lines together, each at least a wire and 5G."""
    out = []
    third = lines - 2 * branches
    for number in range(branches):
        wires = 2 if number < third else 1
        names = [(f"wan{n + 1}", Role.WIRE, ISPS[(number + n) % len(ISPS)]) for n in range(wires)]
        place = (*names, ("5g", Role.CELL, ISPS[(number + 2) % len(ISPS)]))
        address = Address(TENANT, f"agence-{number:03d}", f"rt-{number:03d}")
        out.append(Site(address, REGIONS[number % len(REGIONS)], place))
    return out


@dataclass(frozen=True)
class Times:
    """From `start_s` to `end_s`, the flood from `flood_s` on, Unix seconds."""

    start_s: int
    end_s: int

    @property
    def flood_s(self) -> int:
        return self.end_s - (self.end_s - self.start_s) // 3


def is_down(site: Site, role: Role, at_s: int, times: Times) -> bool:
    return site.flooded and role is Role.WIRE and at_s >= times.flood_s

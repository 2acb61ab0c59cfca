"""The inventory of the simulated company: 255 branches, 700 lines. Deterministic: the same each time."""

import random
import zlib

from collector.inventory.model import (
    BranchEntry,
    Hours,
    Inventory,
    LineEntry,
    PowerEntry,
    Referent,
    Sim,
)
from lab.fleet.towns import FLOODED, Town, towns
from wire.messages import Role

TENANT = "demo"
LINES = 700
DISTRICT = "Bretagne ouest"
"""The grid area that the demo cuts."""
DISTRICT_TOWNS = frozenset(
    {
        "Brest", "Quimper", "Morlaix", "Landerneau", "Douarnenez", "Concarneau", "Quimperlé", "Lorient",
        "Carhaix-Plouguer", "Lannion", "Guingamp", "Pontivy",
    }
)  # fmt: skip
WITHOUT_UPS = frozenset({"Douarnenez", "Quimperlé"})
WIRE_ISPS = ("Orange", "SFR", "Bouygues Telecom", "Free")
SUPPORT = {"Orange": "+33 1 99 00 10 01", "SFR": "+33 1 99 00 10 02", "Bouygues Telecom": "+33 1 99 00 10 03",
           "Free": "+33 1 99 00 10 04"}  # fmt: skip
WIRES = {1: ("fibre",), 2: ("fibre", "vdsl")}
CELL = "cell5g"
_FIRST_NAMES = ("Camille", "Louise", "Yann", "Inès", "Karim", "Jeanne", "Malik", "Chloé", "Hugo", "Awa", "Théo", "Lina")
_LAST_NAMES = ("Martin", "Le Goff", "Bernard", "Moreau", "Diallo", "Roux", "Nguyen", "Garnier", "Faure", "Benali")
# Ranges that the French regulator keeps for fiction, by the first digit of a region's numbers.
_FICTION = {1: "1 99 00", 2: "2 61 91", 3: "3 53 01", 4: "4 65 71", 5: "5 36 49"}
_ZONES = {
    "Île-de-France": 1,
    "Bretagne": 2,
    "Pays de la Loire": 2,
    "Normandie": 2,
    "Centre-Val de Loire": 2,
    "Hauts-de-France": 3,
    "Grand Est": 3,
    "Bourgogne-Franche-Comté": 3,
    "Auvergne-Rhône-Alpes": 4,
    "Provence-Alpes-Côte d'Azur": 4,
    "Corse": 4,
    "Nouvelle-Aquitaine": 5,
    "Occitanie": 5,
}


def build_inventory() -> Inventory:
    """The whole company."""
    places = towns()
    two_wires = LINES - 2 * len(places)  # every branch has a wire and 5G; so many have a second wire
    return Inventory(
        tenant=TENANT,
        branch=tuple(
            _branch(
                number, town, 2 if number * two_wires // len(places) != (number + 1) * two_wires // len(places) else 1
            )
            for number, town in enumerate(places)
        ),
    )


def _branch(number: int, town: Town, wires: int) -> BranchEntry:
    chance = random.Random(zlib.crc32(town.slug.encode()))
    has_ups = town.town not in WITHOUT_UPS and (town.town in DISTRICT_TOWNS or chance.random() < 0.8)
    people = chance.randrange(4, 60)
    opens, closes = chance.choice((("08:00", "18:00"), ("08:30", "17:30"), ("09:00", "19:00")))
    days = ("mon", "tue", "wed", "thu", "fri")
    return BranchEntry(
        name=town.slug,
        title=town.town,
        region=town.region,
        latitude_deg=town.latitude_deg,
        longitude_deg=town.longitude_deg,
        address=f"{chance.randrange(1, 80)} rue de la Gare, {town.town}",
        flood_zone=town.river,
        critical=people >= 50,
        simulated=True,
        referent=Referent(
            name=f"{chance.choice(_FIRST_NAMES)} {chance.choice(_LAST_NAMES)}",
            phone=f"+33 {_FICTION[_ZONES[town.region]]} {number // 100:02d} {number % 100:02d}",
            note="simulated: this number belongs to nobody",
        ),
        hours=tuple(Hours(day=day, open=opens, close=closes, people=people) for day in days),  # type: ignore[arg-type]
        power=PowerEntry(
            ups=chance.choice(("APC SMT750", "Eaton 5P 850", "APC SMC1000")) if has_ups else "",
            grid_area=DISTRICT if town.town in DISTRICT_TOWNS else town.region,
        ),
        line=_lines(number, town, wires, chance),
    )


def _lines(number: int, town: Town, wires: int, chance: random.Random) -> tuple[LineEntry, ...]:
    isps = [WIRE_ISPS[(number + step) % len(WIRE_ISPS)] for step in range(3)]
    lines = [
        LineEntry(
            name=name,
            isp=isp,
            role=Role.WIRE,
            access="vdsl" if name == "vdsl" else chance.choice(("ftth", "ftto")),
            contract=f"{isp[:3].upper()}-{number:04d}-{name[0].upper()}",
            support_phone=SUPPORT[isp],
            gtr_h=chance.choice((4.0, 8.0)),
            duct=f"{town.slug}-river" if wires == 2 and town.river == FLOODED else "",
        )
        for name, isp in zip(WIRES[wires], isps, strict=False)
    ]
    cell = LineEntry(
        name=CELL,
        isp=isps[2],
        role=Role.CELL,
        access="5g",
        contract=f"{isps[2][:3].upper()}-{number:04d}-M",
        support_phone=SUPPORT[isps[2]],
        sim=Sim(iccid=f"8933{number:015d}", plan="50 GB", cap_gb=50.0, cell=f"{town.slug}-1"),
    )
    return (*lines, cell)

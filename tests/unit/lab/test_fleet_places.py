"""The simulated company: real towns within France, 255 branches, 700 lines, one valley, one district."""

import re
from collections import Counter

from branchline import settings
from collector.inventory.file import written
from collector.inventory.model import Inventory
from lab.fleet.places import DISTRICT, DISTRICT_TOWNS, LINES, build_inventory
from lab.fleet.towns import FLOODED, towns
from wire.messages import Role
from wire.topics import check_name

FICTION = re.compile(r"\+33 (1 99 00|2 61 91|3 53 01|4 65 71|5 36 49|6 39 98) \d\d \d\d")
"""The ranges that France keeps for fiction."""
# South, north, west, east of each region, degrees, with a margin of a few kilometres.
REGIONS = {
    "Bretagne": (47.2, 48.95, -5.2, -1.0),
    "Pays de la Loire": (46.2, 48.6, -2.6, 1.0),
    "Normandie": (48.1, 50.1, -2.0, 1.85),
    "Île-de-France": (48.1, 49.3, 1.4, 3.6),
    "Hauts-de-France": (48.8, 51.1, 1.3, 4.3),
    "Grand Est": (47.4, 50.2, 3.3, 8.3),
    "Bourgogne-Franche-Comté": (46.1, 48.4, 2.8, 7.2),
    "Centre-Val de Loire": (46.3, 49.0, 0.0, 3.2),
    "Nouvelle-Aquitaine": (42.7, 47.2, -1.8, 2.7),
    "Occitanie": (42.3, 45.1, -0.4, 4.9),
    "Provence-Alpes-Côte d'Azur": (42.9, 45.2, 4.2, 7.8),
    "Auvergne-Rhône-Alpes": (44.1, 46.9, 2.0, 7.2),
    "Corse": (41.3, 43.1, 8.5, 9.6),
}


def test_each_town_stands_once_and_in_its_region() -> None:
    every = towns()
    assert len(every) == len({town.slug for town in every}) == len({town.town for town in every}) == 255
    assert len({(town.latitude_deg, town.longitude_deg) for town in every}) > 250
    wrong = []
    for town in every:
        south, north, west, east = REGIONS[town.region]
        if not (south <= town.latitude_deg <= north and west <= town.longitude_deg <= east):
            wrong.append(town)
    assert wrong == []
    assert {town.region for town in every} == set(REGIONS)


def test_the_valley_and_the_district_are_of_the_size_of_a_disaster() -> None:
    inventory = build_inventory()
    assert 12 <= sum(branch.flood_zone == FLOODED for branch in inventory.branch) <= 20
    assert 10 <= sum(branch.power.grid_area == DISTRICT for branch in inventory.branch) <= 15
    assert {town.town for town in towns()} >= DISTRICT_TOWNS
    rivers = {branch.flood_zone for branch in inventory.branch}
    assert rivers >= {"Aude", "Meuse", "Vidourle", "Garonne moyenne", "Rhône moyen", "Seine moyenne", "Loire moyenne"}


def test_700_lines_of_several_isps_and_5g_everywhere() -> None:
    inventory = build_inventory()
    assert sum(len(branch.line) for branch in inventory.branch) == LINES == 700
    wires = Counter(line.isp for branch in inventory.branch for line in branch.line if line.role is Role.WIRE)
    assert len(wires) == 4
    assert min(wires.values()) > 90
    for branch in inventory.branch:
        assert [line.role for line in branch.line].count(Role.CELL) == 1
        assert len({line.isp for line in branch.line}) == len(branch.line)
        check_name(branch.name)


def test_nobody_is_real() -> None:
    for branch in build_inventory().branch:
        assert branch.simulated
        assert branch.referent is not None
        assert FICTION.fullmatch(branch.referent.phone), branch.referent.phone
        assert all(FICTION.fullmatch(line.support_phone) for line in branch.line)
    assert len({branch.referent.phone for branch in build_inventory().branch if branch.referent}) == 255


def test_the_inventory_is_a_file_like_any_other_and_the_same_each_time() -> None:
    inventory = build_inventory()
    assert settings.parse(written(inventory), Inventory, "inventory.toml") == inventory == build_inventory()

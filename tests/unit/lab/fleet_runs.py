"""Runs of the simulated fleet on simulated time."""

from failover.profiles import Profile
from lab.fleet.branch import FleetBranch
from lab.fleet.places import TENANT, build_inventory
from lab.fleet.story import CALM, Fate, fates
from wire.messages import Record
from wire.topics import Lane

FLOOD_S = 8.0
ENTRIES = {branch.name: branch for branch in build_inventory().branch}
FATES = fates(ENTRIES.values(), FLOOD_S)
Told = list[tuple[Lane, float, Record]]


def branch(name: str, *, profile: Profile = Profile.STANDARD, fate: Fate | None = None) -> FleetBranch:
    """One branch of the company, in its part of the story."""
    return FleetBranch(TENANT, ENTRIES[name], FATES.get(name, CALM) if fate is None else fate, profile=profile)


def switches_ms(profile: Profile) -> list[float]:
    """Of every branch that something befalls, from the death of its wires to the first move."""
    told = []
    for name in tuple(FATES)[::3]:
        each = branch(name, profile=profile)
        each.run(FLOOD_S + 24.0)
        told += [after_ms for move in each.moves[:1] if (after_ms := each.switch_ms(move)) is not None]
    return told

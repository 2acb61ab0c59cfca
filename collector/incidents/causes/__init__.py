"""Rules for causes, the best proof first. A new cause is one file with `claim(case)` and one line here."""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from collector.incidents.case import Case, Group
from collector.incidents.causes import access_line, anchor, flood, flood_zone, isp, power, unknown
from collector.incidents.model import Incident, Phase
from collector.incidents.picture import Picture
from collector.incidents.settings import IncidentSettings

RULES: Mapping[str, Callable[[Case], None]] = MappingProxyType(
    {
        "power": power.claim,
        "flood": flood.claim,
        "isp": isp.claim,
        "flood_zone": flood_zone.claim,
        "anchor": anchor.claim,
        "access_line": access_line.claim,
        "unknown": unknown.claim,
    }
)


def judge(picture: Picture, settled: Mapping[str, float], settings: IncidentSettings) -> list[Group]:
    """What is wrong, by cause: every symptom in exactly one group. Pure.

    `settled` is when each incident began that is past merging and not resolved, by key.
    """
    case = Case(picture, settled, settings)
    for claim in RULES.values():
        claim(case)
    return case.groups()


def ongoing(incidents: Iterable[Incident]) -> dict[str, float]:
    """When each incident began whose cause is settled: while one merges, its cause is judged afresh every time."""
    return {each.key: each.started_s for each in incidents if each.phase is not Phase.MERGING}

"""The wall as a page, and the two of its panels that are sent anew when they change."""

from collections.abc import Mapping

import msgspec

from collector.board import BranchNow
from collector.branches import BranchKey
from collector.incidents.model import Incident, Phase
from collector.inventory.places import Places
from collector.web.parts import WebParts
from collector.web.tiles import Tile
from collector.web.wall import MAX_INCIDENTS, MAX_TILES, Wall, accessible_name, blindness, make_wall, worst_incidents
from collector.words.incident_words import cause_name, title
from wire.messages import BranchState


class IncidentRow(msgspec.Struct, frozen=True):
    """One incident in a list."""

    id: str
    title: str
    cause: str
    severity: str
    alert_class: str
    phase: Phase
    started_s: float
    resolved_s: float | None
    branches: int
    by: str
    until_s: float
    simulated: bool


def row_of(incident: Incident, places: Places, language: str) -> IncidentRow:
    """What a list shows of an incident."""
    held = incident.acknowledgement
    return IncidentRow(
        incident.id,
        title(language, incident, places),
        cause_name(language, incident.cause),
        str(incident.severity),
        str(incident.alert_class),
        incident.phase,
        incident.started_s,
        incident.resolved_s,
        len(incident.branches),
        held.by if held else "",
        held.until_s if held else 0.0,
        bool(incident.branches) and all(places.branch(*each).simulated for each in incident.branches),
    )


def incidents_view(
    incidents: Mapping[str, Incident], places: Places, language: str, *, with_ages: bool = False
) -> dict[str, object]:
    """The panel of open incidents. Without ages its text changes only when an incident does; the script adds them."""
    worst = worst_incidents(incidents)
    rows = [row_of(each, places, language) for each in worst[:MAX_INCIDENTS]]
    return {"incidents": rows, "more": len(worst) - len(rows), "with_ages": with_ages}


def carriers_view(wall: Wall) -> dict[str, object]:
    """The panel of lines by ISP."""
    told = [each for each in wall.carriers if each.isp != "?" or each.lines > each.unknown]
    return {"carriers": told[:8]}


def wall_view(
    parts: WebParts,
    branches: Mapping[BranchKey, BranchNow],
    incidents: Mapping[str, Incident],
    language: str,
    region: str | None,
) -> dict[str, object]:
    """All the wall's template names, for a thread: `branches` of the board and open `incidents` are copies."""
    now_s = parts.clock.now_s()
    wall = make_wall(branches, parts.places, region)

    def name_of(tile: Tile) -> str:
        return accessible_name(tile, parts.places, language, now_s)

    return {
        "wall": wall,
        "states": list(BranchState),
        "name_of": name_of,
        "region": region,
        "bounded": wall.shown < wall.total or region is not None or sum(wall.counts.values()) > MAX_TILES,
        "blind": blindness(parts.board, language, now_s),
        "updated_s": parts.board.updated_s,
        **incidents_view(incidents, parts.places, language, with_ages=True),
        **carriers_view(wall),
    }

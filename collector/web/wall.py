"""What the wall shows now, in one reader's language. Pure: board, desk and places in, a view out."""

from collections.abc import Mapping

import msgspec

from collector.board import Board, BranchNow
from collector.branches import BranchKey
from collector.incidents.model import Incident, Severity
from collector.inventory.places import Places
from collector.web.stamps import stamp, zone_of
from collector.web.tiles import Carrier, Tile, all_tiles, count_carriers, count_states, newest_agents
from collector.words.incident_words import state_name
from collector.words.page_words import WORDS
from collector.words.speak import say
from wire.messages import BranchState

MAX_TILES = 600
MAX_INCIDENTS = 12
BLIND_AFTER_S = 10.0
_SEVERITIES = {Severity.PAGE: 0, Severity.WORK: 1, Severity.LOG: 2}


class Wall(msgspec.Struct, frozen=True):
    """Everything on it. `regions` holds tiles in the order they stand in; `total` counts those not shown too."""

    regions: list[tuple[str, list[Tile]]]
    shown: int
    total: int
    simulated: int
    counts: dict[BranchState, int]
    carriers: list[Carrier]
    troubles: dict[str, int]


def make_wall(branches: Mapping[BranchKey, BranchNow], places: Places, region: str | None = None) -> Wall:
    """The wall, or one region of it. Over MAX_TILES branches only the worst stand on it."""
    newest = newest_agents(branches)
    tiles = all_tiles(branches, places).values()
    wanted = [each for each in tiles if region is None or each.region == region]
    shown = wanted if len(wanted) <= MAX_TILES else sorted(wanted, key=lambda each: each.trouble)[:MAX_TILES]
    regions: dict[tuple[str, str], list[Tile]] = {}
    for each in sorted(shown, key=lambda tile: tile.order):
        regions.setdefault((each.name[0], each.region), []).append(each)
    troubles = dict.fromkeys(sorted({each.region for each in tiles}, key=lambda name: (not name, name.casefold())), 0)
    for each in tiles:
        troubles[each.region] += each.state is not BranchState.OK
    return Wall(
        [(name, tiles) for (_, name), tiles in regions.items()],
        len(shown),
        len(wanted),
        sum(each.simulated for each in tiles),
        count_states(tiles),
        count_carriers(newest, places),
        troubles,
    )


def accessible_name(tile: Tile, places: Places, language: str, now_s: float) -> str:
    """`Nantes Beaujoire: ON 5G since 03:12, simulated`."""
    text = say(
        WORDS, language, "changed_now", {"label": tile.label, "state": state_name(language, tile.state.name).upper()}
    )
    if tile.since_s is None:
        text = f"{text}, {say(WORDS, language, 'never_heard')}"
    else:
        at = stamp(tile.since_s, now_s, zone_of(places.branch(*tile.name).timezone), language)
        text = f"{text} {say(WORDS, language, 'since', {'time': at})}"
    for word, holds in (("critical", tile.critical), ("simulated", tile.simulated)):
        if holds:
            text = f"{text}, {say(WORDS, language, word)}"
    return text


def blindness(board: Board, language: str, now_s: float) -> str:
    """Why nothing that is shown can be believed; "" when it can."""
    if board.updated_s and now_s - board.updated_s > BLIND_AFTER_S:
        return say(WORDS, language, "blind_stopped")
    if not board.hearing:
        return say(WORDS, language, "blind_broker")
    return ""


def worst_incidents(incidents: Mapping[str, Incident]) -> list[Incident]:
    """Open incidents, those that wake people first, then the newest."""
    return sorted(incidents.values(), key=lambda each: (_SEVERITIES[each.severity], -each.started_s, each.id))

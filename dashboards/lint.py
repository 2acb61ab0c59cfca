"""Our own rules for a dashboard's JSON: what makes Grafana show nothing, or the wrong thing, without a word. Pure."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping

from dashboards import model
from dashboards.limits import COLUMNS, MAX_SCHEMA_VERSION, PANELS
from dashboards.lint_influxql import faults_of_query
from dashboards.model import Json
from dashboards.names import PAGE_URL

_LINK = re.compile(r"/d/([\w-]+)")
_DATASOURCE = {"type": "influxdb", "uid": "${ds}"}


def lint(boards: Mapping[str, Json]) -> list[str]:
    """Every fault, each a sentence that starts with the dashboard's uid; empty when all is well."""
    return [f"{uid}: {fault}" for uid, board in boards.items() for fault in _faults(board, set(boards))]


def _faults(board: Json, uids: set[str]) -> Iterator[str]:
    if "id" in board:
        yield "carries an `id`, which belongs to one Grafana server"
    if not isinstance(board.get("tags"), list):
        yield "has no `tags`"
    if not 1 <= int(board.get("schemaVersion", 0)) <= MAX_SCHEMA_VERSION:
        yield f"schemaVersion is not 1 to {MAX_SCHEMA_VERSION}"
    yield from _panel_faults(board)
    yield from _grid_faults(board)
    yield from _variable_faults(board)
    yield from _link_faults(board, uids)
    for asked in model.queries(board):
        for fault in faults_of_query(asked.text):
            yield f"{asked.kind} {asked.where!r}: {fault}"


def _panel_faults(board: Json) -> Iterator[str]:
    ids = Counter(each.get("id") for each in board.get("panels", []))
    for number, times in ids.items():
        if times > 1 or not number:
            yield f"panel id {number} is used {times} times"
    for panel in model.panels(board):
        for fault in (*_look_faults(panel), *_target_faults(panel)):
            yield f"panel {panel.get('title')!r}: {fault}"
    for annotation in model.annotations(board):
        if annotation.get("datasource") != _DATASOURCE:
            yield f"annotation {annotation.get('name')!r}: its datasource is not ${{ds}}"


def _look_faults(panel: Json) -> Iterator[str]:
    if panel["type"] not in PANELS:
        yield f"{panel['type']} is not a core panel we use"
    if not panel.get("description"):
        yield "no description"
    if not panel.get("fieldConfig", {}).get("defaults", {}).get("unit"):
        yield "no unit"
    overrides = panel.get("fieldConfig", {}).get("overrides", [])
    renamed = {each["matcher"]["options"] for each in overrides if "displayName" in _ids(each)}
    for order in panel.get("options", {}).get("sortBy", []):
        if order["displayName"] in renamed:
            yield f"is sorted by {order['displayName']!r}, which is shown under another name"


def _ids(override: Json) -> set[str]:
    return {each["id"] for each in override["properties"]}


def _target_faults(panel: Json) -> Iterator[str]:
    if panel.get("datasource") != _DATASOURCE:
        yield "its datasource is not ${ds}"
    targets = panel.get("targets", [])
    if not targets:
        yield "no query"
    if len({each.get("refId") for each in targets}) != len(targets):
        yield "two queries share a refId"
    for target in targets:
        if target.get("datasource") != _DATASOURCE or target.get("rawQuery") is not True:
            yield f"query {target.get('refId')} is not a raw query of ${{ds}}"


def _grid_faults(board: Json) -> Iterator[str]:
    taken: dict[tuple[int, int], str] = {}
    for panel in board.get("panels", []):
        place, name = panel["gridPos"], str(panel.get("title"))
        if place["x"] < 0 or place["y"] < 0 or place["w"] < 1 or place["h"] < 1 or place["x"] + place["w"] > COLUMNS:
            yield f"panel {name!r}: leaves the grid of {COLUMNS} columns"
            continue
        cells = [
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        ]
        over = {taken[cell] for cell in cells if cell in taken}
        for other in sorted(over):
            yield f"panel {name!r} lies over {other!r}"
        taken.update(dict.fromkeys(cells, name))


def _variable_faults(board: Json) -> Iterator[str]:
    defined = model.variables(board)
    known: set[str] = set()
    for name, variable in defined.items():
        for other in sorted(model.used_variables(str(variable.get("query", ""))) - known):
            yield f"variable {name!r} uses {other!r}, which is not defined before it"
        known.add(name)
        if variable["type"] == "query" and variable.get("datasource") != _DATASOURCE:
            yield f"variable {name!r}: its datasource is not ${{ds}}"
    shown = {key: value for key, value in board.items() if key != "templating"}
    used = {name for text in model.strings(shown) for name in model.used_variables(text)}
    used |= {each["repeat"] for each in model.panels(board) if each.get("repeat")}
    for name in sorted(used - set(defined)):
        yield f"variable {name!r} is used and not defined"
    if "page_url" in defined and not str(defined["page_url"].get("query", "")).startswith(("http://", "https://")):
        yield f"variable 'page_url' is no web address such as {PAGE_URL}"


def _link_faults(board: Json, uids: set[str]) -> Iterator[str]:
    for text in model.strings(board):
        for uid in _LINK.findall(text):
            if uid not in uids:
                yield f"a link leads to {uid!r}, which is no dashboard of ours"

"""Reading a dashboard's JSON: its panels, queries, variables and links."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dashboards.errors import DashboardsError
from dashboards.names import DASHBOARDS

Json = dict[str, Any]

VARIABLE = re.compile(r"\$\{(\w+)(?:\.[\w.]+)?(?::\w+)?\}|\$(\w+)")


@dataclass(frozen=True, slots=True)
class Asked:
    """One query of a dashboard: whose it is, and how far back and how finely it looks.

    Attributes:
        where: panel title, variable or annotation
        kind: panel, variable or annotation
        text: InfluxQL with Grafana's variables in it
        time_from: a range of its own, such as `2m`; empty: the dashboard's
        interval: the finest grouping by time, such as `30s`; empty: the data source's
    """

    where: str
    kind: str
    text: str
    ref_id: str = "A"
    time_from: str = ""
    interval: str = ""
    columns: tuple[str, ...] = field(default=())


def read(directory: Path) -> dict[str, Json]:
    """The dashboards in a folder, by uid.

    Raises:
        DashboardsError: one is missing, is no JSON, or carries another uid than its file name
    """
    out = {}
    for uid in DASHBOARDS:
        path = directory / f"{uid}.json"
        try:
            board = json.loads(path.read_bytes())
        except FileNotFoundError:
            raise DashboardsError(f"{path}: missing; run `branchline dashboards build`") from None
        except (OSError, ValueError) as error:
            raise DashboardsError(f"{path}: cannot be read as JSON: {error}") from error
        if not isinstance(board, dict) or board.get("uid") != uid:
            raise DashboardsError(f"{path}: its uid is not {uid}; run `branchline dashboards build`")
        out[uid] = board
    return out


def panels(board: Json) -> list[Json]:
    """Every panel that shows something: no row headings."""
    return [each for each in board.get("panels", []) if each["type"] != "row"]


def variables(board: Json) -> dict[str, Json]:
    """The variables by name, in order."""
    return {each["name"]: each for each in board.get("templating", {}).get("list", [])}


def annotations(board: Json) -> list[Json]:
    """The annotation queries of our own."""
    return list(board.get("annotations", {}).get("list", []))


def queries(board: Json) -> list[Asked]:
    """Everything the dashboard asks a database: variables first, in the order Grafana needs them."""
    out = [Asked(name, "variable", each["query"]) for name, each in variables(board).items() if each["type"] == "query"]
    out += [_asked(panel, target) for panel in panels(board) for target in panel.get("targets", [])]
    out += [Asked(each["name"], "annotation", each["target"]["query"]) for each in annotations(board)]
    return out


def strings(value: object) -> Iterator[str]:
    """Every text anywhere inside."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from strings(each)


def used_variables(text: str) -> set[str]:
    """Names of the variables in a text, Grafana's own left out."""
    found = {first or second for first, second in VARIABLE.findall(text)}
    return {each for each in found if not each.startswith(("__", "tag_")) and each not in {"timeFilter", "col"}}


def _asked(panel: Json, target: Json) -> Asked:
    span, finest = panel.get("timeFrom", ""), panel.get("interval", "")
    return Asked(panel["title"], "panel", target["query"], target["refId"], span, finest, _named(panel))


def _named(panel: Json) -> tuple[str, ...]:
    """Columns that the look of a table relies on: they must be among what its query returns."""
    if panel.get("transformations"):
        grouped = panel["transformations"][0]["options"].get("fields", {})
        return tuple(name for name in grouped if name != "Time")
    overrides = panel["fieldConfig"].get("overrides", [])
    if panel["targets"][0].get("resultFormat") != "table":
        return ()
    names = (each["matcher"]["options"] for each in overrides if each["matcher"]["id"] == "byName")
    return tuple(name for name in names if name != "Time")

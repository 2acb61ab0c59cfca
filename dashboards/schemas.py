"""Layers of validation that other people's definitions give us.

`read_back`: the typed model of grafana-foundation-sdk reads our JSON and writes the same again.
`against`: the JSON Schemas of the same project, from a folder the user has (they are on no package registry).
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dashboards.errors import DashboardsError
from dashboards.model import Json, panels

_PANEL_TYPES = {"state-timeline": "statetimeline", "status-history": "statushistory"}
_ANY = (("MatcherConfig", "options"), ("DynamicConfigValue", "value"))
"""`any` in Grafana's own definition, which the generated JSON Schema narrows to an object by mistake."""

_FALSE_ALARMS = (("geomap", "view"),)
"""Latitude, longitude and zoom are integers in the schema; Grafana takes fractions and its own editor writes them."""


def read_back(board: Json) -> list[str]:
    """What the SDK's model of a dashboard does not give back as it was; empty when all is well.

    Raises:
        ModuleNotFoundError: grafana-foundation-sdk is not installed
    """
    from dashboards.query import register  # noqa: PLC0415 - only who asks for this layer needs the SDK
    from dashboards.sdk import JSONEncoder, models  # noqa: PLC0415 - same

    register()
    try:
        again = json.loads(json.dumps(models.Dashboard.from_json(json.loads(json.dumps(board))), cls=JSONEncoder))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        return [f"the SDK's model cannot read it: {type(error).__name__}: {error}"]
    return list(_differences(board, again, ""))


def against(board: Json, folder: Path) -> list[str]:
    """What the official JSON Schemas in `folder` find; empty when all is well.

    Raises:
        DashboardsError: the folder has no schemas
        ModuleNotFoundError: jsonschema is not installed
    """
    import jsonschema  # noqa: PLC0415 - only who asks for this layer needs it

    out = []
    validator = jsonschema.Draft7Validator(_schema(folder, "dashboard"))
    for error in validator.iter_errors(board):
        deepest = jsonschema.exceptions.best_match([error])
        out.append(f"{_path(deepest.absolute_path)}: {deepest.message[:200]}")
    for panel in panels(board):
        kind = _PANEL_TYPES.get(panel["type"]) or str(panel["type"])
        schema = _schema(folder, kind)
        parts = (("Options", panel.get("options")), ("FieldConfig", panel["fieldConfig"]["defaults"].get("custom")))
        for definition, value in parts:
            if value is None or definition not in schema["definitions"]:
                continue
            checked = {key: each for key, each in value.items() if (kind, key) not in _FALSE_ALARMS}
            whole = {**schema, "$ref": f"#/definitions/{definition}"}
            out += [
                f"panel {panel['title']!r}: {_path(error.absolute_path)}: {error.message[:200]}"
                for error in jsonschema.Draft7Validator(whole).iter_errors(checked)
                if not _left_out(error.message, kind)
            ]
    return out


def _left_out(message: str, kind: str) -> bool:
    return any(kind == each and message == f"{key!r} is a required property" for each, key in _FALSE_ALARMS)


def _schema(folder: Path, name: str) -> dict[str, Any]:
    path = folder / f"{name}.jsonschema.json"
    try:
        schema: dict[str, Any] = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise DashboardsError(
            f"{path}: cannot be read: {error}; --schemas wants the folder `jsonschema` of "
            "github.com/grafana/grafana-foundation-sdk"
        ) from error
    for definition, key in _ANY:
        if definition in schema["definitions"]:
            schema["definitions"][definition]["properties"][key] = {}
    return schema


def _differences(ours: object, theirs: object, where: str) -> Iterator[str]:
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key in sorted({*ours, *theirs}):
            if key not in theirs:
                yield f"{where}/{key}: unknown to the SDK's model"
            elif key not in ours and key != "placement":  # left out on purpose, see `build.render`
                yield f"{where}/{key}: missing; the SDK's model writes {str(theirs[key])[:80]!r}"
            elif key in ours:
                yield from _differences(ours[key], theirs[key], f"{where}/{key}")
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for index, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            yield from _differences(one, other, f"{where}/{index}")
    elif ours != theirs:
        yield f"{where}: {str(ours)[:80]!r} becomes {str(theirs)[:80]!r}"


def _path(parts: Any) -> str:
    return "/" + "/".join(str(each) for each in parts)

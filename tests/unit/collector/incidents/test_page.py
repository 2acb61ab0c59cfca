"""docs/incidents.md says what the code does."""

from pathlib import Path

from collector.incidents.causes import RULES
from collector.incidents.causes.access_line import CONFIDENCE as ACCESS_LINE
from collector.incidents.causes.anchor import CONFIDENCE as ANCHOR
from collector.incidents.causes.flood import SENSOR
from collector.incidents.causes.flood_zone import CONSISTENT
from collector.incidents.causes.power import DISPUTED, PROVED
from collector.incidents.causes.unknown import CONFIDENCE as UNKNOWN
from collector.incidents.model import SEVERITIES
from collector.incidents.settings import IncidentSettings
from collector.incidents.telling import TELL_BY_S

PAGE = Path(__file__).parents[4] / "docs" / "incidents.md"


def _table(header: str) -> list[list[str]]:
    lines = PAGE.read_text().split(header, 1)[1].splitlines()[2:]
    rows = []
    for line in lines:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


def test_classes_and_severities() -> None:
    rows = _table("| class | severity |")
    assert [(row[0], row[1]) for row in rows] == [(f"`{name}`", str(severity)) for name, severity in SEVERITIES.items()]


def test_rules_in_order_with_their_confidence() -> None:
    rows = _table("| rule | cause |")
    assert [row[0] for row in rows] == [f"`{name}`" for name in RULES]
    confidence = {row[0].strip("`"): row[3] for row in rows}
    assert confidence["power"].startswith(f"{PROVED}; {DISPUTED} ")
    plain = {
        "flood": SENSOR,
        "flood_zone": CONSISTENT,
        "anchor": ANCHOR,
        "access_line": ACCESS_LINE,
        "unknown": UNKNOWN,
    }
    assert {name: confidence[name] for name in plain} == {name: str(value) for name, value in plain.items()}


def test_settings_and_their_defaults() -> None:
    settings = IncidentSettings()
    rows = _table("| `[incidents]` | default |")
    wanted = {f"`{name}`": getattr(settings, name) for name in settings.__struct_fields__}
    told = {row[0]: float(row[1].removesuffix(" s")) for row in rows}
    assert told == {name: float(value) for name, value in wanted.items()}
    assert f"latest {TELL_BY_S:.0f} s after" in PAGE.read_text()

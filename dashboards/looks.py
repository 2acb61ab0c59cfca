"""How states look: a word and a shape beside each colour, the same on every dashboard."""

from dashboards.sdk import dashboard, models
from wire.fields import INCIDENT_STEPS, OUTCOME_CODES, POWER_CODES, SENSOR_CODES
from wire.messages import ActOutcome, BranchState, LinkState, PowerSource, SensorState

GOOD = "#2f9e6e"
ILL = "#e0a800"
METERED = "#3b82f6"
BAD = "#d7263d"
UNKNOWN = "#8a8f98"
CALM = "#5b6470"

Look = tuple[int, str, str]  # number, words, colour


def mappings(*looks: Look) -> list[models.ValueMapping]:
    """Numbers to words; the order is the order of a legend."""
    options = {
        str(number): models.ValueMappingResult(text=words, color=colour, index=index)
        for index, (number, words, colour) in enumerate(looks)
    }
    return [models.ValueMap(options=options)]


BRANCH_STATES = mappings(
    (BranchState.OK, "● OK", GOOD),
    (BranchState.DEGRADED, "◆ DEGRADED", ILL),
    (BranchState.ON_5G, "▲ ON 5G", METERED),
    (BranchState.ISOLATED, "✖ ISOLATED", BAD),
    (BranchState.UNKNOWN, "? UNKNOWN", UNKNOWN),
)
BRANCH_STATES_SHORT = mappings(
    (BranchState.OK, "●", GOOD),
    (BranchState.DEGRADED, "◆ ill", ILL),
    (BranchState.ON_5G, "▲ 5G", METERED),
    (BranchState.ISOLATED, "✖ CUT", BAD),
    (BranchState.UNKNOWN, "?", UNKNOWN),
)
LINK_STATES = mappings(
    (LinkState.UP, "● UP", GOOD),
    (LinkState.SUSPECT, "◇ SUSPECT", ILL),
    (LinkState.DEGRADED, "◆ DEGRADED", ILL),
    (LinkState.DOWN, "✖ DOWN", BAD),
    (LinkState.UNKNOWN, "? UNKNOWN", UNKNOWN),
)
METERED_OR_NOT = mappings((0, "● on a wire", GOOD), (1, "▲ on 5G", METERED))
OUTCOMES = mappings(
    (OUTCOME_CODES[ActOutcome.APPLIED], "◇ applied", CALM),
    (OUTCOME_CODES[ActOutcome.COMMITTED], "● proved", GOOD),
    (OUTCOME_CODES[ActOutcome.ROLLED_BACK], "◆ rolled back", ILL),
    (OUTCOME_CODES[ActOutcome.FAILED], "✖ failed", BAD),
)
POWER = mappings(
    (POWER_CODES[PowerSource.MAINS], "● mains", GOOD),
    (POWER_CODES[PowerSource.BATTERY], "◆ battery", ILL),
    (POWER_CODES[PowerSource.BYPASS], "◇ bypass", ILL),
    (POWER_CODES[PowerSource.NONE], "✖ none", BAD),
    (POWER_CODES[PowerSource.OTHER], "◇ other", CALM),
    (POWER_CODES[PowerSource.UNKNOWN], "? unknown", UNKNOWN),
)
SENSORS = mappings(
    (SENSOR_CODES[SensorState.OK], "● ok", GOOD),
    (SENSOR_CODES[SensorState.ALARM], "✖ ALARM", BAD),
    (SENSOR_CODES[SensorState.DISCONNECTED], "? disconnected", UNKNOWN),
    (SENSOR_CODES[SensorState.UNKNOWN], "? unknown", UNKNOWN),
)
STEPS = mappings(
    (INCIDENT_STEPS["opened"], "✖ open", BAD),
    (INCIDENT_STEPS["changed"], "✖ open, changed", BAD),
    (INCIDENT_STEPS["acknowledged"], "◆ acknowledged", ILL),
    (INCIDENT_STEPS["resolved"], "● resolved", GOOD),
)
WAKES = mappings((0, "no", CALM), (1, "✖ pages", BAD))
DELIVERED = mappings((0, "✖ given up", BAD), (1, "● delivered", GOOD))
HELD = mappings((0, "● takes records", GOOD), (1, "✖ HELD: journal full", BAD))


def steps(base: str, *above: tuple[float, str]) -> dashboard.ThresholdsConfig:
    """Absolute thresholds: `base` below the first value, then each colour from its value on."""
    marks = [models.Threshold(value=None, color=base), *(models.Threshold(value=at, color=c) for at, c in above)]
    return dashboard.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(marks)


def step_property(base: str, *above: tuple[float, str]) -> models.DynamicConfigValue:
    """The same for one field of a panel."""
    return models.DynamicConfigValue("thresholds", steps(base, *above).build())


def field(**properties: object) -> list[models.DynamicConfigValue]:
    """Properties of one field, by Grafana's ids with `__` for a dot."""
    return [models.DynamicConfigValue(name.replace("__", "."), value) for name, value in properties.items()]


def state_cell(states: list[models.ValueMapping]) -> list[models.DynamicConfigValue]:
    """A table cell that shows a state."""
    return field(mappings=states, custom__cellOptions={"type": "color-background", "mode": "basic"}, custom__width=150)


def hidden_column() -> list[models.DynamicConfigValue]:
    """A column that is only needed by links: as Grafana says it up to 12, and as 13 does."""
    return field(custom__hidden=True, custom__hideFrom={"viz": True, "legend": False, "tooltip": False})

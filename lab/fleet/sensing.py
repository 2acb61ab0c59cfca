"""What UPS, mains relay and water sensor of a simulated branch say. Readings only: nobody here says what they mean."""

from collections.abc import Callable, Iterator

from collector.inventory.model import BranchEntry
from lab.fleet.story import Fate
from wire.messages import Environment, Power, PowerSource, SensorKind, SensorState

EVERY_S = 60.0
EVERY_ON_BATTERY_S = 20.0
RUNTIME_S = 45 * 60.0
MAINS_V = 231.0
LOAD_PCT = 22.0

Reading = Power | Environment


class Sensing:
    """The sensors of one branch: a reading when something changes, at the start, and once a minute besides."""

    def __init__(self, branch: BranchEntry, fate: Fate) -> None:
        self._has_ups = bool(branch.power.ups)
        self._has_water = bool(branch.flood_zone)
        self._fate = fate
        self._said: dict[str, PowerSource | SensorState] = {}
        self._repeat_s = float("-inf")

    def start(self, _now: float) -> None:
        """The agent starts: what it reads first is news."""
        self._said.clear()
        self._repeat_s = float("-inf")

    def next_due_s(self, now: float) -> float:
        """When something here changes or is told again."""
        edges = (self._fate.water.from_s, self._fate.water.until_s, self._fate.dark.from_s, self._fate.dark.until_s)
        return min([self._repeat_s, *(edge for edge in edges if edge > now)])

    def due(self, now: float, at_ns: Callable[[], int]) -> Iterator[tuple[bool, Reading]]:
        """Whether it is news, and the reading."""
        repeat = now >= self._repeat_s
        if repeat:
            self._repeat_s = now + (EVERY_ON_BATTERY_S if self._fate.dark.covers(now) else EVERY_S)
        for name, said, reading in self._readings(now, at_ns):
            news = self._said.get(name) is not said
            self._said[name] = said
            if news or repeat:
                yield news, reading

    def _readings(
        self, now: float, at_ns: Callable[[], int]
    ) -> Iterator[tuple[str, PowerSource | SensorState, Reading]]:
        dark = self._fate.dark.covers(now)
        if self._has_ups:
            source = PowerSource.BATTERY if dark else PowerSource.MAINS
            left_s = RUNTIME_S - (now - self._fate.dark.from_s if dark else 0.0)
            charge = round(100.0 * left_s / RUNTIME_S, 1)
            yield (
                "ups",
                source,
                Power(at_ns(), "ups", source, charge, round(left_s, 1), LOAD_PCT, 0.0 if dark else MAINS_V),
            )
            relay = SensorState.ALARM if dark else SensorState.OK
            yield "mains", relay, Environment(at_ns(), "mains", SensorKind.MAINS, relay)
        if self._has_water:
            wet = SensorState.ALARM if self._fate.water.covers(now) else SensorState.OK
            level_cm = 6.0 if wet is SensorState.ALARM else 0.0
            yield "cellar", wet, Environment(at_ns(), "cellar", SensorKind.FLOOD, wet, level_cm, "cm")

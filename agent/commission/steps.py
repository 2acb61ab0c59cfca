"""What the engineer is walked through, from the settings alone. Pure."""

from enum import StrEnum

import msgspec

from agent.config import BranchSettings
from wire.messages import Role


class Kind(StrEnum):
    """What is asked for."""

    START = "start"
    PULL = "pull"
    PLUG = "plug"
    ALL_OUT = "all_out"
    ALL_IN = "all_in"
    COLLECTOR = "collector"
    UPS = "ups"
    WATER = "water"


class Step(msgspec.Struct, frozen=True):
    """One step: `paths` are those whose cables it is about; `absent` is why this branch has nothing of the kind."""

    kind: Kind
    paths: tuple[str, ...] = ()
    absent: str = ""

    @property
    def key(self) -> str:
        """Names the step in the record: `pull:fibre`."""
        return f"{self.kind.value}:{self.paths[0]}" if self.kind in {Kind.PULL, Kind.PLUG} else self.kind.value


def plan(settings: BranchSettings) -> tuple[Step, ...]:
    """All steps of this branch, in order."""
    every = tuple(path.name for path in settings.path)
    wires = tuple(path.name for path in settings.path if path.role is Role.WIRE)
    steps = [Step(Kind.START, every)]
    for wire in wires:
        steps += [Step(Kind.PULL, (wire,)), Step(Kind.PLUG, (wire,))]
    if len(wires) == len(every):
        steps.append(Step(Kind.ALL_OUT, wires, absent="no_cellular"))
    elif len(wires) < 2:
        steps.append(Step(Kind.ALL_OUT, wires, absent="one_wire"))
    else:
        steps += [Step(Kind.ALL_OUT, wires), Step(Kind.ALL_IN, wires)]
    steps.append(Step(Kind.COLLECTOR, absent="" if settings.broker else "no_broker"))
    # The agent reads neither yet; until it does nobody is asked, and nothing is called passed.
    return (*steps, Step(Kind.UPS, absent="no_ups"), Step(Kind.WATER, absent="no_water"))

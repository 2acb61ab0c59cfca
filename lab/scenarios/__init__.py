"""The scenarios: one file each with a function `play(order) -> Run`; added to SCENARIOS and nowhere else."""

import importlib
from collections.abc import Callable
from typing import cast

from lab.results import Order, Run

# name -> (module, what happens and what is promised)
SCENARIOS = {
    "silent-cut": ("lab.scenarios.silent_cut", "ISP 1 drops everything, its carrier stays: lands on wan2"),
    "both-wires": ("lab.scenarios.both_wires", "both ISPs drop everything: lands on cell5g"),
    "carrier-loss": ("lab.scenarios.carrier_loss", "the cable of ISP 1 is pulled: lands on wan2"),
    "collector-gone": ("lab.scenarios.collector_gone", "both wires and headquarters die: as both-wires"),
    "backup-dead": ("lab.scenarios.backup_dead", "wires and 5G dead, ISP 2 revives: on it within 5 s"),
    "anchors-dead": ("lab.scenarios.anchors_dead", "no anchor answers, users' traffic goes on: no move in 60 s"),
    "boot-dead-wire": ("lab.scenarios.boot_dead_wire", "the agent starts on a line that is dead: leaves it in 35 s"),
    "agent-killed": ("lab.scenarios.agent_killed", "kill -9 of the agent while it proves a path: a path works"),
    "wire-returns": ("lab.scenarios.wire_returns", "ISP 1 comes back: traffic returns once, cleanly"),
    "alternating": ("lab.scenarios.alternating", "wire and 5G fail in turns, simulated: never stuck on a dead path"),
    "quiet": ("lab.scenarios.quiet", "5 % loss, jitter, duplicates for --minutes: no move"),
    "kills": ("lab.scenarios.kills", "--kills random kill -9 of the house: every sample in the database once"),
}


def load(name: str) -> Callable[[Order], Run]:
    """The function that plays a scenario.

    Raises:
        KeyError: no such scenario.
    """
    return cast("Callable[[Order], Run]", importlib.import_module(SCENARIOS[name][0]).play)

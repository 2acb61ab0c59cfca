"""One file per actuator; added to ACTUATORS and nowhere else."""

import importlib
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from failover.actuators.base import Actuator
    from failover.actuators.settings import ActuatorSettings

# name in the settings file -> (module, class); imported only when chosen, so that dry_run needs no netlink library
ACTUATORS = {
    "dry_run": ("failover.actuators.dry_run", "DryRunActuator"),
    "linux": ("failover.actuators.linux", "LinuxActuator"),
}


def load(name: str, settings: "ActuatorSettings") -> "Actuator":
    """Make the actuator called `name`.

    Raises:
        KeyError: no such actuator.
    """
    module, kind = ACTUATORS[name]
    return cast("Actuator", getattr(importlib.import_module(module), kind)(settings))

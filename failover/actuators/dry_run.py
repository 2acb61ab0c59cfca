"""The actuator that moves nothing: it records and logs what it would do. Needs no privilege."""

import logging
import socket
from pathlib import Path

from failover.actuators.base import ActuatorError
from failover.actuators.protocol import PathSnapshot
from failover.actuators.settings import ActuatorSettings

_log = logging.getLogger(__name__)

_KEPT = 1000
_ROUTES = Path("/proc/net/route")


class DryRunActuator:
    """Keeps the last 1,000 things it would have done in `done`, oldest first."""

    def __init__(self, settings: ActuatorSettings) -> None:
        self._settings = settings
        self._active = self._in_use()
        self.done: list[str] = []

    def prepare(self) -> None:
        """Would install tables, rules and counters."""
        self._record("install the tables and rules of " + ", ".join(path.name for path in self._settings.paths))

    def snapshot(self) -> tuple[str, tuple[PathSnapshot, ...]]:
        """The last path applied, at first the one this machine uses; gateways and addresses are not looked up."""
        return self._active, tuple(
            PathSnapshot(path.name, _present(path.interface), path.gateway_ipv4, path.gateway_ipv6, "")
            for path in self._settings.paths
        )

    def apply(self, path: str) -> None:
        """Would route new traffic by `path`.

        Raises:
            ActuatorError: the path is not in the settings.
        """
        if path not in {known.name for known in self._settings.paths}:
            raise ActuatorError(f"path {path!r} is not in the settings", retry=False)
        self._record(f"route new traffic by {path}")
        self._active = path

    def settle(self, path: str) -> int:
        """Would drop flows still translated to another path."""
        self._record(f"drop flows still translated to a path other than {path}")
        return 0

    def reconcile(self) -> tuple[str, ...]:
        """Nothing is in place, so nothing can be missing."""
        return ()

    def counters(self) -> dict[str, int]:
        """No counters."""
        return {}

    def _in_use(self) -> str:
        """The path of the IPv4 default route with the lowest metric (/proc/net/route), "" if it is none of ours."""
        try:
            rows = [line.split() for line in _ROUTES.read_text().splitlines()[1:]]
        except OSError:
            return ""
        defaults = sorted((int(row[6]), row[0]) for row in rows if len(row) > 7 and row[1] == row[7] == "00000000")
        names = {path.interface: path.name for path in self._settings.paths}
        return next((names[interface] for _, interface in defaults if interface in names), "")

    def _record(self, what: str) -> None:
        self.done = [*self.done[-_KEPT + 1 :], what]
        _log.info("dry run: would %s", what)


def _present(interface: str) -> bool:
    try:
        socket.if_nametoindex(interface)
    except OSError:
        return False
    return True

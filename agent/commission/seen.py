"""What the running agent says of its branch, as far as commissioning looks at it."""

from collections.abc import Mapping

import msgspec


class PathSeen(msgspec.Struct, frozen=True):
    """One path: its link state by name, and for how long."""

    path: str
    state: str
    for_s: float


class UplinkSeen(msgspec.Struct, frozen=True):
    """The connection to the broker; `trouble` is one sentence or None."""

    connected: bool
    trouble: str | None = None


class Seen(msgspec.Struct, frozen=True):
    """One answer of the agent; `move` is not None while a path is on trial."""

    branch_state: str
    active: str | None
    paths: tuple[PathSeen, ...]
    config_hash: str
    move: dict[str, object] | None = None
    uplink: UplinkSeen | None = None

    def path(self, name: str) -> PathSeen:
        """The path of that name; one the agent does not know is UNKNOWN."""
        return next((path for path in self.paths if path.path == name), PathSeen(name, "UNKNOWN", 0.0))

    def not_up(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Those of the paths that are not UP."""
        return tuple(name for name in names if self.path(name).state != "UP")


def seen_of(answer: Mapping[str, object]) -> Seen:
    """An answer of the control socket.

    Raises:
        ValueError: it is no status, as of an agent of another version.
    """
    return msgspec.convert(answer, Seen)

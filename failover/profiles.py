"""How hard a path is probed and how soon its silence counts (docs/design.md sections 5 and 6). Times in seconds."""

from dataclasses import dataclass
from enum import StrEnum

from wire.messages import Role


class Profile(StrEnum):
    """How fast a branch wants to be; Fast costs twice the probes, on wires only."""

    STANDARD = "standard"
    FAST = "fast"


class Effort(StrEnum):
    """How much a path may be probed now: a metered path rests until it is needed."""

    IDLE = "idle"
    ARMED = "armed"
    ACTIVE = "active"


@dataclass(frozen=True, slots=True)
class Pace:
    """Each anchor is probed every `interval_s`; silence of `down_after_s` is DOWN, `veto_cap_s` at most with vetoes."""

    interval_s: float
    down_after_s: float
    veto_cap_s: float
    probes: int = 15

    def down_after(self, anchors_alive: int) -> float:
        """T, never below `probes` probes unanswered by the anchors that are alive: at 20 % loss 15 make 0.2^15."""
        return max(self.down_after_s, self.probes * self.interval_s / max(1, anchors_alive))

    def latest_down(self, anchors_alive: int) -> float:
        """The moment no veto can push DOWN past."""
        return max(self.veto_cap_s, self.down_after(anchors_alive))


_WIRE = {
    Profile.STANDARD: Pace(0.100, 0.500, 0.950),
    Profile.FAST: Pace(0.050, 0.280, 0.560),
}
# Cellular paces keep the data budget of docs/design.md section 10: probes are 36 bytes at the IP layer.
_CELL = {
    Effort.IDLE: Pace(90.0, 95.0, 95.0, 3),  # three anchors, so one probe every 30 s
    Effort.ARMED: Pace(3.0, 5.0, 10.0, 5),  # one probe a second
    Effort.ACTIVE: Pace(0.5, 2.5, 5.0),
}
# The second IP family of a path is probed slowly: it labels, it does not move traffic.
SECOND_FAMILY = Pace(1.0, 5.0, 10.0, 5)


def pace(profile: Profile, role: Role, effort: Effort) -> Pace:
    """The pace of a path's first IP family."""
    return _CELL[effort] if role is Role.CELL else _WIRE[profile]

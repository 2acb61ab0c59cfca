"""Which addresses are whose: remembered after an interface has lost them, as its old flows still carry them."""

import ipaddress
import socket
from collections.abc import Iterable

from failover.actuators.linux.conntrack import Abandoned
from failover.actuators.linux.routes import Sight
from failover.actuators.linux.values import FAMILIES
from failover.actuators.settings import ActuatorSettings

_KEPT = 8  # addresses a path had lately: a 5G path changes its address with each attachment


class Addresses:
    """The addresses each path has and lately had."""

    def __init__(self, settings: ActuatorSettings) -> None:
        self._settings = settings
        self._by_path: dict[str, dict[bytes, None]] = {path.name: {} for path in settings.paths}

    def remember(self, sights: Iterable[Sight]) -> None:
        """Note the addresses the paths have now; the newest stand last."""
        for sight in sights:
            kept = self._by_path[sight.plan.name]
            for family in FAMILIES:
                for text in sight.texts(family):
                    packed = socket.inet_pton(family, text)
                    kept.pop(packed, None)
                    kept[packed] = None
            for packed in list(kept)[:-_KEPT]:
                del kept[packed]

    def abandoned(self, in_use: str) -> Abandoned:
        """What marks a flow that does not belong to the path in use."""
        ours = set(self._by_path.get(in_use, ()))
        others = {packed for name, kept in self._by_path.items() if name != in_use for packed in kept}
        prefixes = {path.name: path.ipv6_prefix for path in self._settings.paths if path.ipv6_prefix}
        canary = self._settings.canary_network
        return Abandoned(
            frozenset(others - ours),
            tuple(
                ipaddress.IPv6Network(prefix)
                for name, prefix in prefixes.items()
                if name != in_use and prefix != prefixes.get(in_use)
            ),
            ipaddress.IPv4Network(canary, strict=False) if canary else None,
        )

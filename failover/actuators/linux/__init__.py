"""The Linux actuator: policy routing, IPv4 and IPv6, in the network namespace it runs in. Needs CAP_NET_ADMIN only.

Nothing here undoes itself when the process ends: the path in use stays in place.
"""

import socket
from pathlib import Path

from failover.actuators.base import ActuatorError
from failover.actuators.linux import dns, prefixes
from failover.actuators.linux.conntrack import Abandoned, Conntrack
from failover.actuators.linux.guard import check_rp_filter
from failover.actuators.linux.kernel import Kernel
from failover.actuators.linux.marks import Addresses
from failover.actuators.linux.netlink import NetlinkError
from failover.actuators.linux.nft import Nft
from failover.actuators.linux.routes import Routes, Sight
from failover.actuators.protocol import PathSnapshot
from failover.actuators.settings import ActuatorSettings

_SETTLE_S = 0.5
_FORBIDDEN = 1  # EPERM


class LinuxActuator:
    """See `failover.actuators.base.Actuator`. Every method may raise ActuatorError when the kernel refuses."""

    def __init__(self, settings: ActuatorSettings) -> None:
        self._settings = settings
        self._kernel = Kernel()
        self._routes = Routes(self._kernel, settings)
        self._nft = Nft(settings.canary_network)
        self._conntrack = Conntrack()
        self._seen = Addresses(settings)
        self._applied = ""

    def close(self) -> None:
        """Give the netlink sockets back; what is in place stays."""
        for part in (self._kernel, self._nft, self._conntrack):
            part.close()

    def prepare(self) -> None:
        """Install tables, rules, counters and clamp. A missing interface is fine: it may be plugged in later.

        Raises:
            ActuatorError: nft is missing, rp_filter forbids probing a resting path, or a right is missing.
        """
        check_rp_filter([path.interface for path in self._settings.paths])
        try:
            sights = self._look()
            self._routes.put_rules(sights)
            self._routes.put_paths(sights)
            self._nft.put(sights)
        except NetlinkError as error:
            raise _as_actuator_error("the tables and rules cannot be installed", error) from None

    def snapshot(self) -> tuple[str, tuple[PathSnapshot, ...]]:
        """The path in place; before the first apply the one main's best default route uses."""
        try:
            sights = self._look()
            active = self._routes.in_use(sights)
        except NetlinkError as error:
            raise _as_actuator_error("the routes cannot be read", error) from None
        return active, tuple(
            PathSnapshot(
                sight.plan.name,
                sight.link is not None,
                sight.gateway(socket.AF_INET),
                sight.gateway(socket.AF_INET6),
                next(iter(sight.texts(socket.AF_INET)), ""),
            )
            for sight in sights
        )

    def apply(self, path: str) -> None:
        """Route new traffic by `path`. Order: rules, IPv4, IPv6, resolvers, prefixes; each step is whole in itself."""
        try:
            sights = self._look()
            sight = _usable(path, sights)
            self._applied = path  # from here on reconcile completes what a refusal interrupts
            self._routes.put_rules(sights)  # someone may have flushed them since the last look
            self._put(sight, sights)
        except NetlinkError as error:
            raise _as_actuator_error(f"path {path!r} cannot be put in place", error) from None
        except OSError as error:
            raise ActuatorError(
                f"{self._settings.resolv_file} cannot be written ({error.strerror})", retry=True
            ) from None

    def settle(self, path: str) -> int:
        """Forget flows translated to, or sourced from, the other paths; at most half a second of work."""
        try:
            self._look()
            return self._conntrack.forget(self._marks(path), _SETTLE_S)
        except NetlinkError as error:
            raise _as_actuator_error("old flows cannot be dropped", error) from None

    def reconcile(self) -> tuple[str, ...]:
        """Put back what another program removed: path tables, rules, nft, and all of the path last applied."""
        try:
            sights = self._look()
            mended = self._routes.put_rules(sights)
            mended += self._routes.put_paths(sights)
            mended += self._nft.put(sights)
            sight = next((item for item in sights if item.plan.name == self._applied and item.routes), None)
            if sight is not None:
                mended += self._put(sight, sights)
        except NetlinkError as error:
            raise _as_actuator_error("what was removed cannot be put back", error) from None
        except OSError as error:
            raise ActuatorError(
                f"{self._settings.resolv_file} cannot be written ({error.strerror})", retry=True
            ) from None
        return tuple(mended)

    def counters(self) -> dict[str, int]:
        """Users' packets from beyond each gateway since the table was installed."""
        return self._nft.counters(self._settings.paths)

    def _look(self) -> tuple[Sight, ...]:
        sights = self._routes.look()
        self._seen.remember(sights)
        return sights

    def _put(self, sight: Sight, sights: tuple[Sight, ...]) -> list[str]:
        others = frozenset(family for item in sights for family in item.routes if item is not sight)
        changed = self._routes.put_in_use(sight, others)
        file, resolvers = self._settings.resolv_file, sight.plan.dns
        if file and resolvers and dns.put(Path(file), resolvers):
            changed.append(f"wrote the resolvers of {sight.plan.name} to {file}")
        return changed + prefixes.put(self._kernel, self._settings, sight.plan.name)

    def _marks(self, path: str) -> Abandoned:
        return self._seen.abandoned(path)


def _usable(path: str, sights: tuple[Sight, ...]) -> Sight:
    sight = next((item for item in sights if item.plan.name == path), None)
    if sight is None:
        raise ActuatorError(f"path {path!r} is not in the settings", retry=False)
    if sight.link is None:
        raise ActuatorError(f"path {path!r} has no interface {sight.plan.interface!r} now", retry=True)
    if not sight.routes:
        raise ActuatorError(
            f"path {path!r} has no gateway: interface {sight.plan.interface!r} is down or has no default route in main",
            retry=True,
        )
    return sight


def _as_actuator_error(what: str, error: NetlinkError) -> ActuatorError:
    if error.code == _FORBIDDEN:
        return ActuatorError(
            f"{what}: CAP_NET_ADMIN is missing; start the actor by branchline-actor.service, or with that capability",
            retry=False,
        )
    return ActuatorError(f"{what}: {error}", retry=True)

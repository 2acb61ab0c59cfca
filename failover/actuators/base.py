"""The actuator contract (docs/design.md section 6): absolute, idempotent, and honest about whether a retry can help."""

from typing import Protocol

from failover.actuators.protocol import PathSnapshot


class ActuatorError(Exception):
    """The system refused a change.

    Attributes:
        retry: whether the same change can succeed later.
    """

    def __init__(self, why: str, *, retry: bool) -> None:
        super().__init__(why)
        self.retry = retry


class Actuator(Protocol):
    """Puts one absolute state, "traffic goes by this path", in place. Any order of calls, any number of times."""

    def prepare(self) -> None:
        """Install what does not depend on the path in use (per-path tables and rules, counters, MSS clamp).

        Raises:
            ActuatorError: a needed part of the system is missing, or a setting forbids the work.
        """

    def snapshot(self) -> tuple[str, tuple[PathSnapshot, ...]]:
        """The path in place ("" if none is) and how the system sees each path."""

    def apply(self, path: str) -> None:
        """Route new traffic by `path`: IPv4, IPv6, DNS forwarders, prefix lifetimes. Crash-safe between any two steps.

        Raises:
            ActuatorError: the path's interface or gateway is missing.
        """

    def settle(self, path: str) -> int:
        """After proof: drop flows still translated to another path. Returns how many."""

    def reconcile(self) -> tuple[str, ...]:
        """Put back what something else removed. Returns a sentence for each thing mended."""

    def counters(self) -> dict[str, int]:
        """Packets received from beyond each path's gateway, probe replies excluded."""

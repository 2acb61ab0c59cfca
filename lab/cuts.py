"""Faults, made for real: a carrier that drops everything, a cable pulled, headquarters unreachable, anchors mute.

The program that makes a fault is started before its moment and waits on its standard input, so that the time from the
order to the fault is that of the kernel, not of starting a program.
"""

import subprocess
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from lab import topology
from lab.measure import Cut
from lab.namespaces import LabError, Namespaces, nft

# On arrival (netdev ingress) even ARP goes, as with a dead exchange behind a modem that still shows its lamp.
_SILENT = (
    "table netdev cut {\n chain everything {\n"
    "  type filter hook ingress devices = { cust, core } priority -500; policy drop;\n }\n}\n"
)
_NO_SILENT = "delete table netdev cut\n"


class Fault:
    """One fault in one namespace, armed and waiting."""

    def __init__(self, spaces: Namespaces, role: str, command: Sequence[str], order: str) -> None:
        self._order = order
        self._what = f"{' '.join(command)} in {role}"
        with spaces.inside(role):
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
            )

    def order(self) -> None:
        """Give the order; `settle` waits until it was carried out."""
        assert self._process.stdin is not None  # noqa: S101  opened as a pipe above
        self._process.stdin.write(self._order)
        self._process.stdin.close()
        self._process.stdin = None  # communicate() must not flush it again

    def settle(self) -> None:
        """Wait until the fault is in place.

        Raises:
            LabError: the program refused.
        """
        _, errors = self._process.communicate(timeout=5)
        if self._process.returncode != 0:
            raise LabError(f"{self._what} failed: {errors.strip()[:200]}")

    def disarm(self) -> None:
        """End a fault that was not ordered."""
        if self._process.poll() is None:
            self._process.kill()
        if self._process.stderr is not None and not self._process.stderr.closed:
            self._process.communicate()


class Armed:
    """Faults that come at the same moment: `with Armed(...) as armed: ...; cut = armed.fire()`."""

    def __init__(self, *faults: Fault) -> None:
        self._faults = faults

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for fault in self._faults:
            fault.disarm()

    def fire(self) -> Cut:
        """Make all faults; returns when."""
        cut_ns = time.monotonic_ns()
        for fault in self._faults:
            fault.order()
        for fault in self._faults:
            fault.settle()
        return Cut(cut_ns, time.monotonic_ns())


def silent(spaces: Namespaces, carrier: str) -> Fault:
    """The carrier drops everything; the cable's carrier signal stays."""
    return Fault(spaces, carrier, ("nft", "-f", "-"), _SILENT)


def unplugged(spaces: Namespaces, carrier: str) -> Fault:
    """The carrier's end of the access line goes down; the router sees its carrier signal go."""
    return Fault(spaces, carrier, ("ip", "-batch", "-"), "link set cust down\n")


def headquarters_gone(spaces: Namespaces) -> Fault:
    """Nothing reaches or leaves headquarters."""
    drop = f'oifname "to-{topology.HQ.name}" drop\n  iifname "to-{topology.HQ.name}" drop\n'
    chain = f"chain forward {{ type filter hook forward priority -10;\n  {drop} }}\n"
    return Fault(spaces, "core", ("nft", "-f", "-"), f"table inet hq {{\n {chain}}}\n")


def anchors_mute(spaces: Namespaces) -> Fault:
    """No site answers a ping any more, over IPv4 and IPv6; everything else goes on."""
    ports = ", ".join(f'"to-{site.name}"' for site in topology.SITES)
    drops = (
        f"oifname {{ {ports} }} icmp type echo-request drop\n  oifname {{ {ports} }} icmpv6 type echo-request drop\n"
    )
    chain = f"chain forward {{ type filter hook forward priority -10;\n  {drops} }}\n"
    return Fault(spaces, "core", ("nft", "-f", "-"), f"table inet anchors {{\n {chain}}}\n")


def revive(spaces: Namespaces, carrier: str) -> None:
    """End `silent` of a carrier."""
    with spaces.inside(carrier):
        nft(_NO_SILENT)

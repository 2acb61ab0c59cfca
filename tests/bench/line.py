"""A line for measuring: a TUN device in a namespace of its own, its far end a process that answers after a delay."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator, Sequence

from tests.integration.agent.namespace import ip, namespace, sysctl

INTERFACE = "wan0"
ADDRESSES = tuple(f"192.0.2.{n}" for n in range(11, 21))


@contextlib.contextmanager
def line(delay_s: float) -> Iterator[str]:
    """The namespace; every address of ADDRESSES answers echo requests after `delay_s`."""
    with namespace() as name:
        sysctl(name, "net.ipv6.conf.default.disable_ipv6", "1")
        with started(name, [sys.executable, "-m", "tests.integration.agent.reflector", INTERFACE, str(delay_s)]) as far:
            if far.stdout is None or not far.stdout.readline():
                raise RuntimeError("the far end of the line did not start")
            ip("-n", name, "addr", "add", "192.0.2.1/24", "dev", INTERFACE)
            ip("-n", name, "link", "set", INTERFACE, "up")
            yield name


@contextlib.contextmanager
def started(name: str, command: Sequence[str]) -> Iterator[subprocess.Popen[str]]:
    """A process in the namespace, ended with the block."""
    with subprocess.Popen(
        ["ip", "netns", "exec", name, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.terminate()


def quantiles(values: Sequence[float]) -> dict[str, float]:
    """Median, p95, p99 and max (nearest rank)."""
    ordered = sorted(values)

    def at(share: float) -> float:
        return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 1)

    return {"median": at(0.5), "p95": at(0.95), "p99": at(0.99), "max": round(ordered[-1], 1)}

"""The distance between each carrier and the core: delay, loss, jitter and duplicates, packet by packet.

netem is not in every kernel, a TUN device is. One process holds a TUN pair for each carrier and keeps every packet for
half of the round trip. It waits with select, which counts in microseconds (epoll: milliseconds).
"""

import contextlib
import fcntl
import heapq
import json
import os
import random
import select
import socket
import struct
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

from lab.namespaces import inside

_TUNSETIFF = 0x400454CA
_IFF_TUN, _IFF_NO_PI = 0x0001, 0x1000
_MAX_PACKET = 65536
# A far end that takes no packets must not make the relay grow for ever.
LATE_S = 0.1  # told on standard output: a relay held up this long is a line that was silent
_MAX_HELD = 20_000


@dataclass(frozen=True, slots=True)
class Impairment:
    """What happens to a carrier's packets. Ratios from 0 to 1; duplicates are made towards the branch only.

    Jitter is added uniformly between 0 and `jitter_ms` to each packet by itself, so packets may overtake each other.
    """

    rtt_ms: float
    loss: float = 0.0
    jitter_ms: float = 0.0
    duplicates: float = 0.0


class Distance:
    """Holds packets until they are due. Pure but for its own seeded random numbers; times in seconds."""

    def __init__(self, impairments: dict[str, Impairment], seed: int) -> None:
        self._impairments = impairments
        self._random = random.Random(seed)
        self._held: list[tuple[float, int, int, bytes]] = []
        self._count = 0

    def change(self, carrier: str, values: dict[str, float]) -> None:
        """Change some values of one carrier; packets already held keep their time.

        Raises:
            KeyError: no such carrier.
            TypeError: no such value.
        """
        self._impairments[carrier] = replace(self._impairments[carrier], **values)

    def take(self, now_s: float, carrier: str, out: int, packet: bytes, *, to_branch: bool) -> None:
        """Accept a packet to be written to the descriptor `out` when it is due."""
        how = self._impairments[carrier]
        copies = 1
        if how.loss and self._random.random() < how.loss:
            return
        if to_branch and how.duplicates and self._random.random() < how.duplicates:
            copies = 2
        for _ in range(copies):
            if len(self._held) >= _MAX_HELD:
                return
            extra_ms = self._random.random() * how.jitter_ms if how.jitter_ms else 0.0
            self._count += 1
            due = now_s + (how.rtt_ms / 2 + extra_ms) / 1000
            heapq.heappush(self._held, (due, self._count, out, packet))

    def due(self, now_s: float) -> list[tuple[int, bytes]]:
        """The packets whose time has come, in order, each with its descriptor."""
        ready = []
        while self._held and self._held[0][0] <= now_s:
            _, _, out, packet = heapq.heappop(self._held)
            ready.append((out, packet))
        return ready

    def late_s(self, now_s: float) -> float:
        """How long the next packet has been overdue: the machine held the relay up."""
        return max(0.0, now_s - self._held[0][0]) if self._held else 0.0

    def wait_s(self, now_s: float) -> float | None:
        """Seconds until the next packet is due; None when nothing is held."""
        return max(0.0, self._held[0][0] - now_s) if self._held else None


def open_tun(namespace: str, device: str) -> int:
    """Attach to the TUN device `device` of `namespace`; returns a non-blocking descriptor."""
    with inside(namespace):
        descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        fcntl.ioctl(descriptor, _TUNSETIFF, struct.pack("16sH22x", device.encode(), _IFF_TUN | _IFF_NO_PI))
    return descriptor


def run(prefix: str, carriers: dict[str, Impairment], control: Path, seed: int) -> None:
    """Relay until killed. `control` is a unix datagram socket that takes `{"carrier": name, "loss": 0.05, ...}`."""
    ends: dict[int, tuple[str, int, bool]] = {}
    for name in carriers:
        carrier_end = open_tun(f"{prefix}-{name}", "core")
        core_end = open_tun(f"{prefix}-core", f"to-{name}")
        ends[carrier_end] = (name, core_end, False)
        ends[core_end] = (name, carrier_end, True)
    orders = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    orders.bind(str(control))
    distance = Distance(carriers, seed)
    descriptors = [*ends, orders.fileno()]
    print("ready", flush=True)
    while True:
        readable, _, _ = select.select(descriptors, (), (), distance.wait_s(time.monotonic()))
        now = time.monotonic()
        for descriptor in readable:
            if descriptor == orders.fileno():
                _obey(orders, distance)
                continue
            name, out, to_branch = ends[descriptor]
            with contextlib.suppress(BlockingIOError):
                while True:
                    packet = os.read(descriptor, _MAX_PACKET)
                    distance.take(now, name, out, packet, to_branch=to_branch)
        now = time.monotonic()
        if (late := distance.late_s(now)) >= LATE_S:
            print(f"late {late * 1000:.0f}", flush=True)
        for out, packet in distance.due(now):
            with contextlib.suppress(OSError):  # a device that is down or full loses packets, as a line does
                os.write(out, packet)


def _obey(orders: socket.socket, distance: Distance) -> None:
    text, sender = orders.recvfrom(4096)
    try:
        order = json.loads(text)
        distance.change(order.pop("carrier"), order)
        answer = b"ok"
    except (ValueError, KeyError, TypeError) as error:
        answer = f"refused: {error!r}".encode()
    if sender:
        with contextlib.suppress(OSError):  # whoever asked may be gone
            orders.sendto(answer, sender)


def late_ms(said: str) -> list[float]:
    """How late the relay says it was, each time it was: from its standard output."""
    return [float(line.split()[1]) for line in said.splitlines() if line.startswith("late ")]


def order(control: Path, carrier: str, **values: float) -> None:
    """Change a carrier's impairments live.

    Raises:
        RuntimeError: the relay refused the order.
    """
    # A file, because abstract unix addresses do not reach into another network namespace.
    back = control.with_name(f"{control.name}.{os.getpid()}")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.bind(str(back))
        try:
            sender.settimeout(2)
            sender.sendto(json.dumps({"carrier": carrier, **values}).encode(), str(control))
            answer = sender.recv(4096)
        finally:
            back.unlink()
    if answer != b"ok":
        raise RuntimeError(answer.decode())


if __name__ == "__main__":
    _plan = json.loads(sys.argv[1])
    os.nice(-10)  # measuring equipment: a late relay would be blamed on the branch
    run(
        _plan["prefix"],
        {n: Impairment(**v) for n, v in _plan["carriers"].items()},
        Path(_plan["control"]),
        _plan["seed"],
    )

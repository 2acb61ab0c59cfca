"""A line of our own making: a TUN device whose far end answers echo requests as a test wants it, or not at all."""

import fcntl
import heapq
import os
import select
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Self

_TUNSETIFF = 0x400454CA
_IFF_TUN_NO_PI = 0x1 | 0x1000
_ECHO = {4: (8, 0), 6: (128, 129)}


@dataclass(frozen=True)
class Echo:
    """An ICMP message as it is on the line."""

    family: int
    source: bytes
    destination: bytes
    kind: int
    ident: int
    seq: int
    payload: bytes
    whole: bytes = b""

    def reply(self) -> "Echo":
        """The honest answer."""
        return replace(self, source=self.destination, destination=self.source, kind=_ECHO[self.family][1])

    def packet(self) -> bytes:
        """The message with its IP header."""
        return self._ip(struct.pack("!BBHHH", self.kind, 0, 0, self.ident, self.seq) + self.payload)

    def refusal(self, kind: int, code: int, router: str, quote: int = 28) -> bytes:
        """A router's ICMP error about this request, quoting its first bytes."""
        family = socket.AF_INET if self.family == 4 else socket.AF_INET6
        error = replace(self, source=socket.inet_pton(family, router), destination=self.source)
        return error._ip(struct.pack("!BBHI", kind, code, 0, 0) + self.whole[:quote])

    def _ip(self, body: bytes) -> bytes:
        if self.family == 4:
            body = body[:2] + _checksum(body) + body[4:]
            head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(body), 0, 0, 64, 1, 0, self.source, self.destination)
            return head[:10] + _checksum(head) + head[12:] + body
        pseudo = self.source + self.destination + struct.pack("!IxxxB", len(body), 58)
        body = body[:2] + _checksum(pseudo + body) + body[4:]
        return struct.pack("!IHBB16s16s", 6 << 28, len(body), 58, 64, self.source, self.destination) + body


Answers = Iterable[tuple[float, bytes]]  # delay in seconds, IP packet
Policy = Callable[[Echo], Answers]


def after(delay_s: float) -> Policy:
    """Answer every request once, `delay_s` later."""
    return lambda request: [(delay_s, request.reply().packet())]


def silent(_: Echo) -> Answers:
    """Answer nothing."""
    return []


def read_request(packet: bytes) -> Echo | None:
    """The echo request in an IP packet, or None."""
    family = packet[0] >> 4 if packet else 0
    if family == 4 and len(packet) >= 28 and packet[9] == 1:
        source, destination, body = packet[12:16], packet[16:20], packet[20:]
    elif family == 6 and len(packet) >= 48 and packet[6] == 58:
        source, destination, body = packet[8:24], packet[24:40], packet[40:]
    else:
        return None
    kind, _, _, ident, seq = struct.unpack_from("!BBHHH", body)
    if kind != _ECHO[family][0]:
        return None
    return Echo(family, source, destination, kind, ident, seq, body[8:], packet)


class Reflector:
    """The far end of TUN device `name` in the namespace of the calling thread. `policy` may be replaced at any time."""

    def __init__(self, name: str, policy: Policy) -> None:
        self.policy = policy
        self._tun = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
        fcntl.ioctl(self._tun, _TUNSETIFF, struct.pack("16sH22x", name.encode(), _IFF_TUN_NO_PI))
        self._wake, self._stop = os.pipe()
        self._thread = threading.Thread(target=self.run, name="reflector")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._stop)
        self._thread.join()
        os.close(self._wake)
        os.close(self._tun)

    def run(self) -> None:
        """Reflect until stopped."""
        due: list[tuple[float, int, bytes]] = []
        count = 0
        while True:
            wait_s = None if not due else max(0.0, due[0][0] - time.monotonic())
            ready, _, _ = select.select([self._tun, self._wake], [], [], wait_s)
            if self._wake in ready:
                return
            if self._tun in ready:
                request = read_request(os.read(self._tun, 65536))
                for delay_s, packet in self.policy(request) if request is not None else ():
                    count += 1
                    heapq.heappush(due, (time.monotonic() + delay_s, count, packet))
            while due and due[0][0] <= time.monotonic():
                try:
                    os.write(self._tun, heapq.heappop(due)[2])
                except OSError:
                    continue  # the device is down: the line loses what it carries


def _checksum(data: bytes) -> bytes:
    total = sum(struct.unpack(f"!{(len(data) + 1) // 2}H", data + b"\0" * (len(data) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return struct.pack("!H", ~total & 0xFFFF)


if __name__ == "__main__":
    line = Reflector(sys.argv[1], after(float(sys.argv[2])))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    line.run()

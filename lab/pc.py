"""The PC behind the branch router: a user who never stops trying, and writes down what worked.

Streams: new flows (one UDP packet each from a port never used before; IPv4 every 10 ms, IPv6 every 50 ms), one old UDP
flow (20 ms), one old TCP flow (a request every 50 ms; a new connection at once when it is reset), and name look-ups
through the branch's forwarder (a name never asked before every 100 ms).
"""

import contextlib
import errno
import json
import os
import selectors
import signal
import socket
import struct
import sys
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

from lab.samples import ANSWER, DNS, NEW4, NEW6, REQUEST, RESET, TCP, UDP, Sample

PATIENCE_S = {NEW4: 1.0, NEW6: 1.0, UDP: 1.0, TCP: 8.0, DNS: 1.0}
PERIOD_S = {NEW4: 0.010, NEW6: 0.050, UDP: 0.020, TCP: 0.050, DNS: 0.100}
_FLUSH_S = 0.050
_REFUSED = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.ECONNREFUSED, errno.EAGAIN, errno.EPERM}
_CONNECTING = {0, errno.EINPROGRESS}


def question(number: int, name: str) -> bytes:
    """A DNS question for the IPv4 address of `name` (RFC 1035 section 4.1), recursion desired."""
    labels = b"".join(bytes((len(label),)) + label.encode() for label in name.split("."))
    return struct.pack("!6H", number & 0xFFFF, 0x0100, 1, 0, 0, 0) + labels + struct.pack("!BHH", 0, 1, 1)


def is_answer(message: bytes, number: int) -> bool:
    """Whether `message` answers question `number` with at least one record and no error."""
    if len(message) < 12:
        return False
    identity, flags, _, answers = struct.unpack("!4H", message[:8])
    return identity == number & 0xFFFF and bool(flags & 0x8000) and flags & 0x000F == 0 and answers > 0


class Pc:
    """All streams in one loop. `targets`: echo4, echo6, echo_port, forwarder, zone."""

    def __init__(self, targets: dict[str, str], out: Path) -> None:
        self._echo = {NEW4: (targets["echo4"], int(targets["echo_port"]))}
        self._echo[NEW6] = (targets["echo6"], int(targets["echo_port"]))
        self._forwarder = (targets["forwarder"], 53)
        self._zone = targets["zone"]
        self._selector = selectors.DefaultSelector()
        self._out = out.open("w", encoding="ascii")
        self._waiting: dict[tuple[str, int], tuple[int, socket.socket | None]] = {}
        self._order = {stream: deque[tuple[int, int]]() for stream in PATIENCE_S}
        self._numbers = dict.fromkeys(PERIOD_S, 0)
        self._old_udp = self._datagram(NEW4, UDP)
        self._old_tcp: socket.socket | None = None
        self._tcp_read = b""
        self._stopping = False

    def run(self) -> None:
        """Try until SIGTERM, then wait a moment for the last answers."""
        signal.signal(signal.SIGTERM, self._stop)
        started = time.monotonic()
        due = dict.fromkeys(PERIOD_S, started)
        flush_at, end = started, float("inf")
        print("ready", flush=True)
        while (now := time.monotonic()) < end:
            if self._stopping and end == float("inf"):
                end = now + 0.3
            for stream in () if self._stopping else due:
                if due[stream] <= now:
                    # After a stall the missed tries are left out: a burst would not be what a user does.
                    due[stream] = max(due[stream] + PERIOD_S[stream], now)
                    self._send(stream)
            if now >= flush_at:
                self._give_up(time.monotonic_ns())
                self._out.flush()
                flush_at = now + _FLUSH_S
            for key, _ in self._selector.select(max(0.0, min(*due.values(), flush_at) - time.monotonic())):
                assert isinstance(key.fileobj, socket.socket)  # noqa: S101  only sockets are registered
                self._receive(key.data, key.fileobj)
        self._give_up(2**63)
        self._out.close()

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping = True

    def _send(self, stream: str) -> None:
        number = self._numbers[stream] = self._numbers[stream] + 1
        sent_ns = time.monotonic_ns()
        own = None
        if stream in {NEW4, NEW6}:
            own = self._datagram(stream, stream)
            with _unreachable():
                own.sendto(REQUEST.pack(number, sent_ns), self._echo[stream])
        elif stream == UDP:
            with _unreachable():
                self._old_udp.sendto(REQUEST.pack(number, sent_ns), self._echo[NEW4])
        elif stream == DNS:
            own = self._datagram(NEW4, stream)
            with _unreachable():
                own.sendto(question(number, f"u{number}-{sent_ns:x}.{self._zone}"), self._forwarder)
        else:
            self._send_tcp(number, sent_ns)
        self._waiting[stream, number] = (sent_ns, own)
        self._order[stream].append((sent_ns, number))

    def _datagram(self, family: str, stream: str) -> socket.socket:
        sock = socket.socket(socket.AF_INET6 if family == NEW6 else socket.AF_INET, socket.SOCK_DGRAM)
        sock.setblocking(False)
        self._selector.register(sock, selectors.EVENT_READ, stream)
        return sock

    def _send_tcp(self, number: int, sent_ns: int) -> None:
        if self._old_tcp is None:
            self._connect()
        assert self._old_tcp is not None  # noqa: S101  _connect made it
        try:
            self._old_tcp.send(REQUEST.pack(number, sent_ns))
        except BlockingIOError:
            pass  # still connecting: this request is lost, the next is tried in 50 ms
        except OSError:
            self._reset()

    def _connect(self) -> None:
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # An application gives a connection up that nobody answers: after 3 s here (two tries), then it tries anew.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_SYNCNT, 1)
        self._tcp_read = b""
        self._old_tcp = sock
        if sock.connect_ex(self._echo[NEW4]) in _CONNECTING:
            self._selector.register(sock, selectors.EVENT_READ, TCP)
        else:
            self._reset()

    def _reset(self) -> None:
        assert self._old_tcp is not None  # noqa: S101  only a connection can be reset
        with contextlib.suppress(KeyError):
            self._selector.unregister(self._old_tcp)
        self._old_tcp.close()
        self._old_tcp = None
        self._out.write(Sample(RESET, 0, time.monotonic_ns()).line())

    def _receive(self, stream: str, sock: socket.socket) -> None:
        try:
            data = sock.recv(4096)
        except BlockingIOError:
            return
        except OSError:  # an ICMP error on a datagram; the end of a connection
            if stream == TCP and sock is self._old_tcp:
                self._reset()
                self._connect()
            return
        back_ns = time.monotonic_ns()
        if stream == TCP:
            self._receive_tcp(data, back_ns)
        elif stream == DNS:
            number = int.from_bytes(data[:2], "big")
            number |= self._numbers[DNS] & ~0xFFFF
            if is_answer(data, number):
                self._settle(DNS, number, None, back_ns)
        elif len(data) >= ANSWER.size:
            number, _, arrived_ns = ANSWER.unpack(data[: ANSWER.size])
            self._settle(stream, number, arrived_ns, back_ns)

    def _receive_tcp(self, data: bytes, back_ns: int) -> None:
        if not data:
            self._reset()
            return
        self._tcp_read += data
        while len(self._tcp_read) >= ANSWER.size:
            number, _, arrived_ns = ANSWER.unpack(self._tcp_read[: ANSWER.size])
            self._tcp_read = self._tcp_read[ANSWER.size :]
            self._settle(TCP, number, arrived_ns, back_ns)

    def _settle(self, stream: str, number: int, arrived_ns: int | None, back_ns: int | None) -> None:
        found = self._waiting.pop((stream, number), None)
        if found is None:
            return  # a duplicate, or later than a user waits
        sent_ns, own = found
        if own is not None:
            self._selector.unregister(own)
            own.close()
        self._out.write(Sample(stream, number, sent_ns, arrived_ns, back_ns).line())

    def _give_up(self, now_ns: int) -> None:
        for stream, order in self._order.items():
            limit_ns = now_ns - int(PATIENCE_S[stream] * 1e9)
            while order and order[0][0] <= limit_ns:
                _, number = order.popleft()
                self._settle(stream, number, None, None)


@contextlib.contextmanager
def _unreachable() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in _REFUSED:
            raise


if __name__ == "__main__":
    _plan = json.loads(sys.argv[1])
    os.nice(-10)  # a user who is starved of CPU would look like a branch that is down
    Pc(_plan["targets"], Path(_plan["out"])).run()

"""A netlink socket and its attribute format (linux/netlink.h), standard library only.

pyroute2's sockets bring asyncio and 19 MiB into a process that sends a few requests a day, so the actor keeps its own
socket and uses pyroute2 for what the messages mean (`kernel.py`). Conntrack and nft answers are walked here: decoding
thousands of flows attribute by attribute is what must be quick.
"""

import os
import socket
import struct
from collections.abc import Iterator, Sequence

NLM_F_REQUEST, NLM_F_ACK, NLM_F_DUMP_INTR = 0x1, 0x4, 0x10
NLM_F_REPLACE, NLM_F_EXCL, NLM_F_CREATE, NLM_F_DUMP = 0x100, 0x200, 0x400, 0x300
NETLINK_ROUTE, NETLINK_NETFILTER = 0, 12

_SOL_NETLINK = 270
_EXT_ACK, _STRICT_DUMP = 11, 12
_ERROR, _DONE = 2, 3
_CAPPED, _HAS_TLVS = 0x100, 0x200
_HEADER = struct.Struct("=IHHII")
_ATTRIBUTE = struct.Struct("=HH")
_TYPE_MASK = 0x3FFF  # without the nested and byte-order flags
_TIMEOUT_S = 2
_DUMP_TRIES = 3
_BATCH = 64


class NetlinkError(Exception):
    """The kernel refused a request. `code` is the errno."""

    def __init__(self, code: int, detail: str = "") -> None:
        super().__init__(os.strerror(code) + (f" ({detail})" if detail else ""))
        self.code = code


class Netlink:
    """One socket of one netlink family; requests are answered in order, so nothing is ever interleaved."""

    def __init__(self, family: int) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, family)
        self._socket.bind((0, 0))
        self._socket.setsockopt(_SOL_NETLINK, _EXT_ACK, 1)
        self._socket.setsockopt(_SOL_NETLINK, _STRICT_DUMP, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", _TIMEOUT_S, 0))
        self._sequence = 0
        self._steady = True

    def close(self) -> None:
        """Give the socket back."""
        self._socket.close()

    def request(self, kind: int, flags: int, body: bytes) -> None:
        """Send one change and wait for the kernel's answer.

        Raises:
            NetlinkError: refused, or no answer within 2 s (ETIMEDOUT).
        """
        for error in self.batch([(kind, flags, body)]):
            if error is not None:
                raise error

    def batch(self, changes: Sequence[tuple[int, int, bytes]]) -> list[NetlinkError | None]:
        """Send (type, flags, body) changes, many to a system call; one answer for each, None when done."""
        answers: list[NetlinkError | None] = []
        for start in range(0, len(changes), _BATCH):
            part = changes[start : start + _BATCH]
            first = self._sequence + 1
            message = b"".join(self._frame(kind, flags | NLM_F_ACK, body) for kind, flags, body in part)
            self._socket.send(message)
            waiting = dict.fromkeys(range(first, self._sequence + 1))
            while waiting:
                for kind, _, sequence, payload in self._receive():
                    if kind == _ERROR and sequence in waiting:
                        del waiting[sequence]
                        answers.append(_error(payload))
        return answers

    def dump(self, kind: int, body: bytes) -> list[bytes]:
        """All answers to a dump request, each with its 16-byte header; repeated if the table changed meanwhile.

        Raises:
            NetlinkError: refused.
        """
        for _ in range(_DUMP_TRIES):
            found = [answer for part in self.parts(kind, body) for answer in part]
            if self._steady:
                break
        return found

    def parts(self, kind: int, body: bytes) -> Iterator[list[bytes]]:
        """The answers to a dump request as they come, some hundred at a time. Leave it early only to close the socket.

        Raises:
            NetlinkError: refused.
        """
        self._socket.send(self._frame(kind, NLM_F_DUMP, body))
        expected, done, self._steady = self._sequence, False, True
        while not done:
            part = []
            for answer, flags, sequence, payload in self._receive():
                if sequence != expected:
                    continue
                if answer == _ERROR:
                    raise _error(payload) or NetlinkError(0)
                self._steady = self._steady and not flags & NLM_F_DUMP_INTR
                done = done or answer == _DONE
                if answer != _DONE:
                    part.append(payload)
            yield part

    def _frame(self, kind: int, flags: int, body: bytes) -> bytes:
        self._sequence = self._sequence + 1 & 0xFFFFFFFF
        size = _HEADER.size + len(body)
        padding = bytes(-size % 4)
        return _HEADER.pack(size + len(padding), kind, flags | NLM_F_REQUEST, self._sequence, 0) + body + padding

    def _receive(self) -> Iterator[tuple[int, int, int, bytes]]:
        try:
            data = self._socket.recv(1 << 17)
        except BlockingIOError:
            raise NetlinkError(110, "the kernel did not answer a netlink request") from None
        except OSError as error:
            raise NetlinkError(error.errno or 5) from None
        at = 0
        while at + _HEADER.size <= len(data):
            size, kind, flags, sequence, _ = _HEADER.unpack_from(data, at)
            if size < _HEADER.size:
                break
            yield kind, flags, sequence, data[at : at + size]
            at += size + 3 & ~3


def _error(message: bytes) -> NetlinkError | None:
    """The errno of NLMSG_ERROR and the kernel's own words (extended acknowledgement), if it gave any."""
    (code,) = struct.unpack_from("=i", message, _HEADER.size)
    if code == 0:
        return None
    (flags,) = struct.unpack_from("=H", message, 6)
    (inner,) = struct.unpack_from("=I", message, _HEADER.size + 4)
    detail = ""
    if flags & _HAS_TLVS:
        at = _HEADER.size + 4 + (_HEADER.size if flags & _CAPPED else inner + 3 & ~3)
        detail = attributes(message, at).get(1, b"").rstrip(b"\0").decode(errors="replace")
    return NetlinkError(-code, detail)


def attributes(data: bytes, at: int = 0) -> dict[int, bytes]:
    """The attributes that start at byte `at`, by type; of a repeated one the last."""
    found = {}
    end = len(data)
    while at + 4 <= end:
        size, kind = _ATTRIBUTE.unpack_from(data, at)
        if size < 4:
            break
        found[kind & _TYPE_MASK] = data[at + 4 : at + size]
        at += size + 3 & ~3
    return found


def attribute(kind: int, value: bytes) -> bytes:
    """One attribute, padded to four bytes."""
    return _ATTRIBUTE.pack(4 + len(value), kind) + value + bytes(-len(value) % 4)

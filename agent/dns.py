"""One DNS question over a socket somebody else bound: does the resolver of this line serve us? (RFC 1035 section 4)."""

import asyncio
import ipaddress
import os
import socket
import struct
from collections.abc import Callable
from contextlib import suppress

SocketFor = Callable[[], socket.socket]

TYPE_A, TYPE_AAAA, CLASS_IN = 1, 28, 1
RETRY_S = 0.25
NOERROR = 0


def question(name: str, ident: int, qtype: int = TYPE_A) -> bytes:
    """A recursive query for one name.

    Raises:
        ValueError: the name has an empty label or one over 63 bytes.
    """
    labels = name.rstrip(".").encode("idna").split(b".")
    body = b"".join(bytes((len(label),)) + label for label in labels) + b"\0"
    return struct.pack("!6H", ident, 0x0100, 1, 0, 0, 0) + body + struct.pack("!2H", qtype, CLASS_IN)


def answers(packet: bytes, asked: bytes) -> list[str] | None:
    """The addresses in a reply to `asked`; [] if it has none; None if it is not a reply to it or is broken."""
    if len(packet) < len(asked) or packet[:2] != asked[:2] or not packet[2] & 0x80:
        return None
    if packet[12 : len(asked)].lower() != asked[12:].lower():
        return None
    if packet[3] & 0x0F != NOERROR:
        return []
    count = struct.unpack_from("!H", packet, 6)[0]
    found: list[str] = []
    offset = len(asked)
    try:
        for _ in range(min(count, 64)):
            offset = _skip_name(packet, offset)
            kind, _, _, size = struct.unpack_from("!HHIH", packet, offset)
            data = packet[offset + 10 : offset + 10 + size]
            offset += 10 + size
            if (kind, size) in {(TYPE_A, 4), (TYPE_AAAA, 16)} and len(data) == size:
                found.append(str(ipaddress.ip_address(data)))
    except (struct.error, IndexError):
        return None
    return found


def _skip_name(packet: bytes, offset: int) -> int:
    while packet[offset]:
        if packet[offset] & 0xC0:
            return offset + 2
        offset += packet[offset] + 1
    return offset + 1


async def resolve(name: str, servers: tuple[str, ...], socket_for: SocketFor, wait_s: float) -> list[str] | None:
    """Ask each server, again every 250 ms, until one answers.

    Returns:
        The addresses; [] if a server answered without any; None if none answered within `wait_s` or could be asked.
    """
    loop = asyncio.get_running_loop()
    asked = question(name, int.from_bytes(os.urandom(2), "big"))
    until = loop.time() + wait_s
    try:
        sock = socket_for()
    except OSError:
        return None
    with sock:
        sock.setblocking(False)
        while loop.time() < until:
            for server in servers:
                with suppress(OSError):
                    sock.sendto(asked, (server, 53))
            got = await _receive(sock, asked, servers, min(until, loop.time() + RETRY_S))
            if got is not None:
                return got
    return None


async def _receive(sock: socket.socket, asked: bytes, servers: tuple[str, ...], until: float) -> list[str] | None:
    loop = asyncio.get_running_loop()
    while (left := until - loop.time()) > 0:
        try:
            async with asyncio.timeout(left):
                packet, peer = await loop.sock_recvfrom(sock, 4096)
        except TimeoutError:
            return None
        except OSError:  # an ICMP error came back: the retry may fare better
            await asyncio.sleep(min(0.05, left))
            continue
        if peer[0] in servers and (found := answers(packet, asked)) is not None:
            return found
    return None

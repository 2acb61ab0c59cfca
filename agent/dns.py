"""One DNS question over a socket somebody else bound: does the resolver of this line serve us? (RFC 1035 section 4)."""

import asyncio
import ipaddress
import os
import socket
import struct
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress

SocketFor = Callable[[], Awaitable[socket.socket]]

TYPE_A, TYPE_AAAA, CLASS_IN = 1, 28, 1
RETRY_S = 0.25
PORT = 53
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
            if offset > len(packet):
                return None
            if (kind, size) in {(TYPE_A, 4), (TYPE_AAAA, 16)}:
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
    """Ask each server, again every 250 ms, until one gives an address.

    A server that refuses or knows no address is not asked again: another one of the line may still serve us.

    Returns:
        The addresses; [] if servers answered, none with an address; None if none answered within `wait_s`, none could
        be asked, or DNS cannot carry the name.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + wait_s
    try:
        asked = question(name, int.from_bytes(os.urandom(2), "big"))
        sock = await socket_for()
    except (OSError, ValueError):
        return None
    left = dict.fromkeys(servers)
    with sock:
        sock.setblocking(False)
        while left and loop.time() < until:
            for server in left:
                with suppress(OSError):
                    sock.sendto(asked, (server, PORT))
            again = min(until, loop.time() + RETRY_S)
            while left and (got := await _receive(sock, asked, left, again)) is not None:
                server, found = got
                if found:
                    return found
                del left[server]
    return [] if len(left) < len(servers) else None


async def _receive(
    sock: socket.socket, asked: bytes, servers: Collection[str], until: float
) -> tuple[str, list[str]] | None:
    """The next answer of one of `servers`, and whose it is; None at `until`."""
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
        if peer[1] == PORT and peer[0] in servers and (found := answers(packet, asked)) is not None:
            return peer[0], found
    return None

"""The far ends: what users talk to (UDP and TCP echo, TLS) and the TLS servers that proofs shake hands with.

One process serves several namespaces: a socket stays where it was made. An echo of 16 bytes (number, time sent)
carries back 8 more: when it arrived here, by CLOCK_MONOTONIC, which is the same clock in every namespace.
"""

import asyncio
import json
import os
import socket
import ssl
import struct
import sys
import time
from typing import cast

from lab.namespaces import inside
from lab.samples import REQUEST


class UdpEcho(asyncio.DatagramProtocol):
    """Answers each datagram with its first 16 bytes and the time it arrived."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport to answer on."""
        self._transport = cast("asyncio.DatagramTransport", transport)  # 3.11's own is not registered as one

    def datagram_received(self, data: bytes, addr: tuple[str | int, ...]) -> None:
        """Stamp and answer."""
        if len(data) >= REQUEST.size:
            self._transport.sendto(data[: REQUEST.size] + struct.pack("!Q", time.monotonic_ns()), addr)


async def tcp_echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer each 16 bytes of a connection until it ends."""
    try:
        while True:
            request = await reader.readexactly(REQUEST.size)
            writer.write(request + struct.pack("!Q", time.monotonic_ns()))
    except (asyncio.IncompleteReadError, OSError):
        writer.close()


async def tls_greeting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer the first bytes after a handshake, as a web server would."""
    try:
        if await reader.read(4096):
            writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
            await writer.drain()
    except OSError:
        pass  # a peer that leaves after the handshake has proved what it wanted
    writer.close()


def _bound(namespace: str, kind: socket.SocketKind, port: int) -> socket.socket:
    with inside(namespace):
        sock = socket.socket(socket.AF_INET6, kind)  # takes IPv4 too (RFC 3493 section 3.7)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    sock.bind(("::", port))
    return sock


async def serve(echo: str, tls: list[str], ports: dict[str, int], certificate: str, key: str) -> None:
    """Serve until killed: echoes in the namespace `echo`, TLS in each of `tls`."""
    loop = asyncio.get_running_loop()
    await loop.create_datagram_endpoint(UdpEcho, sock=_bound(echo, socket.SOCK_DGRAM, ports["echo"]))
    servers = [await asyncio.start_server(tcp_echo, sock=_bound(echo, socket.SOCK_STREAM, ports["echo"]))]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    for namespace in tls:
        sock = _bound(namespace, socket.SOCK_STREAM, ports["tls"])
        servers.append(await asyncio.start_server(tls_greeting, sock=sock, ssl=context))
    print("ready", flush=True)
    async with asyncio.TaskGroup() as tasks:
        for number, server in enumerate(servers):
            tasks.create_task(server.serve_forever(), name=f"server {number}")


if __name__ == "__main__":
    _plan = json.loads(sys.argv[1])
    os.nice(-10)  # its stamps are the measure
    asyncio.run(serve(_plan["echo"], _plan["tls"], _plan["ports"], _plan["certificate"], _plan["key"]))

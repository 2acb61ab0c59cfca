"""Who may connect, how often, and for how long without asking anything.

Strangers reach the port of the process that also stores records: they must not use up its files, nor the page.
"""

import asyncio
import ipaddress
import socket
from collections import Counter
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

MAX_CONNECTIONS = 500
MAX_OF_ONE_NETWORK = 100
REQUEST_S = 15.0  # for all of a request, its form included
_AT_ONCE = 100


class Listener(socket.socket):
    """A listening socket that hangs up on who comes too often. A proxy on this machine is many people: all but it."""

    _accepted: tuple[tuple[str, socket.socket], ...] = ()

    def accept(self) -> tuple[socket.socket, Any]:
        """The next connection that may stay.

        Raises:
            BlockingIOError: there is none.
        """
        for _ in range(_AT_ONCE):
            connection, address = super().accept()
            network = network_of(address[0])
            # Closed ones fall out here; a socket says so itself, whatever transport it was in.
            self._accepted = tuple(each for each in self._accepted if each[1].fileno() != -1)
            of_network = Counter(each for each, _ in self._accepted)[network]
            if len(self._accepted) < MAX_CONNECTIONS and (not network or of_network < MAX_OF_ONE_NETWORK):
                self._accepted = (*self._accepted, (network, connection))
                return connection, address
            connection.close()
        raise BlockingIOError


class Connection(H11Protocol):
    """HTTP/1.1, as uvicorn's, but a request that does not come to its end is cut off."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first request."""
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing more."""
        self._stop()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """A part of a request."""
        super().data_received(data)
        if self.conn.their_state in {h11.IDLE, h11.SEND_BODY}:
            self._wait()
        else:
            self._stop()

    def _wait(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(REQUEST_S, self._cut)

    def _stop(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _cut(self) -> None:
        self._deadline = None
        self.transport.abort()


def network_of(address: str) -> str:
    """Whom an address stands for: itself, or of IPv6 its /64, of which one stranger has all; "" this machine."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is None:
            return "" if ip.is_loopback else str(ipaddress.IPv6Network((ip, 64), strict=False))
        ip = ip.ipv4_mapped
    return "" if ip.is_loopback else str(ip)

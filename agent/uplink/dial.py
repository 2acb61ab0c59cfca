"""A TCP (and TLS) connection to the broker over the path to use. No thread is involved once the name is resolved.

An attempt over a dead path can be cancelled at any point, at once, and leaves nothing behind.
"""

import asyncio
import contextlib
import errno
import ipaddress
import socket
import ssl

from agent.uplink.errors import TransportError

LOOKUP_S = 3.0
TCP_S = 3.0
TLS_S = 5.0

_Address = tuple[socket.AddressFamily, tuple[str, int]]


class Dialer:
    """Connects to one host and port.

    The addresses that worked last are tried first, without asking a name server: right after a move there may be none
    that answers. One look-up runs at a time, however slow it is.

    Args:
        host: name or address of the broker.
        port: its port.
    """

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._known: list[_Address] = []
        self._lookup: asyncio.Future[list[_Address]] | None = None

    async def dial(self, source: str, *, give_up_s: float, tls: ssl.SSLContext | None) -> socket.socket:
        """A connected, non-blocking socket.

        Args:
            source: local address to connect from; empty: the kernel chooses.
            give_up_s: how long data may stay unacknowledged by the other side before the kernel gives up.
            tls: None: not encrypted.

        Raises:
            TransportError: no address, no answer, refused, or a certificate that is not to be trusted.
        """
        where = f"broker {self._host}:{self._port}"
        stale, error = (
            self._known,
            f"{where}: its name is not known; check host in [broker] and the branch's name servers",
        )
        for addresses in (stale, None):
            for address in addresses if addresses is not None else await self._look_up(where):
                if source and ipaddress.ip_address(source).version != (4 if address[0] == socket.AF_INET else 6):
                    error = f"{where}: has no address of the family of {source}, the path's own address"
                    continue
                try:
                    sock = await _connect(address, source, give_up_s)
                except OSError as failure:
                    error = f"{where}: {_reason(failure, source)}"
                    continue
                self._known = [address]
                return await _encrypt(sock, tls, self._host, where) if tls else sock
        raise TransportError(error)

    async def _look_up(self, where: str) -> list[_Address]:
        if self._lookup is None or self._lookup.done():
            self._lookup = asyncio.ensure_future(_resolve(self._host, self._port))
        try:
            async with asyncio.timeout(LOOKUP_S):
                return await asyncio.shield(self._lookup)
        except TimeoutError:
            raise TransportError(f"{where}: no name server answers; check the branch's name servers") from None
        except OSError as error:
            raise TransportError(
                f"{where}: its name cannot be resolved ({error.strerror}); check host in [broker]"
            ) from None


async def _resolve(host: str, port: int) -> list[_Address]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [(family, (str(address[0]), int(address[1]))) for family, _, _, _, address in found]


async def _connect(address: _Address, source: str, give_up_s: float) -> socket.socket:
    sock = socket.socket(address[0], socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(give_up_s * 1000))
        if source:
            sock.bind((source, 0))
        async with asyncio.timeout(TCP_S):
            await asyncio.get_running_loop().sock_connect(sock, address[1])
    except BaseException:
        sock.close()
        raise
    return sock


async def _encrypt(sock: socket.socket, tls: ssl.SSLContext, host: str, where: str) -> socket.socket:
    encrypted = tls.wrap_socket(sock, server_hostname=host, do_handshake_on_connect=False)
    try:
        async with asyncio.timeout(TLS_S):
            await _shake_hands(encrypted)
    except TimeoutError:
        encrypted.close()
        raise TransportError(
            f"{where}: answers TCP but not TLS; check that this port of the broker speaks TLS"
        ) from None
    except OSError as error:
        encrypted.close()
        what = error.verify_message if isinstance(error, ssl.SSLCertVerificationError) else (error.strerror or error)
        raise TransportError(f"{where}: TLS failed ({what}); check ca_file, cert_file and the clock") from None
    except BaseException:
        encrypted.close()
        raise
    return encrypted


async def _shake_hands(sock: ssl.SSLSocket) -> None:
    loop = asyncio.get_running_loop()
    while True:
        try:
            sock.do_handshake()
        except ssl.SSLWantReadError:
            add, remove = loop.add_reader, loop.remove_reader
        except ssl.SSLWantWriteError:
            add, remove = loop.add_writer, loop.remove_writer
        else:
            return
        ready = asyncio.Event()
        add(sock.fileno(), ready.set)
        try:
            await ready.wait()
        finally:
            with contextlib.suppress(ValueError):
                remove(sock.fileno())


def _reason(error: OSError, source: str) -> str:
    if isinstance(error, TimeoutError):
        return "does not answer; check that the path in use reaches it"
    match error.errno:
        case errno.ECONNREFUSED:
            return "refuses the connection; check that the broker runs and that port in [broker] is right"
        case errno.EADDRNOTAVAIL if source:
            return f"cannot be reached from {source}, which this machine does not have now"
        case _:
            return f"cannot be reached ({error.strerror or error})"

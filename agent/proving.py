"""Proving a path (docs/design.md principle 3): anchors, one full-size DF packet, one DNS answer, one TLS handshake.

The packets start in the canary namespace on the LAN side, so that they are forwarded and translated exactly like a
user's. Without a canary they start on the router itself; then the proof says so and is worth less.
"""

import asyncio
import ipaddress
import os
import socket
import ssl
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from agent import canary, dns
from agent.config import AnchorSettings, BranchSettings, PathSettings
from agent.probes import icmp
from branchline.settings import SettingsError
from failover.observations import Proof

PART_S = 1.2  # each part may take this long; parts run side by side
PING_EVERY_S = 0.2
FAILED_NO_SOONER_S = 0.3  # a proof that fails at once is asked for again at once
DO_NOT_FRAGMENT = {4: (socket.IPPROTO_IP, 10, 3), 6: (socket.IPPROTO_IPV6, 23, 3)}  # MTU_DISCOVER: PMTUDISC_PROBE
HEADER_BYTES = {4: 28, 6: 48}  # IP and ICMP
NO_RESOLVER = "no IPv4 resolver of this line is configured, so neither dns nor a name for tls was tried"


@dataclass(frozen=True, slots=True)
class Vantage:
    """Where a proof's packets start. `source` is the canary's address, or "" on the router."""

    path: PathSettings
    source: str
    bind: bool  # on the router: leave by the path's interface whatever the default route


class Prover:
    """Proves the paths of one branch. One proof of a path at a time.

    Raises:
        SettingsError: `proof.tls_ca_file` cannot be used.
    """

    def __init__(self, settings: BranchSettings) -> None:
        self._settings = settings
        self._tls = _context(settings)
        # The canary answers in a fraction of a millisecond, unless it hangs; the event loop must not hang with it.
        self._borrower = ThreadPoolExecutor(1, "borrow")

    async def prove(self, name: str, move: str) -> Proof:
        """Prove a path; with `move` set the packets follow the route in use, as users' do."""
        began = asyncio.get_running_loop().time()
        vantage, note = await self._vantage(name, move)
        async with asyncio.TaskGroup() as tasks:
            pings = tasks.create_task(_within(self._ping(vantage, 0)), name=f"prove {name} anchors")
            full = tasks.create_task(_within(self._ping(vantage, vantage.path.mtu)), name=f"prove {name} full size")
            names = tasks.create_task(_within(self._resolve(vantage)), name=f"prove {name} dns")
            hands = tasks.create_task(_within(self._shake(vantage)), name=f"prove {name} tls")
        parts = {"anchors": pings.result(), "full size": full.result(), "dns": names.result(), "tls": hands.result()}
        missing = [part for part, worked in parts.items() if worked is False]
        if missing:
            await asyncio.sleep(max(0.0, began + FAILED_NO_SOONER_S - asyncio.get_running_loop().time()))
        notes = [f"no {part}" for part in missing] + [note] * bool(note)
        if self._settings.proof is not None and not _resolvers(vantage.path):
            notes.append(NO_RESOLVER)
        return Proof(
            path=name,
            move=move,
            anchors=pings.result() is True,
            full_size=full.result(),
            dns=names.result(),
            tls=hands.result(),
            forwarded=(bool(vantage.source) and not missing) or None,
            detail=", ".join(notes),
        )

    async def second_opinion(self, name: str, wait_s: float) -> bool:
        """Whether the ISP's resolver answers on this path: life that does not depend on any anchor."""
        path = self._path(name)
        if not _resolvers(path) or self._settings.proof is None:
            return False
        socket_for = partial(self._socket, Vantage(path, "", bind=True), "udp")
        return await dns.resolve(self._settings.proof.dns_name, _resolvers(path), socket_for, wait_s) is not None

    def _path(self, name: str) -> PathSettings:
        return next(path for path in self._settings.path if path.name == name)

    async def _vantage(self, name: str, move: str) -> tuple[Vantage, str]:
        """Where to start, and what to say about it."""
        path = self._path(name)
        router = Vantage(path, "", bind=not move)
        if self._settings.canary is None:
            return router, ""
        place = 0 if move else 1 + self._settings.path.index(path)
        network = ipaddress.IPv4Network(self._settings.canary.ipv4)
        vantage = replace(router, source=str(network.network_address + 2 + place))
        try:
            (await self._socket(vantage, "udp")).close()
        except OSError as error:
            return router, f"the canary lends no sockets ({error}); start branchline-canary"
        return vantage, ""

    async def _socket(self, vantage: Vantage, kind: str, family: int = 4) -> socket.socket:
        if vantage.source:
            return await self._borrowed(kind, vantage.source)
        domain = socket.AF_INET if family == 4 else socket.AF_INET6
        if kind == "icmp":
            protocol = socket.IPPROTO_ICMP if family == 4 else socket.IPPROTO_ICMPV6
            sock = socket.socket(domain, socket.SOCK_DGRAM, protocol)
        else:
            sock = socket.socket(domain, socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM)
        try:
            if vantage.bind:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, vantage.path.interface.encode())
        except OSError:
            sock.close()
            raise
        sock.setblocking(False)
        return sock

    async def _borrowed(self, kind: str, source: str) -> socket.socket:
        file = Path(self._settings.agent.run_dir) / "canary.sock"
        lent = asyncio.get_running_loop().run_in_executor(self._borrower, canary.borrow, file, kind, source)
        try:
            return await asyncio.shield(lent)
        except asyncio.CancelledError:
            lent.add_done_callback(_close_unused)
            raise

    async def _ping(self, vantage: Vantage, total_bytes: int) -> bool:
        """One echo reply of any anchor; `total_bytes` is the IP packet's size with DF set, 0 a small one."""
        family, addresses = _targets(self._settings, vantage.path)
        if family == 6:
            vantage = replace(vantage, source="")  # the canary has no IPv6
        token = os.urandom(icmp.TOKEN_BYTES)
        payload = token.ljust(total_bytes - HEADER_BYTES[family], b"\0")
        loop = asyncio.get_running_loop()
        until = loop.time() + PART_S
        with await self._socket(vantage, "icmp", family) as sock:
            sock.setsockopt(*DO_NOT_FRAGMENT[family])
            for attempt in range(int(PART_S / PING_EVERY_S)):
                failed = _send(sock, icmp.encode_request(family, attempt, payload), addresses)
                if failed is not None:
                    raise failed
                again = min(until, loop.time() + PING_EVERY_S)
                if await _answered(sock, family, addresses, payload, again):
                    return True
        return False

    async def _resolve(self, vantage: Vantage) -> bool | None:
        resolvers = _resolvers(vantage.path)
        if self._settings.proof is None or not resolvers:
            return None
        socket_for = partial(self._socket, vantage, "udp")
        return bool(await dns.resolve(self._settings.proof.dns_name, resolvers, socket_for, PART_S))

    async def _shake(self, vantage: Vantage) -> bool | None:
        proof = self._settings.proof
        if proof is None or self._tls is None:
            return None
        try:
            host = str(ipaddress.IPv4Address(proof.tls_host))
        except ValueError:
            resolvers = _resolvers(vantage.path)
            if not resolvers:
                return None
            found = await dns.resolve(proof.tls_host, resolvers, partial(self._socket, vantage, "udp"), PART_S)
            if not found:
                return False
            host = found[0]
        with await self._socket(vantage, "tcp") as sock:
            await asyncio.get_running_loop().sock_connect(sock, (host, proof.tls_port))
            server_name = proof.tls_server_name or proof.tls_host
            _, writer = await asyncio.open_connection(sock=sock, ssl=self._tls, server_hostname=server_name)
            writer.transport.abort()
            return True


async def _within(part: Coroutine[None, None, bool | None]) -> bool | None:
    """A part of a proof, in time or failed: whatever the network or a wrong name in the settings may raise."""
    try:
        async with asyncio.timeout(PART_S):
            return await part
    except (OSError, ValueError):  # a time-out and a broken TLS are OSErrors, a name nobody can ask for a ValueError
        return False


def _context(settings: BranchSettings) -> ssl.SSLContext | None:
    if settings.proof is None or not settings.proof.tls_host:
        return None
    file = settings.proof.tls_ca_file
    try:
        return ssl.create_default_context(cafile=file or None)
    except OSError as error:
        why = "it holds no certificate" if isinstance(error, ssl.SSLError) else error.strerror
        raise SettingsError(
            f"proof.tls_ca_file: {file} cannot be used ({why}); write a PEM file that the agent may read"
        ) from None


def _resolvers(path: PathSettings) -> tuple[str, ...]:
    """Those a proof can ask: it is made over IPv4."""
    return tuple(resolver for resolver in path.dns if ":" not in resolver)


def _targets(settings: BranchSettings, path: PathSettings) -> tuple[int, list[str]]:
    """The IP family to ping, and the anchors of this path in it: IPv4 where there is any."""

    def of_path(anchor: AnchorSettings) -> bool:
        return not anchor.paths or path.name in anchor.paths

    ipv4 = [anchor.ipv4 for anchor in settings.anchor if of_path(anchor) and anchor.ipv4]
    return (4, ipv4) if ipv4 else (6, [anchor.ipv6 for anchor in settings.anchor if of_path(anchor) and anchor.ipv6])


def _send(sock: socket.socket, packet: bytes, addresses: list[str]) -> OSError | None:
    """Send to all; the last error if none could be sent to."""
    error: OSError | None = None
    sent = 0
    for address in addresses:
        try:
            sock.sendto(packet, (address, 0))
            sent += 1
        except OSError as refused:
            error = refused
    return None if sent else error


async def _answered(sock: socket.socket, family: int, addresses: list[str], payload: bytes, until: float) -> bool:
    loop = asyncio.get_running_loop()
    while (left := until - loop.time()) > 0:
        try:
            async with asyncio.timeout(left):
                packet, peer = await loop.sock_recvfrom(sock, 65_535)
        except TimeoutError:
            return False
        echo = icmp.decode_reply(family, packet)
        if peer[0] in addresses and echo is not None and packet.endswith(payload):
            return True
    return False


def _close_unused(lent: "asyncio.Future[socket.socket]") -> None:
    """A socket that came after nobody waited for it any more."""
    if not lent.cancelled() and lent.exception() is None:
        lent.result().close()

"""Proving a path (DESIGN.md principle 3): anchors, one full-size DF packet, one DNS answer, one TLS handshake.

The packets start in the canary namespace on the LAN side, so that they are forwarded and translated exactly like a
user's. Without a canary they start on the router itself; then the proof says so and is worth less.
"""

import asyncio
import ipaddress
import os
import socket
import ssl
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from agent import canary, dns
from agent.config import BranchSettings, PathSettings
from agent.probes import icmp
from failover.observations import Proof

PART_S = 1.2  # each part may take this long; parts run side by side
PING_EVERY_S = 0.2
FAILED_NO_SOONER_S = 0.3  # a proof that fails at once is asked for again at once
IP_MTU_DISCOVER, IP_PMTUDISC_PROBE = 10, 3
IPV4_AND_ICMP_HEADER_BYTES = 28


@dataclass(frozen=True, slots=True)
class Vantage:
    """Where a proof's packets start. `source` is the canary's address, or "" on the router."""

    path: PathSettings
    source: str
    bind: bool  # on the router: leave by the path's interface whatever the default route


class Prover:
    """Proves the paths of one branch. One proof of a path at a time."""

    def __init__(self, settings: BranchSettings) -> None:
        self._settings = settings
        self._tls = self._context(settings)

    async def prove(self, name: str, move: str) -> Proof:
        """Prove a path; with `move` set the packets follow the route in use, as users' do."""
        began = asyncio.get_running_loop().time()
        vantage, forwarded, note = self._vantage(name, move)
        async with asyncio.TaskGroup() as tasks:
            pings = tasks.create_task(self._ping(vantage, 0), name=f"prove {name} anchors")
            full = tasks.create_task(self._ping(vantage, vantage.path.mtu), name=f"prove {name} full size")
            names = tasks.create_task(self._resolve(vantage), name=f"prove {name} dns")
            hands = tasks.create_task(self._shake(vantage), name=f"prove {name} tls")
        parts = {"anchors": pings.result(), "full size": full.result(), "dns": names.result(), "tls": hands.result()}
        missing = [part for part, worked in parts.items() if worked is False]
        if missing:
            await asyncio.sleep(max(0.0, began + FAILED_NO_SOONER_S - asyncio.get_running_loop().time()))
        detail = ", ".join([f"no {part}" for part in missing] + ([note] if note else []))
        return Proof(
            path=name,
            move=move,
            anchors=pings.result(),
            full_size=full.result(),
            dns=names.result(),
            tls=hands.result(),
            forwarded=(forwarded and not missing) or None,
            detail=detail,
        )

    async def second_opinion(self, name: str, wait_s: float) -> bool:
        """Whether the ISP's resolver answers on this path: life that does not depend on any anchor."""
        path = self._path(name)
        if not path.dns or self._settings.proof is None:
            return False
        socket_for = partial(self._socket, Vantage(path, "", bind=True), "udp")
        return await dns.resolve(self._settings.proof.dns_name, path.dns, socket_for, wait_s) is not None

    def _path(self, name: str) -> PathSettings:
        return next(path for path in self._settings.path if path.name == name)

    def _vantage(self, name: str, move: str) -> tuple[Vantage, bool, str]:
        path = self._path(name)
        if self._settings.canary is None:
            return Vantage(path, "", bind=not move), False, ""
        index = self._settings.path.index(path)
        hosts = list(ipaddress.IPv4Network(self._settings.canary.ipv4).hosts())
        vantage = Vantage(path, str(hosts[1 if move else 2 + index]), bind=False)
        try:
            self._socket(vantage, "udp").close()
        except OSError as error:
            note = f"the canary lends no sockets ({error}); start branchline-canary"
            return Vantage(path, "", bind=not move), False, note
        return vantage, True, ""

    def _socket(self, vantage: Vantage, kind: str) -> socket.socket:
        if vantage.source:
            return canary.borrow(Path(self._settings.agent.run_dir) / "canary.sock", kind, vantage.source)
        if kind == "icmp":
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP)
        else:
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM)
        if vantage.bind:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, vantage.path.interface.encode())
        sock.setblocking(False)
        return sock

    async def _ping(self, vantage: Vantage, total_bytes: int) -> bool:
        """One echo reply of any anchor; `total_bytes` is the IPv4 packet's size with DF set, 0 a small one."""
        anchors = [anchor.ipv4 for anchor in self._settings.anchor if anchor.ipv4]
        token = os.urandom(icmp.TOKEN_BYTES)
        payload = token.ljust(total_bytes - IPV4_AND_ICMP_HEADER_BYTES, b"\0")
        loop = asyncio.get_running_loop()
        until = loop.time() + PART_S
        try:
            with self._socket(vantage, "icmp") as sock:
                sock.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE)
                for attempt in range(int(PART_S / PING_EVERY_S)):
                    for anchor in anchors:
                        sock.sendto(icmp.encode_request(4, attempt, payload), (anchor, 0))
                    if await _answered(sock, anchors, payload, min(until, loop.time() + PING_EVERY_S)):
                        return True
        except OSError:
            return False
        return False

    async def _resolve(self, vantage: Vantage) -> bool | None:
        if self._settings.proof is None or not vantage.path.dns:
            return None
        socket_for = partial(self._socket, vantage, "udp")
        return bool(await dns.resolve(self._settings.proof.dns_name, vantage.path.dns, socket_for, PART_S))

    async def _shake(self, vantage: Vantage) -> bool | None:
        proof = self._settings.proof
        if proof is None or self._tls is None:
            return None
        host = await self._tls_address(vantage, proof.tls_host)
        if host is None:
            return False
        loop = asyncio.get_running_loop()
        try:
            sock = self._socket(vantage, "tcp")
        except OSError:
            return False
        try:
            async with asyncio.timeout(PART_S):
                await loop.sock_connect(sock, (host, proof.tls_port))
                server_name = proof.tls_server_name or proof.tls_host
                _, writer = await asyncio.open_connection(sock=sock, ssl=self._tls, server_hostname=server_name)
                writer.transport.abort()
                return True
        except (OSError, TimeoutError, ssl.SSLError):
            sock.close()
            return False

    async def _tls_address(self, vantage: Vantage, host: str) -> str | None:
        try:
            return str(ipaddress.ip_address(host))
        except ValueError:
            found = await dns.resolve(host, vantage.path.dns, partial(self._socket, vantage, "udp"), PART_S)
            return found[0] if found else None

    @staticmethod
    def _context(settings: BranchSettings) -> ssl.SSLContext | None:
        if settings.proof is None or not settings.proof.tls_host:
            return None
        return ssl.create_default_context(cafile=settings.proof.tls_ca_file or None)


async def _answered(sock: socket.socket, anchors: list[str], payload: bytes, until: float) -> bool:
    loop = asyncio.get_running_loop()
    while (left := until - loop.time()) > 0:
        try:
            async with asyncio.timeout(left):
                packet, peer = await loop.sock_recvfrom(sock, 65_535)
        except TimeoutError:
            return False
        echo = icmp.decode_reply(4, packet)
        if peer[0] in anchors and echo is not None and packet.endswith(payload):
            return True
    return False

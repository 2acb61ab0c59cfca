"""This machine's own links and what they talk to anyway, read without privilege; settings for an agent on them."""

import fcntl
import ipaddress
import json
import socket
import struct
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_SIOCGIFADDR, _SIOCGIFNETMASK = 0x8915, 0x891B
LOOPBACK_ANCHORS = ("127.0.0.1", "127.0.0.2", "127.0.0.3")
MOST_LINKS, MOST_ANCHORS = 8, 3


@dataclass(frozen=True, slots=True)
class OwnLink:
    """An interface with an IPv4 address, and the addresses it may be asked to reach."""

    interface: str
    anchors: tuple[str, ...]


def own_links(routes: Path = Path("/proc/net/route"), resolv: Path = Path("/etc/resolv.conf")) -> list[OwnLink]:
    """Interfaces with an address that have a gateway or a resolver to ask, best route first; loopback last."""
    gateways = _gateways(routes)
    resolvers = _resolvers(resolv)
    links = []
    for interface in dict.fromkeys([*gateways, *(name for _, name in socket.if_nameindex())]):
        network = _network(interface)
        if interface == "lo" or network is None:
            continue
        asked = gateways.get(interface, [])
        asked += [resolver for resolver in resolvers if asked or ipaddress.ip_address(resolver) in network]
        anchors = tuple(dict.fromkeys(asked))[:MOST_ANCHORS]
        if anchors:
            links.append(OwnLink(interface, anchors))
    return [*links[: MOST_LINKS - 1], OwnLink("lo", LOOPBACK_ANCHORS)]


def settings_text(links: list[OwnLink], folder: Path) -> str:
    """The settings file of an agent that watches these links and moves nothing."""
    text = (
        f'[agent]\ntenant = "demo"\nbranch = "this-machine"\nname = "demo"\nmaster = "device"\n'
        f"state_dir = {json.dumps(str(folder))}\nrun_dir = {json.dumps(str(folder))}\n\n"
        '[probing]\nwindow = "1s"\n\n[actor]\nactuator = "dry_run"\n\n'
    )
    for rank, link in enumerate(links, 1):
        name = json.dumps(link.interface)
        text += f"[[path]]\nname = {name}\ninterface = {name}\nrank = {rank}\n\n"
        for number, anchor in enumerate(link.anchors, 1):
            label = json.dumps(f"{link.interface}-{number}")
            text += f'[[anchor]]\nname = {label}\nipv4 = "{anchor}"\npaths = [{name}]\n\n'
    return text


def _gateways(routes: Path) -> dict[str, list[str]]:
    """Default gateways by interface, lowest metric first (/proc/net/route: hexadecimal, little endian)."""
    found: list[tuple[int, str, str]] = []
    with suppress(OSError):
        for line in routes.read_text().splitlines()[1:]:
            cells = line.split()
            if len(cells) >= 8 and cells[1] == "00000000" and cells[7] == "00000000" and cells[2] != "00000000":
                gateway = socket.inet_ntoa(struct.pack("<I", int(cells[2], 16)))
                found.append((int(cells[6]), cells[0], gateway))
    gateways: dict[str, list[str]] = {}
    for _, interface, gateway in sorted(found):
        gateways.setdefault(interface, []).append(gateway)
    return gateways


def _resolvers(resolv: Path) -> list[str]:
    found = []
    with suppress(OSError):
        for line in resolv.read_text(errors="replace").splitlines():
            words = line.split()
            if len(words) > 1 and words[0] == "nameserver":
                with suppress(ValueError):
                    address = ipaddress.ip_address(words[1])
                    if address.version == 4 and not address.is_loopback:
                        found.append(str(address))
    return found


def _network(interface: str) -> ipaddress.IPv4Network | None:
    request = struct.pack("16s24x", interface.encode()[:15])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            address = fcntl.ioctl(sock, _SIOCGIFADDR, request)[20:24]
            mask = fcntl.ioctl(sock, _SIOCGIFNETMASK, request)[20:24]
        except OSError:
            return None
    return ipaddress.IPv4Network(f"{socket.inet_ntoa(address)}/{socket.inet_ntoa(mask)}", strict=False)

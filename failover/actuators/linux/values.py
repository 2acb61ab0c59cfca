"""What the kernel holds, as values: links, addresses, routes, rules."""

import ipaddress
import socket
from dataclasses import dataclass

MAIN_TABLE = 254
FAMILIES: tuple[int, ...] = (int(socket.AF_INET), int(socket.AF_INET6))
FOREVER = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Link:
    """One interface; `mtu` in bytes; `point_to_point`: it has no neighbours to resolve, so no gateway is needed."""

    index: int
    name: str
    mtu: int
    up: bool
    point_to_point: bool


@dataclass(frozen=True, slots=True)
class IfAddress:
    """One address of an interface. Lifetimes in seconds, FOREVER for no end; `everywhere`: global scope."""

    index: int
    address: ipaddress.IPv4Interface | ipaddress.IPv6Interface
    everywhere: bool
    valid_s: int
    preferred_s: int
    flags: int


@dataclass(frozen=True, slots=True)
class Route:
    """A default route, or with `destination` a specific one. index 0: unreachable. mtu 0: the interface's."""

    family: int
    table: int
    index: int
    gateway: str = ""
    mtu: int = 0
    onlink: bool = False
    metric: int = 0
    destination: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """A routing rule; exactly what we install. `suppress_default`: skip the table's default routes."""

    family: int
    priority: int
    table: int
    source: str = ""
    interface: str = ""
    suppress_default: bool = False

"""The nft table `inet branchline`: a counter of users' packets from beyond each gateway, and the MSS clamp.

Counted are packets of flows that have gone both ways, so a stranger's scan is no evidence that a line works; not
counted are ICMP (our probes), the canary's answers and whatever comes from the link's own subnet.
"""

import ipaddress
import re
import shutil
import struct
import subprocess
from collections.abc import Iterable

from failover.actuators.base import ActuatorError
from failover.actuators.linux.netlink import NETLINK_NETFILTER, Netlink, NetlinkError, attribute, attributes
from failover.actuators.linux.routes import Sight
from failover.actuators.settings import PathPlan

TABLE = "branchline"

_NF_TABLES = 10 << 8
_GET_RULE, _GET_OBJECT = _NF_TABLES | 7, _NF_TABLES | 19
_INET, _COUNTER = 1, 1
_HEADER_BYTES = 20  # netlink and netfilter headers
_TIMEOUT_S = 5
_SAFE_NAME = re.compile(r"[A-Za-z0-9._@:-]{1,15}\Z")


class Nft:
    """Installs the table through the `nft` program, and reads it through netlink (1 ms instead of a process)."""

    def __init__(self, canary_network: str) -> None:
        self._canary = canary_network
        self._netlink = Netlink(NETLINK_NETFILTER)
        self._near: dict[int, frozenset[str]] = {}

    def close(self) -> None:
        """Give the socket back."""
        self._netlink.close()

    def install(self, sights: Iterable[Sight]) -> None:
        """Put the table in place, whole and in one transaction; counters start from zero.

        Raises:
            ActuatorError: nft is missing or refuses.
        """
        sights = tuple(sights)
        _run(ruleset(sights, self._canary))
        self._near = {sight.place: near(sight) for sight in sights}

    def put(self, sights: Iterable[Sight]) -> list[str]:
        """Put back what is missing and follow changed subnets; returns what had to be changed.

        Raises:
            ActuatorError: nft is missing or refuses.
        """
        sights = tuple(sights)
        if self._rules() != expected_rules(sights, self._canary) or len(
            self.counters(sight.plan for sight in sights)
        ) != len(sights):
            self.install(sights)
            return [f"put back the nft table inet {TABLE}"]
        moved = [sight for sight in sights if self._near.get(sight.place) != near(sight)]
        if moved:
            _run("".join(_refill(sight) for sight in moved))
            self._near |= {sight.place: near(sight) for sight in moved}
        return []

    def counters(self, plans: Iterable[PathPlan]) -> dict[str, int]:
        """Packets by path name; a path whose counter is missing is left out."""
        body = struct.pack("!BBH", _INET, 0, 0) + attribute(1, TABLE.encode() + b"\0")
        body += attribute(3, struct.pack("!I", _COUNTER))
        try:
            answers = self._netlink.dump(_GET_OBJECT, body)
        except NetlinkError:
            return {}
        found = {}
        for answer in answers:
            fields = attributes(answer, _HEADER_BYTES)
            packets = attributes(fields.get(4, b"")).get(2)
            if packets is not None and fields.get(1) == TABLE.encode() + b"\0":
                found[fields[2].rstrip(b"\0").decode()] = int.from_bytes(packets, "big")
        places = ((plan.name, f"path_{place}") for place, plan in enumerate(plans))
        return {name: found[counter] for name, counter in places if counter in found}

    def _rules(self) -> int:
        body = struct.pack("!BBH", _INET, 0, 0) + attribute(1, TABLE.encode() + b"\0")
        try:
            answers = self._netlink.dump(_GET_RULE, body)
        except NetlinkError:
            return 0
        return sum(attributes(answer, _HEADER_BYTES).get(1) == TABLE.encode() + b"\0" for answer in answers)


def near(sight: Sight) -> frozenset[str]:
    """The link's own subnets, IPv6 link-local left out (it always counts as near)."""
    return frozenset(str(item.address.network) for item in sight.addresses if item.everywhere)


def ruleset(sights: Iterable[Sight], canary_network: str) -> str:
    """The whole table as `nft -f` reads it."""
    lines = [f"add table inet {TABLE}", f"delete table inet {TABLE}", f"table inet {TABLE} {{"]
    arrivals = ["meta l4proto { icmp, ipv6-icmp } return", "ct state != established return"]
    if canary_network:
        arrivals.append(f"ct original ip saddr {ipaddress.IPv4Network(canary_network, strict=False)} return")
    for sight in sights:
        place, interface = sight.place, sight.plan.interface
        if not _SAFE_NAME.match(interface):
            raise ActuatorError(
                f"interface {interface!r} has a character nft cannot take; rename the interface", retry=False
            )
        lines.append(f"  counter path_{place} {{ }}")
        for version in (4, 6):
            lines.append(f"  set near{version}_{place} {{ type ipv{version}_addr; flags interval; auto-merge;")
            lines.append(f"{_elements(sight, version)} }}")
        arrivals.append(f'iifname "{interface}" ip saddr != @near4_{place} counter name path_{place}')
        arrivals.append(f'iifname "{interface}" ip6 saddr != @near6_{place} counter name path_{place}')
    # after connection tracking (-200), before the kernel undoes the translation (-100)
    lines += ["  chain arrivals {", "    type filter hook prerouting priority mangle; policy accept;"]
    lines += [f"    {line}" for line in arrivals]
    lines += ["  }", "  chain clamp {", "    type filter hook forward priority mangle; policy accept;"]
    lines += ["    tcp flags & (syn | rst) == syn tcp option maxseg size set rt mtu", "  }", "}"]
    return "\n".join(lines) + "\n"


def expected_rules(sights: Iterable[Sight], canary_network: str) -> int:
    """How many rules the table has when nobody touched it."""
    return 3 + bool(canary_network) + 2 * len(tuple(sights))


def _elements(sight: Sight, version: int) -> str:
    nets = sorted(net for net in near(sight) if ipaddress.ip_network(net).version == version)
    nets += ["fe80::/10"] if version == 6 else []
    return f"    elements = {{ {', '.join(nets)} }}" if nets else ""


def _refill(sight: Sight) -> str:
    text = ""
    for version in (4, 6):
        name = f"inet {TABLE} near{version}_{sight.place}"
        text += f"flush set {name}\n"
        if elements := _elements(sight, version).partition("= ")[2]:
            text += f"add element {name} {elements}\n"
    return text


def _run(text: str) -> None:
    program = shutil.which("nft", path="/usr/sbin:/sbin:/usr/bin:/bin:/usr/local/sbin")
    if program is None:
        raise ActuatorError("nft is not installed; install the package nftables", retry=False)
    try:
        done = subprocess.run(
            [program, "-f", "-"], input=text, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise ActuatorError(f"nft did not finish within {_TIMEOUT_S} s", retry=True) from None
    if done.returncode:
        first = (done.stderr.strip() or "no reason given").splitlines()[0]
        raise ActuatorError(f"nft refused the table inet {TABLE}: {first}", retry=True)

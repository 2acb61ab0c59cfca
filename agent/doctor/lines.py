"""Each path's interface, its addresses, and the gateway the actor would move traffic to."""

import socket

from agent.config import PathSettings
from agent.doctor.finding import Finding, fail, skip, warn, well
from agent.doctor.site import Missing, Site
from agent.links import LinkSeen, look
from agent.plan import first_family
from wire.messages import Role

_VERSION = {4: socket.AF_INET, 6: socket.AF_INET6}


def interfaces(site: Site) -> list[Finding]:
    """Present, carrier, addresses."""
    found = []
    first = first_family(site.settings)
    probed = {family for family in (4, 6) if any(getattr(a, f"ipv{family}") for a in site.settings.anchor)}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        for place, path in enumerate(site.settings.path):
            link = look(asking, path.interface)
            addresses: dict[int, tuple[str, ...]] = {}
            if not isinstance(site.network, Missing):
                sight = site.network.sights[place]
                addresses = {family: sight.texts(number) for family, number in _VERSION.items()}
            found.append(judge_interface(path, link, addresses, first, probed))
    return found


def judge_interface(
    path: PathSettings, link: LinkSeen, addresses: dict[int, tuple[str, ...]], first: int, probed: set[int]
) -> Finding:
    """`addresses` by IP version, empty if not known; `first`: the version judged, `probed`: those with anchors."""
    name = path.interface
    if not link.present:
        what = "plug the modem in" if path.role is Role.CELL else "check the driver and the name with `ip link`"
        return fail(path.name, f"{name} does not exist", f"there is no interface {name} for path {path.name}; {what}")
    if not link.carrier:
        remedy = f"{name} has no carrier; check `ip link set {name} up`, the cable, and the modem at its other end"
        return fail(path.name, f"{name} has no carrier", remedy)
    if not addresses:
        return well(path.name, f"{name} has carrier")
    if not addresses[first]:
        remedy = f"{name} has no IPv{first} address, so no probe can leave by it; start its DHCP client or PPP session"
        return fail(path.name, f"{name} has no IPv{first} address", remedy)
    other = 10 - first
    if other in probed and not addresses[other]:
        remedy = f"{name} has no IPv{other} address, but anchors have; ask the ISP for IPv{other}, or remove theirs"
        return warn(path.name, f"{name} has {addresses[first][0]}, but no IPv{other}", remedy)
    return well(path.name, f"{name} has carrier, {', '.join(own[0] for own in addresses.values() if own)}")


def gateways(site: Site) -> list[Finding]:
    """The default route of each uplink in the main table, or the gateway of the settings."""
    if isinstance(site.network, Missing):
        return [skip("", site.network.why)]
    found = []
    for number, (path, sight) in enumerate(zip(site.settings.path, site.network.sights, strict=True), 1):
        if sight.link is None or not sight.link.up:
            found.append(skip(path.name, f"{path.interface} is not there or down"))
            continue
        given = {family: sight.gateway(there) or path.interface for family, there in _VERSION.items()}
        have = {family: word for family, word in given.items() if _VERSION[family] in sight.routes}
        ipv6 = bool(sight.texts(socket.AF_INET6)) and site.network.ipv6
        found.append(judge_gateway(path, number, have, first_family(site.settings), ipv6=ipv6))
    return found


def judge_gateway(path: PathSettings, number: int, have: dict[int, str], first: int, *, ipv6: bool) -> Finding:
    """`have`: gateway (or interface, point to point) by IP version; `ipv6`: the interface has a global address."""
    said = ", ".join(f"IPv{family} via {gateway}" for family, gateway in have.items())
    if first not in have:
        remedy = (
            f"main has no IPv{first} default route over {path.interface}, so traffic cannot be moved to {path.name}; "
            f"let its DHCP client add one with a metric of its own (`ip route add default via GATEWAY dev "
            f"{path.interface} metric {100 * number}`), or set path[{number}].gateway_ipv{first}"
        )
        return fail(path.name, f"no IPv{first} default route over {path.interface}", remedy)
    if first == 4 and ipv6 and 6 not in have:
        remedy = (
            f"{path.interface} has an IPv6 address but no IPv6 default route; a router hears advertisements only with "
            f"`net.ipv6.conf.{path.interface}.accept_ra = 2`, or set path[{number}].gateway_ipv6"
        )
        return warn(path.name, f"{said}, none for IPv6", remedy)
    return well(path.name, said)

"""IPv6 prefixes on the LAN: hosts stop choosing a source address whose prefix belongs to a path not in use.

With preferred lifetime 0 on the router's own address the RA daemon announces the prefix as deprecated (RFC 4862 5.5.4).
"""

import ipaddress

from failover.actuators.linux.kernel import Kernel
from failover.actuators.settings import ActuatorSettings


def put(kernel: Kernel, settings: ActuatorSettings, in_use: str) -> list[str]:
    """Prefer the LAN addresses of the path in use, deprecate the other paths'; returns what had to be changed."""
    prefixes = [(path.name, ipaddress.IPv6Network(path.ipv6_prefix)) for path in settings.paths if path.ipv6_prefix]
    link = kernel.links().get(settings.lan_interface) if prefixes and settings.lan_interface else None
    if link is None:
        return []
    changed = []
    for address in kernel.addresses(link.index):
        owners = [name for name, prefix in prefixes if address.address.ip in prefix]
        if not owners:
            continue
        wanted_s = address.valid_s if in_use in owners else 0
        if (address.preferred_s == 0) == (wanted_s == 0):
            continue
        kernel.prefer(address, wanted_s)
        word = "preferred" if wanted_s else "deprecated"
        changed.append(f"{word} {address.address} on {link.name}")
    return changed

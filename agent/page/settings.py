"""`[page]`: where the branch's own page is."""

import ipaddress

from branchline.settings import Settings

CONTACT_CHARACTERS = 200


class PageSettings(Settings, frozen=True):
    """`[page]`: the branch's own page on the LAN, read-only. Without this table there is none.

    Attributes:
        listen: address of this machine on the LAN, and port
        contact: whom people at the branch ring, such as "IT support, +33 1 23 45 67 89"; shown on the page
    """

    listen: str
    contact: str = ""

    def __post_init__(self) -> None:
        host, colon, port = self.listen.rpartition(":")
        try:
            address = ipaddress.ip_address(host[1:-1] if host.startswith("[") and host.endswith("]") else host)
            good = bool(colon) and port.isascii() and port.isdigit() and 1 <= int(port) <= 65535
            good = good and (address.version == 4 or host.startswith("["))
        except ValueError:
            good = False
        if not good:
            raise ValueError(f"listen: {self.listen[:80]!a} is not address:port, such as 192.168.1.1:8481")
        if address.is_unspecified:
            raise ValueError(f"listen: {host} is every address, the WAN's too; write this machine's address on the LAN")
        if address.is_multicast:
            raise ValueError(f"listen: {host} is no address of one machine; write this machine's address on the LAN")
        if len(self.contact) > CONTACT_CHARACTERS:
            raise ValueError(f"contact: has {len(self.contact)} characters; write at most {CONTACT_CHARACTERS}")

    @property
    def host(self) -> str:
        """Where to listen."""
        return self.listen.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        """TCP port."""
        return int(self.listen.rpartition(":")[2])

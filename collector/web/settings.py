"""`[web]`: the page."""

import ipaddress
from typing import Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from branchline.settings import Settings


class WebSettings(Settings, frozen=True):
    """`[web]`: the collector's page, `/metrics` and health.

    Attributes:
        listen: address and port; people log in on anything but loopback
        public_url: how people reach it, for links in messages; empty: from listen. Beyond this machine, people log in
        language: of those who state no preference, and of messages
        timezone: of times that belong to no branch; an IANA name
        cert_file: serve HTTPS with this certificate, with key_file
        key_file: its key; readable by nobody else
    """

    listen: str = "127.0.0.1:8480"
    public_url: str = ""
    language: Literal["en", "fr"] = "en"
    timezone: str = "Europe/Paris"
    cert_file: str = ""
    key_file: str = ""

    def __post_init__(self) -> None:
        host, colon, port = self.listen.rpartition(":")
        try:
            ipaddress.ip_address(host.strip("[]"))
            good = bool(colon) and 0 <= int(port) <= 65535
        except ValueError:
            good = False
        if not good:
            raise ValueError(f"listen: {self.listen!r} is not address:port, such as 127.0.0.1:8480")
        if self.public_url and not self.public_url.startswith(("http://", "https://")):
            raise ValueError(f"public_url: {self.public_url!r} does not start with http:// or https://")
        try:
            ZoneInfo(self.timezone)
        except (KeyError, ValueError, OSError):
            raise ValueError(f"timezone: {self.timezone!r} is not a time zone such as Europe/Paris") from None
        if bool(self.cert_file) != bool(self.key_file):
            raise ValueError("cert_file: cert_file and key_file go together; give both or neither")

    @property
    def host(self) -> str:
        """Where to listen."""
        return self.listen.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        """TCP port; 0: any free one."""
        return int(self.listen.rpartition(":")[2])

    @property
    def only_here(self) -> bool:
        """Whether only this machine can reach it."""
        return ipaddress.ip_address(self.host).is_loopback

    @property
    def asks_nobody(self) -> bool:
        """Whether nobody has to log in. A `public_url` elsewhere means that a proxy lets others in."""
        host = urlsplit(self.public_url).hostname or ""
        return self.only_here and host in {"", "localhost", "127.0.0.1", "::1"}

    @property
    def secure(self) -> bool:
        """Whether people reach it by HTTPS."""
        return self.url.startswith("https://")

    @property
    def url(self) -> str:
        """How people reach it, without a slash at the end."""
        scheme = "https" if self.cert_file else "http"
        return (self.public_url or f"{scheme}://{self.listen}").rstrip("/")

"""`[[notify]]`: who is told, and how."""

import re
from typing import Literal

import msgspec

from branchline.settings import Settings
from branchline.units import Duration
from collector.incidents.model import Severity
from wire.errors import TopicError
from wire.topics import check_name

_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})*\Z")
_MAIL = ("host", "port", "security", "username", "password_file", "sender", "to")
# kind -> (keys it needs, keys it does not know)
_KEYS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "webhook": (("url",), ("url_file", *_MAIL)),
    "smtp": (("host", "sender", "to"), ("url", "url_file", "token_file")),
    "apprise": (("url_file",), ("url", "token_file", "ca_file", *_MAIL)),
    "alertmanager": (("url",), ("url_file", "per_minute", *_MAIL)),
}
_PORTS = {"starttls": 587, "tls": 465, "none": 25}


class NotifySettings(Settings, frozen=True):
    """`[[notify]]`: one receiver of messages about incidents.

    Attributes:
        name: for logs, dashboards and `branchline collector test-page`; no two alike
        kind: how it is told
        severities: which incidents it is told of; once told of one, it hears how that goes on and ends
        language: of its messages; empty: that of [web]
        url: `webhook`: where to POST; `alertmanager`: its address, without /api
        url_file: `apprise`: a file with one apprise URL a line, since they hold secrets; readable by nobody else
        token_file: `webhook` and `alertmanager`: sent as a bearer token; readable by nobody else
        host: `smtp`: the mail server
        port: `smtp`: 0 is 587 with STARTTLS, 465 with TLS, 25 with neither
        security: `smtp`: how the connection is protected
        username: `smtp`: with password_file
        password_file: `smtp`: readable by nobody else
        sender: `smtp`: the From address
        to: `smtp`: addresses
        ca_file: trust this authority instead of the system's; not for `apprise`
        timeout: of one attempt
        per_minute: messages a minute; what is more comes as one digest; not for `alertmanager`, which groups by itself
        give_up_after: then a message is given up, and the page says so
    """

    name: str
    kind: Literal["webhook", "smtp", "apprise", "alertmanager"]
    severities: tuple[Severity, ...] = (Severity.PAGE,)
    language: Literal["", "en", "fr"] = ""
    url: str = ""
    url_file: str = ""
    token_file: str = ""
    host: str = ""
    port: int = 0
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: str = ""
    password_file: str = ""
    sender: str = ""
    to: tuple[str, ...] = ()
    ca_file: str = ""
    timeout: Duration = Duration(10)
    per_minute: int = 10
    give_up_after: Duration = Duration(24 * 3600)

    def __post_init__(self) -> None:
        try:
            check_name(self.name)
        except TopicError as error:
            raise ValueError(f"name: {error}") from None
        self._check_keys()
        self._check_mail()
        self._check_numbers()
        if not self.severities:
            raise ValueError('severities: the list is empty; write at least one of "page", "work", "log"')
        if self.url and not self.url.startswith(("http://", "https://")):
            raise ValueError(f"url: {self.url!r} does not start with http:// or https://")

    def _check_keys(self) -> None:
        needed, foreign = _KEYS[self.kind]
        for key in needed:
            if not getattr(self, key):
                raise ValueError(f'{key}: kind "{self.kind}" needs it; add it')
        defaults = {field.name: field.default for field in msgspec.structs.fields(type(self))}
        for key in foreign:
            if getattr(self, key) != defaults[key]:
                raise ValueError(f'{key}: kind "{self.kind}" does not use it; remove it')

    def _check_mail(self) -> None:
        if bool(self.username) != bool(self.password_file):
            raise ValueError("username: username and password_file go together; give both or neither")
        if self.username and self.security == "none":
            raise ValueError('security: "none" would show the password to the network; use "starttls" or "tls"')
        for key, addresses in (("sender", (self.sender,) if self.sender else ()), ("to", self.to)):
            for each in addresses:
                if not _ADDRESS.match(each):
                    raise ValueError(f"{key}: {each[:80]!r} is not a mail address such as noc@example.com")

    def _check_numbers(self) -> None:
        if not 0 <= self.port <= 65535:
            raise ValueError(f"port: {self.port} is not between 0 and 65535")
        if not 0.1 <= self.timeout <= 120:
            raise ValueError("timeout: must be between 100ms and 2min")
        if not 2 <= self.per_minute <= 1000:
            raise ValueError("per_minute: must be between 2 and 1000, since the last one of a minute is the digest")
        if not 60 <= self.give_up_after <= 30 * 86400:
            raise ValueError("give_up_after: must be between 1min and 30d")

    @property
    def mail_port(self) -> int:
        """The TCP port of the mail server."""
        return self.port or _PORTS[self.security]

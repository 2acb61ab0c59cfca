"""`[[notify]]`: who is told, and how."""

from typing import Literal

from branchline.settings import Settings
from branchline.units import Duration
from collector.incidents.model import Severity


class NotifySettings(Settings, frozen=True):
    """`[[notify]]`: one receiver.

    Attributes:
        name: for logs, dashboards and `branchline collector test-page`
        kind: how it is told
        severities: which incidents it is told of
        language: of its messages; empty: that of [web]
        url: `webhook` and `alertmanager`: where to POST
        url_file: `apprise`: a file with one apprise URL a line, since they hold secrets; readable by nobody else
        token_file: `webhook`: sent as a bearer token; readable by nobody else
        host: `smtp`: the mail server
        port: `smtp`: 587 with STARTTLS, 465 with TLS, 25 plain
        security: `smtp`: how the connection is protected
        username: `smtp`: with password_file
        password_file: `smtp`: readable by nobody else
        sender: `smtp`: the From address
        to: `smtp`: addresses
        ca_file: trust this authority instead of the system's
        timeout: of one attempt
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
    port: int = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: str = ""
    password_file: str = ""
    sender: str = ""
    to: tuple[str, ...] = ()
    ca_file: str = ""
    timeout: Duration = Duration(10)
    give_up_after: Duration = Duration(24 * 3600)

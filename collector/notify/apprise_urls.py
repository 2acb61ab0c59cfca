"""`apprise`: chat, SMS and the other services apprise knows, by URLs in a file. Its own code sends, in a thread."""

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from branchline.settings import SettingsError
from collector.incidents.model import Severity
from collector.notify.base import Delivered, Later, Message, Result
from collector.notify.model import NoticeEvent
from collector.notify.settings import NotifySettings
from collector.secret_files import private

if TYPE_CHECKING:
    import apprise

MAX_DONE = 1000


class AppriseUrls:
    """Every URL of the file gets each message; those that took it are not asked again."""

    def __init__(self, settings: NotifySettings) -> None:
        """Raises SettingsError: the file cannot be used, apprise does not know a URL, or it is not installed."""
        self._servers = _servers(settings)
        self._thread = ThreadPoolExecutor(1, f"apprise {settings.name}")
        self._done: dict[str, set[int]] = {}
        self._said = _LastWarning()
        logger = logging.getLogger("apprise")
        logger.propagate = False  # what it says becomes the reason of a failure
        logger.addHandler(self._said)

    async def send(self, message: Message) -> Result:
        """Send to every URL that does not have the message yet."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._send, message)

    async def close(self) -> None:
        """Let go of the thread."""
        logging.getLogger("apprise").removeHandler(self._said)
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _send(self, message: Message) -> Result:
        done = self._done.setdefault(message.key, set())
        while len(self._done) > MAX_DONE:
            self._done.pop(next(iter(self._done)))
        failed = []
        for number, server in enumerate(self._servers):
            if number in done:
                continue
            self._said.text = ""
            title, body = message.text.subject, f"{message.text.body}\n{message.url}"
            if server.notify(body=body, title=title, notify_type=_type(message), body_format="text"):
                done.add(number)
            else:
                failed.append(f"URL {number + 1}: {self._said.text or 'not taken'}")
        if failed:
            return Later("; ".join(failed)[:300])
        self._done.pop(message.key, None)
        return Delivered()


class _LastWarning(logging.Handler):
    """What apprise said last: it answers only yes or no."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.text = " ".join(record.getMessage().split())[:200]


def _servers(settings: NotifySettings) -> "list[apprise.Apprise]":
    try:
        import apprise  # noqa: PLC0415 - slow to import and needed by nobody else
    except ModuleNotFoundError:
        raise SettingsError(
            f'[[notify]] {settings.name}: kind "apprise" needs the package apprise; install "branchline[collector]"'
        ) from None
    text = private(settings.url_file, f"url_file of [[notify]] {settings.name}")
    servers = []
    for number, line in enumerate(text.splitlines(), 1):
        url = line.strip()
        if not url or url.startswith("#"):
            continue
        one = apprise.Apprise()
        server = apprise.Apprise.instantiate(url, suppress_exceptions=True)
        if server is None or isinstance(server, dict) or not one.add(server):
            raise SettingsError(
                f"{settings.url_file} line {number}: url_file of [[notify]] {settings.name} holds what is no apprise "
                "URL; see https://appriseit.com for each service"  # the URL is not shown: it is a secret
            )
        server.socket_connect_timeout = server.socket_read_timeout = float(settings.timeout)
        servers.append(one)
    if not servers:
        raise SettingsError(
            f"{settings.url_file}: url_file of [[notify]] {settings.name} holds no URL; write one a line"
        )
    return servers


def _type(message: Message) -> str:
    if message.event is NoticeEvent.RESOLVE:
        return "success"
    return "failure" if message.incident is None or message.incident.severity is Severity.PAGE else "warning"

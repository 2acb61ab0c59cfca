"""`smtp`: plain-text mail, one conversation for each incident. The standard library's client, in a thread."""

import asyncio
import contextlib
import smtplib
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor

from collector.notify.base import Delivered, Later, Message, Refused, Result
from collector.notify.http_answers import NEEDS_A_PERSON_S
from collector.notify.mail_text import letter
from collector.notify.settings import NotifySettings
from collector.notify.trust import trusted
from collector.secret_files import private

MAX_LEFT = 1000
OVERALL = 4
"""One answer may take a time-out, the whole conversation so many of them."""


class _Client(smtplib.SMTP):
    """Knows its server's name before it connects, so that a conversation can be cut from its first byte on."""

    def __init__(self, host: str, timeout_s: float) -> None:
        super().__init__(local_hostname=socket.gethostname(), timeout=timeout_s)
        self._host = host


class _TlsClient(smtplib.SMTP_SSL):
    def __init__(self, host: str, timeout_s: float, context: ssl.SSLContext) -> None:
        super().__init__(local_hostname=socket.gethostname(), timeout=timeout_s, context=context)
        self._host = host


class Smtp:
    """Mails to the addresses of one receiver, in one conversation with the server for each message."""

    def __init__(self, settings: NotifySettings) -> None:
        """Raises SettingsError: a file that the settings name cannot be used."""
        self._settings = settings
        self._password = private(settings.password_file, f"password_file of [[notify]] {settings.name}")
        self._context = trusted(settings)
        self._thread = ThreadPoolExecutor(1, f"smtp {settings.name}")
        self._client: smtplib.SMTP | None = None
        self._left: dict[str, tuple[str, ...]] = {}
        """Addresses that are still to get a message, by its key, while others have it."""

    async def send(self, message: Message) -> Result:
        """Send one mail."""
        settings = self._settings
        text = letter(message, settings.name, settings.sender, settings.to)
        work = asyncio.get_running_loop().run_in_executor(self._thread, self._send, message.key, text)
        try:
            async with asyncio.timeout(OVERALL * settings.timeout):
                return await asyncio.shield(work)
        except TimeoutError:
            self._cut()
            return await work

    async def close(self) -> None:
        """Let go of the thread."""
        self._cut()
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _cut(self) -> None:
        """End a conversation with a server that answers, but never comes to an end."""
        client = self._client
        if client is not None and client.sock is not None:
            with contextlib.suppress(OSError):  # it has ended by itself
                client.sock.shutdown(socket.SHUT_RDWR)

    def _send(self, key: str, text: bytes) -> Result:
        to = self._left.get(key, self._settings.to)
        try:
            refused = self._converse(to, text)
        except smtplib.SMTPRecipientsRefused as error:
            refused = error.recipients
        except smtplib.SMTPDataError as error:
            reason = _sentence(error.smtp_code, error.smtp_error)
            return Refused(reason) if error.smtp_code >= 500 else Later(reason)
        except smtplib.SMTPResponseException as error:  # login, sender, greeting: not about this message
            reason = _sentence(error.smtp_code, error.smtp_error)
            return Later(reason, NEEDS_A_PERSON_S if error.smtp_code >= 500 else None)
        except (smtplib.SMTPNotSupportedError, ssl.SSLError) as error:
            return Later(_line(str(error)), NEEDS_A_PERSON_S)
        except TimeoutError:
            return Later("no answer in time")
        except (smtplib.SMTPException, OSError) as error:
            return Later(_line(str(error)) or type(error).__name__)
        return self._judge(key, to, refused)

    def _converse(self, to: tuple[str, ...], text: bytes) -> dict[str, tuple[int, bytes]]:
        settings = self._settings
        if settings.security == "tls":
            client: smtplib.SMTP = _TlsClient(settings.host, settings.timeout, self._context)
        else:
            client = _Client(settings.host, settings.timeout)
        self._client = client
        try:
            code, greeting = client.connect(settings.host, settings.mail_port)
            if code != 220:
                raise smtplib.SMTPConnectError(code, greeting)
            if settings.security == "starttls":
                client.starttls(context=self._context)
            if settings.username:
                client.login(settings.username, self._password)
            refused = client.sendmail(settings.sender, to, text)
            with contextlib.suppress(smtplib.SMTPException, OSError):  # the mail is taken, whatever it says now
                client.quit()
        finally:
            client.close()
            self._client = None
        return refused

    def _judge(self, key: str, to: tuple[str, ...], refused: dict[str, tuple[int, bytes]]) -> Result:
        """Some addresses may have it, some may get it later (greylisting), some never."""
        answers = "; ".join(f"{_line(each)}: {_sentence(*answer)}" for each, answer in refused.items())[:300]
        later = tuple(each for each in to if each in refused and refused[each][0] < 500)
        some = len(refused) < len(to) or key in self._left
        if later:
            if some:
                self._left[key] = later
            while len(self._left) > MAX_LEFT:
                self._left.pop(next(iter(self._left)))
            return Later(answers)
        self._left.pop(key, None)
        return Delivered(answers) if some else Refused(answers)


def _sentence(code: int, text: bytes | str) -> str:
    return _line(f"SMTP {code} {text.decode(errors='replace') if isinstance(text, bytes) else text}")


def _line(text: str) -> str:
    return " ".join(text.split())[:200]

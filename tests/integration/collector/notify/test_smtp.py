"""Mail to a real SMTP server on loopback."""

import asyncio
import email
import email.policy
import ssl
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from branchline.settings import SettingsError
from branchline.units import Duration
from collector.notify.base import Delivered, Later, Message, Refused
from collector.notify.model import NoticeEvent
from collector.notify.page_text import compose
from collector.notify.settings import NotifySettings
from collector.notify.smtp import Smtp
from tests.integration.collector.servers import free_port
from tests.unit.collector.notify.incidents import START_S, page, places


class Box:
    """Takes mail; `say` answers RCPT by address, `data` answers the mail itself."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.to: list[list[str]] = []
        self.say: Callable[[str], str] = lambda _: "250 OK"
        self.data = "250 taken"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = self.say(address)
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - as above
        if self.data.startswith("250"):
            content = envelope.content
            assert isinstance(content, bytes)
            mail = email.message_from_bytes(content, policy=email.policy.default)
            assert isinstance(mail, EmailMessage)
            self.mails.append(mail)
            self.to.append(list(envelope.rcpt_tos))
        return self.data


def _login(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object) -> AuthResult:
    good = isinstance(data, LoginPassword) and (data.login, data.password) == (b"noc", b"s3cret")
    return AuthResult(success=good, handled=False)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for localhost, its key beside it."""
    directory = tmp_path_factory.mktemp("tls")
    words = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-days", "2"]
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    out = ["-keyout", str(directory / "key.pem"), "-out", str(directory / "cert.pem")]
    subprocess.run(["openssl", "req", "-x509", *key, *words, *out], check=True, capture_output=True)
    return directory / "cert.pem"


def _context(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_name("key.pem"))
    return context


@pytest.fixture
def box() -> Box:
    return Box()


@asynccontextmanager
async def _served(box: Box, *, ssl_context: ssl.SSLContext | None = None, **words: Any) -> AsyncIterator[int]:
    """A real SMTP server in this loop; its port. `words` go to aiosmtpd."""
    loop = asyncio.get_running_loop()
    sessions: list[SMTP] = []

    def session() -> SMTP:
        sessions.append(SMTP(box, loop=loop, **words))
        return sessions[-1]

    server = await loop.create_server(session, "127.0.0.1", 0, ssl=ssl_context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for each in sessions:  # a client that hung up may not have been noticed yet
            if isinstance(each.transport, asyncio.Transport):
                each.transport.abort()
        await asyncio.sleep(0.05)


@pytest.fixture
async def plain(box: Box) -> AsyncIterator[int]:
    async with _served(box) as port:
        yield port


def _settings(port: int, **changes: object) -> NotifySettings:
    base = NotifySettings(
        name="noc",
        kind="smtp",
        host="127.0.0.1",
        port=port,
        security="none",
        sender="branchline@example.com",
        to=("noc@example.com",),
    )
    return msgspec.structs.replace(base, **changes)


def _message(number: int = 1, event: NoticeEvent = NoticeEvent.TRIGGER, subject: str = "") -> Message:
    text = compose(event, page(), places=places(), language="fr", base_url="http://c", now_s=START_S + 60)
    if subject:
        text = msgspec.structs.replace(text, subject=subject)
    return Message(key=f"noc/{page().id}/{number}", event=event, at_s=START_S + 48, text=text, incident=page())


async def _send(settings: NotifySettings, *messages: Message) -> list[object]:
    smtp = Smtp(settings)
    try:
        return [await smtp.send(message) for message in messages]
    finally:
        await smtp.close()


async def test_an_incident_is_one_conversation(box: Box, plain: int) -> None:
    update, resolve = NoticeEvent.UPDATE, NoticeEvent.RESOLVE
    sent = (_message(1), _message(2, update), _message(3, resolve), _message(3, resolve))
    assert await _send(_settings(plain), *sent) == [Delivered()] * 4
    first, second, third, again = box.mails
    assert second["In-Reply-To"] == third["References"] == first["Message-ID"]
    assert first["In-Reply-To"] is None
    assert len({first["Message-ID"], second["Message-ID"], third["Message-ID"]}) == 3
    assert again["Message-ID"] == third["Message-ID"], "the same message sent twice can be seen to be one"
    assert first["Subject"].startswith("[P1][ISOLÉE] Nantes Beaujoire")
    assert first["Importance"] == "high"
    assert first["Auto-Submitted"] == "auto-generated"
    assert "Personne là-bas n'atteint l'extérieur" in first.get_content()
    assert first.get_content_type() == "text/plain"


async def test_no_value_reaches_a_header_but_the_subject_and_that_is_one_line(box: Box, plain: int) -> None:
    evil = "Nantes\r\nBcc: all@example.com\r\n\r\nbody\x00\u2028<script>" + "é" * 10_000
    assert await _send(_settings(plain), _message(subject=evil)) == [Delivered()]
    (mail,) = box.mails
    assert mail["Bcc"] is None
    assert box.to == [["noc@example.com"]]
    assert "\n" not in mail["Subject"]
    assert len(mail["Subject"]) <= 200


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_protected_and_logged_in(security: str, box: Box, certificate: Path, tmp_path: Path) -> None:
    words: dict[str, Any] = {
        "auth_require_tls": security == "starttls",
        "auth_required": security == "starttls",
        "authenticator": _login,
    }
    context = _context(certificate)
    words |= {"tls_context": context, "require_starttls": True} if security == "starttls" else {"ssl_context": context}
    password = tmp_path / "password"
    password.write_text("s3cret\n")
    password.chmod(0o600)
    async with _served(box, **words) as port:
        login = {"username": "noc", "password_file": str(password), "ca_file": str(certificate)}
        settings = _settings(port, security=security, **login)
        assert await _send(settings, _message()) == [Delivered()]
        (untrusted,) = await _send(msgspec.structs.replace(settings, ca_file=""), _message())
        assert isinstance(untrusted, Later)
        assert "CERTIFICATE_VERIFY_FAILED" in untrusted.reason
        password.write_text("wrong")
        (denied,) = await _send(settings, _message())
        assert isinstance(denied, Later), "a person may correct it before the message is given up"
        assert denied.reason.startswith("SMTP 535")
    assert len(box.mails) == 1


async def test_starttls_is_never_left_out(box: Box, plain: int) -> None:
    (result,) = await _send(_settings(plain, security="starttls"), _message())
    assert isinstance(result, Later)
    assert "STARTTLS" in result.reason
    assert not box.mails


async def test_one_address_later_another_never(box: Box, plain: int) -> None:
    answers = {"busy@example.com": "451 greylisted", "gone@example.com": "550 no such user"}
    box.say = lambda address: answers.get(address, "250 OK")
    to = ("noc@example.com", "busy@example.com", "gone@example.com")
    smtp = Smtp(_settings(plain, to=to))
    first = await smtp.send(_message())
    assert isinstance(first, Later)
    answers.clear()
    assert isinstance(await smtp.send(_message()), Delivered)
    await smtp.close()
    assert box.to == [["noc@example.com"], ["busy@example.com"]], "who has it does not get it again"


async def test_what_the_server_says(box: Box, plain: int) -> None:
    box.data = "552 too long"
    assert await _send(_settings(plain), _message()) == [Refused("SMTP 552 too long")]
    box.data = "452 disk full"
    assert await _send(_settings(plain), _message()) == [Later("SMTP 452 disk full")]
    box.say = lambda _: "550 no such user"
    (refused,) = await _send(_settings(plain), _message())
    assert refused == Refused("noc@example.com: SMTP 550 no such user")


async def test_nobody_there_and_somebody_who_never_ends(box: Box) -> None:
    (down,) = await _send(_settings(free_port()), _message())
    assert isinstance(down, Later)
    assert "refused" in down.reason

    ended = asyncio.Event()

    async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Sends a byte of a greeting now and then, each before the time-out of one answer."""
        with suppress(ConnectionError):
            while True:
                writer.write(b"2")
                await writer.drain()
                await asyncio.sleep(0.1)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
        ended.set()

    server = await asyncio.start_server(drip, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    (slow,) = await _send(_settings(port, timeout=Duration(0.3)), _message())
    async with asyncio.timeout(5):
        await ended.wait()
    server.close()
    assert isinstance(slow, Later)
    assert loop.time() - began_s < 5


async def test_a_password_that_everybody_may_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("x")
    file.chmod(0o644)
    settings = _settings(25, security="tls", username="u", password_file=str(file))
    with pytest.raises(SettingsError, match=r"can be read by everybody; run: chmod o-rwx"):
        Smtp(settings)

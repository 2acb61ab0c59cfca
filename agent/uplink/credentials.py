"""Password and TLS files, read anew for each attempt, so that a changed file counts without a restart. Blocking."""

import ssl
from dataclasses import dataclass, field
from pathlib import Path

from agent.config import BrokerSettings
from agent.uplink.errors import TransportError


@dataclass(frozen=True, slots=True)
class Credentials:
    """What opens the broker's door; None: not used."""

    password: str | None = field(default=None, repr=False)
    tls: ssl.SSLContext | None = None


def load(settings: BrokerSettings) -> Credentials:
    """Read the files that `[broker]` names. The password file's trailing newline is not part of it.

    Raises:
        TransportError: one cannot be read or used; the sentence names it.
    """
    return Credentials(_password(settings.password_file), _tls(settings))


def _password(file: str) -> str | None:
    if not file:
        return None
    try:
        return Path(file).read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as error:
        why = f"cannot be read ({error.strerror}); put it there, for the agent's user to read"
    except UnicodeDecodeError:
        why = "is not UTF-8; write it as UTF-8 text"
    raise TransportError(f"{file}: password_file in [broker] {why}")


def _tls(settings: BrokerSettings) -> ssl.SSLContext | None:
    if not settings.ca_file:
        return None
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
    except OSError as error:
        raise TransportError(
            f"{settings.ca_file}: ca_file in [broker] is not a usable certificate ({error.strerror or error})"
        ) from None
    if settings.cert_file:
        try:
            context.load_cert_chain(settings.cert_file, settings.key_file or None)
        except OSError as error:
            raise TransportError(
                f"{settings.cert_file}: cert_file and key_file in [broker] are not usable ({error.strerror or error})"
            ) from None
    return context

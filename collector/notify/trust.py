"""Whose certificates a receiver may show."""

import ssl

from branchline.settings import SettingsError
from collector.notify.settings import NotifySettings


def trusted(settings: NotifySettings) -> ssl.SSLContext:
    """The system's authorities, or that of `ca_file` alone.

    Raises:
        SettingsError: ca_file cannot be used.
    """
    try:
        return ssl.create_default_context(cafile=settings.ca_file or None)
    except OSError as error:  # ssl.SSLError is one
        raise SettingsError(
            f"{settings.ca_file}: ca_file of [[notify]] {settings.name} cannot be used "
            f"({error.strerror or error}); name a PEM file"
        ) from None

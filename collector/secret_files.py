"""Secrets stand in files of their own, never in the settings."""

from pathlib import Path

from branchline.settings import SettingsError


def secret(file: str, key: str) -> str:
    """The one secret in a file.

    Raises:
        SettingsError: it cannot be read.
    """
    if not file:
        return ""
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SettingsError(
            f"{file}: {key} cannot be read ({error.strerror}); check the path and its permissions"
        ) from None
    except UnicodeDecodeError:
        raise SettingsError(f"{file}: {key} is not UTF-8; write it as UTF-8 text") from None

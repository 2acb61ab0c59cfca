"""Secrets stand in files of their own, never in the settings."""

import stat
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


def private(file: str, key: str) -> str:
    """The text of a file that must not be open to everybody: what `secret` reads, and its rights checked.

    Raises:
        SettingsError: it cannot be read, is empty, or everybody may read or write it.
    """
    text = secret(file, key)
    if not file:
        return ""
    if not text:
        raise SettingsError(f"{file}: {key} is empty; write it again")
    if Path(file).stat().st_mode & (stat.S_IROTH | stat.S_IWOTH):
        raise SettingsError(f"{file}: {key} can be read by everybody; run: chmod o-rwx {file}")
    return text

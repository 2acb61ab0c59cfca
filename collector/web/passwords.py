"""Passwords: argon2id as RFC 9106 has it for low memory, on one lane.

More lanes are threads of one guess: they would take every core from the event loop that acknowledges records.
"""

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MIN_CHARS = 10
MAX_CHARS = 500

_HASHER = PasswordHasher(parallelism=1)
_NOBODYS = _HASHER.hash("nobody has this password")


def weakness(password: str) -> str:
    """Why it cannot be a password, "" when it can."""
    if len(password) < MIN_CHARS:
        return f"the password is shorter than {MIN_CHARS} characters"
    if len(password) > MAX_CHARS:
        return f"the password is longer than {MAX_CHARS} characters"
    return ""


def hash_password(password: str) -> str:
    """What to keep of it. Takes tens of milliseconds."""
    return _HASHER.hash(password)


def is_right(kept: str | None, password: str) -> bool:
    """Whether `password` is the one kept. For a user who does not exist (None) it takes as long, and is not."""
    if len(password) > MAX_CHARS:
        return False
    try:
        _HASHER.verify(kept or _NOBODYS, password)
    except (VerificationError, InvalidHashError):
        return False
    return kept is not None

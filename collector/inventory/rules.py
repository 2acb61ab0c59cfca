"""What one value of an inventory may be. A breach is a ValueError whose sentence starts with the key."""

import datetime as dt
import math
import re
from collections.abc import Iterable
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from wire.errors import TopicError
from wire.topics import check_name

TEXT_CHARACTERS = 200
LABEL_CHARACTERS = 63  # what a database's tag may hold (wire/messages.py)

_INTERNATIONAL = re.compile(r"\+[1-9][0-9 .()/-]*[0-9]\Z")
_NATIONAL = re.compile(r"\+?[0-9][0-9 .()/-]*[0-9]\Z")
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]\Z")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")


def name(text: str, key: str) -> None:
    """A name in topics and settings."""
    try:
        check_name(text)
    except TopicError as error:
        raise ValueError(f"{key}: {error}") from None


def label(text: str, key: str, *, needed: bool = False) -> None:
    """A short text that is also a tag in the database."""
    _line(text, key, LABEL_CHARACTERS)
    if needed:
        filled(text, key)


def text(value: str, key: str) -> None:
    """One line for people."""
    _line(value, key, TEXT_CHARACTERS)


def filled(value: str, key: str) -> None:
    """Not empty."""
    if not value.strip():
        raise ValueError(f"{key}: empty; write it, or leave the table out")


def _line(value: str, key: str, at_most: int) -> None:
    if len(value) > at_most:
        raise ValueError(f"{key}: has {len(value)} characters; write at most {at_most}")
    if not value.isprintable():
        raise ValueError(
            f"{key}: {value[:40]!a} holds a character that cannot be printed; write it on one line, without "
            f"control characters"
        )


def phone(value: str, key: str) -> None:
    """A number that can be rung from anywhere."""
    if not _INTERNATIONAL.match(value) or not 7 <= sum(each.isdigit() for each in value) <= 15:
        raise ValueError(f"{key}: {value[:40]!a} is no telephone number that can be rung from abroad; write +33 2 ...")


def short_phone(value: str, key: str) -> None:
    """A number or short code that can be rung from the tenant's country, or nothing."""
    if value and (not _NATIONAL.match(value) or not 3 <= sum(each.isdigit() for each in value) <= 15):
        raise ValueError(f"{key}: {value[:40]!a} is no telephone number; write digits, such as 3900 or +33 2 ...")


def between(value: float, low: float, high: float, key: str) -> None:
    """A number in a range; not a number and infinity never are."""
    if not math.isfinite(value) or not low <= value <= high:
        raise ValueError(f"{key}: {value} is not between {low} and {high}; correct it")


def clock(value: str, key: str) -> None:
    """A time of day."""
    if not _CLOCK.match(value):
        raise ValueError(f'{key}: {value[:40]!a} is no time of day; write it as "08:30"')


def day(value: str, key: str) -> None:
    """A date."""
    if not _is_day(value):
        raise ValueError(f'{key}: {value[:40]!a} is no date; write it as "2026-12-20"')


def _is_day(value: str) -> bool:
    try:
        return bool(_DAY.match(value) and dt.date.fromisoformat(value))
    except ValueError:
        return False


@lru_cache(maxsize=1024)
def timezone(value: str, key: str) -> None:
    """A time zone this machine knows; on a machine that knows none, any."""
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        if available_timezones():
            raise ValueError(f'{key}: {value[:40]!a} is no time zone; write one such as "Europe/Paris"') from None


def unique(values: Iterable[str], key: str, inner: str, remedy: str) -> None:
    """Each value once in a list of tables `key`, where it stands under `inner`."""
    seen: dict[str, int] = {}
    for number, value in enumerate(values, 1):
        if (first := seen.setdefault(value, number)) != number:
            raise ValueError(f'{key}[{number}].{inner}: "{value}" is also {key}[{first}]\'s; {remedy}')

"""Times for people. Pure: the moment and the zone are given."""

from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

_MONTHS = {
    "en": ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
    "fr": ("janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc."),
}
_DAYS = {"en": "d", "fr": "j"}


@lru_cache(maxsize=1000)
def zone_of(name: str) -> tzinfo:
    """The zone of that IANA name; UTC where this machine does not know it."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # not found, not a name, a directory
        return UTC


def stamp(
    at_s: float, now_s: float, zone: tzinfo, language: str, *, seconds: bool = False, only_day: bool = False
) -> str:
    """`03:12` of today, `21 Nov 03:12` of another day, with the year when it is another's; `only_day`: `21 Nov`."""
    at, now = _local(at_s, zone), _local(now_s, zone)
    clock = at.strftime("%H:%M:%S" if seconds else "%H:%M")
    day = f"{at.day} {_MONTHS[language][at.month - 1]}"
    if only_day:
        return day
    if at.date() == now.date():
        return clock
    return f"{day} {clock}" if at.year == now.year else f"{day} {at.year} {clock}"


def iso(at_s: float) -> str:
    """For machines: RFC 3339, UTC."""
    return _local(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def age(for_s: float, language: str) -> str:
    """`12 s`, `3 min`, `2 h 05`, `4 d`."""
    whole_s = max(0, int(for_s))
    if whole_s < 60:
        return f"{whole_s} s"
    if whole_s < 3600:
        return f"{whole_s // 60} min"
    if whole_s < 2 * 86400:
        return f"{whole_s // 3600} h {whole_s % 3600 // 60:02}"
    return f"{whole_s // 86400} {_DAYS[language]}"


def _local(at_s: float, zone: tzinfo) -> datetime:
    bounded_s = min(max(at_s, 0.0), 253_000_000_000.0)  # an agent's clock may say anything
    return datetime.fromtimestamp(bounded_s, zone)

"""Which language a reader gets: what they chose, else what their browser asks for, else the setting."""

from collector.words import LANGUAGES

COOKIE = "bl_language"


def choose(cookie: str | None, accept: str, default: str) -> str:
    """The language for one request. `accept` is the Accept-Language header (RFC 9110 12.5.4)."""
    if cookie in LANGUAGES:
        return cookie
    best, best_weight = default, 0.0
    for part in accept.split(",")[:20]:
        tag, _, parameter = part.strip().partition(";")
        weight = _weight(parameter)
        language = tag.strip().lower().partition("-")[0]
        if language in LANGUAGES and weight > best_weight:
            best, best_weight = language, weight
    return best


def _weight(parameter: str) -> float:
    key, _, value = parameter.strip().partition("=")
    if key.strip() != "q":
        return 1.0
    try:
        weight = float(value)
    except ValueError:
        return 0.0
    return weight if 0 <= weight <= 1 else 0.0

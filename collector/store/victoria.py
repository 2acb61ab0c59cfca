"""Telling VictoriaMetrics from InfluxDB: both take `/api/v2/write`, but they forget and answer differently."""

_NAME = b"\nvm_app_version{"
_START = b"\nprocess_start_time_seconds "


def is_victoria(page: bytes) -> bool:
    """Whether this is the `/metrics` page of a VictoriaMetrics."""
    return _NAME in b"\n" + page


def started_s(page: bytes) -> float | None:
    """Unix time its process started; None: the page does not say."""
    _, found, rest = (b"\n" + page).partition(_START)
    try:
        return float(rest.split(b"\n", 1)[0]) if found else None
    except ValueError:
        return None

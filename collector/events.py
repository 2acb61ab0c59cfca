"""Log lines as events with fields: `journal.torn segment=3 bytes=17 | sentence for people`."""

import logging
import time

LOG = logging.getLogger("collector")


def tell(level: int, event: str, sentence: str, **fields: object) -> None:
    """Log one event on one line."""
    words = " ".join(f"{key}={_quoted(value)}" for key, value in fields.items())
    LOG.log(level, "%s", f"{event}{' ' if words else ''}{words} | {' '.join(sentence.split())}")


def _quoted(value: object) -> str:
    text = str(value)
    return repr(text) if not text or any(c.isspace() or c in "\"'=|" for c in text) else text


class UtcFormatter(logging.Formatter):
    """Timestamps in UTC with milliseconds, as log stores expect."""

    converter = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"


def start_logging(level: int = logging.INFO) -> None:
    """Send the collector's events to standard error; a service manager stores them."""
    handler = logging.StreamHandler()
    handler.setFormatter(UtcFormatter("%(asctime)s %(levelname)s %(message)s"))
    LOG.handlers[:] = [handler]
    LOG.setLevel(level)
    LOG.propagate = False

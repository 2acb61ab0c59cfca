"""Log lines as events with fields: `journal.torn segment=3 bytes=17 | sentence for people`, or one JSON object each."""

import json
import logging
import time
from typing import Literal

LOG = logging.getLogger("collector")


def tell(level: int, event: str, sentence: str, /, **fields: object) -> None:
    """Log one event on one line."""
    LOG.log(level, "%s", " ".join(sentence.split()), extra={"event": event, "fields": fields})


def _quoted(value: object) -> str:
    text = str(value)
    return repr(text) if not text or any(c.isspace() or c in "\"'=|" for c in text) else text


def _stamp(record: logging.LogRecord) -> str:
    """UTC with milliseconds, as log stores expect."""
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(record.created))}.{record.msecs:03.0f}Z"


def _parts(record: logging.LogRecord) -> tuple[str, dict[str, object]]:
    return getattr(record, "event", "log"), getattr(record, "fields", {})


class TextFormatter(logging.Formatter):
    """For people."""

    def format(self, record: logging.LogRecord) -> str:
        """`2026-11-22T03:12:00.000Z WARNING branch.state branch=acme/b1 | sentence`."""
        event, fields = _parts(record)
        words = "".join(f" {key}={_quoted(value)}" for key, value in fields.items())
        text = f"{_stamp(record)} {record.levelname} {event}{words} | {record.getMessage()}"
        return f"{text}\n{self.formatException(record.exc_info)}" if record.exc_info else text


class JsonFormatter(logging.Formatter):
    """For machines: one object a line, `at`, `level`, `event`, `sentence` and the event's own fields."""

    def format(self, record: logging.LogRecord) -> str:
        """One JSON object. A field never hides one of ours."""
        event, fields = _parts(record)
        own = {"at": _stamp(record), "level": record.levelname, "event": event, "sentence": record.getMessage()}
        fault = {"fault": self.formatException(record.exc_info)} if record.exc_info else {}
        return json.dumps({**fields, **own, **fault}, default=str)


def start_logging(level: int = logging.INFO, form: Literal["text", "json"] = "text") -> None:
    """Send the collector's events, and its libraries' warnings, to standard error; a service manager stores them."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if form == "json" else TextFormatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    LOG.setLevel(level)

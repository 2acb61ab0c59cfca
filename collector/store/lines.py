"""Line protocol: names and values as it writes them. Pure; names from `wire.fields`."""

from functools import lru_cache
from math import isfinite

from collector.counters import Counters
from wire.fields import Measurement, PipelineField, Tag

MAX_TAG_CHARS = 128
MAX_TEXT_CHARS = 500
MAX_INT = 2**63 - 1

_TAG = str.maketrans({",": "\\,", "=": "\\=", " ": "\\ ", "\\": "_"})
_TEXT = str.maketrans({'"': '\\"', "\\": "\\\\"})

Value = float | int | str | None


def tag_value(text: str) -> str:
    """A tag value, escaped. Control characters and backslashes, which line protocol cannot carry, become `_`."""
    clean = "".join(c if c.isprintable() else "_" for c in text[:MAX_TAG_CHARS])
    return clean.translate(_TAG)


def text_value(text: str) -> str:
    """A string field with its quotes. Control characters become spaces."""
    clean = "".join(c if c.isprintable() else " " for c in text[:MAX_TEXT_CHARS])
    return f'"{clean.translate(_TEXT)}"'


@lru_cache(maxsize=65536)
def series(measurement: str, tags: tuple[tuple[str, str], ...]) -> str:
    """Measurement and tags; empty tag values are left out, since InfluxDB refuses them."""
    return measurement + "".join(f",{name}={tag_value(value)}" for name, value in tags if value)


def point(head: str, values: tuple[tuple[str, Value], ...], at_ns: int) -> str:
    """One line. None, NaN, infinities and integers a database cannot keep are left out; `""` when nothing is left."""
    words = []
    for name, value in values:
        if value is None:
            continue
        if isinstance(value, float):
            if isfinite(value):
                words.append(f"{name}={value!r}")
        elif isinstance(value, int):
            if -MAX_INT <= value <= MAX_INT:
                words.append(f"{name}={int(value)}i")
        else:
            words.append(f"{name}={text_value(value)}")
    return f"{head} {','.join(words)} {at_ns}" if words else ""


def pipeline_line(name: str, c: Counters, journal_bytes: int, lag_bytes: int, at_ns: int, *, held: bool) -> str:
    """The collector's own counters."""
    values: tuple[tuple[str, Value], ...] = (
        (PipelineField.MESSAGES, c.messages),
        (PipelineField.RECORDS, c.records),
        (PipelineField.DUPLICATES, c.duplicates),
        (PipelineField.SKIPPED, c.skipped),
        (PipelineField.DEAD_LETTERS, c.dead_letters),
        (PipelineField.DEAD_LETTERS_DROPPED, c.dead_letters_dropped),
        (PipelineField.DROPPED_QOS0, c.dropped_qos0),
        (PipelineField.ACKS, c.acks),
        (PipelineField.COMMITS, c.commits),
        (PipelineField.CONNECTS, c.connects),
        (PipelineField.LINES_WRITTEN, c.lines_written),
        (PipelineField.LINES_REJECTED, c.lines_rejected),
        (PipelineField.STORE_RETRIES, c.store_retries),
        (PipelineField.DAMAGED, c.damaged_segments),
        (PipelineField.JOURNAL_BYTES, journal_bytes),
        (PipelineField.JOURNAL_LAG_BYTES, lag_bytes),
        (PipelineField.HELD, int(held)),
    )
    return point(series(Measurement.PIPELINE, ((Tag.COLLECTOR, name),)), values, at_ns)

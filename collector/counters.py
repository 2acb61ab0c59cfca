"""What this process did since it started. Written as `pipeline` points."""

from dataclasses import dataclass


@dataclass(slots=True)
class Counters:
    """Running totals."""

    messages: int = 0
    records: int = 0
    duplicates: int = 0
    skipped: int = 0
    dead_letters: int = 0
    dead_letters_dropped: int = 0
    dropped_qos0: int = 0
    acks: int = 0
    commits: int = 0
    connects: int = 0
    lines_written: int = 0
    lines_rejected: int = 0
    store_retries: int = 0
    damaged_segments: int = 0

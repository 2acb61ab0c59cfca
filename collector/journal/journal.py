"""Append-only segments with one fdatasync for each group of records."""

import logging
import os
import threading
from dataclasses import dataclass
from pathlib import Path

from collector.errors import JournalFullError
from collector.events import tell
from collector.journal.records import needed_bytes, scan
from collector.journal.segments import (
    Position,
    list_segments,
    segment_file,
    sync_directory,
    write_all,
)


@dataclass(frozen=True, slots=True)
class JournalLimits:
    """Sizes in bytes: of the whole journal, and from which a segment is followed by the next."""

    max_bytes: int
    segment_bytes: int


class Journal:
    """The writing end. `open_journal` makes it; only one process may (the caller holds a lock on the data directory).

    Methods do disk I/O: call them in a thread, one at a time. `end` may be read from any thread.
    """

    def __init__(self, directory: Path, limits: JournalLimits, handle: int | None, end: Position, size: int) -> None:
        self._directory = directory
        self.limits = limits
        self._handle = handle
        self._broken = handle is None
        self._head_bytes = 0
        self.end = end
        """Everything before this position is on disk."""
        self.size_bytes = size
        self._size_lock = threading.Lock()

    @property
    def must_roll(self) -> bool:
        """The next `commit` has to start a segment, and its data has to begin with a STATE record.

        That record does not count: a large fleet's may be larger than a segment, and each commit would start another.
        """
        return self._broken or self.end.offset - self._head_bytes >= self.limits.segment_bytes

    def commit(self, data: bytes, *, roll: bool) -> None:
        """Append whole frames and return when they are on disk; after an error nothing of them is in the journal.

        Raises:
            JournalFullError: the configured limit is reached.
            OSError: the disk is full or broken. The same call may be tried again; look at `must_roll` first.
        """
        if self.size_bytes + len(data) > self.limits.max_bytes:
            raise JournalFullError(f"{self._directory}: the journal has reached {self.limits.max_bytes} bytes")
        if roll:
            self._roll(data)
            return
        if self._handle is None:
            raise JournalFullError(f"{self._directory}: no segment is open")
        try:
            write_all(self._handle, data)
            os.fdatasync(self._handle)
        except OSError:
            self._cut_back()
            raise
        self.end = Position(self.end.segment, self.end.offset + len(data))
        self._resize(len(data))

    def delete_before(self, segment: int) -> int:
        """Delete segments numbered below `segment` (never the one being written); how many went."""
        gone = [number for number in list_segments(self._directory) if number < min(segment, self.end.segment)]
        for number in gone:
            file = segment_file(self._directory, number)
            size = file.stat().st_size
            file.unlink()
            self._resize(-size)
        if gone:
            sync_directory(self._directory)
        return len(gone)

    def close(self) -> None:
        """Let go of the file. Nothing is written here: what counts is on disk already."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
            self._broken = True

    def _resize(self, by: int) -> None:
        with self._size_lock:
            self.size_bytes += by

    def _roll(self, data: bytes) -> None:
        number = self.end.segment + 1
        file = segment_file(self._directory, number)
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC, 0o640)
        try:
            write_all(handle, data)
            os.fdatasync(handle)
            sync_directory(self._directory)
        except OSError:
            os.close(handle)
            file.unlink(missing_ok=True)
            raise
        self.close()
        self._handle, self._broken = handle, False
        self._head_bytes = needed_bytes(data, 0) or 0
        self.end = Position(number, len(data))
        self._resize(len(data))

    def _cut_back(self) -> None:
        # A failed fdatasync may have dropped the pages while marking them clean, so this segment is not trusted with
        # more records. What stands behind `end` was never acknowledged.
        self._broken = True
        if self._handle is None:
            return
        try:
            os.ftruncate(self._handle, self.end.offset)
        except OSError as error:
            tell(logging.ERROR, "journal.cut_failed", f"{self._directory}: {error.strerror}; a new segment follows")


def open_journal(directory: Path, limits: JournalLimits) -> Journal:
    """Open or create the journal, cutting off what a crash left half written.

    Raises:
        OSError: the directory cannot be used.
    """
    directory.mkdir(parents=True, exist_ok=True)
    numbers = list_segments(directory)
    while numbers:
        number = numbers[-1]
        file = segment_file(directory, number)
        data = file.read_bytes()
        end = 0
        for record in scan(data):
            end = record.end
        if end < len(data):
            tell(
                logging.WARNING,
                "journal.torn",
                f"{file}: the last {len(data) - end} bytes were half written when the collector stopped and are cut "
                "off; they were never acknowledged, so the agents send them again",
                segment=number,
                bytes=len(data) - end,
            )
        if end == 0:
            file.unlink()
            sync_directory(directory)
            numbers.pop()
            continue
        handle = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        os.ftruncate(handle, end)
        # A killed process leaves whole records that were never synced; they are about to count as durable.
        os.fdatasync(handle)
        size = sum(segment_file(directory, each).stat().st_size for each in numbers)
        journal = Journal(directory, limits, handle, Position(number, end), size)
        journal._head_bytes = needed_bytes(data, 0) or 0  # noqa: SLF001 - part of its making
        return journal
    return Journal(directory, limits, None, Position(0, 0), 0)

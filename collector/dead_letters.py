"""What could not be used is kept as it came, for a person to look at. Two files, the older one makes room."""

import base64
import os
import threading
from pathlib import Path
from typing import NamedTuple

import msgspec

from collector.journal.segments import sync_directory, write_all

MAX_KEPT_BYTES = 256 * 1024


class DeadLetter(NamedTuple):
    """Raw bytes, where they came from (topic, or `store` for a line the database refused) and why they are here."""

    at_ns: int
    source: str
    sentence: str
    payload: bytes


class _Line(msgspec.Struct, frozen=True, omit_defaults=True):
    at_ns: int = 0
    source: str = ""
    sentence: str = ""
    bytes: int = 0
    payload_base64: str = ""
    dropped: int = 0


class DeadLetters:
    """`dead-letters.jsonl` and the older `dead-letters.1.jsonl`, together at most `max_bytes`.

    Blocking disk I/O, safe from several threads. The first line of a file says how many letters were dropped before it.
    """

    def __init__(self, directory: Path, max_bytes: int) -> None:
        """Raises OSError when the directory cannot be used."""
        directory.mkdir(parents=True, exist_ok=True)
        self._file = directory / "dead-letters.jsonl"
        self._older = directory / "dead-letters.1.jsonl"
        self._half = max_bytes // 2
        self._lock = threading.Lock()
        self.dropped = _count(self._file)[1]
        """Letters that had to make room, over the life of these files."""

    def add(self, letters: list[DeadLetter]) -> None:
        """Keep letters; they are on disk when this returns.

        Raises:
            OSError: the disk is full or broken; none of them counts as kept.
        """
        if not letters:
            return
        data = b"".join(msgspec.json.encode(_line(each)) + b"\n" for each in letters)
        with self._lock:
            if self._file.exists() and self._file.stat().st_size + len(data) > self._half:
                self._rotate()
            created = not self._file.exists()
            handle = os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)
            size = os.fstat(handle).st_size
            try:
                if created:
                    write_all(handle, msgspec.json.encode(_Line(dropped=self.dropped)) + b"\n")
                write_all(handle, data)
                os.fdatasync(handle)
                if created:
                    sync_directory(self._file.parent)
            except OSError:
                os.ftruncate(handle, size)
                if created:
                    self._file.unlink(missing_ok=True)
                raise
            finally:
                os.close(handle)

    def _rotate(self) -> None:
        self.dropped += _count(self._older)[0]
        self._file.rename(self._older)
        sync_directory(self._file.parent)


def _line(letter: DeadLetter) -> _Line:
    kept = base64.b64encode(letter.payload[:MAX_KEPT_BYTES]).decode()
    return _Line(letter.at_ns, letter.source[:1000], letter.sentence[:1000], len(letter.payload), kept)


def _count(file: Path) -> tuple[int, int]:
    """Letters in a file, and how many its first line says were dropped before it."""
    if not file.exists():
        return 0, 0
    with file.open("rb") as stream:
        first = stream.readline()
        letters = sum(1 for _ in stream)
    try:
        return letters, msgspec.json.decode(first, type=_Line).dropped
    except msgspec.MsgspecError:
        return letters, 0


def read_letters(directory: Path) -> list[DeadLetter]:
    """All kept letters, oldest first; a line that a crash left half written is left out."""
    out: list[DeadLetter] = []
    for name in ("dead-letters.1.jsonl", "dead-letters.jsonl"):
        file = directory / name
        for text in file.read_bytes().splitlines() if file.exists() else []:
            try:
                line = msgspec.json.decode(text, type=_Line)
            except msgspec.MsgspecError:
                continue
            if line.source:
                out.append(DeadLetter(line.at_ns, line.source, line.sentence, base64.b64decode(line.payload_base64)))
    return out

"""Files of the journal: numbered segments, created and deleted so that a power cut leaves whole files."""

import os
import re
from pathlib import Path
from typing import NamedTuple

_NAME = re.compile(r"(\d{10})\.journal\Z")


class Position(NamedTuple):
    """A place between two records. Positions compare in journal order."""

    segment: int
    offset: int


def segment_file(directory: Path, number: int) -> Path:
    """Where segment `number` is."""
    return directory / f"{number:010d}.journal"


def list_segments(directory: Path) -> list[int]:
    """Numbers of the segments on disk, in order."""
    return sorted(int(match[1]) for file in directory.iterdir() if (match := _NAME.match(file.name)))


def sync_directory(directory: Path) -> None:
    """Make creations, renames and deletions in `directory` survive a power cut."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def replace_file(file: Path, content: bytes) -> None:
    """Write `file` whole or not at all, durably."""
    new = file.with_name(file.name + ".new")
    with new.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    new.rename(file)
    sync_directory(file.parent)


def write_all(handle: int, data: bytes) -> None:
    """Write every byte at the file's end; a disk that fills half-way raises OSError."""
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]

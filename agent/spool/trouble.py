"""What to do and to say when the disk or the file is not well."""

import contextlib
import sqlite3
from pathlib import Path

KEEP_BROKEN = 3


def damaged(error: sqlite3.Error) -> bool:
    """Whether the file itself is beyond use, so that waiting cannot help."""
    return isinstance(error, sqlite3.NotSupportedError) or _code(error) in {
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
    }


def sentence(error: Exception, file: Path) -> str:
    """What is wrong with the disk, where, and what to do."""
    match _code(error):
        case sqlite3.SQLITE_FULL:
            what = "the disk is full; free some space"
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM:
            what = f"cannot be written ({error}); check the folder's owner and that the disk is not mounted read-only"
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            what = "in use by another agent; stop one of the two"
        case _ if isinstance(error, OSError):
            what = f"cannot be written ({error.strerror}); check that the folder can be made and belongs to the agent"
        case _:
            what = f"the disk fails ({error}); check it, or replace the card"
    return f"{file}: {what}; records wait in memory until then"


def put_aside(file: Path) -> Path:
    """Rename a damaged file (and its log) to the next free `.broken-<n>`; only the newest few are kept.

    Raises:
        OSError: it cannot be renamed.
    """
    endings = (other.name.rpartition("-")[2] for other in file.parent.glob(f"{file.name}.broken-*"))
    taken = sorted(int(ending) for ending in endings if ending.isdigit())
    for number in taken[: max(0, len(taken) + 1 - KEEP_BROKEN)]:
        _broken(file, number).unlink()
    target = _broken(file, taken[-1] + 1 if taken else 1)
    file.rename(target)
    # Left in place, the log of the damaged file would be taken for the new one's.
    with contextlib.suppress(FileNotFoundError):
        file.with_name(file.name + "-wal").unlink()
    return target


def _broken(file: Path, number: int) -> Path:
    return file.with_name(f"{file.name}.broken-{number}")


def _code(error: Exception) -> int:
    return int(getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF

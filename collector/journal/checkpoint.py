"""How far the database has the journal, kept in one small file."""

import logging
from pathlib import Path

import msgspec

from collector.events import tell
from collector.journal.segments import Position, replace_file


class Mark(msgspec.Struct, frozen=True, array_like=True):
    """The database had everything before this position at this Unix time."""

    at_s: float
    segment: int
    offset: int

    @property
    def position(self) -> Position:
        """Where."""
        return Position(self.segment, self.offset)


class Checkpoint(msgspec.Struct, frozen=True):
    """`done` is the newest mark. `kept` are older ones, oldest first, for a database that may forget what it took."""

    done: Mark
    kept: tuple[Mark, ...] = ()
    store_started_s: float | None = None


def load_checkpoint(file: Path) -> Checkpoint | None:
    """The checkpoint, or None when there is none; a damaged one counts as none, because writing twice is harmless."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=Checkpoint)
    except FileNotFoundError:
        return None
    except (msgspec.MsgspecError, UnicodeDecodeError):
        sentence = f"{file}: not a checkpoint; the whole journal is written to the database again, which is harmless"
        tell(logging.WARNING, "checkpoint.damaged", sentence)
        return None


def save_checkpoint(file: Path, checkpoint: Checkpoint) -> None:
    """Keep the checkpoint durably.

    Raises:
        OSError: the disk is full or broken; the old checkpoint is still there.
    """
    replace_file(file, msgspec.json.encode(checkpoint))

"""The files of a running, or the last, collector as one picture for the terminal."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from branchline.settings import load
from collector.branch_file import BRANCHES_FILE, BranchFile, read_branches
from collector.config import CollectorSettings
from collector.database import FILE_NAME, read_only
from collector.errors import CollectorError
from collector.incidents import book
from collector.incidents.model import Entry, Incident, Phase
from collector.inventory.file import load_places
from collector.inventory.places import Places

STALE_S = 15.0
MAX_OPEN = 20_000
DEFAULT_CONFIG = Path("/etc/branchline/collector.toml")
OPEN = (Phase.MERGING, Phase.OPEN, Phase.RECOVERING)


class Picture(msgspec.Struct, frozen=True):
    """Branches and open incidents; `age_s` is how old the branches are, `trouble` why not to trust them, or ""."""

    table: BranchFile
    incidents: tuple[Incident, ...]
    age_s: float
    trouble: str


def open_config(file: Path) -> tuple[CollectorSettings, Places]:
    """Settings and inventory.

    Raises:
        SettingsError: either cannot be used.
    """
    settings = load(file, CollectorSettings)
    return settings, load_places([Path(each) for each in settings.inventory.files])


def look(settings: CollectorSettings) -> Picture:
    """Read everything once.

    Raises:
        CollectorError: there is nothing to read.
    """
    table = read_branches(settings.data_dir / BRANCHES_FILE)
    age_s = max(0.0, time.time() - table.written_s)
    trouble = ""
    if age_s > STALE_S:
        trouble = f"as of {age_s:.0f} s ago: the collector does not seem to run"
    elif not table.hearing:
        trouble = "the collector hears no branch, by its broker, the broker's line or its own disk: states are old"
    return Picture(table, tuple(incidents(settings, phases=OPEN, limit=MAX_OPEN)), age_s, trouble)


def incidents(settings: CollectorSettings, *, phases: tuple[Phase, ...] | None, limit: int = 200) -> list[Incident]:
    """Incidents, newest first. Raises as `look`."""
    with _records(settings) as connection:
        return book.load(connection, phases=phases, limit=limit)


def incident(settings: CollectorSettings, number: str) -> tuple[Incident, list[Entry]] | None:
    """One incident and its timeline, None if nobody has it. Raises as `look`."""
    with _records(settings) as connection:
        found = book.get(connection, number)
        return None if found is None else (found, book.timeline(connection, number))


@contextmanager
def _records(settings: CollectorSettings) -> Iterator[sqlite3.Connection]:
    file = settings.data_dir / FILE_NAME
    connection = read_only(file)
    try:
        yield connection
    except (sqlite3.Error, msgspec.MsgspecError) as error:
        raise CollectorError(f"{file}: cannot be read ({error}); is it of this version of branchline?") from None
    finally:
        connection.close()

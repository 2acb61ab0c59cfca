"""The branch table as a small JSON file, for the command line."""

from collections.abc import Iterable
from pathlib import Path

import msgspec

from collector.branches import Shown
from collector.errors import CollectorError

BRANCHES_FILE = "branches.json"
"""Its name in the collector's data_dir."""


class BranchRow(msgspec.Struct, frozen=True):
    """One agent as people read it. Times are Unix seconds of the collector."""

    tenant: str
    branch: str
    agent: str
    state: str
    since_s: float
    heard_s: float
    active: str
    paths: dict[str, str]
    version: str
    config_hash: str


class BranchFile(msgspec.Struct, frozen=True):
    """The whole file. `hearing` is false while the collector cannot hear its broker or cannot write its journal."""

    collector: str
    written_s: float
    hearing: bool
    branches: tuple[BranchRow, ...]


def render(name: str, shown: Iterable[Shown], now_s: float, *, hearing: bool) -> bytes:
    """The file's bytes, branches in order of their names; `shown` as `BranchTable.shown` gives it. Pure."""
    rows = tuple(
        BranchRow(
            *key,
            state=state.name,
            since_s=since_s,
            heard_s=heard.heard_s,
            active=heard.active,
            paths={name: path.state.name for name, path in heard.paths.items()},
            version=heard.version,
            config_hash=heard.config_hash,
        )
        for key, heard, state, since_s in sorted(shown, key=lambda each: each[0])
    )
    return msgspec.json.encode(BranchFile(name, now_s, hearing, rows))


def write_branches(file: Path, content: bytes) -> None:
    """Replace the file whole. Not synced: it is written again within seconds. Raises OSError."""
    new = file.with_name(file.name + ".new")
    new.write_bytes(content)
    new.rename(file)


def read_branches(file: Path) -> BranchFile:
    """Read what the running, or last, collector wrote.

    Raises:
        CollectorError: there is no such file, or it cannot be read.
    """
    try:
        return msgspec.json.decode(file.read_bytes(), type=BranchFile)
    except FileNotFoundError:
        raise CollectorError(f"{file}: no such file; has the collector run with this data_dir?") from None
    except OSError as error:
        raise CollectorError(f"{file}: cannot be read ({error.strerror}); run this as the collector's user") from None
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise CollectorError(f"{file}: not a branch table; a running collector replaces it within seconds") from None

"""Other processes of this machine, as far as this user may look at them."""

import os
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_PEER = struct.Struct("iII")
_WAIT_S = 1.0
_CAP_NET_RAW = 13


@dataclass(frozen=True, slots=True)
class ProcessSeen:
    """A process: `name` is the program's, or for a script the script's."""

    pid: int
    name: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rights:
    """What a process may: its groups (effective first) and whether it has CAP_NET_RAW."""

    groups: tuple[int, ...]
    net_raw: bool


def pid_behind(path: Path, kind: int = socket.SOCK_STREAM) -> int | None:
    """The process that listens on a unix socket; None: nobody, or not ours to ask."""
    with socket.socket(socket.AF_UNIX, kind) as sock:
        sock.settimeout(_WAIT_S)
        try:
            sock.connect(os.fspath(path))
            pid, _, _ = _PEER.unpack(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size))
        except OSError:
            return None
    return int(pid) or None


def rights_of(pid: int, proc: Path = _PROC) -> Rights | None:
    """Groups and capability of a process; None: it is gone."""
    try:
        text = (proc / str(pid) / "status").read_text()
    except OSError:
        return None
    fields = {key: value.split() for key, _, value in (line.partition(":") for line in text.splitlines())}
    groups = dict.fromkeys([int(fields["Gid"][1]), *map(int, fields.get("Groups", []))])
    return Rights(tuple(groups), bool(int(fields["CapEff"][0], 16) >> _CAP_NET_RAW & 1))


def neighbours(proc: Path = _PROC) -> Iterator[ProcessSeen]:
    """Every process in our network namespace, and those whose namespace this user may not know."""
    home = _namespace(proc / "self")
    for folder in proc.iterdir():
        if not folder.name.isdigit():
            continue
        try:
            words = tuple((folder / "cmdline").read_bytes().decode(errors="replace").rstrip("\0").split("\0"))
            name = (folder / "comm").read_text().strip()
        except OSError:
            continue  # ended meanwhile
        there = _namespace(folder)
        if words != ("",) and (there is None or there == home):
            yield ProcessSeen(int(folder.name), _program(name, words), words)


def _program(name: str, words: tuple[str, ...]) -> str:
    """A script started by its interpreter is known by its own name."""
    shells = {"sh", "bash", "ash", "dash", "busybox", "perl", "lua"}
    script = next((word for word in words[1:] if not word.startswith("-")), "")
    own = Path(words[0]).name
    if (own in shells or name in shells) and script:
        return Path(script).name
    return own.rstrip(":") or name


def _namespace(folder: Path) -> str | None:
    try:
        return str((folder / "ns/net").readlink())
    except OSError:
        return None

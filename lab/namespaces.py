"""Network namespaces of one lab: made with a prefix nobody else has, removed even when their maker crashed.

Every lab owns a folder under `BASE` with a locked file in it. A folder whose lock can be taken belongs to a dead lab:
its processes are ended and its namespaces deleted by the next one that starts.
"""

import contextlib
import ctypes
import fcntl
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Self

BASE = Path("/var/lib/branchline-lab")
_MOUNTED = Path("/run/netns")
_CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


class LabError(Exception):
    """The lab cannot be built or a part of it failed; the text is the sentence to show."""


class Namespaces:
    """The namespaces of one lab, as a context manager: `with Namespaces(("core", "rtr")) as spaces`."""

    def __init__(self, roles: Iterable[str], *, keep_files: bool = False) -> None:
        self._roles = tuple(roles)
        self._keep_files = keep_files
        self._lock = -1
        self._began = time.strftime("%Y%m%dT%H%M%S")
        self.prefix = ""
        self.folder = Path()

    def __enter__(self) -> Self:
        with _base_locked():
            _sweep()
            number = 0
            while (BASE / f"bl{os.getpid()}-{number}").exists():
                number += 1
            self.prefix = f"bl{os.getpid()}-{number}"
            self.folder = BASE / self.prefix
            self.folder.mkdir()
            self._lock = os.open(self.folder / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX)
        try:
            batch("".join(f"netns add {self.name(role)}\n" for role in self._roles))
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        remove(self.prefix)
        os.close(self._lock)
        if self._keep_files:
            (self.folder / "lock").unlink(missing_ok=True)
            self.folder.rename(self.kept_folder)
        else:
            shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def kept_folder(self) -> Path:
        """Where the files are afterwards, with `keep_files`."""
        return BASE / f"kept-{self.prefix}-{self._began}"

    def name(self, role: str) -> str:
        """The namespace's name on this machine."""
        return f"{self.prefix}-{role}"

    def inside(self, role: str) -> contextlib.AbstractContextManager[None]:
        """Work, and start processes, in a namespace."""
        return inside(self.name(role))


@contextlib.contextmanager
def inside(name: str) -> Iterator[None]:
    """Move this thread into the namespace `name` and back; sockets and children made inside stay there.

    Raises:
        LabError: no such namespace. Nothing was done then.
    """
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        enter(name)
        try:
            yield
        finally:
            _setns(home)
    finally:
        os.close(home)


def enter(name: str) -> None:
    """Move this thread into the namespace `name` for good. Raises as `inside`."""
    try:
        there = os.open(_MOUNTED / name, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise LabError(f"namespace {name} cannot be entered ({error.strerror}); was it removed meanwhile?") from None
    try:
        _setns(there)
    finally:
        os.close(there)


def _setns(descriptor: int) -> None:
    if _libc.setns(descriptor, _CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise LabError(f"setns failed ({os.strerror(number)}); the lab needs root")


def batch(lines: str) -> None:
    """Run `ip -batch` in this thread's namespace.

    Raises:
        LabError: a line was refused.
    """
    _run(("ip", "-batch", "-"), lines)


def nft(rules: str) -> None:
    """Load nft rules, all or none, in this thread's namespace. Raises as `batch`."""
    _run(("nft", "-f", "-"), rules)


def sysctl(values: dict[str, str]) -> None:
    """Write sysctls below `net/` of this thread's namespace; never call it outside of `inside`."""
    for key, value in values.items():
        Path("/proc/sys/net", key).write_text(value)


def _run(command: tuple[str, ...], text: str) -> None:
    done = subprocess.run(command, input=text, text=True, capture_output=True, check=False)
    if done.returncode != 0:
        raise LabError(f"{' '.join(command)} refused the lab's network: {done.stderr.strip()[:300]}")


def processes_in(names: Iterable[str]) -> list[int]:
    """The process ids that live in the namespaces `names`."""
    wanted = set()
    for name in names:
        with contextlib.suppress(OSError):
            wanted.add((_MOUNTED / name).stat().st_ino)
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if (entry / "ns/net").stat().st_ino in wanted:
                    found.append(int(entry.name))
    return found


def remove(prefix: str) -> None:
    """End what still runs in the namespaces of one lab, then delete them."""
    names = [entry.name for entry in _MOUNTED.glob(f"{prefix}-*")] if prefix else []
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        left = [pid for pid in processes_in(names) if pid != os.getpid() and not _is_zombie(pid)]
        if not left:
            break
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.005)
    if names:
        batch("".join(f"netns del {name}\n" for name in names))


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@contextlib.contextmanager
def _base_locked() -> Iterator[None]:
    BASE.mkdir(exist_ok=True)
    lock = os.open(BASE / ".lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _sweep() -> None:
    for folder in BASE.glob("bl*-*"):
        try:
            lock = os.open(folder / "lock", os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        else:
            remove(folder.name)
            shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(lock)

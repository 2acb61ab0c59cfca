"""Where records wait: can the agent write there, is there room, would they survive a reboot?"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.doctor.finding import Finding, fail, skip, warn, well
from agent.doctor.site import AgentUser, Missing, Site

_MOUNTS = Path("/proc/self/mountinfo")
_IN_MEMORY = {"tmpfs", "ramfs", "devtmpfs"}
_LEAST_BYTES = 16_000_000
_MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder as the kernel has it. `used_bytes`: by the spool's own files."""

    exists: bool
    filesystem: str
    mounted: str
    read_only: bool
    free_bytes: int
    used_bytes: int
    owner: int
    group: int
    mode: int


def spool(site: Site) -> list[Finding]:
    """The state folder."""
    path = Path(site.settings.agent.state_dir)
    try:
        folder = see(path)
    except PermissionError:
        return [skip("", f"{path} is not yours to look into; use sudo")]
    except OSError as error:
        return [fail("", error.strerror or str(error), f"{path} cannot be used ({error.strerror}); check the disk")]
    return [judge_folder(str(path), folder, site.user, int(site.settings.spool.max_size))]


def see(path: Path) -> Folder:
    """The folder, or the one above it that exists."""
    there = path
    while not there.exists():
        there = there.parent
    status, disk = there.stat(), os.statvfs(there)
    mounted, kind = _mount(there.resolve(), _MOUNTS.read_text())
    used = sum(file.stat().st_size for file in path.glob("spool.db*")) if there == path else 0
    read_only = bool(disk.f_flag & os.ST_RDONLY)
    free = disk.f_bavail * disk.f_frsize
    return Folder(
        there == path, kind, mounted, read_only, free, used, status.st_uid, status.st_gid, status.st_mode & 0o777
    )


def _mount(path: Path, text: str) -> tuple[str, str]:
    """Mount point and file system type of a path (proc(5), mountinfo); the longest and last match wins."""
    best = ("/", "")
    for line in text.splitlines():
        left, _, right = line.partition(" - ")
        point = left.split()[4].encode().decode("unicode_escape")
        if path.is_relative_to(point) and len(point) >= len(best[0]):
            best = (point, right.split()[0])
    return best


def judge_folder(path: str, folder: Folder, user: AgentUser, max_bytes: int) -> Finding:
    """`max_bytes`: what the spool may grow to."""
    where = f"{folder.mounted} ({folder.filesystem})"
    if folder.read_only:
        remedy = (
            f"{path} is on {where}, which is mounted read-only, so no record survives; "
            f"`mount -o remount,rw {folder.mounted}`, or set agent.state_dir to a disk that can be written"
        )
        return fail("", f"{where} is read-only", remedy)
    if not folder.exists:
        remedy = f"{path} does not exist yet; the agent's service makes it, or: `install -d -o {user.name} {path}`"
        return warn("", "does not exist yet", remedy)
    if user.uid and not _may_write(folder, user):
        remedy = f"{path} does not belong to {user.name}, so the agent cannot write it; `chown {user.name} {path}`"
        return fail("", f"{user.name} cannot write it", remedy)
    return _room(path, folder, max(0, max_bytes - folder.used_bytes))


def _room(path: str, folder: Folder, growth: int) -> Finding:
    where = f"{folder.mounted} ({folder.filesystem})"
    said = f"{where}, {folder.free_bytes // _MB} MB free"
    if folder.free_bytes < min(growth, _LEAST_BYTES):
        remedy = f"only {folder.free_bytes // _MB} MB are free on {where}, so records will be dropped; free some space"
        return fail("", said, remedy)
    if folder.filesystem in _IN_MEMORY:
        remedy = f"{path} is in memory ({where}), so what waits there is lost with the power; set agent.state_dir"
        return warn("", said, remedy)
    if folder.free_bytes < growth:
        remedy = (
            f"the spool may grow by {growth // _MB} MB, but {where} has {folder.free_bytes // _MB} MB free; "
            f"free some space, or lower spool.max_size"
        )
        return warn("", said, remedy)
    return well("", said)


def _may_write(folder: Folder, user: AgentUser) -> bool:
    if folder.owner == user.uid:
        return bool(folder.mode & 0o200)
    return bool(folder.mode & (0o020 if folder.group in user.groups else 0o002))


def records(site: Site) -> list[Finding]:
    """What the running agent's spool says."""
    if isinstance(site.agent, Missing):
        return [skip("", "the agent does not run")]
    return [judge_records(site.agent["spool"])]


def judge_records(stats: Mapping[str, Any]) -> Finding:
    """The `spool` part of the agent's status."""
    lanes = [stats["events"], stats["samples"]]
    waiting, dropped = sum(lane["rows"] for lane in lanes), sum(lane["dropped"] for lane in lanes)
    said = f"{waiting} wait, {dropped} dropped since the agent started"
    if stats["trouble"]:
        return fail("", said, str(stats["trouble"]))
    if dropped:
        remedy = (
            f"{dropped} records had to be dropped (a gap says so at the collector); raise spool.max_size, or free space"
        )
        return warn("", said, remedy)
    return well("", said)

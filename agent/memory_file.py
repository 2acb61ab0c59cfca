"""The machine's memory on disk: small, written whole, read back after a restart or a reboot."""

import logging
import os
import time
from pathlib import Path

import msgspec

from failover.memory import Memory

log = logging.getLogger(__name__)

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class _Saved(msgspec.Struct, frozen=True):
    boot_id: str
    boottime_s: float
    wall_s: float
    memory: Memory


def save(file: Path, memory: Memory) -> None:
    """Write the memory so that a power cut leaves the old or the new one, never half (blocks: call it in a thread)."""
    saved = _Saved(_boot_id(), time.clock_gettime(time.CLOCK_BOOTTIME), time.time(), memory)
    partial = file.with_suffix(".new")
    with partial.open("wb") as stream:
        stream.write(msgspec.json.encode(saved))
        stream.flush()
        os.fsync(stream.fileno())
    partial.replace(file)


def load(file: Path) -> tuple[Memory, float] | None:
    """The memory and how many seconds ago it was written; None if there is none that can be read.

    Within one boot the boot clock tells the age. Across boots only the wall clock can; one that went backwards counts
    as no time at all, which keeps holds longer, never shorter.
    """
    try:
        saved = msgspec.json.decode(file.read_bytes(), type=_Saved)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError, RecursionError) as error:
        log.warning("%s cannot be read (%s); holds start anew", file, error)
        return None
    if saved.boot_id == _boot_id():
        return saved.memory, max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - saved.boottime_s)
    return saved.memory, max(0.0, time.time() - saved.wall_s)


def _boot_id() -> str:
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return ""

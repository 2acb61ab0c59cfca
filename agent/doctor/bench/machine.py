"""What machine this is."""

import os
import platform
from pathlib import Path

_DEVICE_TREE = Path("/proc/device-tree/model")
_CPU_INFO = Path("/proc/cpuinfo")
_MEM_INFO = Path("/proc/meminfo")


def describe() -> dict[str, object]:
    """Model, processors, memory, kernel, Python."""
    return {
        "model": model(_read(_DEVICE_TREE), _read(_CPU_INFO)),
        "architecture": platform.machine(),
        "cores": os.cpu_count(),
        "memory_mib": _memory_mib(_read(_MEM_INFO)),
        "kernel": platform.release(),
        "python": platform.python_version(),
    }


def model(device_tree: str, cpu_info: str) -> str:
    """A board's own name, else the processor's."""
    if device_tree:
        return device_tree.rstrip("\0\n")
    fields = [line.partition(":") for line in cpu_info.splitlines()]
    names = {key.strip(): value.strip() for key, _, value in reversed(fields)}
    return names.get("Model") or names.get("model name") or names.get("Hardware") or "unknown"


def _memory_mib(text: str) -> int | None:
    for line in text.splitlines():
        if line.startswith("MemTotal:"):
            return int(line.split()[1]) // 1024
    return None


def _read(file: Path) -> str:
    try:
        return file.read_text(errors="replace")
    except OSError:
        return ""

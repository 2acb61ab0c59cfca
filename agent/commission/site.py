"""Where the sheet is made: machine, serial number, versions."""

import platform
from pathlib import Path

from agent.doctor.bench import machine
from branchline import __version__

_SERIALS = (Path("/proc/device-tree/serial-number"), Path("/sys/class/dmi/id/product_serial"))
_MACHINE_ID = Path("/etc/machine-id")


def versions() -> dict[str, str]:
    """Of what decides how the branch behaves."""
    return {"branchline": __version__, "kernel": platform.release(), "python": platform.python_version()}


def model() -> str:
    """The machine's own name."""
    return str(machine.describe()["model"])


def serial(files: tuple[Path, ...] = _SERIALS, machine_id: Path = _MACHINE_ID) -> str:
    """The maker's serial number, which only root may read on a PC; without one the id of the installation."""
    for file in files:
        if text := _read(file):
            return f"serial {text}"
    return f"machine-id {_read(machine_id) or 'unknown'}"


def _read(file: Path) -> str:
    try:
        text = file.read_text(errors="replace").strip("\0\n ")
    except OSError:
        return ""
    return "".join(letter if letter.isprintable() else "?" for letter in text)[:64]

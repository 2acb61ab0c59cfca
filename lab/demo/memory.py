"""Memory of processes: PSS, where what several share is counted once."""

from collections.abc import Iterable
from pathlib import Path


def pss_mib(pids: Iterable[int]) -> float | None:
    """Proportional set size of these processes together, MiB; None where the kernel does not tell."""
    total_kib = 0
    for pid in pids:
        try:
            text = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except OSError:
            return None
        total_kib += next((int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:")), 0)
    return round(total_kib / 1024, 1)

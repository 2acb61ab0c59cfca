"""Memory and processor time of this process and of those behind the product's sockets."""

import os
import socket
from pathlib import Path

from agent.actor.main import SOCKET as ACTOR_SOCKET
from agent.canary import SOCKET as CANARY_SOCKET
from agent.doctor.processes import pid_behind
from agent.doctor.site import AGENT_SOCKET

_PROC = Path("/proc")
SOCKETS = {
    "agent": (AGENT_SOCKET, socket.SOCK_STREAM),
    "actor": (ACTOR_SOCKET, socket.SOCK_STREAM),
    "canary": (CANARY_SOCKET, socket.SOCK_SEQPACKET),
}


def processes(run_dir: Path) -> dict[str, int]:
    """Process ids by name: those that answer on their socket."""
    found = {name: pid_behind(run_dir / file, kind) for name, (file, kind) in SOCKETS.items()}
    return {name: pid for name, pid in found.items() if pid}


def pss_mib(pid: int, proc: Path = _PROC) -> float | None:
    """Proportional set size; None: this user may not know, or it is gone."""
    try:
        text = (proc / str(pid) / "smaps_rollup").read_text()
    except OSError:
        return None
    for line in text.splitlines():
        if line.startswith("Pss:"):
            return round(int(line.split()[1]) / 1024, 1)
    return None


def cpu_s(pid: int, proc: Path = _PROC) -> float | None:
    """Processor time used so far, user and system."""
    try:
        fields = (proc / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

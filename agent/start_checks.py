"""What must be right before the agent starts: with these wrong it would take its own blindness for dead lines."""

import socket

from agent.config import BranchSettings
from agent.probes.icmp import NOT_ALLOWED
from agent.rp_filter import complaint


def refusal(settings: BranchSettings) -> str | None:
    """The sentence to show instead of starting; None: start. An agent that moves nothing may start blind."""
    for path in settings.path:
        if sentence := complaint(path.interface):
            return f"path {path.name}: {sentence}"
    if settings.actor.actuator == "dry_run":
        return None
    try:
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP).close()
    except PermissionError:
        return NOT_ALLOWED
    return None

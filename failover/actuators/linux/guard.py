"""Settings of the kernel that would make the agent blind, refused before anything is changed."""

from collections.abc import Iterable
from pathlib import Path

from failover.actuators.base import ActuatorError

_SYSCTL = Path("/proc/sys/net/ipv4/conf")


def check_rp_filter(interfaces: Iterable[str], root: Path = _SYSCTL) -> None:
    """Refuse strict reverse path filtering on an uplink: it drops every answer on a resting path.

    The kernel uses the larger of `all` and the interface's own value (Documentation/networking/ip-sysctl.rst); an
    interface that is not there yet will start with `default`.

    Raises:
        ActuatorError: the value in effect is 1 on one of the interfaces.
    """
    for interface in interfaces:
        own = root / interface / "rp_filter"
        value = max(_read(root / "all" / "rp_filter"), _read(own if own.exists() else root / "default" / "rp_filter"))
        if value == 1:
            raise ActuatorError(
                f"net.ipv4.conf.{interface}.rp_filter is 1 in effect (the larger of all and {interface}), which drops "
                f"the answers on a resting path; set net.ipv4.conf.{interface}.rp_filter=2",
                retry=False,
            )


def _read(file: Path) -> int:
    try:
        return int(file.read_text())
    except (FileNotFoundError, ValueError):
        return 0

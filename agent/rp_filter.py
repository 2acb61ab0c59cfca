"""Strict reverse-path filtering kills the probes of a resting wire: it is refused at start, and doctor explains it."""

from pathlib import Path

_CONF = Path("/proc/sys/net/ipv4/conf")
STRICT = 1


def effective(interface: str, conf: Path = _CONF) -> int | None:
    """The mode in force: the larger of `all` and the interface's (kernel ip-sysctl); None without the interface."""
    values = []
    for name in ("all", interface):
        try:
            values.append(int((conf / name / "rp_filter").read_text()))
        except (OSError, ValueError):
            return None
    return max(values)


def complaint(interface: str, conf: Path = _CONF) -> str | None:
    """The sentence to show if this uplink filters strictly."""
    if effective(interface, conf) != STRICT:
        return None
    key = interface.replace(".", "/")  # as sysctl(8) writes a VLAN: eth0/100
    return (
        f"net.ipv4.conf.{key}.rp_filter is 1 (strict), so replies on a resting line are dropped and nothing ever "
        f"fails back; set net.ipv4.conf.all.rp_filter and net.ipv4.conf.{key}.rp_filter to 2"
    )

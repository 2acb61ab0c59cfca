"""Kernel settings: reverse path filter and forwarding."""

from pathlib import Path

from agent import rp_filter
from agent.doctor.finding import Finding, fail, skip, warn, well
from agent.doctor.site import Site

_NET = Path("/proc/sys/net")


def reverse_path(site: Site) -> list[Finding]:
    """Each uplink's rp_filter in force."""
    found = []
    for path in site.settings.path:
        value = rp_filter.effective(path.interface)
        found.append(judge_rp_filter(path.name, path.interface, value, rp_filter.complaint(path.interface)))
    return found


def judge_rp_filter(path: str, interface: str, value: int | None, complaint: str | None) -> Finding:
    """`value` is the mode in force, None without the interface; `complaint` the agent's own reason not to start."""
    if value is None:
        return skip(path, f"{interface} is not there; see `interface`")
    if complaint:
        sysctls = f"`sysctl -w net.ipv4.conf.all.rp_filter=2 net.ipv4.conf.{interface}.rp_filter=2`"
        return fail(
            path, f"{interface}: 1 (strict)", f"{complaint}: {sysctls}, and in /etc/sysctl.d/90-branchline.conf"
        )
    return well(path, f"{interface}: {value} ({'loose' if value else 'off'})")


def forwarding(site: Site) -> list[Finding]:
    """IPv4 and IPv6 forwarding of this router."""
    ipv4 = _flag(_NET / "ipv4/ip_forward")
    found = [judge_forwarding("IPv4", "net.ipv4.ip_forward", ipv4, needed=True)]
    needed = any(path.ipv6_prefix for path in site.settings.path)
    ipv6 = _flag(_NET / "ipv6/conf/all/forwarding")
    found.append(judge_forwarding("IPv6", "net.ipv6.conf.all.forwarding", ipv6, needed=needed))
    return found


def judge_forwarding(family: str, key: str, value: bool | None, *, needed: bool) -> Finding:  # noqa: FBT001 - a value
    """`value` None: the kernel has no such family; `needed`: users' traffic of this family is to be carried."""
    if value:
        return well(family, f"{key} is 1")
    if not needed:
        return skip(family, f"{'off' if value is False else 'this kernel has none'}, and no path has an ipv6_prefix")
    if value is None:
        return warn(
            family, "this kernel has none", f"a path has an ipv6_prefix, but {family} is off; remove the prefix"
        )
    remedy = (
        f"{key} is 0, so this router carries nobody's {family} traffic; "
        f"write `{key} = 1` into /etc/sysctl.d/90-branchline.conf and run `sysctl --system`"
    )
    return fail(family, f"{key} is 0", remedy)


def _flag(file: Path) -> bool | None:
    try:
        return file.read_text().strip() != "0"
    except OSError:
        return None

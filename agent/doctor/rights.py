"""May the agent open its ICMP sockets? EACCES speaks of the group range, EPERM of a capability."""

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

from agent.doctor.finding import Finding, fail, skip, warn, well
from agent.doctor.site import Site
from agent.probes.channel import Channel

_RANGE = Path("/proc/sys/net/ipv4/ping_group_range")
_DROP_IN = "/etc/sysctl.d/90-branchline.conf"


def user(site: Site) -> list[Finding]:
    """The user of `actor.agent_user`."""
    name = site.settings.actor.agent_user
    if site.user.uid is None:
        remedy = (
            f"there is no user {name}, so only root may ask the actor; make it: "
            f"`useradd --system {name}`, or write the agent's user into actor.agent_user"
        )
        return [warn(name, "no such user", remedy)]
    return [well(name, f"user id {site.user.uid}, group {site.user.groups[0]}")]


def ping_socket(site: Site) -> list[Finding]:
    """Opens one, with the group of the agent where this user may take it."""
    low, high = (int(word) for word in _RANGE.read_text().split())
    groups = site.user.groups
    code = None
    with as_group(groups[0]):
        ours = (os.getegid(), *os.getgroups())
        try:
            Channel("lo", 4).close()
        except OSError as error:
            code = error.errno
    net_raw = site.user.rights is not None and site.user.rights.net_raw
    return [judge_ping(groups, low, high, code, tried_as_agent=groups[0] in ours, net_raw=net_raw)]


def judge_ping(
    groups: tuple[int, ...], low: int, high: int, code: int | None, *, tried_as_agent: bool, net_raw: bool
) -> Finding:
    """From the agent's groups, the sysctl's range, and the errno of a try (None: it worked)."""
    there = f"net.ipv4.ping_group_range {low} {high}"
    inside = [group for group in groups if low <= group <= high]
    if not inside:
        first, last = (groups[0], groups[0]) if low > high else (min(low, groups[0]), max(high, groups[0]))
        useless = "; its CAP_NET_RAW does not help there" if net_raw else ""
        remedy = (
            f"no group of the agent ({_list(groups)}) is within {there}, so each probe ends with EACCES{useless}; "
            f"write `net.ipv4.ping_group_range = {first} {last}` into {_DROP_IN} and run `sysctl --system`"
        )
        return fail("", f"group {groups[0]} is outside {low} {high}", remedy)
    if code is None or not tried_as_agent:
        return well("", f"group {inside[0]} is within {low} {high}")
    if code == errno.EACCES:
        remedy = (
            f"group {inside[0]} is within {there}, yet the kernel says EACCES: a security module or the container "
            f"forbids ICMP sockets; allow them in its profile"
        )
        return fail("", "forbidden (EACCES) although the range allows it", remedy)
    if code == errno.EPERM:
        remedy = (
            "the kernel says EPERM, so a capability is missing and not the range: this kernel lets nobody bind a "
            "socket to an interface without it; add `AmbientCapabilities=CAP_NET_RAW` to branchline-agent.service"
        )
        return fail("", "a capability is missing (EPERM)", remedy)
    return fail("", os.strerror(code), f"an ICMP socket cannot be opened ({os.strerror(code)}); check the kernel")


@contextlib.contextmanager
def as_group(group: int) -> Iterator[None]:
    """Root takes the agent's group meanwhile: the kernel judges root's ICMP sockets by their group, too."""
    before = os.getegid()
    if os.geteuid() != 0 or before == group:
        yield
        return
    os.setegid(group)
    try:
        yield
    finally:
        os.setegid(before)


def may_ping(site: Site) -> Finding | None:
    """Why this run cannot probe; None: it can."""
    with as_group(site.user.groups[0]):
        try:
            Channel("lo", 4).close()
        except OSError as error:
            if error.errno in {errno.EACCES, errno.EPERM}:
                return skip("", "this user may not open ICMP sockets; see `ping socket`, or use sudo")
    return None


def _list(groups: tuple[int, ...]) -> str:
    return ", ".join(map(str, groups[:8]))

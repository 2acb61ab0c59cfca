"""Rules across the tables of a branch's settings file. A breach is a ValueError whose sentence starts with the key."""

import ipaddress
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from failover.actuators import ACTUATORS
from failover.profiles import Profile
from wire.messages import Role

if TYPE_CHECKING:
    from agent.config import BranchSettings

# docs/design.md section 5. With one or two, the death of an anchor looks like the death of a line, or makes DOWN slow
# (T is at least 15 probe intervals divided by the anchors alive).
ANCHORS_TO_MOVE_TRAFFIC = 3


def check(branch: "BranchSettings") -> None:
    """Refuse what each table alone cannot see.

    Raises:
        ValueError: the first rule broken.
    """
    for rule in (_paths, _fate, _actuator, _one_master, _anchors, _anchor_paths, _canary, _profile, _lan):
        rule(branch)


def _paths(branch: "BranchSettings") -> None:
    if not branch.path:
        raise ValueError("path: the list is empty; add a [[path]] table for each line")
    _unique("path", "name", (path.name for path in branch.path), "give each path its own name")
    _unique("path", "rank", (path.rank for path in branch.path), "say which of the two is better")
    _unique("path", "interface", (path.interface for path in branch.path), "a path is one interface")


def _fate(branch: "BranchSettings") -> None:
    names = {path.name for path in branch.path}
    for number, path in enumerate(branch.path, 1):
        for other in path.shares_fate_with:
            if other == path.name:
                raise ValueError(f'path[{number}].shares_fate_with: "{other}" is this path itself; remove it')
            if other not in names:
                known = ", ".join(sorted(names - {path.name})) or "none"
                raise ValueError(
                    f'path[{number}].shares_fate_with: there is no path "{other}"; the other paths are: {known}'
                )


def _anchor_paths(branch: "BranchSettings") -> None:
    names = {path.name for path in branch.path}
    for number, anchor in enumerate(branch.anchor, 1):
        for name in anchor.paths:
            if name not in names:
                known = ", ".join(sorted(names))
                raise ValueError(f'anchor[{number}].paths: there is no path "{name}"; the paths are: {known}')
    for number, path in enumerate(branch.path, 1):
        if not any(path.name in anchor.paths or not anchor.paths for anchor in branch.anchor):
            raise ValueError(f'path[{number}]: no anchor is probed over "{path.name}"; name it in "paths" of one')


def _anchors(branch: "BranchSettings") -> None:
    if not branch.anchor:
        raise ValueError("anchor: the list is empty; add a [[anchor]] table for each probe target")
    _unique("anchor", "name", (anchor.name for anchor in branch.anchor), "give each anchor its own name")
    families: tuple[tuple[str, Callable[[str], object]], ...] = (
        ("ipv4", ipaddress.IPv4Address),
        ("ipv6", ipaddress.IPv6Address),
    )
    for key, address in families:
        given = [getattr(anchor, key) for anchor in branch.anchor]
        # "2001:db8::1" and "2001:DB8:0::1" are one target
        _unique("anchor", key, (address(text) if text else None for text in given), "one target cannot vouch twice")
    if branch.actor.actuator == "dry_run":
        return
    for path in branch.path:
        probed = [anchor for anchor in branch.anchor if not anchor.paths or path.name in anchor.paths]
        most = max(sum(bool(getattr(anchor, key)) for anchor in probed) for key, _ in families)
        if most < ANCHORS_TO_MOVE_TRAFFIC:
            raise ValueError(
                f'anchor: {most} in one IP family cannot prove path "{path.name}" dead; give at least '
                f'{ANCHORS_TO_MOVE_TRAFFIC} an ipv4 (or an ipv6), or set actor.actuator = "dry_run"'
            )


def _canary(branch: "BranchSettings") -> None:
    if branch.canary is None:
        return
    usable = ipaddress.IPv4Network(branch.canary.ipv4).num_addresses - 2
    needed = 2 + len(branch.path)
    if usable < needed:
        raise ValueError(
            f"canary.ipv4: {branch.canary.ipv4} has {usable} usable addresses, but {needed} are needed "
            f"(router, user, one for each path); write a larger network"
        )


def _profile(branch: "BranchSettings") -> None:
    if branch.probing.profile is Profile.FAST and not any(path.role is Role.WIRE for path in branch.path):
        raise ValueError('probing.profile: "fast" is for wires, and there is none; write "standard"')


def _actuator(branch: "BranchSettings") -> None:
    if branch.actor.actuator not in ACTUATORS:
        known = " or ".join(f'"{name}"' for name in sorted(ACTUATORS))
        raise ValueError(f'actor.actuator: "{branch.actor.actuator}" is not known; write {known}')


def _lan(branch: "BranchSettings") -> None:
    actor = branch.actor
    for number, path in enumerate(branch.path, 1):
        if path.interface == actor.lan_interface:
            raise ValueError(
                f'path[{number}].interface: "{path.interface}" is also actor.lan_interface; '
                f"a path leads away from the LAN"
            )
    if actor.actuator != "linux":
        return
    if not actor.lan_interface:
        raise ValueError('actor.lan_interface: missing; actuator "linux" needs the interface of the users')
    for table in ("proof", "canary"):
        if getattr(branch, table) is None:
            raise ValueError(f'{table}: missing; actuator "linux" believes no path without it, add the table [{table}]')


def _one_master(branch: "BranchSettings") -> None:
    if branch.agent.master == "device" and branch.actor.actuator != "dry_run":
        raise ValueError(
            f'actor.actuator: "{branch.actor.actuator}" would move traffic, but agent.master = "device" leaves that to '
            f'the device; write "dry_run", or make the agent master'
        )


def _unique(table: str, key: str, values: Iterable[object], remedy: str) -> None:
    seen: dict[object, int] = {}
    for number, value in enumerate(values, 1):
        if value is not None and value in seen:
            shown = value if isinstance(value, int) else f'"{value}"'
            raise ValueError(f"{table}[{number}].{key}: {shown} is also {table}[{seen[value]}]'s; {remedy}")
        seen[value] = number

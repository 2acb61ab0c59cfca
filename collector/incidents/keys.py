"""Keys of incidents: which cause where. The last word is a name from outside and may hold slashes."""

from collector.incidents.model import Cause

PIPELINE = "pipeline"
"""The collector itself: it has no tenant."""


def place_key(cause: Cause, tenant: str, kind: str, name: str) -> str:
    """`power/acme/area/Nantes nord`, `flood/acme/zone/Loire 3`, `unknown/acme/branch/nantes-2`."""
    return f"{cause}/{tenant}/{kind}/{name}"


def isp_key(tenant: str, isp: str) -> str:
    """`isp/acme/Orange`."""
    return f"{Cause.ISP}/{tenant}/{isp}"


def anchor_key(tenant: str, anchor: str) -> str:
    """`anchor/acme/dc-paris`."""
    return f"{Cause.ANCHOR}/{tenant}/{anchor}"


def line_key(tenant: str, branch: str, line: str) -> str:
    """`access_line/acme/branch/nantes-2/isp1`."""
    return f"{Cause.ACCESS_LINE}/{tenant}/branch/{branch}/{line}"


def place_of(key: str) -> tuple[str, str]:
    """What a key names: (`area` | `zone` | `branch` | `isp` | `anchor`, its name); empty for the collector."""
    words = key.split("/", 2)
    if len(words) < 3:
        return "", ""
    if words[0] in {Cause.ISP, Cause.ANCHOR}:
        return words[0], words[2]
    kind, _, name = words[2].partition("/")
    return kind, name

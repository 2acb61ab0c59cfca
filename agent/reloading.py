"""What a running agent may take from a changed settings file. Pure."""

from agent.config import BranchSettings

_TABLES = {
    "agent": "the agent",
    "broker": "the agent",
    "spool": "the agent",
    "actor": "actor and agent",
    "canary": "canary, actor and agent",
}
_READ_BY_THE_ACTOR = ("interface", "mtu", "dns", "gateway_ipv4", "gateway_ipv6", "ipv6_prefix")


def obstacle(old: BranchSettings, new: BranchSettings) -> str | None:
    """What changed that only a start can take, and what to restart; None: nothing did.

    Actor and canary read the same file at their start only, and know each path by its place in it: were the agent to
    follow a new list alone, a proof of one line would go over another.
    """
    for table, who in _TABLES.items():
        if getattr(new, table) != getattr(old, table):
            return f"[{table}] changed; restart {who}"
    if [path.name for path in new.path] != [path.name for path in old.path]:
        return "the list of paths changed; restart canary, actor and agent"
    for before, after in zip(old.path, new.path, strict=True):
        for key in _READ_BY_THE_ACTOR:
            if getattr(before, key) != getattr(after, key):
                return f"{key} of path {after.name} changed; restart actor and agent"
    return None

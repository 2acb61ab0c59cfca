"""`branchline agent ...` and `branchline-agent ...`: run the branch's processes, ask and override the agent.

Each process loads only what it runs: the canary must stay a few MiB. Exit codes: 0 done; 1 it failed or nobody answers;
2 wrong usage or settings.
"""

import importlib

_COMMANDS = "agent.commands"
_PROCESSES = {"actor": "agent.actor.main", "canary": "agent.canary", "page": "agent.page.main"}


def main(words: list[str]) -> int:
    """Run one sub-command."""
    if words and words[0] in _PROCESSES:
        return int(importlib.import_module(_PROCESSES[words[0]]).main(words[1:]))
    return int(importlib.import_module(_COMMANDS).run(words))

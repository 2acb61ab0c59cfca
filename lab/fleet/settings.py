"""The agent's settings of a simulated branch, as its file would hold them: its plan comes from them."""

from agent.config import (
    AgentSettings,
    AnchorSettings,
    BranchSettings,
    FailoverSettings,
    PathSettings,
    ProbingSettings,
)
from branchline.units import Duration
from collector.inventory.model import BranchEntry
from failover.profiles import Profile

AGENT = "sim"
ANCHORS = ("site1", "site2", "site3")
HOLD_S = 30.0
"""How long a line must be clean before traffic returns to it; shorter than the default, so that a demo sees it."""


def settings_of(tenant: str, branch: BranchEntry, profile: Profile) -> BranchSettings:
    """Settings of the agent at `branch`."""
    return BranchSettings(
        agent=AgentSettings(tenant=tenant, branch=branch.name, name=AGENT),
        path=tuple(
            PathSettings(name=line.name, interface=line.name, rank=rank, role=line.role, isp=line.isp)
            for rank, line in enumerate(branch.line, 1)
        ),
        anchor=tuple(AnchorSettings(name=name, ipv4=f"192.0.2.{number}") for number, name in enumerate(ANCHORS, 1)),
        probing=ProbingSettings(profile=profile),
        failover=FailoverSettings(hold=Duration(HOLD_S)),
    )

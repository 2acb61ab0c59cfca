"""What an agent's socket tells, for tests: made by the agent's own `describe`."""

import json
from typing import Any

from msgspec.structs import replace

from agent.observing import Figures
from agent.spool import SpoolStats
from agent.spool.stats import LaneStats
from agent.status import describe
from agent.uplink import UplinkStatus
from failover.machine import begin
from failover.observations import Proof
from failover.state import BranchMachine, MoveState, Wish
from tests.unit.failover.branches import plan
from wire.messages import ActKind, LinkState

NOW = 1000.0
SPOOL = SpoolStats(epoch="e", events=LaneStats(rows=3), samples=LaneStats(rows=40))
WELL = Figures(20.4, 0.0, None)


def machine(**links: LinkState) -> BranchMachine:
    """A branch on wan1; each named path in that state for 100 s."""
    made = begin(plan(), 0.0, "wan1")
    for name, link in links.items():
        seen = {"last_reply_s": 999.0, "proved_s": 950.0} if link is LinkState.UP else {}
        made = made.with_path(replace(made.path(name), link=link, changed_s=900.0, **seen))
    return made


def told(
    made: BranchMachine,
    *,
    figures: Figures = WELL,
    spool: SpoolStats = SPOOL,
    uplink: UplinkStatus | None = None,
    proofs: dict[str, Proof] | None = None,
) -> dict[str, Any]:
    """As it comes through the socket."""
    status = describe(
        made,
        now=NOW,
        proofs=proofs or {},
        figures=lambda _path: figures,
        spool=spool,
        uplink=uplink,
        config_hash="abc",
    )
    answer: dict[str, Any] = json.loads(json.dumps(status))
    return answer


HOSTILE = "<script>alert(1)</script>\" onload='x' & {0} {x}"


def hostile() -> dict[str, Any]:
    """Every text of it is somebody's markup."""
    made = replace(
        machine(wan1=LinkState.DOWN),
        move=MoveState("m1", ActKind.EMERGENCY, "wan1", "wan2", 999.0, HOSTILE, proving=True),
        wish=Wish("wan2", NOW + 5400, HOSTILE),
    )
    status = told(
        made,
        figures=Figures(None, None, HOSTILE),
        spool=replace(SPOOL, trouble=HOSTILE),
        uplink=UplinkStatus(trouble=HOSTILE),
        proofs={"wan1": Proof("wan1", "", False, False, True, True, None, HOSTILE)},
    )
    status["branch_state"] = HOSTILE
    status["active"] = HOSTILE
    for path in status["paths"]:
        path["path"] = path["state"] = HOSTILE
    return status

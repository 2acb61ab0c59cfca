"""ISP 1 dies and comes back: after the hold (3 s here, 300 s by default) traffic returns once, cleanly."""

import time

from lab.cuts import revive, silent
from lab.house_settings import HouseOptions
from lab.measure import lost
from lab.results import Order, Run, Value
from lab.samples import NEW4
from lab.stage import Stage
from wire.messages import ActKind, ActOutcome

HOLD = "3s"
PATIENCE_S = 40.0
AFTERWARDS_S = 5.0


def play(order: Order) -> Run:
    """One run."""
    with Stage(order, HouseOptions(profile=order.profile, hold=HOLD)) as stage:
        stage.steady()
        events = stage.house.events
        cut = stage.cut(silent(stage.spaces, "isp1"))
        stage.watch(cut, "wan1")
        first = stage.agent(cut, "wan1")
        stage.wait(1.0 + stage.random.random())
        revived_ns = time.monotonic_ns()
        revive(stage.spaces, "isp1")
        returned = stage.wait_for(
            lambda: any(a.kind is ActKind.RETURN and a.outcome is ActOutcome.COMMITTED for a in events.acts()),
            PATIENCE_S,
        )
        stage.wait(AFTERWARDS_S)
        stage.stop_users()
        after = stage.agent(cut, "wan1")
        wrong = [] if first.landed_on == "wan2" else [f"landed on {first.landed_on or 'nothing'} first, not on wan2"]
        if not returned or after.landed_on != "wan1":
            wrong.append(f"{PATIENCE_S:g} s after ISP 1 came back traffic is on {after.landed_on}")
        if after.moves != 2 or after.rolled_back:
            wrong.append(f"{after.moves} moves and {after.rolled_back} rolled back, promised 2 and 0")
        extra: dict[str, Value] = {"lost_in_return": lost(stage.samples, NEW4, revived_ns)}
        return stage.result(cut, "wan1", wrong=tuple(wrong), extra=extra)

"""Lines that lose 5 % of the round trips, jitter and duplicate replies, for a long time: not one move."""

import math

from lab import topology
from lab.measure import longest_silence_ms
from lab.relay import late_ms
from lab.results import Order, Run, Value
from lab.samples import NEW4
from lab.stage import Stage
from wire.messages import LinkState, StateChange

ROUND_TRIP_LOSS, JITTER_MS, DUPLICATES = 0.05, 10.0, 0.05


def play(order: Order) -> Run:
    """One run."""
    with Stage(order) as stage:
        stage.steady()
        each_way = 1 - math.sqrt(1 - ROUND_TRIP_LOSS)
        for carrier in topology.CARRIERS:
            stage.network.impair(carrier.name, loss=each_way, jitter_ms=JITTER_MS, duplicates=DUPLICATES)
        start = stage.now()
        stage.wait(order.minutes * 60)
        agent = stage.agent(start, "wan1")
        changes = [
            m.event for m in stage.house.events.moved if isinstance(m.event, StateChange) and m.at_ns > start.cut_ns
        ]
        downs = sum(change.new is LinkState.DOWN for change in changes)
        wrong = (f"{agent.moves} moves, promised 0",) if agent.moves else ()
        late = late_ms(stage.supervisor.processes["relay"].out.read_text())
        extra: dict[str, Value] = {
            "minutes": order.minutes,
            # A machine that holds the relay up makes every line silent: what follows is no false move of the agent.
            "relay_late_max_ms": max(late, default=0.0),
            "paths_down": downs,
            "longest_silence_ms": longest_silence_ms(stage.samples, NEW4, start.cut_ns),
        }
        return stage.result(start, "wan1", wrong=wrong, extra=extra, was_cut=False)

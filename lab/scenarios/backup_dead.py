"""5G is attached but passes nothing, both wires die, then ISP 2 revives: traffic must be on it within 5 s."""

import time

from lab.cuts import revive, silent
from lab.measure import Cut, first_arrival_ns
from lab.results import Order, Run
from lab.samples import NEW4
from lab.stage import Stage

DEAD_S = (4.0, 8.0)
PROMISED_MS = 5000.0


def play(order: Order) -> Run:
    """One run."""
    with Stage(order) as stage:
        stage.steady()
        spaces = stage.spaces
        stage.cut(silent(spaces, "cell"))
        stage.wait(stage.random.uniform(0.5, 1.5))
        cut = stage.cut(silent(spaces, "isp1"), silent(spaces, "isp2"))
        stage.wait(stage.random.uniform(*DEAD_S))
        revived_ns = time.monotonic_ns()
        revive(spaces, "isp2")
        revived = Cut(revived_ns, revived_ns)
        stage.watch(revived, "wan1", patience_s=15)
        to_packet_ms = revived.since_ms(first_arrival_ns(stage.samples, NEW4, revived_ns))
        wrong = []
        if to_packet_ms is None or to_packet_ms > PROMISED_MS:
            wrong.append(f"first packet over the revived line after {to_packet_ms} ms, promised {PROMISED_MS:g}")
        landed = stage.agent(cut, "wan1").landed_on
        if landed != "wan2":
            wrong.append(f"landed on {landed or 'nothing'}, not on wan2")
        return stage.result(cut, "wan1", wrong=tuple(wrong), extra={"revived_to_first_packet_ms": to_packet_ms})

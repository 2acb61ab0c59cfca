"""The agent starts while ISP 1 is dead and in use; 30 s of silence count as DOWN. Times count from its start.

After 30 s a TCP connection repeats itself only once a minute (RFC 6298 section 5.5), so old flows are not waited for.
"""

from lab.cuts import silent
from lab.results import Order, Run
from lab.stage import Stage

PATIENCE_S = 45.0
PROMISED_MS = 35_000.0


def play(order: Order) -> Run:
    """One run."""
    with Stage(order) as stage:
        stage.cut(silent(stage.spaces, "isp1"))
        stage.house.create_database()
        stage.house.start_agent()
        start = stage.now()
        stage.watch(start, "wan1", old_flows=False, patience_s=PATIENCE_S)
        wrong = stage.landing(start, "wan1", "wan2", old_flows=False)
        first_ms = stage.users(start).first_packet_ms
        if first_ms is not None and first_ms > PROMISED_MS:
            wrong += (f"first packet {first_ms:.0f} ms after the agent's start, promised {PROMISED_MS:g}",)
        return stage.result(start, "wan1", wrong=wrong)

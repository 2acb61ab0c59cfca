"""kill -9 of the agent just after it applied a move, inside the 3 s of proof: the branch must end with a path."""

from lab.cuts import silent
from lab.measure import longest_silence_ms
from lab.results import Order, Run
from lab.samples import NEW4
from lab.stage import Stage
from wire.messages import ActOutcome

PATIENCE_S = 60.0
WORKS_S = 3.0


def play(order: Order) -> Run:
    """One run."""
    with Stage(order) as stage:
        stage.steady()
        events = stage.house.events
        cut = stage.cut(silent(stage.spaces, "isp1"))
        applied = stage.wait_for(
            lambda: any(act.outcome is ActOutcome.APPLIED for act in events.acts()), 10, every_s=0.001
        )
        stage.supervisor.kill("agent")
        proved = any(act.outcome is ActOutcome.COMMITTED for act in events.acts())
        back = stage.wait_for(lambda: events.ready_count > 1, PATIENCE_S)
        works = stage.wait_for(lambda: stage.works_since(WORKS_S), PATIENCE_S, every_s=0.2)
        wrong = []
        if not applied or proved:
            wrong.append("the kill missed the time of proof: this run says nothing")
        if not back:
            wrong.append("the agent did not start again")
        if not works:
            wrong.append("no path works at the end")
        silence_ms = longest_silence_ms(stage.samples, NEW4, cut.settled_ns)
        return stage.result(cut, "wan1", wrong=tuple(wrong), extra={"without_path_ms": silence_ms})

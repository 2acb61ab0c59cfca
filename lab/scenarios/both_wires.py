"""Both ISPs drop everything at the same moment: traffic must land on 5G."""

from lab.cuts import silent
from lab.results import Order, Run
from lab.stage import Stage


def play(order: Order) -> Run:
    """One run."""
    with Stage(order) as stage:
        stage.steady()
        cut = stage.cut(silent(stage.spaces, "isp1"), silent(stage.spaces, "isp2"))
        stage.watch(cut, "wan1")
        return stage.result(cut, "wan1", wrong=stage.landing(cut, "wan1", "cell5g"))

"""Headquarters, its broker and collector become unreachable with both wires: the branch must not notice."""

from lab.cuts import headquarters_gone, silent
from lab.results import Order, Run
from lab.stage import Stage


def play(order: Order) -> Run:
    """One run."""
    with Stage(order) as stage:
        stage.steady()
        spaces = stage.spaces
        cut = stage.cut(headquarters_gone(spaces), silent(spaces, "isp1"), silent(spaces, "isp2"))
        stage.watch(cut, "wan1", hear=False)
        return stage.result(cut, "wan1", wrong=stage.landing(cut, "wan1", "cell5g"))

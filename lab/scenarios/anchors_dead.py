"""All anchors stop answering while users' traffic goes on: an anchor silent everywhere says nothing about a path."""

from lab.cuts import anchors_mute
from lab.measure import longest_silence_ms
from lab.results import Order, Run
from lab.samples import NEW4
from lab.stage import Stage

WATCHED_S = 60.0


def play(order: Order) -> Run:
    """One run."""
    with Stage(order) as stage:
        stage.steady()
        cut = stage.cut(anchors_mute(stage.spaces))
        stage.wait(WATCHED_S)
        silence_ms = longest_silence_ms(stage.samples, NEW4, cut.settled_ns)
        moves = stage.agent(cut, "wan1").moves
        wrong = (f"{moves} moves, though users' traffic went on",) if moves else ()
        return stage.result(cut, "wan1", wrong=wrong, extra={"longest_silence_ms": silence_ms}, was_cut=False)

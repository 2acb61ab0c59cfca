"""How far back a database that forgets may have to be told again. Pure."""

from collector.journal.checkpoint import Mark

MARK_S = 30.0


def kept_marks(kept: tuple[Mark, ...], done: Mark, keep_s: float) -> tuple[Mark, ...]:
    """Marks a database that forgets for `keep_s` may need: one at least that old, if there is one, and one each 30 s.

    Pure. With `keep_s` 0 there are none.
    """
    if keep_s == 0:
        return ()
    if not kept or done.at_s - kept[-1].at_s >= MARK_S:
        kept = (*kept, done)
    old = [mark for mark in kept if mark.at_s <= done.at_s - keep_s]
    return kept[max(0, len(old) - 1) :]

"""How long to wait before the next attempt: full jitter, so that a region's agents do not return together. Pure."""

import random
from collections.abc import Callable

FIRST_S = 0.2
MAX_S = 30.0


class Backoff:
    """Waits drawn evenly from zero to a ceiling that doubles from 0.2 s to 30 s.

    Args:
        draw: a number from 0 to 1.
    """

    def __init__(self, draw: Callable[[], float] = random.random) -> None:
        self._draw = draw
        self._ceiling_s = FIRST_S

    def next_s(self) -> float:
        """The next wait in seconds."""
        wait_s = self._draw() * self._ceiling_s
        self._ceiling_s = min(2 * self._ceiling_s, MAX_S)
        return wait_s

    def reset(self) -> None:
        """Start again from the shortest."""
        self._ceiling_s = FIRST_S

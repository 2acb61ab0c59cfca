"""Since when silence of an agent means something: the collector must have been able to hear. Pure but for its memory.

When nearly the whole fleet falls silent at once, it is the centre that went away: the broker's line, its certificate,
its machine. Then nobody is called isolated either.
"""

from collections.abc import Collection

QUIET_S = 28.0
"""Nobody who lives is quiet for so long: a wire's windows come every 10 s, digests every 20 s."""
FEW = 8
"""Fewer branches may well fall silent together of something of their own."""
NEARLY_ALL = 0.8
LIVE_S = 600.0
"""Who was heard within it was there to fall silent."""
RETURN_S = 120.0
"""After the first is back, those who stay away so long are away."""


class Hearing:
    """Ask it once a second. `since_s` is since when everybody could be heard, None: they cannot."""

    def __init__(self) -> None:
        self.since_s: float | None = None
        self.deaf_since_s = 0.0
        """Since when not, while `since_s` is None."""
        self._connection: int | None = None
        self._lost = 0
        self._noticed_s = 0.0
        self._back_s: float | None = None

    def listen(self, heard_s: Collection[float], now_s: float, *, connection: int | None) -> float | None:
        """Look again.

        Args:
            heard_s: when each agent was last heard.
            now_s: Unix seconds.
            connection: number of the connection to the broker; None without one, or when the journal takes no records.
        """
        if connection is None or connection != self._connection:
            self._fall_deaf(now_s)
        self._connection = connection
        if connection is None:
            return None
        if self._lost and not self._are_back(heard_s, now_s):
            return None
        self._lost, self._back_s = 0, None
        if self.since_s is None:
            self.since_s = now_s
        live = [each for each in heard_s if each > max(self.since_s, now_s - LIVE_S)]
        quiet = [each for each in live if now_s - each > QUIET_S]
        if len(quiet) >= FEW and len(quiet) >= NEARLY_ALL * len(live):
            self._fall_deaf(max(quiet))
            self._lost, self._noticed_s = len(quiet), now_s
        return self.since_s

    def _fall_deaf(self, at_s: float) -> None:
        if self.since_s is not None or not self.deaf_since_s:
            self.since_s, self.deaf_since_s = None, at_s

    def _are_back(self, heard_s: Collection[float], now_s: float) -> bool:
        """Half of them, or those who ever will be."""
        back = sum(each > self._noticed_s for each in heard_s)
        if back and self._back_s is None:
            self._back_s = now_s
        return 2 * back >= self._lost or (self._back_s is not None and now_s - self._back_s > RETURN_S)

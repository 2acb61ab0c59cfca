"""How often logging in may fail: by address, by user, and by both together. Pure: times are given."""

from collections import OrderedDict

WINDOW_S = 600.0
MAX_KEYS = 10_000
LIMITS = {"address": 30, "user": 50, "both": 5}
"""Failures in ten minutes. One stranger cannot lock a user out elsewhere: `both` stops them long before `user` does."""


class Attempts:
    """Counts failures; the keys failed longest ago are forgotten first."""

    def __init__(self) -> None:
        self._failures: OrderedDict[tuple[str, ...], list[float]] = OrderedDict()

    def wait_s(self, address: str, user: str, now_s: float) -> float:
        """How long to wait before the next try; 0: none."""
        wait_s = 0.0
        for kind, key in _keys(address, user):
            recent = [each for each in self._failures.get(key, ()) if now_s - each < WINDOW_S]
            if len(recent) >= LIMITS[kind]:
                wait_s = max(wait_s, recent[-LIMITS[kind]] + WINDOW_S - now_s)
        return wait_s

    def failed(self, address: str, user: str, now_s: float) -> None:
        """Note a failure."""
        for kind, key in _keys(address, user):
            recent = [each for each in self._failures.pop(key, ()) if now_s - each < WINDOW_S]
            self._failures[key] = [*recent, now_s][-LIMITS[kind] :]
        while len(self._failures) > MAX_KEYS:
            self._failures.popitem(last=False)

    def succeeded(self, address: str, user: str) -> None:
        """The right password: this was no failure, and those of this user from this address are forgiven."""
        for _, key in _keys(address, user):
            if times := self._failures.get(key):
                times.pop()
        self._failures.pop(("both", address, user), None)


def _keys(address: str, user: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return ("address", ("address", address)), ("user", ("user", user)), ("both", ("both", address, user))

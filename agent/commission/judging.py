"""Whether a step was fulfilled, from what the agent says time after time. No I/O, no clock."""

import msgspec

from agent.commission.seen import Seen
from agent.commission.steps import Kind, Step

MOVED_WITHIN_S = 30.0  # the agent needs about one second; after a roll-back it tries the next path
HEARD_WITHIN_S = 60.0
_GONE = {"SUSPECT", "DOWN"}
_IN = {"UP", "DEGRADED"}

Values = dict[str, str | float]


class Verdict(msgspec.Struct, frozen=True):
    """How a step ended: a code of `words` and what belongs into it."""

    passed: bool
    code: str
    values: Values = {}


class Judge:
    """Judges one step. Feed it with each answer; times are monotonic seconds of one clock."""

    def __init__(self, step: Step, began_s: float) -> None:
        self._step = step
        self._began_s = began_s
        self._first: Seen | None = None
        self._last: Seen | None = None
        self._before: Seen | None = None  # the last look at which a cable to be pulled was still in
        self._signs: dict[str, float] = {}
        self._complete_s: float | None = None
        self._elsewhere_s: float | None = None
        self._look = {
            Kind.START: self._all_up,
            Kind.PLUG: self._all_up,
            Kind.ALL_IN: self._all_up,
            Kind.PULL: self._pulled,
            Kind.ALL_OUT: self._pulled,
            Kind.COLLECTOR: self._heard,
        }[step.kind]

    def see(self, seen: Seen | None, now_s: float) -> Verdict | None:
        """One more answer, None: the agent gave none. Returns the verdict as soon as there is one."""
        self._last = seen
        if seen is None:
            self._before = None  # what it does not see it cannot time: the cable has to be seen in again
            self._signs.clear()
            return None
        self._first = self._first or seen
        return self._look(seen, now_s)

    def missing(self) -> tuple[str, Values]:
        """What is still waited for: a code and its values."""
        seen, paths = self._last, self._step.paths
        if seen is None:
            return "no_agent", {}
        if self._step.kind is Kind.COLLECTOR:
            return "not_heard", {"why": (seen.uplink and seen.uplink.trouble) or "-"}
        if self._step.kind in {Kind.START, Kind.PLUG, Kind.ALL_IN}:
            if waited := seen.not_up(paths):
                return "not_up", {"paths": _states(seen, waited)}
            return ("moving", {}) if seen.move is not None else ("not_known", {})
        return self._missing_pulled(seen)

    def _missing_pulled(self, seen: Seen) -> tuple[str, Values]:
        paths, first = self._step.paths, self._first or seen
        if self._before is None:
            return "not_in", {"paths": _states(seen, paths)}
        waited = tuple(name for name in paths if seen.path(name).state != "DOWN")
        others = tuple(
            path.path
            for path in seen.paths
            if path.path not in paths and path.state == "DOWN" and first.path(path.path).state != "DOWN"
        )
        if others and len(waited) == len(paths):
            return "other_cable", {"paths": ", ".join(others)}
        if waited:
            return "not_down", {"paths": _states(seen, waited)}
        return _where(seen)

    def _all_up(self, seen: Seen, _now_s: float) -> Verdict | None:
        if seen.not_up(self._step.paths) or seen.move is not None or not seen.active:
            return None
        return Verdict(True, "all_up", {"path": seen.active})

    def _pulled(self, seen: Seen, now_s: float) -> Verdict | None:
        """All cables are out, and traffic is where it belongs: elsewhere and proved, or where it was.

        A cable that was out from the start proves nothing: it has to be seen in first, at each try.
        """
        if any(seen.path(name).state in _IN for name in self._step.paths) and seen.move is None:
            self._before = seen
        elsewhere = bool(seen.active) and seen.active not in self._step.paths
        self._elsewhere_s = (self._elsewhere_s or now_s) if elsewhere else None
        for name in self._step.paths:
            path = seen.path(name)
            if path.state in _GONE:
                self._signs.setdefault(name, now_s - path.for_s)
            else:
                self._signs.pop(name, None)
        if self._before is None or any(seen.path(name).state != "DOWN" for name in self._step.paths):
            self._complete_s = None
            return None
        if self._complete_s is None:
            self._complete_s = now_s
        return self._landed(seen, self._before.active, now_s - self._complete_s)

    def _landed(self, seen: Seen, before: str | None, complete_for_s: float) -> Verdict | None:
        if self._step.kind is Kind.PULL and before and before != self._step.paths[0]:
            if seen.active == before:
                return Verdict(True, "stayed", {"path": before})
            return Verdict(False, "left", {"path": before, "to": seen.active or "-"})
        if len(seen.paths) == 1:
            return Verdict(True, "alone")
        if self._elsewhere_s is not None and seen.move is None:
            took_s = max(0.0, self._elsewhere_s - max(self._signs.values()))
            values: Values = {"path": seen.active or "-", "took_s": round(took_s, 1), "state": seen.branch_state}
            return Verdict(True, "moved", values)
        if complete_for_s > MOVED_WITHIN_S:
            return Verdict(False, *_where(seen))
        return None

    def _heard(self, seen: Seen, now_s: float) -> Verdict | None:
        if seen.uplink is not None and seen.uplink.connected and not seen.uplink.trouble:
            return Verdict(True, "heard")
        if now_s - self._began_s > HEARD_WITHIN_S:
            code, values = self.missing()
            return Verdict(False, code, values)
        return None


def _where(seen: Seen) -> tuple[str, Values]:
    """Where traffic is that should be elsewhere."""
    return ("not_moved", {"path": seen.active}) if seen.active else ("not_known", {})


def _states(seen: Seen, names: tuple[str, ...]) -> str:
    return ", ".join(f"{name} {seen.path(name).state}" for name in names)

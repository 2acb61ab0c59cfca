"""The five verbs and the roll-back timer. No socket, no clock of its own: `now_s` is CLOCK_BOOTTIME.

Before each step the state file says what must be in place, after it what is. Killed anywhere, the next start finds
there the one path to put in place, and whether it is still on trial.
"""

import logging
import time

from msgspec.structs import replace

from agent.actor.checks import refuse
from agent.actor.state import State, StateFile, carries
from failover.actuators.base import Actuator, ActuatorError
from failover.actuators.protocol import (
    Apply,
    Commit,
    Counted,
    Counters,
    Done,
    Refused,
    Reply,
    Request,
    Rollback,
    Snapshot,
    SnapshotRequest,
)

_log = logging.getLogger("branchline.actor")

RECONCILE_S = 5.0
RECONCILE_SOON_S = 0.2  # a daemon that takes routes away takes several
RECONCILE_AGAIN_S = 1.0
SETTLE_AGAIN_S = 0.25
SETTLE_ROUNDS = 40


class Actor:
    """Carries out requests one at a time on one actuator."""

    def __init__(self, actuator: Actuator, file: StateFile, paths: tuple[str, ...]) -> None:
        self._actuator = actuator
        self._file = file
        self._paths = paths
        self._state = State()
        self._mended = 0
        self._reconcile_s = 0.0
        self.reconciled_s = float("-inf")
        self._settle_s = 0.0
        self._rounds_left = 0
        self._missing = False

    def start(self, now_s: float) -> None:
        """Prepare the system and finish what was under way; with no state yet, adopt the path in use as it is.

        Raises:
            ActuatorError: the system cannot be prepared.
        """
        self._actuator.prepare()
        self._state = self._file.load()
        self._reconcile_s = now_s + RECONCILE_S
        if self._state.goal not in self._paths:  # first start, or the path left the settings
            active, _ = self._actuator.snapshot()
            adopted = active if active in self._paths else ""
            self._put(replace(self._state, goal=adopted, previous="", pending="", settled=True))
        if not self._state.goal:
            _log.info("no path in use was found; waiting to be told")
            return
        self._ensure(self._state.goal)
        if not self._state.pending and not self._state.settled:
            self._settle(now_s)
        trial = f", on trial for {self._left_s(now_s):.1f} s more" if self._state.pending else ""
        _log.info("path in use: %s%s", self._state.goal, trial)

    def wait_s(self, now_s: float) -> float:
        """Seconds until `tick` has something to do."""
        ends = [self._reconcile_s]
        ends += [self._state.deadline_s] if self._state.pending else []
        ends += [self._settle_s] if self._settling() else []
        return max(0.0, min(ends) - now_s)

    def disturbed(self, now_s: float) -> None:
        """Something changed routes or rules: look soon, but not more than once a second."""
        soon_s = max(now_s + RECONCILE_SOON_S, self.reconciled_s + RECONCILE_AGAIN_S)
        self._reconcile_s = min(self._reconcile_s, soon_s)

    def tick(self, now_s: float) -> None:
        """End a trial whose time is up; go on dropping old flows; every 5 s put back what something else removed."""
        if self._state.pending and now_s >= self._state.deadline_s:
            self._expire(now_s)
        if self._settling() and now_s >= self._settle_s:
            self._settle_on(now_s)
        if now_s >= self._reconcile_s:
            self._reconcile_s = now_s + RECONCILE_S
            self.reconciled_s = now_s
            if self._missing:
                self._ensure(self._state.goal)
                if not self._state.pending and not self._state.settled:
                    self._settle(now_s)
            try:
                for mended in self._actuator.reconcile():
                    self._mended += 1
                    _log.warning("mended: %s", mended)
            except ActuatorError as error:
                _log.warning("%s", error)

    def answer(self, request: Request, now_s: float) -> Reply:
        """Carry out one request; whatever happens, a reply."""
        try:
            match request:
                case SnapshotRequest():
                    return self._snapshot(now_s)
                case Counters():
                    return Counted(self._actuator.counters())
                case Apply():
                    return self._apply(request, now_s)
                case Commit():
                    return self._commit(request.id, now_s)
                case Rollback():
                    return self._roll_back(request.id, now_s)
        except ActuatorError as error:
            return Refused(str(error), error.retry)

    def _snapshot(self, now_s: float) -> Snapshot:
        active, paths = self._actuator.snapshot()
        state = self._state
        return Snapshot(
            active, state.pending, self._left_s(now_s), state.previous if state.pending else "", paths, self._mended
        )

    def _apply(self, request: Apply, now_s: float) -> Reply:
        state = self._state
        if why := refuse(request, self._paths, self._state.goal):
            return Refused(why, retry=request.path in self._paths)
        if request.id and request.id == state.pending and request.path == state.goal:
            return self._timed(request.path)  # the reply was lost; its timer runs on
        kept = state.previous if state.pending else state.goal
        trial = replace(
            state,
            goal=request.path,
            previous=kept,
            pending=request.id,
            deadline_s=now_s + request.rollback_after_s,
            baseline=self._actuator.counters(),
            settled=False,
        )
        self._put(trial)
        try:
            return self._timed(request.path)
        except ActuatorError as error:
            self._put(state)
            self._ensure(state.goal)  # a refusal half way leaves what was there
            return Refused(str(error), error.retry)

    def _timed(self, path: str) -> Done:
        begin = time.perf_counter()
        self._actuator.apply(path)
        self._missing = False
        return Done(path, (time.perf_counter() - begin) * 1000)

    def _commit(self, wanted: str, now_s: float) -> Reply:
        begin = time.perf_counter()
        if self._state.pending != wanted or not wanted:
            if wanted and self._state.last == (wanted, "committed"):
                return Done(self._state.goal, 0.0)  # the first reply was lost
            return Refused(self._not_pending(wanted), retry=False)
        if self._missing:  # a restart found it on trial and could not put it in place again
            return Refused(f"{self._state.goal} is not in place, so it cannot be kept; the trial runs on", retry=True)
        self._put(replace(self._state, pending="", previous="", last=(wanted, "committed")))
        self._settle(now_s)
        return Done(self._state.goal, (time.perf_counter() - begin) * 1000)

    def _roll_back(self, wanted: str, now_s: float) -> Reply:
        begin = time.perf_counter()
        if self._state.pending != wanted or not wanted:
            if wanted and self._state.last == (wanted, "rolled back"):
                return Done(self._state.goal, 0.0)
            return Refused(self._not_pending(wanted), retry=False)
        if not self._state.previous:
            return Refused("no path was in place before this one; it stays until the trial ends", retry=False)
        if why := self._restore(now_s):
            return Refused(why, retry=False)
        return Done(self._state.goal, (time.perf_counter() - begin) * 1000)

    def _expire(self, now_s: float) -> None:
        """The agent is gone or mute: the passive counters decide, and only clear evidence keeps the new path."""
        state = self._state
        if not state.previous or carries(state, self._actuator.counters()):
            _log.warning("trial %s ended without an answer: %s carries traffic, kept", state.pending, state.goal)
            self._put(replace(state, pending="", previous="", last=(state.pending, "committed")))
            self._settle(now_s)
            return
        _log.warning("trial %s ended without an answer: back to %s", state.pending, state.previous)
        if why := self._restore(now_s):
            _log.warning("%s", why)

    def _restore(self, now_s: float) -> str | None:
        """Put the path before the trial back; why not, if it could not be: then the path on trial stays."""
        trial = self._state
        ended = replace(trial, goal=trial.previous, previous="", pending="", last=(trial.pending, "rolled back"))
        self._put(replace(ended, settled=False))
        try:
            self._actuator.apply(ended.goal)
            self._missing = False
        except ActuatorError as error:
            self._put(replace(ended, goal=trial.goal, last=(trial.pending, "committed")))
            self._ensure(trial.goal)
            return f"cannot go back to {ended.goal} ({error}); {trial.goal} stays"
        self._settle(now_s)
        return None

    def _ensure(self, path: str) -> None:
        """Have this path in place, now or as soon as the system lets us (asked again with each reconcile)."""
        try:
            if path:
                self._actuator.apply(path)
            self._missing = False
        except ActuatorError as error:
            if not self._missing:
                _log.warning("path %s is not in place yet: %s", path, error)
            self._missing = True

    def _settling(self) -> bool:
        return self._rounds_left > 0 and not self._state.settled and not self._state.pending

    def _settle(self, now_s: float) -> None:
        if self._missing:
            return  # flows of the path that is in place instead must live; settled once this one is there
        self._rounds_left = SETTLE_ROUNDS
        self._settle_on(now_s)

    def _settle_on(self, now_s: float) -> None:
        """One bounded round of dropping old flows; another a little later until none is left."""
        self._rounds_left -= 1
        self._settle_s = now_s + SETTLE_AGAIN_S
        try:
            count = self._actuator.settle(self._state.goal)
        except ActuatorError as error:
            self._rounds_left = 0
            _log.warning("%s", error)
            return
        if count:
            _log.info("settled on %s: %d old flows dropped", self._state.goal, count)
        if not count or not self._rounds_left:
            self._put(replace(self._state, settled=True))

    def _not_pending(self, wanted: str) -> str:
        now = f"apply {self._state.pending!r} is" if self._state.pending else "no apply is"
        ended = f"; {wanted!r} was {self._state.last[1]}" if self._state.last[0] == wanted else ""
        return f"{wanted!r} is not pending, {now}{ended}; ask for a snapshot"

    def _left_s(self, now_s: float) -> float:
        return max(0.0, self._state.deadline_s - now_s) if self._state.pending else 0.0

    def _put(self, state: State) -> None:
        """Keep the state, in memory and on file; a full disk must not stop a move off a dead path."""
        self._state = state
        try:
            self._file.save(state)
        except OSError as error:
            _log.warning("the state file cannot be written (%s); a restart now would forget this", error.strerror)

"""The five verbs and the roll-back timer. No socket, no clock of its own: `now_s` is CLOCK_BOOTTIME.

Before each step the state file says what must be in place, after it what is. Killed anywhere, the next start finds
there the one path to put in place, and whether it is still on trial.
"""

import logging
import math
import time

from msgspec.structs import replace

from agent.actor.state import State, StateFile
from failover import safety
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

SHORTEST_TRIAL_S, LONGEST_TRIAL_S = 0.5, 60.0
RECONCILE_S = 5.0


class Actor:
    """Carries out requests one at a time on one actuator."""

    def __init__(self, actuator: Actuator, file: StateFile, paths: tuple[str, ...]) -> None:
        self._actuator = actuator
        self._file = file
        self._paths = paths
        self._state = State()
        self._mended = 0
        self._reconcile_s = 0.0

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
        try:
            self._actuator.apply(self._state.goal)
            if not self._state.pending and not self._state.settled:
                self._settle()
        except ActuatorError as error:
            _log.warning("path %s is not in place yet: %s", self._state.goal, error)
        trial = f", on trial for {self._left_s(now_s):.1f} s more" if self._state.pending else ""
        _log.info("path in use: %s%s", self._state.goal, trial)

    def wait_s(self, now_s: float) -> float:
        """Seconds until `tick` has something to do."""
        ends = [self._reconcile_s] + ([self._state.deadline_s] if self._state.pending else [])
        return max(0.0, min(ends) - now_s)

    def tick(self, now_s: float) -> None:
        """End a trial whose time is up; every 5 s put back what something else removed."""
        if self._state.pending and now_s >= self._state.deadline_s:
            self._expire()
        if now_s >= self._reconcile_s:
            self._reconcile_s = now_s + RECONCILE_S
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
                    return self._commit(request.id)
                case Rollback():
                    return self._roll_back(request.id)
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
        if why := self._refuse(request):
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
            self._undo(state.goal)  # a refusal half way leaves what was there
            return Refused(str(error), error.retry)

    def _refuse(self, request: Apply) -> str | None:
        if request.path not in self._paths:
            return f"path {request.path!r} is not in the actor's settings; it knows {', '.join(self._paths)}"
        if not request.id:
            return "an apply needs an id, to be committed or rolled back by"
        if not SHORTEST_TRIAL_S <= request.rollback_after_s <= LONGEST_TRIAL_S or math.isnan(request.rollback_after_s):
            return (
                f"rollback_after_s is {request.rollback_after_s:g}; "
                f"it must be between {SHORTEST_TRIAL_S:g} and {LONGEST_TRIAL_S:g}"
            )
        if self._state.goal in {"", request.path}:  # nothing is left
            return None
        return safety.refuse(request.kind, request.evidence)

    def _timed(self, path: str) -> Done:
        begin = time.perf_counter()
        self._actuator.apply(path)
        return Done(path, (time.perf_counter() - begin) * 1000)

    def _commit(self, wanted: str) -> Reply:
        begin = time.perf_counter()
        if self._state.last == (wanted, "committed"):
            return Done(self._state.goal, 0.0)
        if self._state.pending != wanted or not wanted:
            return Refused(self._not_pending(wanted), retry=False)
        self._put(replace(self._state, pending="", previous="", last=(wanted, "committed")))
        self._settle()
        return Done(self._state.goal, (time.perf_counter() - begin) * 1000)

    def _roll_back(self, wanted: str) -> Reply:
        begin = time.perf_counter()
        if self._state.last == (wanted, "rolled back"):
            return Done(self._state.goal, 0.0)
        if self._state.pending != wanted or not wanted:
            return Refused(self._not_pending(wanted), retry=False)
        if not self._state.previous:
            return Refused("no path was in place before this one; it stays until the trial ends", retry=False)
        if why := self._restore():
            return Refused(why, retry=False)
        return Done(self._state.goal, (time.perf_counter() - begin) * 1000)

    def _expire(self) -> None:
        """The agent is gone or mute: the passive counters decide, and only clear evidence keeps the new path."""
        state = self._state
        now = self._actuator.counters()
        grown = {path: now.get(path, 0) - state.baseline.get(path, 0) for path in now}
        grown = {path: now[path] if more < 0 else more for path, more in grown.items()}  # the table was put back
        works, worked = grown.get(state.goal, 0) > 0, grown.get(state.previous, 0) > 0
        if not state.previous or (works and not worked):
            _log.warning("trial %s ended without an answer: %s carries traffic, kept", state.pending, state.goal)
            self._put(replace(state, pending="", previous="", last=(state.pending, "committed")))
            self._settle()
            return
        _log.warning("trial %s ended without an answer: back to %s", state.pending, state.previous)
        if why := self._restore():
            _log.warning("%s", why)

    def _restore(self) -> str | None:
        """Put the path before the trial back; why not, if it could not be: then the path on trial stays."""
        trial = self._state
        ended = replace(trial, goal=trial.previous, previous="", pending="", last=(trial.pending, "rolled back"))
        self._put(replace(ended, settled=False))
        try:
            self._actuator.apply(ended.goal)
        except ActuatorError as error:
            self._put(replace(ended, goal=trial.goal, last=(trial.pending, "committed")))
            self._undo(trial.goal)
            return f"cannot go back to {ended.goal} ({error}); {trial.goal} stays"
        self._settle()
        return None

    def _undo(self, path: str) -> None:
        try:
            if path:
                self._actuator.apply(path)
        except ActuatorError as error:
            _log.warning("path %s is not in place: %s", path, error)

    def _settle(self) -> None:
        try:
            count = self._actuator.settle(self._state.goal)
        except ActuatorError as error:
            _log.warning("%s", error)
            return
        self._put(replace(self._state, settled=True))
        _log.info("settled on %s: %d old flows dropped", self._state.goal, count)

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

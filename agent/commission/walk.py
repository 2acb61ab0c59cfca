"""Walks through the steps: says what to do, watches the agent, keeps the record after each step."""

from collections.abc import Callable, Sequence
from datetime import datetime

from msgspec.structs import replace

from agent.commission.judging import Judge, Values, Verdict
from agent.commission.record import Outcome, Record, Result
from agent.commission.seen import Seen
from agent.commission.sheet import named
from agent.commission.steps import Kind, Step
from agent.commission.talk import StoppedError, Talk
from agent.commission.words import say

LOOK_EVERY_S = 0.1
WHY_CHARACTERS = 100
SKIP, STOP, CARRY_ON = "s", "q", "c"


class Walk:
    """One walk over the steps of a record.

    Args:
        record: a new one, or one to go on with: what is settled in it is not done again.
        steps: all steps of the branch.
        language: of everything said.
        wait_s: how long a person has for one cable.
        look: asks the agent; None: it gave no answer.
        talk: the terminal.
        now_s: monotonic seconds.
        clock: the wall clock, with its zone.
        keep: stores the record after each step.
    """

    def __init__(
        self,
        record: Record,
        steps: Sequence[Step],
        *,
        language: str,
        wait_s: float,
        look: Callable[[], Seen | None],
        talk: Talk,
        now_s: Callable[[], float],
        clock: Callable[[], datetime],
        keep: Callable[[Record], None],
    ) -> None:
        self.record = record
        self._steps = steps
        self._language = language
        self._wait_s = wait_s
        self._look = look
        self._talk = talk
        self._now_s = now_s
        self._clock = clock
        self._keep = keep

    def run(self) -> None:
        """Do what is not settled yet.

        Raises:
            StoppedError: the person stopped; the record holds what was done.
        """
        for number, step in enumerate(self._steps, 1):
            if self.record.settled(step):
                continue
            head = f"[{number}/{len(self._steps)}] "
            if step.absent:
                self._note(step, Outcome.NOT_CONFIGURED, step.absent, {})
                self._talk.say(f"{head}{named(step, self._language)}: {self._say('not_configured')}")
                continue
            self._talk.say(head + self._say(step.kind.value, paths=", ".join(step.paths)))
            self._talk.say("    " + self._say("keys"))
            self._forget(self._steps[number : number + 1])
            self._attempt(step)

    def _forget(self, following: Sequence[Step]) -> None:
        """What is pulled again has to be plugged in again, whatever an earlier try said of that."""
        keys = {step.key for step in following if step.kind in {Kind.PLUG, Kind.ALL_IN}}
        results = tuple(result for result in self.record.results if result.step not in keys)
        self.record = replace(self.record, results=results)

    def _attempt(self, step: Step) -> None:
        """Until it passed, was skipped, or the person carries on with the failure."""
        while True:
            verdict = self._watch(step)
            if verdict is None:
                why = (self._talk.ask("    " + self._say("why_skip")) or "-")[:WHY_CHARACTERS]
                self._note(step, Outcome.SKIPPED, "skipped", {"why": why if why.isprintable() else ascii(why)})
                return
            said = self._say(verdict.code, **verdict.values)
            self._note(step, Outcome.PASS if verdict.passed else Outcome.FAIL, verdict.code, verdict.values)
            if verdict.passed:
                self._talk.say(f"    + {self._say('pass')}: {said}")
                return
            answer = self._talk.ask("    X " + self._say("again", why=said))
            if answer is None:
                self._talk.say(f"    X {self._say('fail')}: {said}")
            if answer is None or answer.lower() == CARRY_ON:
                return
            if answer.lower() == STOP:
                raise StoppedError

    def _watch(self, step: Step) -> Verdict | None:
        """The verdict on one try; None: the person skips the step."""
        began_s = self._now_s()
        judge = Judge(step, began_s)
        while True:
            now_s = self._now_s()
            seen = self._look()
            if seen is not None and seen.config_hash != self.record.config_hash:
                return Verdict(False, "other_settings")
            if (verdict := judge.see(seen, now_s)) is not None:
                return verdict
            code, values = judge.missing()
            left_s = began_s + self._wait_s - now_s
            if left_s <= 0:
                return Verdict(False, code, values)
            missing = self._say(code, **values)
            self._talk.progress("    " + self._say("waiting", left_s=round(left_s), missing=missing))
            answer = self._talk.heard(LOOK_EVERY_S)
            if answer is not None and answer.lower() == STOP:
                raise StoppedError
            if answer is not None and answer.lower() == SKIP:
                return None

    def _note(self, step: Step, outcome: Outcome, code: str, values: Values) -> None:
        at = self._clock().isoformat(timespec="seconds")
        result = Result(step.key, outcome, code, at, self.record.by, values)
        others = tuple(other for other in self.record.results if other.step != step.key)
        self.record = replace(self.record, results=(*others, result), ended=at)
        self._keep(self.record)

    def _say(self, code: str, **values: object) -> str:
        return say(self._language, code, **values)

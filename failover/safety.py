"""docs/design.md principle 8, written once: which moves the evidence allows. Pure; enforced by the actor."""

from failover.actuators.protocol import Evidence
from wire.messages import ActKind

SILENT_S = 0.25  # a path this long without an answer may be left for one that answers
ANSWERS_NOW_S = 1.0
LONG_SILENT_S = 5.0  # a path this long without an answer may be left for an unproved one
PROOF_VALID_S = 600.0
ANSWERS_S = 2.0

_JUDGED_DOWN = frozenset({ActKind.EMERGENCY, ActKind.RECOVER})


def refuse(kind: ActKind, evidence: Evidence) -> str | None:
    """Why this move to another path must not happen, as one sentence; None: it may.

    A move to a path that is proved and answers is always allowed. Away from a path judged down it is also allowed to
    one that answers now; away from a path silent for 5 s to any, whoever asks. A missing reading allows nothing.
    """
    if _within(evidence.target_proved_s, PROOF_VALID_S) and _within(evidence.target_answered_s, ANSWERS_S):
        return None
    if _at_least(evidence.from_silent_s, LONG_SILENT_S):
        return None
    if kind not in _JUDGED_DOWN:
        return _voluntary(kind, evidence)
    if not _at_least(evidence.from_silent_s, SILENT_S):
        return (
            f"the path in use {_silence(evidence.from_silent_s)} and the target is not proved; "
            f"wait for {SILENT_S:g} s of silence or prove the target first"
        )
    if not _within(evidence.target_answered_s, ANSWERS_NOW_S):
        return (
            f"the path in use has been silent for less than {LONG_SILENT_S:g} s and the target "
            f"{_answer(evidence.target_answered_s)}; probe the target until it answers or wait"
        )
    return None


def _voluntary(kind: ActKind, evidence: Evidence) -> str:
    if not _within(evidence.target_proved_s, PROOF_VALID_S):
        proved = evidence.target_proved_s
        when = "was never proved" if proved is None else f"was last proved {proved:.0f} s ago"
        return f"the target {when} and {kind.value} leaves a working path; prove the target first"
    return (
        f"the target {_answer(evidence.target_answered_s)} and {kind.value} leaves a working path; "
        f"wait until the target answers"
    )


def _within(age_s: float | None, limit_s: float) -> bool:
    return age_s is not None and 0 <= age_s <= limit_s


def _at_least(age_s: float | None, limit_s: float) -> bool:
    return age_s is not None and age_s >= limit_s


def _silence(age_s: float | None) -> str:
    return "has no reading of its silence" if age_s is None else f"has been silent for only {age_s:.2f} s"


def _answer(age_s: float | None) -> str:
    return "never answered" if age_s is None else f"last answered {age_s:.1f} s ago"

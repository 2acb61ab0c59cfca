"""What a check found. A finding that is not well carries one sentence: what is wrong, where, what to do."""

from dataclasses import dataclass
from enum import StrEnum


class Mark(StrEnum):
    """How it stands. Only FAIL changes the exit code."""

    OK = "ok"
    WARN = "warn"
    FAIL = "FAIL"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report.

    Attributes:
        about: path or part it is about; empty: the whole machine.
        said: what was seen, in a few words.
        remedy: the sentence under the line; empty when well.
    """

    mark: Mark
    about: str
    said: str
    remedy: str = ""


def well(about: str, said: str) -> Finding:
    """All is as it must be."""
    return Finding(Mark.OK, about, said)


def warn(about: str, said: str, remedy: str) -> Finding:
    """It works, but somebody should look."""
    return Finding(Mark.WARN, about, said, remedy)


def fail(about: str, said: str, remedy: str) -> Finding:
    """It does not work, or will not when it must."""
    return Finding(Mark.FAIL, about, said, remedy)


def skip(about: str, why: str) -> Finding:
    """Could not be checked, or there is nothing to check; `why` says which."""
    return Finding(Mark.SKIP, about, why)

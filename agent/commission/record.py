"""The record of one acceptance: kept after each step, so that it can be gone on with; the sheet is drawn from it."""

import os
from collections.abc import Iterable
from contextlib import suppress
from enum import StrEnum
from pathlib import Path

import msgspec

from agent.commission.judging import Values
from agent.commission.steps import Step

FORMAT = 1


class Outcome(StrEnum):
    """Of one step."""

    PASS = "pass"  # noqa: S105 - no password
    FAIL = "fail"
    SKIPPED = "skipped"
    NOT_CONFIGURED = "not_configured"


class Result(msgspec.Struct, frozen=True):
    """How one step ended: `code` of `words` with its `values`, when (local time, ISO 8601), by whom."""

    step: str
    outcome: Outcome
    code: str
    at: str
    by: str
    values: Values = {}


class Record(msgspec.Struct, frozen=True):
    """The whole acceptance of one branch's agent."""

    format: int
    tenant: str
    branch: str
    agent: str
    machine: str
    serial: str
    versions: dict[str, str]
    config_file: str
    config_hash: str
    dry_run: bool
    by: str
    began: str
    ended: str = ""
    results: tuple[Result, ...] = ()

    def result(self, step: Step) -> Result | None:
        """How the step ended last; None: it has not been done."""
        return next((result for result in self.results if result.step == step.key), None)

    def settled(self, step: Step) -> bool:
        """Whether the step need not be done (again): it passed, was skipped, or there is nothing to do."""
        result = self.result(step)
        return result is not None and result.outcome is not Outcome.FAIL

    def accepted(self, steps: Iterable[Step]) -> bool:
        """Whether every step passed, but for what this branch does not have."""
        good = {Outcome.PASS, Outcome.NOT_CONFIGURED}
        return all((result := self.result(step)) is not None and result.outcome in good for step in steps)


class RecordError(Exception):
    """A record cannot be used; the text is the one sentence to show."""


def load(file: Path) -> Record:
    """Read a record back.

    Raises:
        RecordError: it is not there, or is something else.
    """
    try:
        record = msgspec.json.decode(file.read_bytes(), type=Record)
    except OSError as error:
        raise RecordError(f"{file}: cannot be read ({error.strerror}); start without --resume") from None
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise RecordError(f"{file}: is not a record of branchline commission; name another file with --json") from None
    if record.format != FORMAT:
        raise RecordError(f"{file}: was written by another version; name another file with --json")
    return record


def save(file: Path, record: Record) -> None:
    """Replace the file, so that a power cut leaves the old or the new one.

    Raises:
        RecordError: it cannot be written.
    """
    draft = file.parent / f".{file.name}.new"
    try:
        with draft.open("wb") as stream:
            stream.write(msgspec.json.format(msgspec.json.encode(record), indent=2) + b"\n")
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(file)
    except OSError as error:
        with suppress(OSError):
            draft.unlink()
        raise RecordError(f"{file}: cannot be written ({error.strerror}); name a file elsewhere with --json") from None

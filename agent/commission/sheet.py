"""The acceptance sheet as plain text: 80 columns, one page of A4. Pure."""

import textwrap
from collections import Counter
from collections.abc import Sequence

from agent.commission.record import Outcome, Record
from agent.commission.steps import Step
from agent.commission.words import say

COLUMNS = 80
_MARKS = {
    Outcome.PASS: ("+", "pass"),
    Outcome.FAIL: ("X", "fail"),
    Outcome.SKIPPED: ("!", "skipped_mark"),
    Outcome.NOT_CONFIGURED: ("-", "not_configured"),
}
_NAME_COLUMNS = 30


def draw(record: Record, steps: Sequence[Step], language: str) -> str:
    """The sheet: who, what, each step with its outcome, the verdict, room for two signatures."""
    lines = [say(language, "title").center(COLUMNS).rstrip(), ""]
    lines += _head(record, language)
    lines += ["", "-" * COLUMNS]
    for step in steps:
        lines += _step(record, step, language)
    lines += ["-" * COLUMNS, "", *textwrap.wrap(verdict(record, steps, language), COLUMNS), ""]
    lines.append(f"{say(language, 'signed')}: {'_' * 28}   {'_' * 28}")
    return "\n".join(lines)


def verdict(record: Record, steps: Sequence[Step], language: str) -> str:
    """The last sentence."""
    if record.accepted(steps):
        return say(language, "dry" if record.dry_run else "accepted")
    count = Counter(result.outcome if (result := record.result(step)) else None for step in steps)
    return say(language, "refused", failed=count[Outcome.FAIL], skipped=count[Outcome.SKIPPED], open=count[None])


def named(step: Step, language: str) -> str:
    """What a step is called on the sheet."""
    return say(language, f"name_{step.kind.value}", paths=", ".join(step.paths))


def _head(record: Record, language: str) -> list[str]:
    versions = ", ".join(f"{name} {version}" for name, version in record.versions.items())
    rows = (
        ("branch", f"{record.tenant}/{record.branch}"),
        ("agent", record.agent),
        ("machine", f"{record.machine}, {record.serial}"),
        ("settings", f"{record.config_file} {record.config_hash}"),
        ("versions", versions),
        ("engineer", record.by),
        ("when", f"{record.began} - {record.ended}"),
    )
    lines: list[str] = []
    for code, text in rows:
        lines += textwrap.wrap(text, COLUMNS, initial_indent=f"{say(language, code):12}", subsequent_indent=" " * 12)
    return lines


def _step(record: Record, step: Step, language: str) -> list[str]:
    result = record.result(step)
    if result is None:
        return [f". {'':14} {named(step, language)}: {say(language, 'not_done')}"[:COLUMNS]]
    sign, word = _MARKS[result.outcome]
    when = result.at[11:19]
    name = textwrap.shorten(named(step, language), _NAME_COLUMNS, placeholder="~")
    head = f"{sign} {say(language, word):14} {name:{_NAME_COLUMNS}} {when}  {result.by}"
    detail = say(language, result.code, **result.values)
    indent = " " * 17
    return [head[:COLUMNS].rstrip(), *textwrap.wrap(detail, COLUMNS, initial_indent=indent, subsequent_indent=indent)]

"""The report: a line for each finding, its sentence below. Pure: text and values out."""

import json
from collections import Counter
from collections.abc import Iterable

from agent.doctor.finding import Finding, Mark

SIGNS = {Mark.OK: "+", Mark.WARN: "!", Mark.FAIL: "X", Mark.SKIP: "-"}


def lines(check: str, finding: Finding) -> list[str]:
    """One finding for a terminal: sign, word, check, what was seen; below it the sentence, if it has one."""
    about = f"{finding.about}: " if finding.about else ""
    out = [f"{SIGNS[finding.mark]} {finding.mark:4}  {check:13}  {about}{finding.said}"]
    if finding.remedy:
        out.append(f"        {finding.remedy}")
    return out


def summary(findings: Iterable[Finding]) -> str:
    """The last line."""
    count = Counter(finding.mark for finding in findings)
    return ", ".join(f"{count[mark]} {mark}" for mark in Mark)


def document(found: Iterable[tuple[str, Finding]]) -> str:
    """All of it as one JSON document."""
    found = list(found)
    count = Counter(finding.mark for _, finding in found)
    return json.dumps(
        {
            "well": not count[Mark.FAIL],
            "counts": {mark.value: count[mark] for mark in Mark},
            "findings": [
                {
                    "check": check,
                    "about": finding.about,
                    "mark": finding.mark.value,
                    "said": finding.said,
                    "remedy": finding.remedy,
                }
                for check, finding in found
            ],
        }
    )

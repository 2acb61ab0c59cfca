"""The timeline of an incident as people read it: what many branches did in the same minute is one line. Pure."""

from collections.abc import Iterable, Sequence

import msgspec

from collector.incidents.model import Entry, EntryKind
from collector.words.incident_words import Naming, entry_text
from collector.words.page_words import WORDS
from collector.words.speak import say

MAX_NAMES = 6
MAX_PARTS = 200
TOGETHER_S = 60.0
_MANY = {EntryKind.JOINED, EntryKind.LEFT, EntryKind.ACT}


class Line(msgspec.Struct, frozen=True):
    """One line; `parts` are the lines (time, text) that it stands for, when it stands for several."""

    at_s: float
    kind: EntryKind
    text: str
    parts: tuple[tuple[float, str], ...] = ()


def timeline_lines(entries: Iterable[Entry], called: Naming, language: str) -> list[Line]:
    """In their order; a line that stands for several is where the first of them was."""
    groups: list[list[Entry]] = []
    gathering: dict[tuple[str, ...], list[Entry]] = {}
    for each in entries:
        key = (each.kind, *(each.words.get(word, "") for word in ("from", "to", "outcome")))
        group = gathering.get(key) if each.kind in _MANY else None
        if group is None or each.at_s - group[0].at_s > TOGETHER_S:
            group = gathering[key] = []
            groups.append(group)
        group.append(each)
    return [_line(group, called, language) for group in groups]


def _line(group: Sequence[Entry], called: Naming, language: str) -> Line:
    first = group[0]
    if len(group) == 1:
        return Line(first.at_s, first.kind, entry_text(language, first, called))
    parts = tuple((each.at_s, entry_text(language, each, called)) for each in group[:MAX_PARTS])
    listed = [name for each in group for name in _names(each)]
    names = [name for name in dict.fromkeys(listed) if name != "…"]
    # Of a list that was cut only its count is known, and who of it is in another list is not.
    unnamed = sum(max(0, _count(each) - len(_names(each)) + 1) for each in group if "…" in _names(each))
    shown = ", ".join(called(each) for each in names[:MAX_NAMES]) + (", …" if len(names) > MAX_NAMES or unnamed else "")
    if first.kind is EntryKind.ACT:
        words = {**first.words, "n": len(names), "names": shown}
        words["outcome"] = say(WORDS, language, f"outcome_{first.words.get('outcome', '?')}")
        return Line(first.at_s, first.kind, say(WORDS, language, "moved_many", words), parts)
    whole = Entry(first.at_s, first.kind, {"count": str(len(names) + unnamed), "names": shown})
    return Line(first.at_s, first.kind, entry_text(language, whole), parts)


def _names(entry: Entry) -> list[str]:
    return [entry.words.get("branch", "?")] if entry.kind is EntryKind.ACT else entry.words.get("names", "").split(", ")


def _count(entry: Entry) -> int:
    count = entry.words.get("count", "")
    return int(count) if count.isascii() and count.isdecimal() else 0

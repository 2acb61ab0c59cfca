"""What a timeline of many branches looks like."""

from collector.incidents.model import Entry, EntryKind
from collector.inventory.model import BranchEntry, Inventory
from collector.inventory.places import Places
from collector.web.timeline import TOGETHER_S, timeline_lines
from collector.words.incident_words import naming

PLACES = Places(
    [Inventory(tenant="acme", branch=tuple(BranchEntry(name=f"b{n}", title=f"Town {n}") for n in range(9)))]
)

CALLED = naming(PLACES, "acme")


def joined(at_s: float, names: str, count: int = 1) -> Entry:
    return Entry(at_s, EntryKind.JOINED, {"count": str(count), "names": names})


def moved(at_s: float, branch: str, outcome: str = "committed") -> Entry:
    words = {"branch": branch, "from": "fibre", "to": "5g", "outcome": outcome, "act": "m1"}
    return Entry(at_s, EntryKind.ACT, words)


def test_what_happened_in_the_same_minute_is_one_line() -> None:
    entries = [Entry(0.0, EntryKind.OPENED, {"class": "water", "cause": "flood"})]
    for n in range(8):
        entries += [joined(1.0 + n, f"b{n}"), moved(1.5 + n, f"b{n}"), joined(1.8 + n, f"b{n}")]
    entries += [Entry(20.0, EntryKind.COMMENT, by="zoé", text="on it"), moved(21.0, "b8", "rolled_back")]
    lines = timeline_lines(entries, CALLED, "en")
    assert [(each.kind, len(each.parts)) for each in lines] == [
        (EntryKind.OPENED, 0),
        (EntryKind.JOINED, 16),
        (EntryKind.ACT, 8),
        (EntryKind.COMMENT, 0),
        (EntryKind.ACT, 0),
    ]
    assert lines[1].text == "Joined: 8 branches (Town 0, Town 1, Town 2, Town 3, Town 4, Town 5, …)."
    assert lines[2].text.startswith("8 branches: traffic moved from fibre to 5g: proved (Town 0, Town 1, ")
    assert lines[3].text == "zoé: on it"
    assert lines[4].text == "Town 8: traffic moved from fibre to 5g: rolled back, not proved."
    assert lines[2].parts[0] == (1.5, "Town 0: traffic moved from fibre to 5g: proved.")


def test_a_minute_later_is_another_line() -> None:
    lines = timeline_lines([joined(0.0, "b1"), joined(TOGETHER_S + 1, "b2")], CALLED, "fr")
    assert [each.text for each in lines] == ["S'ajoute : 1 agence (Town 1).", "S'ajoute : 1 agence (Town 2)."]


def test_lists_that_were_cut_keep_their_count() -> None:
    (line,) = timeline_lines([joined(0.0, "b1, b2, …", 12), joined(1.0, "b3")], CALLED, "en")
    assert line.text == "Joined: 13 branches (Town 1, Town 2, Town 3, …)."
    (strange,) = timeline_lines([joined(0.0, "<b>"), Entry(1.0, EntryKind.JOINED)], CALLED, "en")
    assert "<b>" in strange.text

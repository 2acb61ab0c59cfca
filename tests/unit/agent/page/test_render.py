"""The page says what is, in words people at the branch know; nothing unknown looks fine, nothing hostile is markup."""

import re
import string
from html.parser import HTMLParser
from typing import Any

import pytest
from msgspec.structs import replace

from agent.observing import Figures
from agent.page import render
from agent.page.render import SHAPES, View, silent_page
from agent.page.shown import shown_of
from agent.page.words import LANGUAGES, WORDS
from agent.uplink import UplinkStatus
from failover.observations import Proof
from failover.state import Wish
from tests.unit.agent.page.told import HOSTILE, NOW, SPOOL, hostile, machine, told
from wire.messages import BranchState, LinkState

VIEW = View("lyon-3", "en", 1_800_000_000.0, "IT support, +33 1 23 45 67 89")


def page(view: View, status: dict[str, Any]) -> str:
    return render.page(view, shown_of(status))


def text_of(document: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", document).split())


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in {"meta", "link", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def checked(document: str) -> str:
    """The document, every element of which is closed and one of ours."""
    tags = _Tags()
    tags.feed(document)
    tags.close()
    assert tags.open == []
    known = "html head meta title link body main h1 h2 h3 p div section span dl dt dd br pre footer a"
    assert tags.seen <= {*known.split()}
    assert tags.attributes <= {"lang", "charset", "name", "content", "rel", "href", "class", "aria-hidden", "tabindex"}
    return document


@pytest.mark.parametrize("language", LANGUAGES)
def test_all_languages_say_the_same(language: str) -> None:
    def names(template: str) -> set[str | None]:
        return {name for _, name, _, _ in string.Formatter().parse(template) if name}

    english = WORDS["en"]
    assert list(WORDS[language]) == list(english)
    assert {code: names(text) for code, text in WORDS[language].items()} == {
        code: names(text) for code, text in english.items()
    }


def test_each_state_has_words_advice_and_a_shape() -> None:
    for state in BranchState:
        assert {f"branch.{state.name}", f"todo.{state.name}"} <= set(WORDS["en"])
        assert state.name in SHAPES
    for link in LinkState:
        assert f"path.{link.name}" in WORDS["en"]
        assert link.name in SHAPES
    shapes = {kind: {shape for shape, colour in SHAPES.values() if colour == kind} for kind in ("good", "bad", "none")}
    assert all(len(each) == 1 for each in shapes.values())


def test_a_branch_that_works() -> None:
    text = text_of(
        checked(
            page(
                VIEW,
                told(
                    machine(wan1=LinkState.UP, wan2=LinkState.UP, cell=LinkState.UP),
                    uplink=UplinkStatus(connected=True),
                ),
            )
        )
    )
    assert "Branch lyon-3 ● Everything works Traffic goes over wan1. No line was chosen by hand." in text
    assert "Nothing needs doing. Whom to ring: IT support, +33 1 23 45 67 89" in text
    assert re.search(
        r"wan1 in use ● works since \d\d:\d\d \(100 s\) round trip 20 ms loss 0 % last answer 1 s ago "
        r"last proof 50 s ago wan2 ● works since",
        text,
    )
    assert "Headquarters reached records waiting 43 minutes to dark unknown: no battery is read" in text


def test_a_missing_figure_is_unknown() -> None:
    text = text_of(page(VIEW, told(machine(wan1=LinkState.UNKNOWN), figures=Figures(None, None, None))))
    assert "round trip unknown loss unknown last answer never last proof never" in text
    assert " 0 ms" not in text
    assert "Headquarters none is set" in text


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("DEGRADED", "▲ Works, but not every line does"),
        ("ON_5G", "◆ Works over 5G"),
        ("ISOLATED", "✖ Cut off: no line answers"),
        ("UNKNOWN", "? Not known yet"),
        ("SOMETHING_NEW", "? Not known yet"),
    ],
)
def test_each_branch_state_is_told_by_shape_and_word(state: str, said: str) -> None:
    status = told(machine()) | {"branch_state": state}
    text = text_of(checked(page(VIEW, status)))
    assert said in text
    assert ("touch nothing electrical" in text) == (state in {"DEGRADED", "ON_5G", "ISOLATED"})


def test_an_override_tells_until_when_and_why() -> None:
    made = replace(machine(), wish=Wish("wan2", NOW + 5400, "works on line 1"))
    until = VIEW.clock(5400)
    assert f"wan2 was chosen by hand until {until} (90 min more): works on line 1" in text_of(page(VIEW, told(made)))
    french = View("lyon-3", "fr", VIEW.now_s)
    assert f"wan2 a été choisie à la main jusqu'à {until} (encore 90 min) : works on line 1" in text_of(
        page(french, told(made))
    )


def test_troubles_and_a_failed_proof_are_told() -> None:
    status = told(
        machine(wan1=LinkState.DOWN),
        figures=Figures(None, None, "the interface is down"),
        spool=replace(SPOOL, trouble="the disk is full", events=replace(SPOOL.events, dropped=7)),
        uplink=UplinkStatus(trouble="the broker refuses the password"),
        proofs={"wan1": Proof("wan1", "", False, False, True, True, None, "no anchors, no full size")},
    )
    text = text_of(page(VIEW, status))
    assert "proof not holding: no anchors, no full size trouble the interface is down" in text
    assert "Headquarters not reached records waiting 43 records lost 7 disk does not take the records" in text


def test_nothing_hostile_becomes_markup() -> None:
    for language in LANGUAGES:
        document = checked(page(View(HOSTILE, language, VIEW.now_s, HOSTILE), hostile()))
        assert "<script" not in document
        assert document.count("&lt;script&gt;alert(1)&lt;/script&gt;&quot;") >= 8


def test_the_page_that_stands_still_offers_to_go_on_and_the_other_way_round() -> None:
    status = told(machine())
    assert '<a href="/still">Stop that</a>' in page(VIEW, status)
    still = View("lyon-3", "en", VIEW.now_s, refreshing=False)
    assert '<a href="/">Show it anew every 5 s</a>' in page(still, status)


def test_an_agent_that_does_not_answer_is_one_sentence() -> None:
    text = text_of(checked(silent_page(VIEW)))
    assert "? The agent of this router does not answer, so the state of the lines is unknown." in text
    assert "works" not in text

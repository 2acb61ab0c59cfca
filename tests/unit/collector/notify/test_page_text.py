"""What a message says, in which order, and what cannot get into it."""

import json
import re
import string

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.board import Board
from collector.heard import SensorHeard
from collector.incidents.model import Acknowledgement, AlertClass, Cause, Evidence, Incident, Member, Severity
from collector.inventory.model import Freeze, LineEntry, Referent
from collector.inventory.places import Places
from collector.notify.base import PageText
from collector.notify.model import NoticeEvent
from collector.notify.page_text import MAX_BODY_CHARS, MAX_SUBJECT_CHARS, compose, digest
from collector.notify.scene import fleet_of
from collector.words import LANGUAGES
from collector.words.message_words import WORDS, plain
from tests.unit.collector.notify.incidents import START_S, board, incident, page, places
from wire.messages import BranchState, PowerSource, SensorKind, SensorState

TRIGGER, UPDATE, RESOLVE = NoticeEvent.TRIGGER, NoticeEvent.UPDATE, NoticeEvent.RESOLVE
ORDER = ["IMPACT", "WHAT", "CAUSE", "DONE", "YOU", "RISK", "SCOPE", "LINKS", "REFERENT", "ISP", "BEFORE"]
EVIL = (
    '=1+1\r\nBcc: all@example.com\n\n<script>alert(1)</script> [x](http://evil) `rm` *b* @everyone \u202e\x00{x}%s"}'
    * 90
)


def _text(
    event: NoticeEvent,
    about: Incident,
    *,
    language: str = "en",
    at_s: float = START_S + 60,
    known: Places | None = None,
    seen: Board | None = None,
    previous: tuple[Incident, ...] = (),
) -> PageText:
    shown = board() if seen is None else seen
    return compose(
        event,
        about,
        places=places() if known is None else known,
        language=language,
        base_url="https://noc.example.com",
        now_s=at_s,
        fleet=fleet_of((each.key, each.state, each.heard) for each in shown.branches.values()),
        previous=previous,
    )


def _part(body: str, heading: str) -> str:
    """The lines under one heading."""
    lines = body.splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith(f"{heading}:"))
    last = next((n for n in range(first + 1, len(lines)) if not lines[n].startswith("- ")), len(lines))
    return "\n".join(lines[first:last])


def test_the_subject_of_the_design() -> None:
    assert _text(TRIGGER, incident()).subject == (
        "[P2][ON 5G] Nantes Beaujoire - fibre Orange down - since 03:12 - power OK - no action now"
    )
    assert _text(TRIGGER, incident(), language="fr").subject == (
        "[P2][EN 5G] Nantes Beaujoire - fibre Orange coupée - depuis 03:12 - courant OK - rien à faire maintenant"
    )


def test_the_body_has_its_parts_in_order() -> None:
    body = _text(TRIGGER, incident()).body
    assert [line.partition(":")[0] for line in body.splitlines() if not line.startswith("- ")] == ORDER
    assert _part(body, "WHAT").startswith(
        "WHAT: Nantes Beaujoire: line fibre (Orange) down, since 2026-11-22 03:12:08 CET (02:12:08 UTC)"
    )
    assert "Confirmed by the agent: 500 ms silent" in _part(body, "WHAT")
    assert "Silent probe targets: a1, a2" in _part(body, "WHAT")
    assert "traffic moved from fibre to 5g (the path was silent: fibre is silent): proved" in _part(body, "DONE")
    assert "RTT 48 ms, loss 0.0 %" in _part(body, "DONE")
    assert _part(body, "YOU") == (
        "YOU: Nothing until 2026-11-23 08:00:00 CET (07:00:00 UTC).\n- Then: Open a ticket with the ISP of the line."
    )
    assert "50 GB a month (Pro 50)" in _part(body, "RISK")
    assert "the next failure isolates it" in _part(body, "RISK")
    assert "Branches: 1 of 1." in _part(body, "SCOPE")
    assert "https://noc.example.com/incident/20261122-031208-0001" in _part(body, "LINKS")
    assert "https://noc.example.com/branch/acme/nantes-1" in _part(body, "LINKS")
    assert "https://noc.example.com/runbooks/on_5g" in _part(body, "LINKS")
    assert "Anne Martin, +33 2 40 00 00 00 (back door after 18:00)" in _part(body, "REFERENT")
    assert "contract FR-4711" in _part(body, "ISP")
    assert "within 4 h of the ticket: by 07:13" in _part(body, "ISP")


def test_a_page_says_act_now_and_power_that_was_fine_before_the_silence_is_not_told_as_fine() -> None:
    text = _text(TRIGGER, page(), seen=board(BranchState.ISOLATED))
    assert text.subject == "[P1][ISOLATED] Nantes Beaujoire - since 03:12 - act now"
    assert "Deadline: now." in _part(text.body, "YOU")
    dark = _text(TRIGGER, page(), seen=board(BranchState.ISOLATED, source=PowerSource.BATTERY))
    assert "last heard on battery" in dark.subject
    assert "battery of ups 81 %, lasts 23 min, until about 03:35" in _part(dark.body, "RISK")


def test_on_battery_somebody_must_ring_before_it_ends() -> None:
    about = incident(alert_class=AlertClass.POWER_LOST, cause=Cause.POWER)
    text = _text(TRIGGER, about, seen=board(BranchState.OK, source=PowerSource.BATTERY))
    assert "Deadline: 2026-11-22 03:35:08 CET (02:35:08 UTC)." in _part(text.body, "YOU")
    assert text.subject.endswith("on battery - act now")


def test_in_working_hours_the_deadline_is_the_evening() -> None:
    monday_10h_s = START_S + 86400 + 7 * 3600
    text = _text(TRIGGER, incident(), at_s=monday_10h_s)
    assert "Deadline: 2026-11-23 18:00:00 CET" in _part(text.body, "YOU")
    assert "Nantes Beaujoire is open now, 12 people." in _part(text.body, "IMPACT")


def test_an_end() -> None:
    text = _text(RESOLVE, page(resolved_s=START_S + 600))
    assert text.subject == "[P1][RESOLVED] Nantes Beaujoire - lasted 10 min - no action"
    assert text.fields["deadline"] is None


def test_many_branches_are_counted_and_the_rest_is_cut() -> None:
    members = tuple(Member("acme", f"b{n}", "fibre", "DOWN", "Orange", START_S) for n in range(62))
    about = page(key="isp/acme/Orange", alert_class=AlertClass.CARRIER, cause=Cause.ISP, members=members)
    text = _text(TRIGGER, about)
    assert text.subject.startswith("[P1][CARRIER] Orange: 62 lines down at 62 branches")
    assert "and 54 more" in _part(text.body, "WHAT")
    assert "Branches: 62 of 63." in _part(text.body, "SCOPE")
    assert text.fields["branch_count"] == 62


def test_of_many_branches_the_isolated_ones_are_named_first_and_are_whom_to_ring() -> None:
    names = [f"b{n}" for n in range(20)]
    members = [Member("acme", name, "", "ON_5G", "", START_S) for name in names]
    members += [Member("acme", name, "fibre", "DOWN", "Orange", START_S) for name in names]
    members.append(Member("acme", "nantes-1", "", "ISOLATED", "", START_S))
    about = page(cause=Cause.POWER, confidence=0.95, members=tuple(members))
    text = _text(TRIGGER, about)
    assert text.subject.startswith("[P1][ISOLATED] 21 branches: power cut, 1 isolated: Nantes Beaujoire")
    assert _part(text.body, "IMPACT").startswith("IMPACT: Cut off, no path answers: Nantes Beaujoire.")
    assert _part(text.body, "WHAT").startswith("WHAT: Nantes Beaujoire: isolated")
    assert _part(text.body, "REFERENT").startswith("REFERENT: Nantes Beaujoire: Anne Martin")
    assert text.fields["branch"] == "nantes-1"
    assert "No ticket with the ISP" in _part(text.body, "YOU")
    over = tuple(msgspec.structs.replace(each, state="ON_5G") for each in about.members)
    assert "Nobody is cut off any more" in _text(UPDATE, msgspec.structs.replace(about, members=over)).body


def test_a_ticket_with_the_isp_is_for_what_the_isp_can_mend() -> None:
    for cause, expected in ((Cause.POWER, "when will power be back"), (Cause.FLOOD, "how high is the water")):
        proved = incident(cause=cause, confidence=0.9)
        assert expected in _part(_text(TRIGGER, proved).body, "YOU")
        assert expected in str(_text(TRIGGER, proved).fields["next_step"])
    assert _text(TRIGGER, incident(cause=Cause.FLOOD, confidence=0.9)).subject.endswith("act now")
    unsure = incident(cause=Cause.POWER, confidence=0.5)
    assert "Open a ticket" in _part(_text(TRIGGER, unsure).body, "YOU")


def test_a_test_page_is_short_and_leads_to_no_incident() -> None:
    text = _text(TRIGGER, page(alert_class=AlertClass.TEST, members=()))
    assert text.subject == "[P1][TEST] branchline's messages reach you - no action"
    assert [line.partition(":")[0] for line in text.body.splitlines()] == ["IMPACT", "YOU", "LINKS"]
    assert "/incident/" not in text.body


def test_a_mains_relay_is_no_water() -> None:
    seen = board()
    (now,) = seen.branches.values()
    sensors = {
        "mains": SensorHeard(SensorKind.MAINS, SensorState.ALARM, 1, 1),
        "cellar": SensorHeard(SensorKind.FLOOD, SensorState.ALARM, 1, 1),
    }
    heard = msgspec.structs.replace(now.heard, sensors=sensors)
    seen.show([msgspec.structs.replace(now, heard=heard)], (), START_S, hearing=True)
    risk = _part(_text(TRIGGER, incident(), seen=seen).body, "RISK")
    assert "water sensor cellar in alarm" in risk
    assert "mains" not in risk


def test_evidence_calls_branches_as_people_do() -> None:
    about = incident(evidence=(Evidence("water_sensor", START_S, {"branch": "nantes-1", "sensor": "cellar"}),))
    assert "at Nantes Beaujoire is wet" in _text(TRIGGER, about).body


def test_who_has_it_freezes_and_what_was_before() -> None:
    taken = Acknowledgement("Zoé", START_S, START_S + 3600)
    frozen = places(freeze=(Freeze(first="2026-11-20", last="2026-11-30", why="stock-taking"),))
    earlier = (incident(7, started_s=START_S - 86400, resolved_s=START_S - 85200),)
    body = _text(UPDATE, incident(acknowledgement=taken), known=frozen, previous=earlier).body
    assert "Zoé has it until 2026-11-22 04:12:08 CET" in _part(body, "YOU")
    assert "no changes by choice until 2026-11-30: stock-taking" in _part(body, "RISK")
    assert _part(body, "BEFORE") == "BEFORE: 2026-11-21 03:12 on 5G, access line, lasted 20 min"


def test_a_simulated_branch_is_marked() -> None:
    text = _text(TRIGGER, incident(), known=places(simulated=True))
    assert text.subject.startswith("[P2][ON 5G][SIMULATED] ")
    assert text.fields["simulated"] is True
    assert (
        "[SIMULATED]"
        in digest([(TRIGGER, page())], places=places(simulated=True), language="en", base_url="", now_s=START_S).subject
    )


def test_fields_for_machines() -> None:
    fields = _text(TRIGGER, incident()).fields
    assert {
        name: fields[name] for name in ("incident_id", "dedup_key", "branch", "link", "isp", "cause", "severity")
    } == {
        "incident_id": "20261122-031208-0001",
        "dedup_key": "branchline/20261122-031208-0001",
        "branch": "nantes-1",
        "link": "fibre",
        "isp": "Orange",
        "cause": "access_line",
        "severity": "work",
    }
    assert fields["started_at"] == "2026-11-22T02:12:08+00:00"
    assert fields["started_at_local"] == "2026-11-22T03:12:08+01:00"
    assert fields["deadline"] == "2026-11-23T07:00:00+00:00"
    assert json.loads(msgspec.json.encode(fields))["actions"][0]["outcome"] == "committed"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("each", list(AlertClass))
@pytest.mark.parametrize("event", list(NoticeEvent))
def test_every_class_has_words(each: AlertClass, event: NoticeEvent, language: str) -> None:
    for cause in Cause:
        text = _text(event, page(alert_class=each, cause=cause), language=language)
        untold = re.findall(r"\b(?:tag|impact|you|head|subject|cause|risk)\.[a-z]\w+", f"{text.subject} {text.body}")
        assert not untold


def test_languages_have_the_same_codes_and_the_same_words_to_fill() -> None:
    english, french = WORDS["en"], WORDS["fr"]
    assert english.keys() == french.keys()
    for code in english:
        names = [
            {name for _, name, _, _ in string.Formatter().parse(words[code]) if name} for words in (english, french)
        ]
        assert names[0] == names[1], code


def test_hostile_words_stay_words() -> None:
    listed = "".join(c for c in EVIL if c.isprintable())[:190]  # what an inventory lets through
    known = places(
        title=listed,
        referent=Referent(name=listed, phone="+33 2 40 00 00 00", note=listed),
        line=(LineEntry(name="fibre", isp=listed[:60], contract=listed[:60]),),
    )
    about = incident(
        severity=Severity.PAGE,
        members=(Member("acme", "nantes-1", "fibre", "DOWN", EVIL, START_S),),
        evidence=(Evidence("other_line_works", START_S, {"branch": EVIL, "line": EVIL, "other": EVIL}),),
        acknowledgement=Acknowledgement(EVIL, START_S, START_S),
    )
    harmless = _text(TRIGGER, incident(), known=places())
    text = _text(TRIGGER, about, known=known)
    _check(text)
    heads = [line.partition(":")[0] for line in text.body.splitlines() if not line.startswith("- ")]
    assert heads == [line.partition(":")[0] for line in harmless.body.splitlines() if not line.startswith("- ")]
    assert "://evil" not in text.body


@given(st.text(max_size=300))
def test_any_text_is_one_harmless_line(value: str) -> None:
    text = _text(TRIGGER, incident(members=(Member("acme", "nantes-1", "fibre", "DOWN", value, START_S),)))
    _check(text)
    assert plain(value).isprintable()


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_any_time_is_told(at_s: float) -> None:
    _check(_text(TRIGGER, incident(started_s=at_s, opened_s=at_s)))


def test_a_digest_of_a_thousand_is_bounded_and_its_subject_counts() -> None:
    told = [(TRIGGER, page(number)) for number in range(1000)]
    text = digest(told, places=places(), language="fr", base_url="https://noc.example.com", now_s=START_S)
    _check(text)
    assert text.subject == "[P1][RÉSUMÉ] 1000 messages en une minute, dont 1000 urgents"
    assert " de plus" in text.body


def _check(text: PageText) -> None:
    assert text.subject.isprintable()
    assert len(text.subject) <= MAX_SUBJECT_CHARS
    assert len(text.body) <= MAX_BODY_CHARS
    assert all(line.isprintable() for line in text.body.split("\n"))
    assert not set("<>`*@\\") & set(text.subject + text.body)
    assert len(msgspec.json.encode(text.fields)) < 2_000_000

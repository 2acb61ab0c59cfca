"""Both languages say the same, of every code there is; nothing from outside can break a line or a template."""

import string

import pytest

from collector.incidents.evidence import EvidenceCode, evidence
from collector.incidents.keys import anchor_key, isp_key, line_key, place_key
from collector.incidents.model import AlertClass, Cause, Entry, EntryKind, Incident, Member, Phase, Severity
from collector.inventory.model import BranchEntry, Inventory
from collector.inventory.places import Places
from collector.words import LANGUAGES
from collector.words.incident_words import (
    MAX_TITLE_CHARS,
    WORDS,
    cause_name,
    class_name,
    entry_text,
    evidence_text,
    naming,
    state_name,
    title,
)
from collector.words.speak import counted, one_line, say
from wire.messages import ActOutcome, BranchState, LinkState, PowerSource, SensorState

AT_S = 1_790_000_000.0


def _names(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


def test_languages_have_the_same_codes_and_placeholders() -> None:
    assert set(WORDS) == set(LANGUAGES)
    english = {code: _names(text) for code, text in WORDS["en"].items()}
    for language in LANGUAGES:
        assert {code: _names(text) for code, text in WORDS[language].items()} == english


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_has_words(language: str) -> None:
    wanted = {
        *(f"cause.{each}" for each in Cause),
        *(f"class.{each}" for each in AlertClass),
        *(f"evidence.{each}" for each in EvidenceCode),
        *(f"entry.{each}" for each in EntryKind),
        *(f"state.{each.name}" for each in (*BranchState, *LinkState)),
        *(f"source.{each}" for each in PowerSource),
        *(f"sensor.{each}" for each in SensorState),
        *(f"outcome.{each}" for each in ActOutcome),
    }
    assert wanted <= set(WORDS[language])


def _incident(key: str, cause: Cause, *members: Member, alert_class: AlertClass = AlertClass.ISOLATED) -> Incident:
    return Incident(
        id="20261122-031250-4f2a",
        key=key,
        tenant="acme",
        cause=cause,
        confidence=0.9,
        alert_class=alert_class,
        severity=Severity.PAGE,
        phase=Phase.OPEN,
        started_s=AT_S,
        opened_s=AT_S,
        changed_s=AT_S,
        members=members,
    )


def _branches(count: int, state: str = "ON_5G", line: str = "") -> list[Member]:
    return [Member("acme", f"b{number}", line, state, "Orange", AT_S) for number in range(count)]


PLACES = Places(
    [
        Inventory(
            "acme",
            tuple(BranchEntry(f"b{n}", title=f"Agence {n}", region=("PACA", "Occitanie")[n % 2]) for n in range(60)),
        )
    ]
)


def test_titles() -> None:
    power = place_key(Cause.POWER, "acme", "area", "Nantes nord")
    members = [*_branches(12)[:9], *_branches(12, "ISOLATED")[9:]]
    incident = _incident(power, Cause.POWER, *members)
    assert title("en", incident, PLACES) == "Power cut in Nantes nord: 12 branches, 3 isolated"
    assert title("fr", incident, PLACES) == "Coupure de courant, Nantes nord : 12 agences, 3 isolées"
    carrier = _incident(
        isp_key("acme", "Orange"), Cause.ISP, *_branches(60, "DOWN", "isp1"), *_branches(2, "DOWN", "b")
    )
    assert title("en", carrier, PLACES) == "Orange: 62 lines down at 60 branches (PACA, Occitanie)"
    line = _incident(
        line_key("acme", "b3", "isp1"),
        Cause.ACCESS_LINE,
        *_branches(4, "DOWN", "isp1")[3:],
        alert_class=AlertClass.LINE_DOWN,
    )
    assert title("en", line, PLACES) == "Agence 3: isp1 (Orange) down, access line"
    alone = _incident(place_key(Cause.UNKNOWN, "acme", "branch", "b3"), Cause.UNKNOWN, *_branches(4, "ISOLATED")[3:])
    assert title("en", alone, PLACES) == "Agence 3: isolated, cause unknown"
    anchor = _incident(anchor_key("acme", "dc-paris"), Cause.ANCHOR, *_branches(3, "ANCHOR_SILENT"))
    assert title("en", anchor, PLACES) == "Probe target dc-paris is silent: 3 branches"
    blind = _incident("pipeline", Cause.UNKNOWN, alert_class=AlertClass.PIPELINE_BLIND)
    assert title("fr", blind, PLACES) == "branchline est aveugle : il n'entend plus les agences"


@pytest.mark.parametrize("hostile", ["x" * 10_000, "a\nb\r\0c", "{cause.__class__} {0} {", "<script>", "\u202eevil"])
def test_hostile_names_stay_words(hostile: str) -> None:
    for key, cause in (
        (isp_key("acme", hostile), Cause.ISP),
        (place_key(Cause.FLOOD, "acme", "zone", hostile), Cause.FLOOD),
    ):
        text = title("en", _incident(key, cause, *_branches(3, "DOWN", "isp1")), PLACES)
        assert len(text) <= MAX_TITLE_CHARS
        assert text.isprintable()
    said = evidence_text("fr", evidence(EvidenceCode.UPS_ON_BATTERY, AT_S, branch=hostile, device=hostile))
    assert said.isprintable()
    assert len(said) < 250
    told = entry_text("en", Entry(AT_S, EntryKind.COMMENT, by=hostile, text=hostile))
    assert told.isprintable()


def test_sentences() -> None:
    relay = evidence(EvidenceCode.WATER_NO_EVIDENCE, AT_S, branch="b1", sensor="cellar", sensor_state="disconnected")
    assert evidence_text("en", relay) == (
        "But: water sensor cellar at b1 is disconnected: it says neither wet nor dry."
    )
    changed = Entry(
        AT_S,
        EntryKind.CHANGED,
        {"class": "isolated", "cause": "power", "before_class": "isolated", "before_cause": "unknown"},
    )
    assert entry_text("en", changed) == "Now isolated, power cut; was isolated, cause unknown."
    joined = Entry(AT_S, EntryKind.JOINED, {"count": "2", "names": "b1, b2"})
    assert entry_text("fr", joined) == "S'ajoute : 2 agences (b1, b2)."
    ended = Entry(AT_S, EntryKind.ACKNOWLEDGED, {"owner": "anna"})
    assert entry_text("en", ended) == "The acknowledgement of anna has ended; nobody has it."
    assert entry_text("en", Entry(AT_S, EntryKind.COMMENT, by="anna", text="Rang the\nsite.")) == "anna: Rang the site."


def test_names_of_codes() -> None:
    assert cause_name("fr", Cause.POWER) == "coupure de courant"
    assert class_name("en", AlertClass.ON_5G) == "on 5G"
    assert state_name("fr", "ISOLATED") == "isolée"
    assert say(WORDS, "de", "cause.power") == "power cut"
    assert say(WORDS, "en", "no.such") == "no.such"
    assert say(WORDS, "en", "evidence.ups_on_battery", {}) == "UPS ? at ? runs on battery."
    assert (counted(WORDS, "fr", "branches", 0), counted(WORDS, "en", "branches", 0)) == ("0 agence", "0 branches")
    assert one_line("a" * 200) == "a" * 79 + "…"


def test_class_and_cause_of_one_name_are_said_once() -> None:
    words = {"class": "carrier", "cause": "isp", "before_class": "on_5g", "before_cause": "access_line"}
    assert entry_text("en", Entry(AT_S, EntryKind.CHANGED, words)) == "Now ISP outage; was on 5G, access line."
    assert entry_text("fr", Entry(AT_S, EntryKind.CHANGED, words)) == (
        "Désormais panne de l'opérateur ; avant : en 5G, ligne d'accès."
    )
    assert entry_text("fr", Entry(AT_S, EntryKind.OPENED, words)) == "Ouvert : panne de l'opérateur."
    assert entry_text("en", Entry(AT_S, EntryKind.RELAPSED, {"relapses": "1"})) == "Back again, 1 time so far."


def test_branches_are_called_as_the_inventory_calls_them() -> None:
    called = naming(PLACES, "acme")
    relay = evidence(EvidenceCode.UPS_ON_BATTERY, AT_S, branch="b3", device="ups1")
    assert evidence_text("fr", relay, called) == "L'onduleur ups1 (Agence 3) est sur batterie."
    joined = Entry(AT_S, EntryKind.JOINED, {"count": "3", "names": "b1, nobody, …"})
    assert entry_text("en", joined, called) == "Joined: 3 branches (Agence 1, nobody, …)."
    words = {"branch": "b2", "from": "", "to": "cell", "outcome": "committed", "reason": "", "act": "m1"}
    assert entry_text("en", Entry(AT_S, EntryKind.ACT, words), called) == (
        "Agence 2: traffic moved from no path to cell: proved."
    )

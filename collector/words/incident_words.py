"""Words of incidents in each language: causes, classes, states, evidence, timelines, titles."""

from collections import Counter
from collections.abc import Callable, Mapping
from types import MappingProxyType

from collector.incidents.evidence import AGAINST
from collector.incidents.keys import place_of
from collector.incidents.model import AlertClass, Cause, Entry, EntryKind, Evidence, Incident
from collector.inventory.places import Places
from collector.words.incident_english import ENGLISH
from collector.words.incident_french import FRENCH
from collector.words.speak import counted, one_line, say

MAX_TITLE_CHARS = 100

WORDS: Mapping[str, Mapping[str, str]] = MappingProxyType({"en": ENGLISH, "fr": FRENCH})
"""Sentences by language and code."""


def cause_name(language: str, cause: Cause | str) -> str:
    """`power cut`, `coupure de courant`."""
    return say(WORDS, language, f"cause.{cause}")


def class_name(language: str, alert_class: AlertClass | str) -> str:
    """`isolated`, `isolée`."""
    return say(WORDS, language, f"class.{alert_class}")


def state_name(language: str, state: str) -> str:
    """The state of a branch, a line or a member (by name, such as ON_5G) as people read it."""
    return say(WORDS, language, f"state.{state}")


Naming = Callable[[str], str]
"""What people call a branch of the incident's tenant."""


def naming(places: Places, tenant: str) -> Naming:
    """As the inventory calls them."""
    return lambda branch: places.branch(tenant, branch).label if places.known(tenant, branch) else branch


def evidence_text(language: str, evidence: Evidence, called: Naming = str) -> str:
    """One sentence; what speaks against the cause begins with `But`."""
    text = say(WORDS, language, f"evidence.{evidence.code}", _translated(language, evidence.words, called))
    return say(WORDS, language, "against", {"text": text}) if evidence.code in AGAINST else text


def entry_text(language: str, entry: Entry, called: Naming = str) -> str:
    """One sentence. A person's own text follows it unchanged but for line breaks."""
    code = f"entry.{entry.kind}"
    if entry.kind is EntryKind.ACKNOWLEDGED and not entry.by:
        code = "entry.acknowledgement_ended"
    elif entry.kind is EntryKind.RESOLVED and entry.words.get("into"):
        code = "entry.resolved_into"
    elif entry.kind is EntryKind.DELIVERY and entry.words.get("result") == "failed":
        code = "entry.delivery_failed"
    words = _translated(language, entry.words, called)
    values = {
        **words,
        "by": entry.by,
        "branches": _counted(language, "branches", entry.words.get("count", "")),
        "times": _counted(language, "times", entry.words.get("relapses", "")),
        "what": _what(language, words.get("class", "?"), words.get("cause", "?")),
        "before": _what(language, words.get("before_class", "?"), words.get("before_cause", "?")),
    }
    text = say(WORDS, language, code, values)
    return f"{text} {one_line(entry.text, 500)}" if entry.text else text


def title(language: str, incident: Incident, places: Places) -> str:
    """What it is, where, and how many, on at most 100 characters: of what is in trouble, or was when all is well."""
    members = incident.now or incident.members
    branches = tuple(dict.fromkeys((each.tenant, each.branch) for each in members))
    lines = [each for each in members if each.line]
    isolated = sum(each.state == "ISOLATED" for each in members)
    where, name = place_of(incident.key)
    values: dict[str, object] = {
        "name": one_line(name, 40),
        "count": counted(WORDS, language, "branches", len(branches)),
        "lines": counted(WORDS, language, "lines", len(lines)),
        "cause": cause_name(language, incident.cause),
    }
    if incident.alert_class is AlertClass.PIPELINE_BLIND:
        code = "title.pipeline"
    elif where == "isp":
        code = "title.isp"
    elif where == "anchor":
        code = "title.anchor"
    elif len(branches) == 1:
        tenant, branch = branches[0]
        values["name"] = one_line(places.branch(tenant, branch).label, 40)
        values["state"] = _branch_trouble(language, incident)
        code = "title.branch_unknown" if incident.cause is Cause.UNKNOWN else "title.branch"
    else:
        code = f"title.{incident.cause}" if where in {"area", "zone"} else "title.several"
    text = say(WORDS, language, code, values)
    if isolated and len(branches) > 1:
        text += say(WORDS, language, "title.isolated", {"n": counted(WORDS, language, "isolated", isolated)})
    if where == "isp" and (regions := _regions(branches, places)):
        text += f" ({regions})"
    return one_line(text, MAX_TITLE_CHARS)


def _branch_trouble(language: str, incident: Incident) -> str:
    """What it is now, not the worst it was: a class lasts as long as its incident."""
    members = incident.now or incident.members
    own = next((each.state for each in members if not each.line), "")
    lines = [each for each in members if each.line]
    if own:
        return state_name(language, own)
    if len(lines) == 1:
        return say(WORDS, language, "line_down", {"line": lines[0].line, "isp": lines[0].isp or "?"})
    return counted(WORDS, language, "lines_down", len(lines))


def _regions(branches: tuple[tuple[str, str], ...], places: Places) -> str:
    regions = Counter(region for each in branches if (region := places.branch(*each).region))
    first = [one_line(name, 24) for name, _ in regions.most_common(3)]
    return ", ".join(first) + (", …" if len(regions) > len(first) else "")


def _counted(language: str, thing: str, count: str) -> str:
    return counted(WORDS, language, thing, int(count)) if count.isdecimal() else count


def _what(language: str, alert_class: str, cause: str) -> str:
    """Class and cause, once where they are called the same."""
    return alert_class if alert_class == cause else say(WORDS, language, "what", {"class": alert_class, "cause": cause})


def _translated(language: str, words: Mapping[str, str], called: Naming) -> dict[str, str]:
    """Words that are codes themselves, by what they are called."""
    return {name: _word(language, name, word, called) for name, word in words.items()}


def _word(language: str, name: str, word: str, called: Naming) -> str:
    if kind := _CODED.get(name):
        return say(WORDS, language, f"{kind}.{word}")
    if name in {"from", "to"} and not word:
        return say(WORDS, language, "path.none")
    if name in {"branch", "names"}:
        return ", ".join(called(each) for each in word.split(", "))
    return word


_CODED = {
    "cause": "cause",
    "before_cause": "cause",
    "class": "class",
    "before_class": "class",
    "line_state": "state",
    "source": "source",
    "sensor_state": "sensor",
    "outcome": "outcome",
    "event": "event",
}

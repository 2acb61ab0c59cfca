"""What people read when they are woken: subject, body in a fixed order, and the same for machines. Pure."""

from collections.abc import Mapping, Sequence
from urllib.parse import quote

from collector.incidents.model import AlertClass, Cause, Entry, Incident, Severity
from collector.inventory.places import Places
from collector.notify import page_sections as sections
from collector.notify.base import PageText
from collector.notify.model import NoticeEvent
from collector.notify.page_fields import fields
from collector.notify.scene import BranchName, Now, Scene
from collector.words.incident_words import cause_name, title
from collector.words.message_words import plain, say
from wire.messages import BranchState, PowerSource

MAX_SUBJECT_CHARS = 140
MAX_BODY_CHARS = 6000
MAX_LINE_CHARS = 400
PRIORITIES = {Severity.PAGE: "P1", Severity.WORK: "P2", Severity.LOG: "P3"}


def compose(
    event: NoticeEvent,
    incident: Incident,
    *,
    places: Places,
    language: str,
    base_url: str,
    now_s: float,
    fleet: Mapping[BranchName, Now] | None = None,
    entries: Sequence[Entry] = (),
    previous: Sequence[Incident] = (),
) -> PageText:
    """The message about one incident. `fleet` is the board (`scene.fleet_of`), `now_s` Unix seconds."""
    scene = Scene(
        event=event,
        incident=incident,
        places=places,
        language=language,
        base_url=base_url,
        now_s=now_s,
        fleet=fleet or {},
        entries=tuple(entries),
        previous=tuple(previous),
    )
    return PageText(subject(scene), body(scene), fields(scene))


def subject(scene: Scene) -> str:
    """`[P1][ON 5G] Nantes - fibre Orange down - since 03:12 - power OK - no action now`, at most 140 characters."""
    incident = scene.incident
    tags = [PRIORITIES[incident.severity]]
    tags.append(scene.say("tag.resolve" if scene.over else f"tag.{incident.alert_class}"))
    if scene.event is NoticeEvent.UPDATE:
        tags.append(scene.say("tag.update"))
    if scene.simulated:
        tags.append(scene.say("tag.simulated"))
    head = "".join(f"[{tag}]" for tag in tags)
    if scene.over:
        when = scene.say("subject.lasted", span=scene.span((incident.resolved_s or scene.now_s) - incident.started_s))
        action = scene.say("act.none")
    else:
        when = scene.say("subject.since", time=scene.clock(incident.started_s))
        action = scene.say(_action(scene))
    if scene.incident.alert_class is AlertClass.TEST:
        when = ""
    tail = " - ".join(word for word in (when, _power(scene), action) if word)
    room = MAX_SUBJECT_CHARS - len(head) - len(tail) - 4
    return f"{head} {plain(_where(scene), max(20, room))} - {tail}"[:MAX_SUBJECT_CHARS]


def body(scene: Scene) -> str:
    """The nine parts in their order, plain text."""
    parts = [
        ("impact", sections.impact(scene)),
        ("what", sections.what(scene)),
        ("cause", sections.cause(scene)),
        ("done", sections.done(scene)),
        ("you", sections.you(scene)),
        ("risk", sections.risk(scene)),
        ("scope", sections.scope(scene)),
        ("links", _links(scene)),
        ("referent", _referents(scene)),
        ("isp", _isps(scene)),
        ("previous", sections.previous(scene)),
    ]
    if scene.incident.alert_class is AlertClass.TEST:
        parts = [each for each in parts if each[0] in {"impact", "you", "links"}]
    text = "\n".join(
        _part(scene.say("head", heading=scene.say(f"head.{name}")), lines) for name, lines in parts if lines
    )
    return text if len(text) <= MAX_BODY_CHARS else text[: MAX_BODY_CHARS - 1] + "…"


def digest(
    told: Sequence[tuple[NoticeEvent, Incident]], *, places: Places, language: str, base_url: str, now_s: float
) -> PageText:
    """One message that stands for many: a line for each incident."""
    pages = sum(incident.severity is Severity.PAGE for _, incident in told)
    scenes = [
        Scene(event=event, incident=each, places=places, language=language, base_url=base_url, now_s=now_s, fleet={})
        for event, each in told
    ]
    lines = [f"- {subject(scene)}"[:MAX_LINE_CHARS] for scene in scenes]
    shown: list[str] = []
    size = 0
    for line in lines:
        size += len(line) + 1
        if size > MAX_BODY_CHARS - 400:
            shown.append(say(language, "what.more", count=len(lines) - len(shown)))
            break
        shown.append(line)
    mark = f"[{say(language, 'tag.simulated')}]" if any(scene.simulated for scene in scenes) else ""
    priority = PRIORITIES[Severity.PAGE if pages else Severity.WORK]
    line = say(language, "subject.digest", count=len(told), pages=pages)
    return PageText(
        f"[{priority}][{say(language, 'tag.digest')}]{mark} {line}",
        "\n".join([say(language, "digest.intro", count=len(told)), *shown, f"{base_url}/incidents"]),
        {"event": "digest", "incidents": [fields(scene) for scene in scenes]},
    )


def _action(scene: Scene) -> str:
    at_s = sections.deadline(scene)
    if at_s is None:
        return "act.none"
    return "act.later" if sections.waits(scene) else "act.now"


def _where(scene: Scene) -> str:
    """What and where: lines of one branch by name, else what the incident is called."""
    members = scene.members
    if scene.incident.alert_class is AlertClass.TEST:
        return scene.say("subject.test")
    if len(scene.branches) != 1 or scene.incident.alert_class in {AlertClass.CARRIER, AlertClass.ANCHORS}:
        text = title(scene.language, scene.incident, scene.places)
        if scene.isolated and len(scene.branches) > 1 and not scene.over:
            named = ", ".join(scene.label(each) for each in scene.isolated[:2])
            text += f": {named}" + (f" +{len(scene.isolated) - 2}" if len(scene.isolated) > 2 else "")
        return text
    words = [scene.label(scene.branches[0])]
    lines = [each for each in members if each.line and not scene.over]
    if lines:
        shown = ", ".join(scene.say("line.down", line=each.line, isp=each.isp) for each in lines[:2])
        words.append(shown + (f" +{len(lines) - 2}" if len(lines) > 2 else ""))
    if scene.incident.cause is not Cause.UNKNOWN and scene.incident.cause is not Cause.ACCESS_LINE:
        words.append(cause_name(scene.language, scene.incident.cause))
    return " - ".join(words)


def _power(scene: Scene) -> str:
    """Of a single branch; empty where no device says: unknown is not fine, nor is what was so before it fell silent."""
    now = scene.fleet.get(scene.branches[0]) if len(scene.branches) == 1 else None
    if now is None or scene.over:
        return ""
    silent = now.state in {BranchState.ISOLATED, BranchState.UNKNOWN}
    sources = {each.source for each in now.heard.power.values()}
    for source in (PowerSource.NONE, PowerSource.BATTERY):
        if source in sources:
            word = scene.say(f"power.{source}")
            return scene.say("power.last", power=word) if silent else word
    return scene.say("power.mains") if PowerSource.MAINS in sources and not silent else ""


def _links(scene: Scene) -> list[str]:
    links = []
    if scene.incident.alert_class is not AlertClass.TEST:  # there is no such incident
        links.append(f"{scene.say('links.incident')} {incident_url(scene.base_url, scene.incident.id)}")
    for branch in scene.branches[: sections.MAX_BRANCHES]:
        tenant, name = (quote(word, safe="") for word in branch)
        address = f"{scene.base_url}/branch/{tenant}/{name}"
        links.append(f"{scene.say('links.branch', branch=scene.label(branch))} {address}")
    links.append(f"{scene.say('links.runbook')} {scene.base_url}/runbooks/{scene.incident.alert_class}")
    return links


def incident_url(base_url: str, incident_id: str) -> str:
    """The page of one incident."""
    return f"{base_url}/incident/{quote(incident_id, safe='')}"


def _referents(scene: Scene) -> list[str]:
    out = []
    for branch in scene.branches[: sections.MAX_BRANCHES]:
        person = scene.places.branch(*branch).referent
        if person is None:
            out.append(f"{scene.label(branch)}: {scene.say('referent.none')}")
            continue
        note = f" ({plain(person.note, 120)})" if person.note else ""
        out.append(f"{scene.label(branch)}: {plain(person.name)}, {plain(person.phone, 40)}{note}")
    return out


def _isps(scene: Scene) -> list[str]:
    out = []
    for member in [each for each in scene.members if each.line][: sections.MAX_BRANCHES]:
        line = scene.places.line(member.tenant, member.branch, member.line)
        words = [plain(line.isp if line is not None else member.isp) or "?"]
        if line is not None:
            if line.support_phone:
                words.append(plain(line.support_phone, 40))
            if line.contract:
                words.append(scene.say("isp.contract", contract=line.contract))
            if line.gtr_h and not scene.over:
                due = scene.clock(scene.now_s + line.gtr_h * 3600)
                words.append(scene.say("isp.gtr", hours=f"{line.gtr_h:g}", time=due))
        out.append(f"{scene.label((member.tenant, member.branch))}, {plain(member.line)}: {', '.join(words)}")
    return out


def _part(heading: str, lines: Sequence[str]) -> str:
    cut = [line if len(line) <= MAX_LINE_CHARS else line[: MAX_LINE_CHARS - 1] + "…" for line in lines]
    return f"{heading} {cut[0]}" + "".join(f"\n- {line}" for line in cut[1:])

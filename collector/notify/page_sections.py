"""The parts of a message's body, each a heading and lines. Pure."""

from collector.incidents.model import AlertClass, Cause, Member
from collector.inventory.model import BranchEntry, Sim
from collector.notify.scene import BranchName, Now, Scene, lines_down_elsewhere, next_work, people_at_work
from collector.words.incident_words import WORDS as INCIDENT_WORDS
from collector.words.incident_words import cause_name, class_name, evidence_text, naming, state_name
from collector.words.message_words import plain
from collector.words.speak import say as say_incident
from wire.messages import BranchState, LinkState, PowerSource, Role, SensorKind, SensorState

MAX_MEMBERS = 8
MAX_BRANCHES = 3
MAX_EVIDENCE = 6
MAX_ACTS = 8
BEFORE_S = 120.0
_NOW = {AlertClass.PIPELINE_BLIND, AlertClass.ISOLATED, AlertClass.FAILOVER_FAILED, AlertClass.CARRIER}
_NEVER = {AlertClass.TEST}
# A proved power cut or flood is no fault of the ISP: a ticket for it is billed, and mends nothing.
_OF_ONE_CAUSE = {AlertClass.ISOLATED, AlertClass.ON_5G, AlertClass.LINE_DOWN, AlertClass.UNSTABLE}
_SITE_CAUSES = {Cause.POWER, Cause.FLOOD}
_SURE = 0.8


def impact(scene: Scene) -> list[str]:
    """1: what users feel."""
    incident = scene.incident
    if scene.over:
        ended_s = incident.resolved_s or scene.now_s
        return [scene.say("impact.resolve", span=scene.span(ended_s - incident.started_s))]
    lines = [_felt(scene)]
    if len(scene.branches) > 1:
        states = [scene.fleet[each].state for each in scene.branches if each in scene.fleet]
        counts = {
            "isolated": states.count(BranchState.ISOLATED),
            "on_5g": states.count(BranchState.ON_5G),
            "working": states.count(BranchState.OK) + states.count(BranchState.DEGRADED),
            "unknown": states.count(BranchState.UNKNOWN) + len(scene.branches) - len(states),
        }
        lines.append(scene.say("impact.counts", **counts))
    return lines + [
        scene.say("impact.open", branch=scene.label(branch), people=people)
        for branch in scene.branches[:MAX_BRANCHES]
        if (people := people_at_work(scene, branch))
    ]


def _felt(scene: Scene) -> str:
    """A class is the worst the incident was; what users feel is what is so now, where it is so."""
    if scene.incident.alert_class is not AlertClass.ISOLATED:
        return scene.say(f"impact.{scene.incident.alert_class}")
    if not scene.isolated:
        return scene.say("impact.was_isolated")
    if len(scene.branches) == 1:
        return scene.say("impact.isolated")
    names = ", ".join(scene.label(each) for each in scene.isolated[:MAX_BRANCHES])
    more = len(scene.isolated) - MAX_BRANCHES
    return scene.say("impact.some_isolated", names=names + (f" +{more}" if more > 0 else ""))


def what(scene: Scene) -> list[str]:
    """2: what is wrong, since when, confirmed how."""
    lines = [_member(scene, each) for each in scene.members[:MAX_MEMBERS]]
    if len(scene.members) > MAX_MEMBERS:
        lines.append(scene.say("what.more", count=len(scene.members) - MAX_MEMBERS))
    if not lines:
        lines.append(f"{class_name(scene.language, scene.incident.alert_class)}, {_since(scene)}")
    for each in scene.members[:MAX_BRANCHES]:
        now = scene.fleet.get((each.tenant, each.branch))
        if now is None or scene.over:
            continue
        path = now.heard.paths.get(each.line)
        if path is not None and path.reason:
            lines.append(scene.say("what.confirmed", reason=path.reason))
        if path is not None and path.silent_anchors:
            lines.append(scene.say("what.anchors", anchors=", ".join(path.silent_anchors)))
        if not each.line and now.heard.heard_s:
            heard = scene.time(now.heard.heard_s)
            lines.append(scene.say("what.heard", branch=scene.label((each.tenant, each.branch)), time=heard))
    lines.append(scene.say("what.seen", time=scene.time(scene.incident.opened_s)))
    return lines


def cause(scene: Scene) -> list[str]:
    """3: the cause, how sure, and why."""
    incident = scene.incident
    if incident.cause is Cause.UNKNOWN:
        lines = [scene.say("cause.unknown")]
    else:
        name = cause_name(scene.language, incident.cause)
        lines = [scene.say("cause.sure", cause=name, percent=round(100 * incident.confidence))]
    called = naming(scene.places, incident.tenant)
    return lines + [
        plain(evidence_text(scene.language, each, called), 240) for each in incident.evidence[:MAX_EVIDENCE]
    ]


def done(scene: Scene) -> list[str]:
    """4: what the agents did by themselves, when, and whether it was proved to work."""
    acts = [
        (act.at_ns / 1e9, branch, act)
        for branch in scene.branches
        if branch in scene.fleet
        for act in scene.fleet[branch].heard.acts
        if act.at_ns / 1e9 >= scene.incident.started_s - BEFORE_S
    ]
    acts.sort(key=lambda each: each[0])
    lines = []
    for at_s, branch, act in acts[-MAX_ACTS:]:
        words = {
            "time": f"{scene.local(at_s):%H:%M:%S}",
            "branch": scene.label(branch),
            "from": act.from_path or "-",
            "to": act.to_path or "-",
            "kind": scene.say(f"kind.{act.kind}"),
            "reason": act.reason,
            "outcome": say_incident(INCIDENT_WORDS, scene.language, f"outcome.{act.outcome}"),
        }
        lines.append(scene.say("done.act", **words))
    for branch in scene.branches[:MAX_BRANCHES]:
        now = scene.fleet.get(branch)
        path = now.heard.paths.get(now.heard.active) if now is not None else None
        if now is None or path is None or now.state in {BranchState.ISOLATED, BranchState.UNKNOWN}:
            continue
        unknown = scene.say("figure.unknown")
        rtt = unknown if path.rtt_ms is None else f"{path.rtt_ms:.0f} ms"
        loss = unknown if path.loss_pct is None else f"{path.loss_pct:.1f} %"
        label = scene.label(branch)
        lines.append(scene.say("done.now", branch=label, path=now.heard.active, rtt=rtt, loss=loss))
    return lines if acts else [scene.say("done.none"), *lines]


def deadline(scene: Scene) -> float | None:
    """Unix seconds by which somebody must have acted, or before which nobody need; None: never."""
    if scene.over or scene.incident.alert_class in _NEVER:
        return None
    if scene.incident.alert_class in _NOW or _wet(scene):
        return scene.now_s
    work_s, _ = next_work(scene)
    if (end_s := battery_end_s(scene)) is not None:  # then what is on battery is cut off
        return min(end_s, work_s)
    return work_s


def _wet(scene: Scene) -> bool:
    """Water does not wait for working hours, whoever reads this before them."""
    incident = scene.incident
    flood = incident.cause is Cause.FLOOD and incident.confidence >= _SURE
    return flood or incident.alert_class is AlertClass.WATER


def waits(scene: Scene) -> bool:
    """Whether nothing need be done before the deadline."""
    at_s = deadline(scene)
    return at_s is not None and at_s > scene.now_s and at_s == next_work(scene)[0] and not next_work(scene)[1]


def next_step(scene: Scene) -> str:
    """The one thing to do."""
    incident = scene.incident
    if scene.over:
        return scene.say("you.resolve")
    if incident.alert_class in _OF_ONE_CAUSE and incident.cause in _SITE_CAUSES and incident.confidence >= _SURE:
        isolated = "isolated_" if incident.alert_class is AlertClass.ISOLATED else ""
        return scene.say(f"you.{isolated}{incident.cause}")
    return scene.say(f"you.{incident.alert_class}")


def you(scene: Scene) -> list[str]:
    """5: what the reader must do, and by when."""
    at_s, step = deadline(scene), next_step(scene)
    if at_s is None:
        lines = [step]
    elif at_s <= scene.now_s:
        lines = [step, scene.say("you.now")]
    elif waits(scene):
        lines = [scene.say("you.until", time=scene.time(at_s)), f"{scene.say('you.then', step='')}{step}"]
    else:
        lines = [step, scene.say("you.by", time=scene.time(at_s))]
    taken = scene.incident.acknowledgement
    if taken is not None and not scene.over:
        lines.append(scene.say("you.taken", by=taken.by, time=scene.time(taken.until_s)))
    return lines


def risk(scene: Scene) -> list[str]:
    """6: what may go wrong next."""
    lines: list[str] = []
    for branch in scene.branches[:MAX_BRANCHES]:
        lines += _risk(scene, branch)
    return lines or [scene.say("risk.none")]


def scope(scene: Scene) -> list[str]:
    """7: how big it is, and whether the ISP has more."""
    total = len(scene.fleet.keys() | scene.places.all().keys() | set(scene.branches))
    lines = [scene.say("scope.one", count=len(scene.branches), total=total)]
    if count := sum(bool(each.line) for each in scene.members):
        lines.append(scene.say("scope.lines", count=count))
    return lines + [
        scene.say("scope.isp", isp=isp, others=lines_down_elsewhere(scene, isp)) for isp in _isps(scene)[:MAX_BRANCHES]
    ]


def previous(scene: Scene) -> list[str]:
    """9: earlier incidents of the first branch."""
    lines = []
    for each in scene.previous[:3]:
        words = {
            "time": f"{scene.local(each.started_s):%Y-%m-%d %H:%M}",
            "alert_class": class_name(scene.language, each.alert_class),
            "cause": cause_name(scene.language, each.cause),
        }
        if each.resolved_s is None:
            lines.append(scene.say("previous.open", **words))
        else:
            lines.append(scene.say("previous.one", **words, span=scene.span(each.resolved_s - each.started_s)))
    return lines or [scene.say("previous.none")]


def battery_end_s(scene: Scene) -> float | None:
    """When the first battery of these branches is empty, by its own word (Unix seconds); None: nobody says."""
    ends = [
        power.at_ns / 1e9 + power.runtime_s
        for branch in scene.branches
        if branch in scene.fleet
        for power in scene.fleet[branch].heard.power.values()
        if power.source is PowerSource.BATTERY and power.runtime_s is not None
    ]
    return min(ends, default=None)


def _isps(scene: Scene) -> list[str]:
    return list(dict.fromkeys(each.isp for each in scene.members if each.isp))


def _since(scene: Scene) -> str:
    return scene.say("what.since", time=scene.time(scene.incident.started_s))


def _member(scene: Scene, member: Member) -> str:
    words = {
        "branch": scene.label((member.tenant, member.branch)),
        "line": member.line,
        "isp": member.isp or "?",
        "state": state_name(scene.language, member.state),
    }
    text = scene.say("what.line" if member.line else "what.branch", **words)
    text += ", " + scene.say("what.since", time=scene.time(member.since_s))
    return text if member.until_s is None else text + ", " + scene.say("what.until", time=scene.time(member.until_s))


def _risk(scene: Scene, branch: BranchName) -> list[str]:
    now, place, label = scene.fleet.get(branch), scene.places.branch(*branch), scene.label(branch)
    lines = [] if now is None else [*_batteries(scene, label, now), *_water(scene, label, now)]
    if now is not None:
        lines += _paths(scene, label, now, place)
    today = f"{scene.local(scene.now_s):%Y-%m-%d}"
    return lines + [
        scene.say("risk.freeze", branch=label, day=freeze.last, why=freeze.why)
        for freeze in place.freeze
        if freeze.first <= today <= freeze.last
    ]


def _batteries(scene: Scene, label: str, now: Now) -> list[str]:
    lines = []
    for device, power in now.heard.power.items():
        if power.source is not PowerSource.BATTERY:
            continue
        charge = scene.say("figure.unknown") if power.charge_pct is None else f"{power.charge_pct:.0f} %"
        span = scene.span(power.runtime_s)
        text = scene.say("risk.battery", branch=label, device=device, charge=charge, span=span)
        if power.runtime_s is not None:
            text += ", " + scene.say("risk.ends", time=scene.clock(power.at_ns / 1e9 + power.runtime_s))
        lines.append(text)
    return lines


def _water(scene: Scene, label: str, now: Now) -> list[str]:
    return [
        scene.say("risk.water", branch=label, sensor=sensor)
        for sensor, reading in now.heard.sensors.items()
        if reading.state is SensorState.ALARM and reading.kind is SensorKind.FLOOD
    ]


def _paths(scene: Scene, label: str, now: Now, place: BranchEntry) -> list[str]:
    """A metered path in use, and no other path left."""
    active = now.heard.paths.get(now.heard.active)
    if active is None or now.state in {BranchState.ISOLATED, BranchState.UNKNOWN}:
        return []
    lines = []
    if active.role is Role.CELL:
        line = place.line_of(now.heard.active)
        sim = line.sim if line is not None else Sim()
        words = {"branch": label, "line": now.heard.active, "cap": f"{sim.cap_gb:g}"}
        text = scene.say("risk.cap" if sim.cap_gb else "risk.metered", **words)
        plan = plain(sim.plan)
        lines.append(f"{text} ({plan})" if plan and plan != f"{sim.cap_gb:g} GB" else text)
    if all(path.state is not LinkState.UP for name, path in now.heard.paths.items() if name != now.heard.active):
        lines.append(scene.say("risk.last", branch=label))
    return lines

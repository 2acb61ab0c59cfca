"""Judging one path by its silence (docs/design.md section 6). Pure.

Silence is the time since the newest in-time reply of any anchor. Silence is judged, not counted time-outs, so a cut
at any phase is seen within T. Vetoes may together delay DOWN to `Pace.latest_down`, never forbid it.
"""

from msgspec.structs import replace

from failover.actions import Action, AskOpinion, AskPassive, Burst, LinkChanged
from failover.profiles import SECOND_FAMILY
from failover.state import BranchMachine, PathState
from wire.messages import LinkState

OPINION_EVERY_S = 2.0
OTHERS_FRESH_S = 5.0
PASSIVE_LEAD_S = 0.040  # the second look at the counters comes this long before T, so that its answer is there at T
SUSPECT_PROBES = 3
ROUNDING_S = 1e-6  # a look at exactly the promised moment must not come out a float's breath too early

Step = tuple[BranchMachine, list[Action]]


def judge(machine: BranchMachine, name: str, now: float) -> Step:
    """Judge one path at `now`; report each change of its state."""
    path = machine.path(name)
    if path.carrier_lost_s is not None and now - path.carrier_lost_s + ROUNDING_S >= machine.plan.carrier_debounce_s:
        return _change(machine, path, LinkState.DOWN, "carrier lost", now)
    if not path.carrier:
        return machine, []
    if path.link in {LinkState.UP, LinkState.DEGRADED}:
        return _judge_working(machine, path, now)
    if path.link is LinkState.SUSPECT:
        return _judge_suspect(machine, path, now)
    if path.link is LinkState.UNKNOWN:
        return _judge_unknown(machine, path, now)
    return _judge_down(machine, path, now)


def threshold_s(machine: BranchMachine, path: PathState, now: float) -> float:
    """T of this path now."""
    return machine.pace_of(path).down_after(machine.anchors_alive(path, now))


def next_moment(machine: BranchMachine, path: PathState, now: float) -> float:
    """When `judge` should next look at this path if nothing is heard."""
    if not path.carrier:
        waiting = path.carrier_lost_s is not None and path.link is not LinkState.DOWN
        return (path.carrier_lost_s or 0.0) + machine.plan.carrier_debounce_s if waiting else now + 1.0
    t = threshold_s(machine, path, now)
    since = now - path.silence_s(now)
    cap = machine.pace_of(path).latest_down(machine.anchors_alive(path, now))
    moments = [since + t / 2, since + t - PASSIVE_LEAD_S, since + t, since + cap]
    if path.contradicted_s is not None:
        moments.append(path.contradicted_s + _turn_s(machine, path, now))
    if path.stalled_s:
        moments += [since + path.stalled_s + t / 2, since + path.stalled_s + t]
    if path.link is LinkState.DOWN and path.healing_s is not None:
        moments.append(path.healing_s + machine.plan.heal_s)
    # A path whose thresholds have all passed is looked at again each second: opinions age, stalls end.
    return min((moment for moment in moments if moment > now + ROUNDING_S), default=now + 1.0)


def _judge_working(machine: BranchMachine, path: PathState, now: float) -> Step:
    t = threshold_s(machine, path, now)
    if _silent_s(path, now) >= t / 2:
        return _suspect(machine, path, now)
    second = path.second_reply_s
    if second is None:
        return machine, []
    # A resting cellular path probes its second family as rarely as its first.
    patience = max(t, SECOND_FAMILY.down_after(machine.anchors_alive(path, now)))
    second_dead = now - max(second, path.watching_since_s) > patience
    if second_dead and path.link is LinkState.UP:
        return _change(machine, path, LinkState.DEGRADED, "one IP family is silent", now)
    if not second_dead and path.link is LinkState.DEGRADED:
        return _change(machine, path, LinkState.UP, "both IP families answer", now)
    return machine, []


def _suspect(machine: BranchMachine, path: PathState, now: float) -> Step:
    """Arm everything that helps to judge: extra probes here and on the other paths, passive counters, an opinion."""
    asked = replace(
        path,
        passive=None,
        passive_grew_s=None,
        passive_asks=1,
        opinion=None,
        opinion_s=None,
        opinion_asked_s=now,
        contradicted_s=None,
        dirty_s=now,
    )
    machine, actions = _change(machine, asked, LinkState.SUSPECT, "silent", now)
    actions += [AskPassive(path.name), AskOpinion(path.name)]
    actions += [Burst(each.name, SUSPECT_PROBES) for each in machine.paths if each.carrier]
    return machine, actions


def _judge_suspect(machine: BranchMachine, path: PathState, now: float) -> Step:
    t = threshold_s(machine, path, now)
    silence = _silent_s(path, now)
    if _heard_since_change(path):
        return _change(machine, path, LinkState.UP, "answers again", now)
    actions: list[Action] = []
    if path.passive_asks == 1 and silence >= t - PASSIVE_LEAD_S:
        path = replace(path, passive_asks=2)
        machine = machine.with_path(path)
        actions.append(AskPassive(path.name))
    if silence < t or silence - path.stalled_s < t / 2:
        return machine, actions
    cap = machine.pace_of(path).latest_down(machine.anchors_alive(path, now))
    doubt = anchors_in_doubt(machine, path, now)
    if doubt:
        path, more = _ask_others(path, now)
        machine, actions = machine.with_path(path), actions + more
    if silence < cap and (doubt or path.passive_grew_s is not None or silence - path.stalled_s < t):
        return machine, actions
    if doubt and _alive_otherwise(path, now):
        machine, more = _change(machine, path, LinkState.UNKNOWN, "anchors silent on every path", now)
    else:
        machine, more = _change(machine, path, LinkState.DOWN, "silent", now)
    return machine, actions + more


def _judge_unknown(machine: BranchMachine, path: PathState, now: float) -> Step:
    """Never heard since start, or all anchors silent everywhere: other evidence decides, for the path in use only."""
    t = threshold_s(machine, path, now)
    silence = _silent_s(path, now)
    if _heard_since_change(path):
        return _change(machine, path, LinkState.UP, "answers", now)
    if path.name != machine.active or silence <= t:
        return machine, []
    path, actions = _ask_others(path, now)
    machine = machine.with_path(path)
    patience = machine.plan.start_grace_s if path.last_reply_s is None else t
    if silence < patience or (anchors_in_doubt(machine, path, now) and _alive_otherwise(path, now)):
        return machine, actions
    reason = "answered nothing since start" if path.last_reply_s is None else "silent"
    machine, more = _change(machine, path, LinkState.DOWN, reason, now)
    return machine, actions + more


def _judge_down(machine: BranchMachine, path: PathState, now: float) -> Step:
    t = threshold_s(machine, path, now)
    if path.healing_s is None:
        return machine, []
    if path.silence_s(now) > t / 2:
        return machine.with_path(replace(path, healing_s=None)), []
    replies = sum(1 for at in path.recent if at >= path.healing_s)
    if now - path.healing_s + ROUNDING_S >= machine.plan.heal_s and replies >= SUSPECT_PROBES:
        return _change(machine, path, LinkState.UP, "answers again", now)
    return machine, []


def anchors_in_doubt(machine: BranchMachine, path: PathState, now: float) -> bool:
    """Whether the anchors may be what is dead: none was heard elsewhere since this path fell silent, or only just now.

    When all paths fell silent together, as behind a router that was held up, they come back within a probe or two of
    each other: the first to answer is no proof against the others before they had their turn.
    """
    return path.contradicted_s is None or now - path.contradicted_s + ROUNDING_S < _turn_s(machine, path, now)


def _turn_s(machine: BranchMachine, path: PathState, now: float) -> float:
    return threshold_s(machine, path, now) / 4


def _silent_s(path: PathState, now: float) -> float:
    return path.silence_s(now) + ROUNDING_S


def _heard_since_change(path: PathState) -> bool:
    return path.last_reply_s is not None and path.last_reply_s >= path.changed_s


def _ask_others(path: PathState, now: float) -> tuple[PathState, list[Action]]:
    if path.opinion_asked_s is not None and now - path.opinion_asked_s < OPINION_EVERY_S:
        return path, []
    return replace(path, opinion_asked_s=now), [AskOpinion(path.name), AskPassive(path.name)]


def _alive_otherwise(path: PathState, now: float) -> bool:
    """Whether anything but an anchor showed life: users' packets, or the ISP's resolver."""
    grew = path.passive_grew_s is not None and now - path.passive_grew_s <= OTHERS_FRESH_S
    return grew or (path.opinion is True and path.opinion_s is not None and now - path.opinion_s <= OTHERS_FRESH_S)


def _change(machine: BranchMachine, path: PathState, new: LinkState, reason: str, now: float) -> Step:
    if new is path.link:
        return machine.with_path(path), []
    silence = path.silence_s(now)
    changed = replace(path, link=new, changed_s=now, healing_s=None)
    if path.link is LinkState.DOWN:
        changed = replace(changed, dirty_s=now, tried_s=None, tries=0)
    elif new is not LinkState.UP:
        changed = replace(changed, dirty_s=now)
    return machine.with_path(changed), [LinkChanged(path.name, path.link, new, reason, silence)]

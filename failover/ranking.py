"""Which path should carry the traffic, and how long a better one must wait for it (docs/design.md section 6). Pure."""

from failover.silence import threshold_s
from failover.state import BranchMachine, PathState
from wire.messages import LinkState, Role

DAY_S = 86_400.0
REPLIES_THAT_COUNT = 3  # from a wire that was not UP: one reply may be a fluke, three in a second are not


def ranked(machine: BranchMachine) -> list[PathState]:
    """Best first: the path a person asked for, then wires by rank, then cellular paths by rank."""
    wished = machine.wish.path if machine.wish else ""
    plans = sorted(machine.plan.paths, key=lambda plan: (plan.name != wished, plan.role is Role.CELL, plan.rank))
    return [machine.path(plan.name) for plan in plans]


def answers(machine: BranchMachine, path: PathState, now: float) -> bool:
    """Whether this path can be taken at once: it answered in the last second and is not silent again."""
    within = machine.plan.answered_within_s
    answered = path.answered_s(now)
    if not path.carrier or answered is None or answered > within or path.link is LinkState.SUSPECT:
        return False
    if path.role is Role.CELL:
        return True
    if path.silence_s(now) > threshold_s(machine, path, now) / 2:
        return False
    if path.link in {LinkState.UP, LinkState.DEGRADED}:
        return True
    since = now - within if path.healing_s is None else max(now - within, path.healing_s)
    return sum(1 for at in path.recent if at >= since) >= REPLIES_THAT_COUNT


def may_try(machine: BranchMachine, path: PathState, now: float) -> bool:
    """Whether the back-off after failed attempts on this path is over, or the path came to life after the last one."""
    if path.tried_s is None or (path.healing_s is not None and path.healing_s > path.tried_s):
        return True
    if path.link is LinkState.UP and path.changed_s > path.tried_s:
        return True
    wait = min(machine.plan.backoff_cap_s, machine.plan.backoff_s * 2.0 ** max(0, path.tries - 1))
    return now - path.tried_s >= wait


def hold_left_s(machine: BranchMachine, path: PathState, now: float) -> float:
    """How long traffic must still not return to this path: it doubles with each failover from it in 24 hours.

    The last failover allowed in 24 h is `failovers_per_day`; after it the path waits until the oldest is a day old.
    """
    plan = machine.plan
    recent = [at for at in path.failovers if now - at < DAY_S]
    hold = min(plan.hold_cap_s, plan.hold_s * 2.0 ** max(0, len(recent) - 1))
    left = path.dirty_s + hold - now
    if len(recent) >= plan.failovers_per_day:
        left = max(left, recent[-plan.failovers_per_day] + DAY_S - now)
    return max(0.0, left)

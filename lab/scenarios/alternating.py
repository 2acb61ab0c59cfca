"""Wire and 5G fail in turns, an hour each: the branch must never be stuck on the dead one. On simulated time.

The machine, its holds and the actor's rules are the shipped ones; only the network and the clock are simulated.
"""

from failover.profiles import Profile
from failover.state import PathPlan, Plan
from lab.results import Order, Run
from lab.simulated_branch import Line, SimulatedBranch
from wire.messages import Role

HOURS = 12
HOUR_S = 3600.0
STUCK_S = 5.0  # a silent 5G path in use is DOWN after 2.5 s; more than twice that is stuck


def play(order: Order) -> Run:
    """One run of twelve simulated hours."""
    return alternate(order, HOURS)


def alternate(order: Order, hours: int) -> Run:
    """Run `hours` simulated hours; in even ones the wire works, in odd ones 5G does."""
    plan = Plan(
        profile=Profile(order.profile),
        paths=(PathPlan("wan1", 1, Role.WIRE, metered=False), PathPlan("cell5g", 2, Role.CELL, metered=True)),
        anchors=("site1", "site2", "site3"),
    )
    lines = {
        "wan1": Line(lambda now: now % (2 * HOUR_S) < HOUR_S),
        "cell5g": Line(lambda now: now % (2 * HOUR_S) >= HOUR_S or now < 60.0, rtt_s=0.060),
    }
    branch = SimulatedBranch(plan, lines, "wan1", seed=order.seed)
    branch.run(hours * HOUR_S)
    wrong = []
    if branch.longest_dead_s > STUCK_S:
        wrong.append(f"traffic was on a dead path for {branch.longest_dead_s:.1f} s")
    if branch.router.refusals:
        wrong.append(f"the actor had to refuse {len(branch.router.refusals)} moves: {branch.router.refusals[0]}")
    return Run(
        seed=order.seed,
        landed_on=branch.router.active,
        moves=len(branch.moves()),
        extra={
            "simulated_hours": hours,
            "longest_on_dead_path_ms": branch.longest_dead_s * 1000,
            "on_dead_path_ms": sum(branch.dead_s.values()) * 1000,
        },
        wrong=tuple(wrong),
    )

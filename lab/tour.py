"""`branchline lab` without a scenario: one silent cut, told as it happens."""

from lab import measure
from lab.cuts import silent
from lab.measure import Cut
from lab.results import Order
from lab.samples import Sample
from lab.stage import Stage
from wire.messages import Act, LinkState, StateChange

_HOUSE = """\
A branch, its carriers and headquarters, each in a network namespace of its own:

  PC -- router -- wan1 -- ISP 1 ==+
          |------ wan2 -- ISP 2 ==+== Internet -- headquarters (broker, collector, InfluxDB)
          `------ 5G ---- carrier =             `- three anchor sites, and what the PC talks to

20 ms there and back on the wires, 60 ms on 5G. The router runs the real agent and actor. Users on
the PC open a new flow every 10 ms, keep an old UDP and an old TCP flow, and look names up.
"""


def give(order: Order) -> int:
    """Show and explain one cut. 0: users had everything back, on the path that was promised."""
    print(_HOUSE, flush=True)
    with Stage(order) as stage:
        stage.steady()
        print("All three paths are up, traffic goes by wan1. Now ISP 1 drops every packet; its carrier stays.\n")
        cut = stage.cut(silent(stage.spaces, "isp1"))
        stage.watch(cut, "wan1")
        run = stage.result(cut, "wan1", wrong=stage.landing(cut, "wan1", "wan2"))
        lines = sorted([*_users(stage.samples, cut), *_agent(stage.house.events.moved, cut)])
        if run.first_event_ms is not None:
            lines = sorted([*lines, (run.first_event_ms, "headquarters: heard of it, over the new path")])
    print(f"{0.0:8.0f} ms  ISP 1 is cut")
    for at_ms, what in lines:
        print(f"{at_ms:8.0f} ms  {what}")
    print(f"\n{run.packets_lost} packets of new flows were lost, one was sent every 10 ms.")
    for sentence in run.wrong:
        print(f"WRONG: {sentence}")
    print("\nNext: ./run lab list; sudo ./run lab both-wires --runs 20")
    return 1 if run.wrong else 0


def _users(samples: list[Sample], cut: Cut) -> list[tuple[float, str]]:
    figures = measure.user_figures(samples, cut)
    told = [
        (figures.first_packet_ms, "users: the first new flow arrives over the new path"),
        (figures.first_packet6_ms, "users: the first new flow over IPv6, after a router advertisement"),
        (figures.old_udp_ms, "users: the old UDP flow goes on"),
        (figures.old_tcp_ms, "users: the old TCP flow goes on, or its successor after a reset"),
        (figures.dns_ms, "users: names are answered again"),
    ]
    return [(at_ms, what) for at_ms, what in told if at_ms is not None]


def _agent(moved: list[measure.Moved], cut: Cut) -> list[tuple[float, str]]:
    out = []
    for one in moved:
        at_ms = cut.since_ms(one.at_ns)
        if at_ms is None or at_ms < 0:
            continue
        if isinstance(one.event, StateChange) and one.event.new is LinkState.DOWN:
            out.append((at_ms, f"agent: {one.event.path} is DOWN ({one.event.reason})"))
        elif isinstance(one.event, Act):
            out.append((at_ms, f"agent: move to {one.event.to_path} {one.event.outcome.replace('_', ' ')}"))
    return out

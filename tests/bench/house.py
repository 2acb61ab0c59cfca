"""What the branch's processes cost in the lab: CPU and memory (PSS) of agent, actor and canary, at rest and unharmed.

`python -m tests.bench.house` as root prints one JSON document. Three paths, three anchors, both IP families: two wires
at the Standard pace and a resting 5G path; broker, collector and database are up. Process start is not counted.
"""

import argparse
import json
import os
import sys
import time

from lab.house import House
from lab.house_settings import HouseOptions
from lab.network import Network
from tests.bench.cost import cpu_s, pss_mib

PARTS = ("agent", "actor", "canary", "collector")
SETTLE_S = 5.0
GOAL_PSS_MIB = 56.0


def measure(seconds: float) -> dict[str, object]:
    """Run a house in peace and read what its processes used."""
    with Network(seed=1) as network:
        house = House(network, HouseOptions())
        house.start_headquarters()
        house.prepare_branch()
        house.create_database()
        house.start_agent()
        house.wait_until_steady()
        supervisor = network.supervisor
        supervisor.wait_for(lambda: False, SETTLE_S)
        pids = {}
        for name in PARTS:
            popen = supervisor.processes[name].popen
            if popen is None:
                raise RuntimeError(f"{name} does not run")
            pids[name] = popen.pid
        began, before = time.monotonic(), {name: cpu_s(pid) for name, pid in pids.items()}
        supervisor.wait_for(lambda: False, seconds)
        took = time.monotonic() - began
        parts = {
            name: {"cpu_percent": round(100 * (cpu_s(pid) - before[name]) / took, 2), "pss_mib": pss_mib(pid)}
            for name, pid in pids.items()
        }
    together = round(parts["agent"]["pss_mib"] + parts["actor"]["pss_mib"], 1)
    return {
        "bench": "house",
        "seconds": round(took, 1),
        "parts": parts,
        "agent_and_actor_pss_mib": together,
        "goal_pss_mib": GOAL_PSS_MIB,
        "load_average": os.getloadavg()[0],
    }


def main() -> int:
    """Print the document; exit code 0 when the memory goal is met."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=float, default=30.0, help="how long to watch (30)")
    document = measure(parser.parse_args().seconds)
    print(json.dumps(document))
    together = document["agent_and_actor_pss_mib"]
    return 0 if isinstance(together, float) and together <= GOAL_PSS_MIB else 1


if __name__ == "__main__":
    sys.exit(main())

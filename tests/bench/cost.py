"""What probing costs: CPU share and memory (PSS) of a process at 100 probes/s, beside fping at the same rate.

`python -m tests.bench.cost` as root prints one JSON document. The process runs the whole hot path: prober, windows,
flight recorder and link watcher. `bare_asyncio` is the memory of a Python that only runs an idle loop.
"""

import argparse
import asyncio
import contextlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from agent.flight import FlightRecorder
from agent.links import LinkWatcher
from agent.probes import Prober, Target
from agent.windows import PathLabel, Windows
from tests.bench.line import ADDRESSES, INTERFACE, line
from wire.messages import LinkState, Role

INTERVAL_S = 0.1
PROBES_PER_S = len(ADDRESSES) / INTERVAL_S
SETTLE_S = 3.0
GOAL_CPU_PERCENT = 5.0


async def probe() -> None:
    """Probe ten anchors at 10/s each until ended; closed windows go to stdout."""
    loop = asyncio.get_running_loop()
    windows = Windows(loop.time())
    targets = [Target("wire", INTERFACE, f"a{n}", 4, address) for n, address in enumerate(ADDRESSES)]
    prober = Prober(targets, windows.add, lambda late_s: None)
    flights = FlightRecorder(prober.past)
    links = LinkWatcher({"wire": INTERFACE}, lambda path, seen: None)
    prober.set_interval("wire", 4, INTERVAL_S)
    prober.start()
    links.start()
    label = PathLabel(Role.WIRE, "isp", LinkState.UP)
    while True:
        await asyncio.sleep(1.0)
        for window in windows.due(loop.time(), time.time_ns(), lambda path: label):
            print(json.dumps([window.sent, window.received]), flush=True)
        flights.due(loop.time())


def cpu_s(pid: int) -> float:
    """CPU time of all threads, from the scheduler's own count."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def pss_mib(pid: int) -> float:
    """Proportional set size."""
    for entry in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if entry.startswith("Pss:"):
            return round(int(entry.split()[1]) / 1024, 1)
    raise RuntimeError("smaps_rollup has no Pss")


def measure(commands: dict[str, list[str]], name: str, seconds: float) -> dict[str, dict[str, float]]:
    """CPU and memory of each process over the same `seconds`."""
    with contextlib.ExitStack() as stack:
        running: dict[str, subprocess.Popen[str]] = {}
        for who, command in commands.items():
            process = subprocess.Popen(
                ["ip", "netns", "exec", name, *command],
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
            running[who] = stack.enter_context(process)
            stack.callback(process.terminate)
        time.sleep(SETTLE_S)
        before = {who: cpu_s(process.pid) for who, process in running.items()}
        begin_s = time.monotonic()
        time.sleep(seconds)
        passed_s = time.monotonic() - begin_s
        return {
            who: {
                "cpu_percent": round((cpu_s(process.pid) - before[who]) / passed_s * 100, 2),
                "pss_mib": pss_mib(process.pid),
            }
            for who, process in running.items()
        }


def main() -> None:
    parser = argparse.ArgumentParser(description="CPU and memory of probing, as JSON")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        asyncio.run(probe())
        return
    python = sys.executable
    commands = {
        "branchline": [python, "-m", __spec__.name, "--child"],
        "fping": ["fping", "-l", "-q", "-p", str(round(INTERVAL_S * 1e3)), "-i", "1", *ADDRESSES],
        "bare_asyncio": [python, "-c", "import asyncio; asyncio.run(asyncio.sleep(3600))"],
    }
    with line(0.020) as name:
        costs = measure(commands, name, arguments.seconds)
    for cost in (costs["branchline"], costs["fping"]):
        cost["us_per_probe"] = round(cost["cpu_percent"] / 100 / PROBES_PER_S * 1e6)
    met = costs["branchline"]["cpu_percent"] <= GOAL_CPU_PERCENT
    goals = {"cpu_percent": {"goal": GOAL_CPU_PERCENT, "is": costs["branchline"]["cpu_percent"]}}
    load = os.getloadavg()[0]
    print(
        json.dumps(
            {"bench": "cost", "probes_per_s": PROBES_PER_S, "goals": goals, "met": met, "load_1min": load} | costs
        )
    )


if __name__ == "__main__":
    main()

"""`branchline lab`: cut real wires in network namespaces and measure what users notice.

Exit codes: 0 every run kept its promises; 1 one did not, or the lab cannot run here; 2 wrong usage.
"""

import argparse
import concurrent.futures
import json
import multiprocessing
import os
import random
import shutil
import signal
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace

from lab import scenarios, tour
from lab.namespaces import LabError
from lab.results import Order, Run, document, table

# program -> Debian package
PROGRAMS = {
    "ip": "iproute2",
    "nft": "nftables",
    "dnsmasq": "dnsmasq-base",
    "mosquitto": "mosquitto",
    "influxd": "influxdb",
    "openssl": "openssl",
    "setpriv": "util-linux",
}
_EPILOG = """\
examples:
  branchline lab                            a short tour: one cut, explained
  branchline lab list                       the scenarios
  branchline lab both-wires --runs 20 --json > both-wires.json
  branchline lab quiet --minutes 120

exit codes: 0 every run kept its promises, 1 one did not or the lab cannot
run here, 2 wrong usage"""


def main(argv: list[str]) -> int:
    """Run a scenario, or the tour."""
    options = _parser().parse_args(argv)
    if options.scenario == "list":
        for name, (_, what) in scenarios.SCENARIOS.items():
            print(f"  {name:15} {what}")
        return 0
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # the namespaces go then, too
    if why := _missing():
        print(f"branchline lab: {why}", file=sys.stderr)
        return 1
    try:
        return _play(options)
    except LabError as error:
        print(f"branchline lab: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("branchline lab: stopped; its namespaces are removed", file=sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="branchline lab",
        description="The real agent, actor and collector in network namespaces;\nwires are cut for real. Needs root.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    names = ("list", *scenarios.SCENARIOS)
    parser.add_argument("scenario", nargs="?", choices=names, metavar="SCENARIO", help="see: branchline lab list")
    parser.add_argument("--runs", type=_at_least_one, default=1, help="fresh namespaces and state each time (1)")
    parser.add_argument("--profile", choices=("standard", "fast"), default="standard", help="of the agent (standard)")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--seed", type=int, help="of the random moments; run k uses seed + k (from the system)")
    parser.add_argument("--keep", action="store_true", help="keep each run's settings, logs and records")
    parser.add_argument("--jobs", type=_at_least_one, default=1, help="runs at the same time (1)")
    parser.add_argument("--minutes", type=_minutes, default=120.0, help="quiet: how long (120)")
    parser.add_argument("--kills", type=_at_least_one, default=20, help="kills: how many (20)")
    return parser


def _at_least_one(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of 1 or more")
    return int(text)


def _minutes(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return value


def _missing() -> str | None:
    """Why the lab cannot run here, in one sentence."""
    if os.geteuid() != 0:
        return "needs root to make network namespaces; run it with sudo"
    path = os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin"
    os.environ["PATH"] = path
    for program, package in PROGRAMS.items():
        if shutil.which(program, path=path) is None:
            return f"the program {program} is missing; install it with: apt install {package}"
    if not os.path.exists("/dev/net/tun"):  # noqa: PTH110  one look
        return "/dev/net/tun is missing; load the kernel module tun"
    return None


def _play(options: argparse.Namespace) -> int:
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1_000_000)
    if options.scenario is None:
        return tour.give(Order("silent-cut", options.profile, seed, options.keep))
    order = Order(options.scenario, options.profile, seed, options.keep, options.minutes, options.kills)
    orders = [replace(order, seed=seed + number) for number in range(options.runs)]
    runs = []
    for number, run in enumerate(_all(orders, options.jobs), 1):
        runs.append(run)
        print(_progress(number, len(orders), run), file=sys.stderr, flush=True)
    print(json.dumps(document(order, runs)) if options.json else table(order, runs))
    return 1 if any(run.wrong for run in runs) else 0


def _all(orders: Sequence[Order], jobs: int) -> Iterator[Run]:
    if jobs == 1:
        yield from map(_one, orders)
        return
    with concurrent.futures.ProcessPoolExecutor(jobs) as pool:
        try:
            yield from pool.map(_one, orders)
        except BaseException:
            # Leaving the pool waits for its runs; the end of this command is the end of theirs.
            pool.shutdown(wait=False, cancel_futures=True)
            for worker in multiprocessing.active_children():
                worker.terminate()
            raise


def _one(order: Order) -> Run:
    return scenarios.load(order.scenario)(order)


def _progress(number: int, total: int, run: Run) -> str:
    first = "never" if run.first_packet_ms is None else f"{run.first_packet_ms:.0f} ms"
    text = f"run {number} of {total}, seed {run.seed}: first packet after {first}, on {run.landed_on or 'no new path'}"
    return text + ("; WRONG: " + "; ".join(run.wrong) if run.wrong else "") + (f"; {run.folder}" if run.folder else "")

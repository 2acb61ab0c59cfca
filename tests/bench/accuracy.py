"""RTT error against a capture on the same interface, idle and with the loop blocked 30 ms in every 100 ms.

`python -m tests.bench.accuracy` as root prints one JSON document. Errors are microseconds, reported minus captured.
ping and fping run beside the prober; they print 0.1 ms at 20 ms, so they are also compared on a line without delay,
where they print 0.001 ms. `user_space` is what the same replies would have been timed at without kernel stamps.
"""

import argparse
import asyncio
import json
import os
import re
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from agent.probes import Outcome, Prober, Result, Target
from tests.bench.line import ADDRESSES, INTERFACE, line, quantiles, started

INTERVAL_S = 0.037  # no divisor of the stall's 100 ms
BLOCK_EVERY_S = 0.1
BLOCK_S = 0.03
GOAL_IDLE_P95_US = 15
GOAL_STALLED_P99_US = 100

# ICMP length on the wire tells whose probe it is.
OURS, PING, FPING = 16, 48, 40
PING_BYTES, FPING_BYTES = PING - 8, FPING - 8
# How a peer prints an answer: number and ms; the first number; its ICMP length.
PEERS = {
    "ping": (r"icmp_seq=([0-9]+) .*time=([0-9.]+) ms", 1, PING),
    "fping": (r"\[([0-9]+)\], .*bytes, ([0-9.]+) ms", 0, FPING),
}


Pair = tuple[float | None, float | None]


async def probe(count: int, *, blocked: bool) -> list[Pair]:
    """Reported and user-space RTT in ms of each probe in order of sending; None where there is none."""
    told: dict[float, Pair] = {}

    def take(result: Result) -> None:
        if result.kind is Outcome.REPLY:
            told[result.sent_mono_s] = (result.rtt_ms, (time.monotonic() - result.sent_mono_s) * 1e3)
        elif result.kind is Outcome.LOST:
            told[result.sent_mono_s] = (None, None)

    async def block() -> None:
        while True:
            end_s = time.monotonic() + BLOCK_S
            while time.monotonic() < end_s:
                pass
            await asyncio.sleep(BLOCK_EVERY_S - BLOCK_S)

    prober = Prober([Target("wire", INTERFACE, "a", 4, ADDRESSES[0])], take, lambda late_s: None)
    prober.set_interval("wire", 4, INTERVAL_S)
    prober.start()
    blocker = asyncio.create_task(block(), name="block") if blocked else None
    async with asyncio.timeout(count * 1.0 + 10):
        while len(told) < count:  # noqa: ASYNC110 - results come by callback
            await asyncio.sleep(0.1)
    if blocker is not None:
        blocker.cancel()
    prober.close()
    return [told[sent_s] for sent_s in sorted(told)][:count]


def captured_ms(pcap: bytes, icmp_length: int) -> list[float | None]:
    """RTT in ms of each request of this length, in order of sending, from a capture with nanoseconds and raw IP."""
    asked: dict[bytes, int] = {}
    answered: dict[bytes, int] = {}
    position = 24
    if pcap[:4] != b"\x4d\x3c\xb2\xa1":
        raise RuntimeError("tcpdump wrote no little-endian capture with nanoseconds")
    while position + 16 <= len(pcap):
        seconds, nanoseconds, length, _ = struct.unpack_from("<4I", pcap, position)
        packet = pcap[position + 16 : position + 16 + length]
        position += 16 + length
        body = packet[20:]
        if len(packet) < 28 or packet[9] != 1 or len(body) != icmp_length:
            continue
        stamps = {8: asked, 0: answered}.get(body[0])
        if stamps is not None:
            stamps.setdefault(body[4:8], seconds * 1_000_000_000 + nanoseconds)
    return [(answered[key] - sent_ns) / 1e6 if key in answered else None for key, sent_ns in asked.items()]


def measure(delay_s: float, count: int, *, blocked: bool) -> dict[str, object]:
    """One run with all peers at once."""
    with line(delay_s) as name, tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "wire.pcap"
        tcpdump = [
            "tcpdump",
            "-i",
            INTERFACE,
            "-w",
            str(file),
            "-U",
            "--immediate-mode",
            "-Z",
            "root",
            "-s",
            "96",
            "--time-stamp-precision=nano",
            "icmp",
        ]
        with started(name, tcpdump) as capture:
            if capture.stderr is None or "listening" not in capture.stderr.readline():
                raise RuntimeError("tcpdump did not start")
            interval_ms = str(round(INTERVAL_S * 1e3))
            inside = ["ip", "netns", "exec", name]
            peers = {
                "ping": ["ping", "-n", "-c", str(count), "-i", str(INTERVAL_S), "-s", str(PING_BYTES), ADDRESSES[1]],
                "fping": ["fping", "-c", str(count), "-p", interval_ms, "-b", str(FPING_BYTES), ADDRESSES[2]],
            }
            running = {
                peer: subprocess.Popen(
                    [*inside, *command], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
                )
                for peer, command in peers.items()
            }
            child = [sys.executable, "-m", __spec__.name, "--child", "blocked" if blocked else "idle"]
            ours = subprocess.run(
                [*inside, *child, "--probes", str(count)],
                stdout=subprocess.PIPE,
                text=True,
                check=True,
            )
            printed = {peer: process.communicate()[0] for peer, process in running.items()}
            time.sleep(1.2)  # the kernel hands tcpdump its packets a second late, and so does not wake it for each
            capture.terminate()
            capture.wait(10)
        pcap = file.read_bytes()
    told: list[Pair] = json.loads(ours.stdout)
    truth = captured_ms(pcap, OURS)
    errors = {
        "branchline": errors_us({place: rtt for place, (rtt, _) in enumerate(told)}, truth),
        "user_space": errors_us({place: rtt for place, (_, rtt) in enumerate(told)}, truth),
    }
    for peer, (pattern, first, length) in PEERS.items():
        rtts = {int(place) - first: float(rtt) for place, rtt in re.findall(pattern, printed[peer])}
        errors[peer] = errors_us(rtts, captured_ms(pcap, length))
    return {
        "wire_rtt_ms": quantiles([each for each in truth if each is not None])["median"],
        "probes": len(told),
        "without_rtt": sum(rtt is None for rtt, _ in told),
        "error_us": {
            who: {"signed_median": quantiles(each)["median"], "absolute": quantiles([abs(one) for one in each])}
            for who, each in errors.items()
            if each
        },
    }


def errors_us(reported_ms: Mapping[int, float | None], truth_ms: list[float | None]) -> list[float]:
    """Reported minus captured, for each request that has both; keys count the requests from 0."""
    return [
        (rtt - real) * 1e3
        for place, rtt in reported_ms.items()
        if rtt is not None and place < len(truth_ms) and (real := truth_ms[place]) is not None
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description="RTT error against a capture, as JSON")
    parser.add_argument("--probes", type=int, default=300)
    parser.add_argument("--child", choices=["idle", "blocked"], help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        print(json.dumps(asyncio.run(probe(arguments.probes, blocked=arguments.child == "blocked"))))
        return
    idle = measure(0.020, arguments.probes, blocked=False)
    stalled = measure(0.020, arguments.probes, blocked=True)
    short = measure(0.0, arguments.probes, blocked=False)

    def ours(run: dict[str, object], quantile: str) -> float:
        errors = run["error_us"]
        return float(errors["branchline"]["absolute"][quantile]) if isinstance(errors, dict) else float("nan")

    goals = {
        "idle_p95_us": {"goal": GOAL_IDLE_P95_US, "is": ours(idle, "p95")},
        "stalled_p99_us": {"goal": GOAL_STALLED_P99_US, "is": ours(stalled, "p99")},
    }
    met = all(each["is"] <= each["goal"] for each in goals.values())
    print(
        json.dumps(
            {
                "bench": "accuracy",
                "goals": goals,
                "met": met,
                "load_1min": os.getloadavg()[0],
                "idle": idle,
                "stalled": stalled,
                "short": short,
            }
        )
    )


if __name__ == "__main__":
    main()

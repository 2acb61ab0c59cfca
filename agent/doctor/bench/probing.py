"""ICMP probing of loopback at 100 probes a second, by the agent's own prober."""

import asyncio
import errno
import time

from agent.doctor.bench.quantiles import quantiles
from agent.probes import Outcome, Prober, Result, Target
from agent.probes.channel import Channel

ANCHORS, INTERVAL_S = 10, 0.1
LATENESS_EVERY_S = 0.02
_SETTLE_S = 0.5


async def measure(seconds: float) -> dict[str, object]:
    """CPU of this process in percent of one core, how late the loop woke, and round trips over loopback."""
    if (why := _forbidden()) is not None:
        return {"error": why}
    results: list[Result] = []
    late_ms: list[float] = []
    targets = [Target("loopback", "lo", f"a{number}", 4, f"127.0.0.{number}") for number in range(1, ANCHORS + 1)]
    prober = Prober(targets, results.append, lambda _late_s: None)
    prober.set_interval("loopback", 4, INTERVAL_S)
    prober.start()
    try:
        await asyncio.sleep(_SETTLE_S)
        results.clear()
        cpu_s, began_s = time.process_time(), time.monotonic()
        await _watch(began_s + seconds, late_ms)
        cpu_s, took_s = time.process_time() - cpu_s, time.monotonic() - began_s
    finally:
        prober.close()
    rtts_ms = [result.rtt_ms for result in results if result.kind is Outcome.REPLY and result.rtt_ms is not None]
    return {
        "probes_per_s": round(len(results) / took_s, 1),
        "cpu_percent_of_core": round(100 * cpu_s / took_s, 2),
        "loop_late_ms": quantiles(late_ms),
        "loopback_rtt_ms": quantiles(rtts_ms, 4),
        "unanswered": sum(result.kind is Outcome.LOST for result in results),
    }


async def _watch(until_s: float, late_ms: list[float]) -> None:
    loop = asyncio.get_running_loop()
    while (when_s := loop.time() + LATENESS_EVERY_S) < until_s:
        woken: asyncio.Future[float] = loop.create_future()
        loop.call_at(when_s, _wake, loop, woken)
        late_ms.append((await woken - when_s) * 1000)


def _wake(loop: asyncio.AbstractEventLoop, woken: asyncio.Future[float]) -> None:
    woken.set_result(loop.time())


def _forbidden() -> str | None:
    try:
        Channel("lo", 4).close()
    except OSError as error:
        if error.errno in {errno.EACCES, errno.EPERM}:
            return "this user may not open ICMP sockets: see `ping socket` of branchline doctor"
        return f"loopback cannot be probed ({error.strerror})"
    return None

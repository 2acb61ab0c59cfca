"""The prober on real sockets, over lines whose far end answers as the test says."""

import asyncio
import contextlib
import itertools
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from agent.probes import Outcome, Prober, Result, Target
from tests.integration.agent.namespace import inside, ip, namespace, run_inside, sysctl, until
from tests.integration.agent.reflector import Answers, Echo, Policy, Reflector, after, silent
from tests.needs import needs_program, needs_root

pytestmark = [needs_root, needs_program("ip")]

A, B, C = (Target("wire", "wan0", name, 4, f"192.0.2.{n}") for n, name in enumerate("abc", start=11))
A6 = Target("wire", "wan0", "a", 6, "2001:db8::11")


@dataclass
class Seen:
    results: list[Result] = field(default_factory=list)
    stalls_s: list[float] = field(default_factory=list)

    def of(self, kind: Outcome, anchor: str | None = None) -> list[Result]:
        return [each for each in self.results if each.kind is kind and anchor in (None, each.anchor)]

    def count(self, kind: Outcome, at_least: int = 1, anchor: str | None = None) -> Callable[[], bool]:
        return lambda: len(self.of(kind, anchor)) >= at_least


@contextlib.contextmanager
def line(policy: Policy) -> Iterator[tuple[str, Reflector]]:
    """A namespace with line wan0, IPv4 and IPv6, answered by `policy`."""
    with namespace() as name, contextlib.ExitStack() as stack:
        with inside(name):
            reflector = stack.enter_context(Reflector("wan0", policy))
        sysctl(name, "net.ipv6.conf.wan0.accept_dad", "0")
        ip("-n", name, "addr", "add", "192.0.2.1/24", "dev", "wan0")
        ip("-n", name, "addr", "add", "2001:db8::1/64", "dev", "wan0", "nodad")
        ip("-n", name, "link", "set", "wan0", "up")
        yield name, reflector


@contextlib.contextmanager
def probing(*targets: Target, interval_s: float = 0.1) -> Iterator[tuple[Prober, Seen]]:
    seen = Seen()
    prober = Prober(targets, seen.results.append, seen.stalls_s.append)
    for target in targets:
        prober.set_interval(target.path, target.family, interval_s)
    prober.start()
    try:
        yield prober, seen
    finally:
        prober.close()


def test_both_families_are_answered_with_the_round_trip_of_the_line() -> None:
    async def main() -> Seen:
        with probing(A, B, A6) as (_, seen):
            await until(lambda: all(seen.count(Outcome.REPLY, 10, name)() for name in "ab"))
            await until(lambda: sum(each.family == 6 for each in seen.results) >= 10)
        return seen

    with line(after(0.020)) as (name, _):
        seen = run_inside(name, main)
    assert {each.kind for each in seen.results} == {Outcome.REPLY}
    timed_ms = [each.rtt_ms for each in seen.results if each.rtt_ms is not None]
    assert len(timed_ms) >= len(seen.results) - 2  # the kernel may not stamp yet when the first one arrives
    assert min(timed_ms) >= 20
    assert sorted(timed_ms)[len(timed_ms) // 2] < 25
    for each in seen.results:
        assert each.rtt_ms is None or each.at_mono_s - each.sent_mono_s == pytest.approx(each.rtt_ms / 1e3, abs=0.002)


def test_the_anchors_of_a_path_are_staggered() -> None:
    async def main() -> Seen:
        with probing(A, B, C, interval_s=0.3) as (_, seen):
            await until(seen.count(Outcome.REPLY, 12))
        return seen

    with line(after(0.001)) as (name, _):
        seen = run_inside(name, main)
    sent_s = sorted(each.sent_mono_s for each in seen.results)
    gaps_s = sorted(later - earlier for earlier, later in itertools.pairwise(sent_s))
    assert gaps_s[len(gaps_s) // 2] == pytest.approx(0.1, abs=0.01)


def test_a_stall_of_the_loop_loses_no_reply_and_no_accuracy() -> None:
    async def main() -> tuple[Seen, float]:
        with probing(A, B, C, interval_s=0.1) as (prober, seen):
            told_before: list[int] = []

            def stalled(late_s: float) -> None:
                seen.stalls_s.append(late_s)
                told_before.append(len(seen.results))

            prober._on_stall = stalled
            await until(seen.count(Outcome.REPLY, 9))
            before = len(seen.results)
            prober.burst("wire", 3)
            time.sleep(0.3)  # noqa: ASYNC251 - the stall under test
            awake_s = time.monotonic()
            await until(lambda: bool(seen.stalls_s))
            assert told_before[0] >= before + 3  # the replies that waited were told before the stall
            await until(seen.count(Outcome.REPLY, len(seen.of(Outcome.REPLY)) + 9))
            await asyncio.sleep(2.2)
        return seen, awake_s

    with line(after(0.020)) as (name, _):
        seen, awake_s = run_inside(name, main)
    assert not seen.of(Outcome.LOST)
    assert not seen.of(Outcome.LATE)
    assert len(seen.stalls_s) == 1 or max(seen.stalls_s[1:]) < 0.2
    assert 0.2 < seen.stalls_s[0] < 0.35
    timed_ms = [each.rtt_ms for each in seen.of(Outcome.REPLY)[3:] if each.rtt_ms is not None]
    assert 20 <= min(timed_ms) <= max(timed_ms) < 150  # the far end may be late, the stall is 300
    during = [each for each in seen.results if awake_s - 0.33 < each.sent_mono_s < awake_s]
    assert during
    assert all(each.at_mono_s < each.sent_mono_s + 0.150 for each in during)  # as they came, not as they were read
    missed = [each for each in seen.results if awake_s <= each.sent_mono_s < awake_s + 0.1]
    assert len(missed) <= 4  # three a tenth of a second: no burst


def test_silence_is_lost_after_two_seconds_and_an_answer_after_that_is_late() -> None:
    async def main() -> Seen:
        with probing(A, interval_s=10) as (_, seen):
            await until(seen.count(Outcome.LATE), 6)
        return seen

    with line(after(2.3)) as (name, _):
        seen = run_inside(name, main)
    lost, late = seen.results
    assert (lost.kind, late.kind) == (Outcome.LOST, Outcome.LATE)
    assert lost.at_mono_s == pytest.approx(lost.sent_mono_s + 2.0)
    assert late.sent_mono_s == pytest.approx(lost.sent_mono_s, abs=0.001)
    assert late.rtt_ms == pytest.approx(2300, abs=100)


def test_a_reply_within_the_deadline_read_after_it_counts() -> None:
    async def main() -> Seen:
        with probing(A, interval_s=10) as (_, seen):
            await asyncio.sleep(1.05)  # past the random start
            time.sleep(2.5)  # noqa: ASYNC251 - the stall under test
            await until(lambda: bool(seen.results))
            await asyncio.sleep(0.1)
        return seen

    with line(after(1.8)) as (name, _):
        seen = run_inside(name, main)
    assert [each.kind for each in seen.results] == [Outcome.REPLY]
    assert seen.results[0].rtt_ms is None or seen.results[0].rtt_ms == pytest.approx(1800, abs=50)


def test_doubled_foreign_and_forged_replies_are_told_apart() -> None:
    def policy(request: Echo) -> Answers:
        honest = request.reply()
        yield 0.0, replace(honest, payload=bytes(8)).packet()  # another process's token
        yield 0.0, replace(honest, source=bytes((192, 0, 2, 99))).packet()  # a stranger's address
        yield 0.0, replace(honest, seq=(honest.seq + 5000) % 65536).packet()  # no probe of ours
        yield 0.0, replace(honest, payload=honest.payload[:3]).packet()  # cut short
        yield 0.010, honest.packet()
        yield 0.020, honest.packet()

    async def main() -> tuple[Seen, int]:
        with probing(A) as (prober, seen):
            await until(seen.count(Outcome.DUPLICATE, 5))
            return seen, prober.foreign()

    with line(policy) as (name, _):
        seen, foreign = run_inside(name, main)
    assert {each.kind for each in seen.results} == {Outcome.REPLY, Outcome.DUPLICATE}
    assert all(each.rtt_ms is None or each.rtt_ms > 9 for each in seen.results)
    assert foreign >= 4 * 5


@pytest.mark.parametrize("quote", [28, 36])
def test_a_router_s_error_is_told_and_the_probe_is_still_lost(quote: int) -> None:
    def policy(request: Echo) -> Answers:
        forged = replace(request, whole=request.whole[:28] + bytes(8))
        yield 0.001, forged.refusal(3, 0, "198.51.100.9", 36)
        yield 0.001, request.refusal(3, 13, "198.51.100.7", quote)

    async def main() -> tuple[Seen, float]:
        with probing(A, B, interval_s=0.2) as (_, seen):
            await until(seen.count(Outcome.LOST, 5))
            cpu_s = time.process_time()
            await asyncio.sleep(0.5)
            return seen, time.process_time() - cpu_s

    with line(policy) as (name, _):
        seen, cpu_s = run_inside(name, main)
    errors = seen.of(Outcome.ICMP_ERROR)
    assert {each.detail for each in errors} == {"administratively prohibited, says 198.51.100.7"}
    assert {each.kind for each in seen.results} == {Outcome.ICMP_ERROR, Outcome.LOST}  # never a false local error
    assert cpu_s < 0.2  # the socket's pending error does not spin the loop


def test_ipv6_errors_are_told() -> None:
    async def main() -> Seen:
        with probing(A6, interval_s=0.2) as (_, seen):
            await until(seen.count(Outcome.ICMP_ERROR, 3))
        return seen

    with line(lambda request: [(0.001, request.refusal(1, 0, "2001:db8:9::1", 56))]) as (name, _):
        seen = run_inside(name, main)
    assert seen.of(Outcome.ICMP_ERROR)[0].detail == "no route, says 2001:db8:9::1"


def test_what_this_machine_cannot_send_says_why() -> None:
    missing = Target("gone", "nope0", "a", 4, "192.0.2.11")
    unrouted = Target("wire", "wan0", "far", 6, "2001:db9::1")

    async def main() -> Seen:
        with probing(A, missing, unrouted) as (_, seen):
            await until(
                lambda: (
                    {each.detail for each in seen.of(Outcome.LOCAL_ERROR)}
                    >= {
                        "the interface does not exist",
                        "no route over this interface",
                    }
                )
            )
            await until(seen.count(Outcome.REPLY))
            ip("-n", name, "link", "set", "wan0", "down")
            count = len(seen.results)
            await until(
                lambda: any(
                    each.kind is Outcome.LOCAL_ERROR and each.anchor == "a" and each.path == "wire"
                    for each in seen.results[count:]
                )
            )
            ip("-n", name, "link", "set", "wan0", "up")
            count = len(seen.results)
            await until(lambda: any(each.kind is Outcome.REPLY for each in seen.results[count:]))
        return seen

    with line(after(0.001)) as (name, _):
        run_inside(name, main)


def test_no_right_to_probe_says_which_sysctl() -> None:
    async def main() -> Seen:
        with probing(A) as (_, seen):
            await until(seen.count(Outcome.LOCAL_ERROR))
            assert "net.ipv4.ping_group_range" in seen.results[0].detail
            sysctl(name, "net.ipv4.ping_group_range", "0 2147483647")
            await until(seen.count(Outcome.REPLY))  # heals by itself
        return seen

    with line(after(0.001)) as (name, _):
        sysctl(name, "net.ipv4.ping_group_range", "1 0")
        run_inside(name, main)


def test_a_new_device_of_the_same_name_is_found_and_reopen_makes_it_certain() -> None:
    async def main() -> None:
        with probing(A, interval_s=0.05) as (prober, seen):
            for reopened in (False, True):
                await until(seen.count(Outcome.REPLY, len(seen.of(Outcome.REPLY)) + 3))
                await asyncio.to_thread(swap)
                if reopened:
                    prober.reopen("wire")
                await until(seen.count(Outcome.REPLY, len(seen.of(Outcome.REPLY)) + 3))

    def swap() -> None:
        ip("-n", name, "link", "del", "wan0")
        veth()

    def veth() -> None:
        ip("-n", name, "link", "add", "wan0", "type", "veth", "peer", "name", "wan0", "netns", far)
        ip("-n", far, "addr", "add", "192.0.2.11/24", "dev", "wan0")
        ip("-n", far, "link", "set", "wan0", "up")
        ip("-n", name, "addr", "add", "192.0.2.1/24", "dev", "wan0")
        ip("-n", name, "link", "set", "wan0", "up")

    with namespace() as name, namespace() as far:
        veth()
        run_inside(name, main)


def test_speeding_up_sends_at_once_and_a_burst_goes_round_the_anchors() -> None:
    async def main() -> None:
        with probing(A, B, C, interval_s=90) as (prober, seen):
            await until(seen.count(Outcome.REPLY))
            await asyncio.sleep(0.3)
            assert len(seen.results) == 1
            prober.burst("wire", 6)
            await until(seen.count(Outcome.REPLY, 7), 0.5)
            assert [len(seen.of(Outcome.REPLY, name)) for name in "abc"] in ([3, 2, 2], [2, 3, 2], [2, 2, 3])
            asked_s = time.monotonic()
            prober.set_interval("wire", 4, 0.1)
            await until(seen.count(Outcome.REPLY, 10), 0.5)
            assert seen.results[7].sent_mono_s < asked_s + 0.01

    with line(after(0.001)) as (name, _):
        run_inside(name, main)


def test_retarget_keeps_what_did_not_change() -> None:
    async def main() -> None:
        with probing(A, B, interval_s=0.1) as (prober, seen):
            await until(seen.count(Outcome.REPLY, 10))
            descriptor = prober._lines["wire", 4]._channel
            with pytest.raises(ValueError, match="two IPv4 targets share"):
                prober.retarget([A, replace(B, address=A.address)])
            prober.retarget([A, C])
            count = len(seen.results)
            await until(lambda: {each.anchor for each in seen.results[count + 1 :]} == {"a", "c"})
            await until(lambda: len(seen.results) > count + 12)
            assert prober._lines["wire", 4]._channel is descriptor
            assert "b" not in {each.anchor for each in seen.results[count + 1 :]}
            sent_s = [each.sent_mono_s for each in seen.of(Outcome.REPLY, "a")]
            assert max(later - earlier for earlier, later in itertools.pairwise(sent_s)) < 0.15  # its phase went on
            past = dict(prober.past("wire"))
            assert len(past[A]) == len(sent_s)
            assert len(past[C]) == len(seen.of(Outcome.REPLY, "c"))

    with line(after(0.001)) as (name, _):
        run_inside(name, main)


def test_nothing_goes_by_another_interface() -> None:
    """The default route leads elsewhere, where everything is answered; the path's own line is silent."""

    async def main() -> Seen:
        with probing(A, interval_s=0.1) as (_, seen):
            await until(seen.count(Outcome.LOST, 3))
        return seen

    with line(silent) as (name, _), contextlib.ExitStack() as stack:
        with inside(name):
            stack.enter_context(Reflector("wan1", after(0.0)))
        ip("-n", name, "addr", "add", "198.51.100.1/24", "dev", "wan1")
        ip("-n", name, "link", "set", "wan1", "up")
        ip("-n", name, "route", "add", "192.0.2.11/32", "dev", "wan1")
        seen = run_inside(name, main)
    assert not seen.of(Outcome.REPLY)


def test_closing_leaves_no_descriptor_and_a_callback_may_close() -> None:
    async def main() -> None:
        before = descriptors()
        for _ in range(20):
            with probing(A, B, A6, interval_s=0.05) as (prober, seen):
                prober._on_result = seen.results.append
                await until(lambda: len(seen.results) > 2)
        seen = Seen()

        def close(result: Result) -> None:
            seen.results.append(result)
            prober.close()

        prober = Prober([A, B], close, seen.stalls_s.append)
        prober.set_interval("wire", 4, 0.05)
        prober.start()
        await until(lambda: bool(seen.results))
        await asyncio.sleep(0.2)
        assert len(seen.results) == 1
        assert descriptors() <= before

    def descriptors() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    with line(after(0.001)) as (name, _):
        run_inside(name, main)


@needs_program("setpriv")
def test_no_capability_is_needed() -> None:
    script = """
import asyncio, json
from agent.probes import Prober, Target
async def main():
    seen = []
    prober = Prober([Target("wire", "wan0", "a", 4, "192.0.2.11")], seen.append, print)
    prober.set_interval("wire", 4, 0.05)
    prober.start()
    async with asyncio.timeout(5):
        while len(seen) < 5:
            await asyncio.sleep(0.01)
    prober.close()
    print(json.dumps([[result.kind, result.detail] for result in seen[1:]]))
asyncio.run(main())
"""
    with line(after(0.001)) as (name, _):
        bare = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--bounding-set", "-all"]
        root = str(Path(__file__).resolve().parents[3])
        done = subprocess.run(
            ["ip", "netns", "exec", name, *bare, sys.executable, "-c", script],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
            env={**os.environ, "PYTHONPATH": root, "PYTHONDONTWRITEBYTECODE": "1"},
        )
    assert done.returncode == 0, done.stderr
    assert {tuple(each) for each in json.loads(done.stdout)} == {("reply", "")}

import asyncio
import time
from dataclasses import replace

import pytest

from agent.probes import PROBES, Outcome, Prober, Result, Target

A = Target("wire", "nope0", "a", 4, "192.0.2.11")
B = Target("wire", "nope0", "b", 4, "192.0.2.12")


def prober_of(*targets: Target) -> tuple[Prober, list[Result]]:
    results: list[Result] = []
    return Prober(targets, results.append, lambda late_s: None), results


def test_addresses_are_spelled_as_the_kernel_spells_them() -> None:
    assert Target("wire", "eth0", "a", 6, "2001:DB8:0::1").address == "2001:db8::1"


@pytest.mark.parametrize(("family", "address"), [(4, "anchor.example"), (6, "192.0.2.1"), (4, ""), (4, "1.2.3\0")])
def test_names_and_wrong_families_are_refused(family: int, address: str) -> None:
    with pytest.raises(ValueError, match=f"is not an IPv{family} address"):
        Target("wire", "eth0", "a", family, address)


def test_there_are_two_families() -> None:
    with pytest.raises(ValueError, match="neither 4 nor 6"):
        Target("wire", "eth0", "a", 5, "192.0.2.1")


@pytest.mark.parametrize(
    ("second", "words"),
    [
        (replace(B, anchor="a"), "two IPv4 targets share anchor a"),
        (replace(B, address=A.address), "two IPv4 targets share address 192.0.2.11"),
        (replace(B, interface="eth9"), "name different interfaces"),
    ],
)
def test_targets_that_cannot_be_told_apart_are_refused(second: Target, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        prober_of(A, second)


@pytest.mark.parametrize("interval_s", [0.0, -1.0, float("nan")])
def test_an_interval_is_positive(interval_s: float) -> None:
    with pytest.raises(ValueError, match="not above 0"):
        prober_of(A)[0].set_interval("wire", 4, interval_s)


async def test_every_probe_of_a_missing_interface_says_so() -> None:
    prober, results = prober_of(A, B)
    prober.start()
    prober.burst("wire", 3)
    prober.burst("unknown", 3)
    prober.close()
    prober.burst("wire", 3)
    assert [(result.anchor, result.kind, result.detail) for result in results] == [
        (anchor, Outcome.LOCAL_ERROR, "the interface does not exist") for anchor in ("a", "b", "a")
    ]
    assert [len(past) for _, past in prober.past("wire")] == [2, 1]


async def test_before_an_interval_is_named_nothing_is_sent() -> None:
    prober, results = prober_of(A)
    prober.start()
    assert prober._timer is None
    prober.set_interval("elsewhere", 4, 0.1)
    assert prober._timer is None
    prober.close()
    assert results == []


async def test_a_judge_that_wakes_first_is_told_the_stall_and_nobody_twice() -> None:
    stalls: list[float] = []
    prober = Prober([A], lambda result: None, stalls.append)
    prober.set_interval("wire", 4, 0.001)
    prober.start()
    begin_s = time.monotonic()
    while time.monotonic() - begin_s < 0.2:  # the loop is held
        pass
    prober.drain()
    assert len(stalls) == 1
    assert stalls[0] > 0.1
    for _ in range(3):
        await asyncio.sleep(0)
    prober.drain()
    assert len(stalls) == 1
    prober.close()


def test_kinds_by_name() -> None:
    assert PROBES["icmp"] is Prober

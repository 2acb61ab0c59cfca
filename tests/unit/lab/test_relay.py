"""The relay's pure part: when a packet is due, lost or doubled."""

import pytest

from lab.relay import Distance, Impairment

OUT = 5


def _distance(**values: float) -> Distance:
    return Distance({"isp1": Impairment(**{"rtt_ms": 20.0, **values})}, seed=1)


def test_each_direction_takes_half_of_the_round_trip() -> None:
    distance = _distance()
    assert distance.wait_s(0.0) is None
    distance.take(1.0, "isp1", OUT, b"a", to_branch=False)
    distance.take(1.001, "isp1", OUT, b"b", to_branch=True)
    assert distance.wait_s(1.002) == pytest.approx(0.008)
    assert distance.due(1.0099) == []
    assert distance.due(1.0101) == [(OUT, b"a")]
    assert distance.due(1.02) == [(OUT, b"b")]
    assert distance.wait_s(1.02) is None


def test_packets_of_one_moment_keep_their_order() -> None:
    distance = _distance()
    for number in range(50):
        distance.take(1.0, "isp1", OUT, bytes((number,)), to_branch=True)
    assert [packet[0] for _, packet in distance.due(2.0)] == list(range(50))


def test_loss_is_near_what_was_ordered_and_repeats_with_the_seed() -> None:
    counts = []
    for _ in range(2):
        distance = _distance(loss=0.05)
        for _ in range(10_000):
            distance.take(0.0, "isp1", OUT, b"", to_branch=False)
        counts.append(len(distance.due(1.0)))
    assert counts[0] == counts[1]
    assert 9_400 < counts[0] < 9_600


def test_only_the_way_to_the_branch_doubles() -> None:
    distance = _distance(duplicates=1.0)
    distance.take(0.0, "isp1", OUT, b"up", to_branch=False)
    distance.take(0.0, "isp1", OUT, b"down", to_branch=True)
    assert [packet for _, packet in distance.due(1.0)] == [b"up", b"down", b"down"]


def test_jitter_only_adds_and_may_let_packets_overtake() -> None:
    distance = _distance(jitter_ms=10.0)
    for number in range(200):
        distance.take(number / 1000, "isp1", OUT, bytes((number,)), to_branch=True)
    assert distance.due(0.0099) == []
    order = [packet[0] for _, packet in distance.due(1.0)]
    assert sorted(order) == list(range(200))
    assert order != sorted(order)


def test_a_change_touches_one_value_of_one_carrier() -> None:
    distance = _distance(loss=1.0)
    distance.change("isp1", {"loss": 0.0})
    distance.take(0.0, "isp1", OUT, b"a", to_branch=True)
    assert distance.due(0.0101) == [(OUT, b"a")]
    with pytest.raises(KeyError):
        distance.change("isp9", {"loss": 0.5})
    with pytest.raises(TypeError):
        distance.change("isp1", {"colour": 0.5})


def test_a_flood_does_not_grow_without_end() -> None:
    distance = _distance()
    for _ in range(30_000):
        distance.take(0.0, "isp1", OUT, b"", to_branch=True)
    assert len(distance.due(1.0)) == 20_000

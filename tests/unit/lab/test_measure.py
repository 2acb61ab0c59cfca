"""Figures from samples and events made by hand."""

from lab.measure import Cut, Moved, agent_figures, first_arrival_ns, longest_silence_ms, user_figures
from lab.samples import DNS, NEW4, NEW6, RESET, TCP, UDP, Sample
from wire.messages import Act, ActKind, ActOutcome, LinkState, Role, StateChange

MS = 1_000_000
CUT = Cut(1_000 * MS, 1_004 * MS)


def _try(stream: str, sent_ms: float, *, worked: bool, way_ms: float = 10.0) -> Sample:
    sent, way = int(sent_ms * MS), int(way_ms * MS)
    arrived = None if stream == DNS or not worked else sent + way
    return Sample(stream, 0, sent, arrived, sent + 2 * way if worked else None)


def test_the_first_packet_counts_at_its_arrival_and_only_if_it_was_sent_after_the_cut_was_in_place() -> None:
    samples = [
        _try(NEW4, 990, worked=True),
        _try(NEW4, 1_002, worked=True),  # slipped through while the cut was being made
        _try(NEW4, 1_010, worked=False),
        _try(NEW4, 1_500, worked=True),
        _try(NEW4, 1_510, worked=True),
    ]
    assert user_figures(samples, CUT).first_packet_ms == 510.0


def test_samples_come_in_any_order() -> None:
    samples = [_try(NEW4, 1_520, worked=True), _try(NEW4, 1_500, worked=True)]
    assert first_arrival_ns(samples, NEW4, CUT.settled_ns) == 1_510 * MS


def test_an_arrival_without_an_answer_is_no_success() -> None:
    one_way = Sample(NEW4, 1, 1_100 * MS, 1_110 * MS, None)
    assert user_figures([one_way], CUT).first_packet_ms is None


def test_streams_are_judged_apart() -> None:
    samples = [
        _try(NEW4, 1_100, worked=True),
        _try(NEW6, 1_200, worked=True),
        _try(UDP, 1_300, worked=True),
        _try(TCP, 1_400, worked=True),
        _try(DNS, 1_600, worked=True, way_ms=1),
        Sample(RESET, 0, 1_350 * MS),
    ]
    figures = user_figures(samples, CUT)
    assert (figures.first_packet_ms, figures.first_packet6_ms, figures.old_udp_ms) == (110.0, 210.0, 310.0)
    assert (figures.old_tcp_ms, figures.dns_ms) == (420.0, 602.0)  # in the PC's hands
    assert figures.complete()
    assert not user_figures(samples[:4], CUT).complete()
    assert not user_figures([samples[0], *samples[2:]], CUT).complete(old_flows=False)
    assert user_figures([*samples[:2], samples[4]], CUT).complete(old_flows=False)


def test_lost_packets_are_counted_from_those_in_flight_at_the_cut() -> None:
    samples = [_try(NEW4, at, worked=False) for at in (500, 950, 995, 1_005, 1_015)]
    samples.append(_try(UDP, 1_020, worked=False))
    assert user_figures(samples, CUT).packets_lost == 4


def test_longest_silence_is_between_arrivals_from_the_start_given() -> None:
    samples = [_try(NEW4, at, worked=True) for at in (1_000, 1_010, 1_700, 1_710)]
    assert longest_silence_ms(samples, NEW4, 1_010 * MS) == 690.0
    assert longest_silence_ms(samples, NEW4, 1_715 * MS) == 5.0
    assert longest_silence_ms([], NEW4, 0) == 0


def _state(at_ms: float, path: str, new: LinkState) -> Moved:
    return Moved(int(at_ms * MS), StateChange(0, path, Role.WIRE, "", LinkState.UP, new, "", None))


def _act(at_ms: float, outcome: ActOutcome, to_path: str) -> Moved:
    return Moved(int(at_ms * MS), Act(0, "m1", ActKind.EMERGENCY, outcome, "wan1", to_path, "", None))


def test_the_agent_is_judged_by_the_path_that_was_cut_and_the_last_commit() -> None:
    events = [
        _state(900, "wan1", LinkState.DOWN),  # of an earlier cut
        _state(1_400, "wan2", LinkState.DOWN),
        _state(1_500, "wan1", LinkState.DOWN),
        _act(1_510, ActOutcome.APPLIED, "wan2"),
        _act(1_800, ActOutcome.ROLLED_BACK, "wan2"),
        _act(1_900, ActOutcome.APPLIED, "cell5g"),
        _act(2_000, ActOutcome.COMMITTED, "cell5g"),
    ]
    figures = agent_figures(events, CUT, "wan1")
    assert (figures.detected_ms, figures.route_ms) == (500.0, 510.0)
    assert (figures.landed_on, figures.rolled_back, figures.moves) == ("cell5g", 1, 2)


def test_an_agent_that_does_nothing_has_no_figures() -> None:
    figures = agent_figures([_state(1_200, "wan1", LinkState.SUSPECT)], CUT, "wan1")
    assert (figures.detected_ms, figures.route_ms, figures.landed_on, figures.moves) == (None, None, None, 0)

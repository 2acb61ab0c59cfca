from collector.batches import READING_S, hear_batch
from collector.branches import SILENT_S, WILL_S, BranchTable, judge
from collector.heard import BranchHeard
from collector.presence import hear_presence
from tests.unit.collector.records import AGENT, NOW_NS, act, batch, birth, change, digest, will, window
from wire.messages import (
    ActOutcome,
    Batch,
    BranchState,
    Environment,
    LinkState,
    Power,
    PowerSource,
    Record,
    Role,
    SensorKind,
    SensorState,
)
from wire.topics import Lane


def _hear(
    heard: BranchHeard, *records: Record, at_s: float = 100.0, hist: bool = False, first: int | None = None
) -> BranchHeard:
    first = heard.last_seq.get("e", 0) + 1 if first is None else first
    return hear_batch(heard, batch(*records, lane=Lane.EVENTS, hist=hist, first=first), at_s)


def _ok() -> BranchHeard:
    heard = hear_presence(BranchHeard(), birth(1), 100.0)
    return _hear(heard, digest(NOW_NS, BranchState.OK, "isp1", isp1=LinkState.UP, cell=LinkState.UP))


def test_born_but_silent_is_unknown() -> None:
    assert judge(hear_presence(BranchHeard(), birth(1), 100.0), 0.0, 101.0) is BranchState.UNKNOWN


def test_digest_says_the_state() -> None:
    assert judge(_ok(), 0.0, 101.0) is BranchState.OK


def test_events_after_the_digest_change_it() -> None:
    heard = _hear(_ok(), change(NOW_NS + 1, LinkState.DOWN), change(NOW_NS + 1, LinkState.UP, "cell", Role.CELL))
    assert judge(heard, 0.0, 101.0) is BranchState.DEGRADED
    heard = _hear(heard, act(NOW_NS + 2, "cell", ActOutcome.APPLIED))
    assert judge(heard, 0.0, 101.0) is BranchState.ON_5G
    back = _hear(heard, act(NOW_NS + 3, "cell", ActOutcome.ROLLED_BACK))
    assert judge(back, 0.0, 101.0) is BranchState.DEGRADED


def test_suspect_is_not_yet_degraded() -> None:
    assert judge(_hear(_ok(), change(NOW_NS + 1, LinkState.SUSPECT)), 0.0, 101.0) is BranchState.OK


def test_backlog_and_what_was_told_before_do_not_change_the_state() -> None:
    ok = _ok()
    backlog = _hear(ok, change(NOW_NS + 5, LinkState.DOWN), at_s=120.0, hist=True)
    assert (judge(backlog, 0.0, 121.0), backlog.heard_s) == (BranchState.OK, 120.0)
    moved = _hear(ok, change(NOW_NS + 1, LinkState.DOWN), act(NOW_NS + 2, "cell", ActOutcome.ROLLED_BACK))
    again = _hear(moved, change(NOW_NS, LinkState.UP), act(NOW_NS + 2, "cell", ActOutcome.APPLIED), first=1)
    assert again == moved


def test_a_clock_set_back_freezes_nothing() -> None:
    hours_ns = 2 * 3600 * 10**9
    ahead = _hear(_ok(), digest(NOW_NS + hours_ns, BranchState.OK, "isp1", isp1=LinkState.UP), act(NOW_NS, "isp1"))
    ahead = _hear(ahead, change(NOW_NS + hours_ns, LinkState.UP, "cell", Role.CELL))
    set_back = _hear(ahead, change(NOW_NS, LinkState.DOWN), act(NOW_NS + 1, "cell"))
    assert judge(set_back, 0.0, 101.0) is BranchState.ON_5G
    assert set_back.at_ns == NOW_NS + 1


def test_readings_survive_a_clock_set_back_and_the_order_of_lanes() -> None:
    def read(heard: BranchHeard, at_ns: int, source: PowerSource, sent_ns: int, lane: Lane) -> BranchHeard:
        record = Power(at_ns, "ups", source)
        return hear_batch(heard, Batch(lane, "e1", 50, 1, False, sent_ns, (record,)), 100.0)

    battery = read(_ok(), NOW_NS + 5, PowerSource.BATTERY, NOW_NS + 6, Lane.EVENTS)
    late_repeat = read(battery, NOW_NS, PowerSource.MAINS, NOW_NS + 7, Lane.SAMPLES)
    assert late_repeat.power["ups"].source is PowerSource.BATTERY
    set_back = read(battery, NOW_NS - 10**13, PowerSource.MAINS, NOW_NS - 10**13 + 1, Lane.SAMPLES)
    assert set_back.power["ups"].source is PowerSource.MAINS


def test_a_reading_nobody_repeats_for_a_day_says_nothing() -> None:
    wet = Environment(NOW_NS, "cellar", SensorKind.FLOOD, SensorState.ALARM)
    heard = _hear(_ok(), Power(NOW_NS, "ups", PowerSource.BATTERY, 50.0), wet)
    assert _hear(heard, at_s=100.0 + READING_S).power["ups"].source is PowerSource.BATTERY
    old = _hear(heard, at_s=101.0 + READING_S)
    assert (old.power["ups"].source, old.power["ups"].charge_pct) == (PowerSource.UNKNOWN, None)
    assert old.sensors["cellar"].state is SensorState.UNKNOWN


def test_will_isolates_and_the_next_birth_ends_it() -> None:
    dead = hear_presence(_ok(), will(1), 130.0)
    assert judge(dead, 0.0, 131.0 + WILL_S) is BranchState.ISOLATED
    assert judge(hear_presence(dead, birth(2), 140.0), 0.0, 140.0) is BranchState.OK


def test_live_records_after_a_will_disprove_it() -> None:
    """An agent whose disk was stuck when it came back numbers its birth too low: it must not look dead for that."""
    dead = hear_presence(hear_presence(_ok(), birth(40), 120.0), will(40), 130.0)
    ignored = hear_presence(dead, birth(1), 141.0)
    assert judge(ignored, 0.0, 141.0) is BranchState.ISOLATED
    assert judge(_hear(ignored, hist=True, at_s=142.0), 0.0, 142.0) is BranchState.ISOLATED
    assert judge(_hear(ignored, at_s=143.0), 0.0, 143.0) is BranchState.OK


def test_a_birth_told_again_by_the_broker_is_no_sign_of_life() -> None:
    silent_s = 100.0 + SILENT_S + 1
    assert judge(hear_presence(_ok(), birth(1), silent_s), 0.0, silent_s) is BranchState.ISOLATED
    assert judge(hear_presence(_ok(), birth(2), silent_s), 0.0, silent_s) is BranchState.OK


def test_stale_wills_are_ignored() -> None:
    reborn = hear_presence(_ok(), birth(2), 110.0)
    assert hear_presence(reborn, will(1), 140.0) == reborn
    new_spool = hear_presence(reborn, birth(1, epoch="e2"), 150.0)
    assert judge(hear_presence(new_spool, will(2, epoch="e1"), 151.0), 0.0, 151.0) is not BranchState.ISOLATED


def test_silence_isolates_within_a_minute() -> None:
    assert SILENT_S <= 60
    assert judge(_ok(), 0.0, 100.0 + SILENT_S) is BranchState.OK
    assert judge(_ok(), 0.0, 100.1 + SILENT_S) is BranchState.ISOLATED


def test_silence_isolates_within_a_minute_on_5g_too() -> None:
    heard = _hear(_ok(), change(NOW_NS + 1, LinkState.UP, "cell", Role.CELL), act(NOW_NS + 2, "cell"))
    assert judge(heard, 0.0, 100.0 + SILENT_S) is BranchState.ON_5G
    assert judge(heard, 0.0, 101.0 + SILENT_S) is BranchState.ISOLATED


def test_a_deaf_collector_calls_nobody_isolated() -> None:
    assert judge(_ok(), None, 500.0) is BranchState.UNKNOWN
    assert judge(_ok(), 490.0, 500.0) is BranchState.UNKNOWN
    assert judge(_ok(), 490.0, 490.1 + SILENT_S) is BranchState.ISOLATED
    assert judge(hear_presence(_ok(), will(1), 130.0), None, 500.0) is BranchState.UNKNOWN


def test_wills_that_a_broker_tells_when_it_is_restarted_isolate_nobody() -> None:
    told = hear_presence(_ok(), will(1), 119.0)  # the connection ends right after them, the broker is back at 121
    assert judge(told, 0.0, 119.9) is BranchState.OK
    assert judge(told, 121.0, 140.0) is BranchState.OK
    assert judge(told, 121.0, 160.0) is BranchState.UNKNOWN
    assert judge(told, 121.0, 121.1 + SILENT_S) is BranchState.ISOLATED
    again = hear_presence(_ok(), will(1), 122.0)  # or the broker kept it for the collector
    assert judge(again, 121.0, 140.0) is BranchState.OK


def test_windows_name_the_role() -> None:
    heard = hear_batch(_ok(), batch(window()), 105.0)
    assert heard.paths["isp1"].role is Role.WIRE


def test_table_tells_changes_once() -> None:
    table = BranchTable()
    table.put(AGENT, _ok())
    assert table.review(0.0, 101.0) == [(("t1", "b1", "a1"), BranchState.OK)]
    assert table.review(0.0, 102.0) == []
    assert [key for key, _ in table.review(0.0, 200.0)] == [("t1", "b1", "a1")]
    again = BranchTable(table.entries())
    assert again.get(AGENT) == _ok()
    again.put(AGENT, None)
    assert again.review(0.0, 101.0) == []


def test_what_was_not_known_for_a_while_goes_on_since_it_began() -> None:
    table = BranchTable()
    table.put(AGENT, _ok())
    table.review(0.0, 101.0)
    table.review(None, 200.0)
    assert table.shown()[0][2:] == (BranchState.UNKNOWN, 200.0)
    table.put(AGENT, _hear(table.get(AGENT), at_s=300.0))
    table.review(299.0, 301.0)
    assert table.shown()[0][2:] == (BranchState.OK, 100.0)
    table.review(None, 400.0)
    table.review(410.0, 411.0 + SILENT_S)
    assert table.shown()[0][2:] == (BranchState.ISOLATED, 300.0)

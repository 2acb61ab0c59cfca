"""Judging one path: each threshold and each veto of docs/design.md section 6, in both profiles."""

import math

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings
from msgspec.structs import replace

from failover import observations
from failover.actions import Action, AskOpinion, AskPassive, Burst, LinkChanged
from failover.machine import begin, decide, is_calm, wake_at
from failover.observations import Carrier, InPlace, Observation, Opinion, Passive, Reply, Stalled, Tick
from failover.profiles import Effort, Profile, pace
from failover.state import BranchMachine
from tests.unit.failover.branches import plan
from wire.messages import LinkState, Role

STANDARD, FAST = Profile.STANDARD, Profile.FAST
UP, SUSPECT, DOWN, UNKNOWN, DEGRADED = (
    LinkState.UP,
    LinkState.SUSPECT,
    LinkState.DOWN,
    LinkState.UNKNOWN,
    LinkState.DEGRADED,
)
CUT = 100.0
BREATH = 1e-5


class Run:
    """Drives the machine by hand; a Tick comes whenever the machine asked for one."""

    def __init__(self, machine: BranchMachine, now: float) -> None:
        self.machine, self.now = machine, now
        self.wake = now
        self.log: list[tuple[float, Action]] = []

    def tell(self, seen: Observation) -> list[Action]:
        self.machine, actions = decide(self.machine, seen, self.now)
        if isinstance(seen, Reply) and not actions and self.wake > self.now:  # as agent.branch sets its timer
            if not is_calm(self.machine):
                self.wake = min(self.wake, wake_at(self.machine, self.now))
        else:
            self.wake = wake_at(self.machine, self.now)
        self.log += [(self.now, action) for action in actions]
        return actions

    def until(self, moment: float) -> None:
        while self.wake <= moment:
            self.now = max(self.now, self.wake)
            self.tell(Tick())
        self.now = moment

    def at(self, moment: float, seen: Observation) -> list[Action]:
        self.until(moment)
        return self.tell(seen)

    def link(self, path: str = "wan1") -> LinkState:
        return self.machine.path(path).link

    def changed(self, path: str, new: LinkState) -> list[float]:
        return [at for at, act in self.log if isinstance(act, LinkChanged) and (act.path, act.new) == (path, new)]


def heard(run: Run, *paths: str, anchors: str = "abc") -> None:
    for path in paths:
        for anchor in anchors:
            run.tell(Reply(path, anchor, run.now))


def working(profile: Profile = STANDARD, *, anchors: str = "abc", active: str = "wan1") -> Run:
    """Both wires and the cell answered at `CUT`, the anchors given are alive."""
    run = Run(begin(plan(profile), CUT - 20.0), CUT - 20.0)
    run.tell(InPlace(active, ""))
    heard(run, "wan1", "wan2", "cell")
    run.now = CUT
    run.log.clear()
    for path in ("wan1", "wan2", "cell"):
        heard(run, path, anchors=anchors)
    run.tell(Tick())
    assert {path.link for path in run.machine.paths} == {UP}
    return run


def others_answer_until(run: Run, moment: float, *, but: str = "wan1") -> None:
    while run.now < moment:
        for path in ("wan1", "wan2", "cell"):
            if path != but:
                run.tell(Reply(path, "a", run.now))
                run.tell(Reply(path, "b", run.now))
                run.tell(Reply(path, "c", run.now))
        run.until(min(moment, run.now + 0.033))


@pytest.mark.parametrize(("profile", "t"), [(STANDARD, 0.500), (FAST, 0.280)])
def test_suspect_at_half_t_and_down_at_t(profile: Profile, t: float) -> None:
    run = working(profile)
    others_answer_until(run, CUT + 2.0)
    assert run.changed("wan1", SUSPECT) == [pytest.approx(CUT + t / 2, abs=BREATH)]
    assert run.changed("wan1", DOWN) == [pytest.approx(CUT + t, abs=BREATH)]


@pytest.mark.parametrize(
    ("profile", "alive", "t"),
    [(STANDARD, 3, 0.5), (STANDARD, 2, 0.75), (STANDARD, 1, 1.5), (FAST, 3, 0.28), (FAST, 2, 0.375), (FAST, 1, 0.75)],
)
def test_fewer_anchors_need_a_longer_silence(profile: Profile, alive: int, t: float) -> None:
    """T >= 15 x interval / anchors alive."""
    run = working(profile, anchors="abc"[:alive])
    while run.now < CUT + 2.0:
        for anchor in "abc"[:alive]:
            run.tell(Reply("wan2", anchor, run.now))
        run.until(run.now + 0.033)
    assert run.changed("wan1", DOWN) == [pytest.approx(CUT + t, abs=BREATH)]


@pytest.mark.parametrize(("profile", "t", "cap"), [(STANDARD, 0.5, 0.95), (FAST, 0.28, 0.56)])
class TestVetoes:
    """Each veto delays DOWN, none past the cap."""

    def test_growing_passive_evidence(self, profile: Profile, t: float, cap: float) -> None:
        run = working(profile)
        others_answer_until(run, CUT + t / 2 + 0.005)
        run.tell(Passive("wan1", 10))
        others_answer_until(run, CUT + t - 0.03)
        run.tell(Passive("wan1", 11))
        others_answer_until(run, CUT + cap - 0.01)
        assert run.link() is SUSPECT
        run.tell(Passive("wan1", 1000))
        others_answer_until(run, CUT + cap + 0.01)
        assert run.changed("wan1", DOWN) == [pytest.approx(CUT + cap, abs=BREATH)]

    def test_passive_evidence_that_does_not_grow(self, profile: Profile, t: float, cap: float) -> None:
        run = working(profile)
        others_answer_until(run, CUT + t / 2 + 0.005)
        run.tell(Passive("wan1", 10))
        others_answer_until(run, CUT + t - 0.03)
        run.tell(Passive("wan1", 10))
        others_answer_until(run, CUT + cap)
        assert run.changed("wan1", DOWN) == [pytest.approx(CUT + t, abs=BREATH)]

    def test_anchors_in_doubt_without_any_other_life(self, profile: Profile, t: float, cap: float) -> None:
        run = working(profile)
        run.until(CUT + 2.0)
        assert run.changed("wan1", DOWN) == [pytest.approx(CUT + cap, abs=BREATH)]

    def test_anchors_in_doubt_until_another_path_hears_one(self, profile: Profile, t: float, cap: float) -> None:
        run = working(profile)
        run.until(CUT + t + 0.02)
        assert run.link() is SUSPECT
        run.tell(Reply("cell", "a", run.now))
        assert run.link() is SUSPECT  # all may be coming back: this path gets its turn
        run.until(CUT + cap + 0.1)
        assert run.changed("wan1", DOWN) == [pytest.approx(CUT + t + 0.02 + t / 4, abs=BREATH)]

    def test_anchors_silent_everywhere_while_the_resolver_answers(self, profile: Profile, t: float, cap: float) -> None:
        run = working(profile)
        run.until(CUT + t / 2 + 0.03)
        run.tell(Opinion("wan1", alive=True))
        run.until(CUT + 4.0)
        assert run.changed("wan1", UNKNOWN) == [pytest.approx(CUT + cap, abs=BREATH)]
        assert run.changed("wan1", DOWN) == []

    def test_a_stall_shortens_what_counts(self, profile: Profile, t: float, cap: float) -> None:
        run = working(profile)
        stall = 0.8 * t
        run.now = CUT + stall
        run.tell(Stalled(stall - 0.02))
        others_answer_until(run, CUT + 2.0)
        expected = max(t, min(cap, t + stall - 0.02), t / 2 + stall - 0.02)
        assert run.changed("wan1", DOWN) == [pytest.approx(CUT + expected, abs=BREATH)]


@given(
    profile=st.sampled_from([STANDARD, FAST]),
    alive=st.integers(1, 3),
    seen=st.lists(
        st.tuples(
            st.floats(0.0, 1.6),
            st.sampled_from(
                [
                    Passive("wan1", 1),
                    Passive("wan1", 2),
                    Passive("wan1", 3),
                    Opinion("wan1", alive=True),
                    Opinion("wan1", alive=False),
                    Reply("wan2", "a", 0.0),
                    Reply("wan1", "a", 0.0, first=False),
                    Carrier("wan1", up=True),
                    observations.Window("wan1", 10, 10),
                ]
            ),
        ),
        max_size=12,
    ),
)
def test_no_veto_delays_the_end_of_up_past_the_cap(
    profile: Profile, alive: int, seen: list[tuple[float, Observation]]
) -> None:
    """At the cap the path is DOWN, or UNKNOWN because anchors are silent everywhere and something else answers."""
    run = working(profile, anchors="abc"[:alive])
    cap = pace(profile, Role.WIRE, Effort.ACTIVE).latest_down(alive)
    for after_s, what in sorted(seen, key=lambda item: item[0]):
        if after_s >= cap:
            break
        run.until(CUT + after_s)
        run.tell(replace(what, at_s=run.now) if isinstance(what, Reply) else what)
    run.until(CUT + cap + 0.002)
    assert run.link() in {DOWN, UNKNOWN}
    if run.link() is UNKNOWN:
        # Only while nobody else hears anchors, or only just, and something other than an anchor just answered.
        wan1 = run.machine.path("wan1")
        turn_s = run.machine.pace_of(wan1).down_after(alive) / 4
        assert wan1.contradicted_s is None or wan1.contradicted_s + turn_s > CUT + cap - 0.001
        assert {Passive, Opinion} & {type(what) for _, what in seen}


def test_suspicion_arms_everything_that_helps_to_judge() -> None:
    run = working()
    run.until(CUT + 0.26)
    asked = [act for _, act in run.log if not isinstance(act, LinkChanged)]
    assert [act for act in asked if isinstance(act, AskPassive | AskOpinion)][:2] == [
        AskPassive("wan1"),
        AskOpinion("wan1"),
    ]
    assert {act.path for act in asked if isinstance(act, Burst)} == {"wan1", "wan2", "cell"}
    run.until(CUT + 0.49)
    assert AskPassive("wan1") in [act for at, act in run.log if at >= CUT + 0.45]


def test_an_old_opinion_is_worth_nothing_until_the_new_one_came() -> None:
    """The question is repeated every 2 s; if its answers never come, the last one must not live for ever."""
    run = working()
    run.until(CUT + 0.3)
    run.tell(Opinion("wan1", alive=True))
    run.until(CUT + 5.0)
    assert run.link() is UNKNOWN
    run.until(CUT + 9.0)
    assert run.link() is DOWN


def test_a_path_judged_unknown_is_left_when_another_hears_an_anchor() -> None:
    run = working()
    run.until(CUT + 0.3)
    run.tell(Opinion("wan1", alive=True))
    run.until(CUT + 1.5)
    assert run.link() is UNKNOWN
    run.tell(Reply("wan2", "a", run.now))
    assert run.link() is UNKNOWN  # they may be coming back one after the other
    run.until(CUT + 1.7)
    assert run.link() is DOWN


def test_an_opinion_of_an_earlier_suspicion_does_not_count() -> None:
    run = working()
    run.until(CUT + 0.3)
    run.tell(Opinion("wan1", alive=True))
    run.tell(Reply("wan1", "a", run.now))
    run.until(run.now + 2.0)
    assert run.link() is DOWN


def test_a_stall_counts_only_as_far_as_it_was_silent() -> None:
    """Two seconds asleep, but a reply came in just before the end of it: a cut after that is judged as any other."""
    run = working()
    run.now = CUT + 2.0
    run.tell(Reply("wan1", "a", CUT + 1.99))
    for path in ("wan2", "cell"):
        run.tell(Reply(path, "a", CUT + 1.99))
    run.tell(Stalled(2.0))
    others_answer_until(run, CUT + 5.0)
    assert len(run.changed("wan1", DOWN)) == 1
    assert run.changed("wan1", DOWN)[0] <= CUT + 1.99 + 0.95


@pytest.mark.parametrize("ahead_s", [0.1, 10.0, 1e6])
def test_a_reply_stamped_in_the_future_does_not_keep_a_dead_path_alive(ahead_s: float) -> None:
    run = working()
    run.tell(Reply("wan1", "a", run.now + ahead_s))
    others_answer_until(run, CUT + 0.6)
    assert run.link() is DOWN


def test_an_old_reply_does_not_move_time_backwards() -> None:
    run = working()
    for stale_s in (0.2, 50.0):
        run.tell(Reply("wan1", "a", CUT - stale_s))
        run.tell(Reply("wan1", "a", CUT - stale_s, first=False))
    assert run.machine.path("wan1").last_reply_s == CUT
    others_answer_until(run, CUT + 0.26)
    assert run.changed("wan1", SUSPECT) == [pytest.approx(CUT + 0.25, abs=BREATH)]


@pytest.mark.parametrize("reply_at_s", [CUT - 30.0, CUT + 0.1])
def test_a_down_path_heals_only_by_replies_of_now(reply_at_s: float) -> None:
    run = working()
    others_answer_until(run, CUT + 1.0)
    run.now = CUT + 3.0
    run.tell(Reply("wan1", "a", reply_at_s))
    run.until(CUT + 10.0)
    assert run.link() is DOWN


def test_a_path_is_up_again_after_three_seconds_of_answers_not_after_one_fluke() -> None:
    run = working()
    others_answer_until(run, CUT + 1.0)
    run.tell(Reply("wan1", "a", run.now))
    others_answer_until(run, CUT + 6.0)
    assert run.link() is DOWN
    back = run.now
    while run.now < back + 4.0:
        run.tell(Reply("wan1", "a", run.now))
        run.until(run.now + 0.033)
    assert run.changed("wan1", UP) == [pytest.approx(back + 3.0, abs=0.05)]


class TestCarrier:
    """Carrier loss counts after a debounce of 50 ms, whatever else is going on."""

    @pytest.mark.parametrize("gone_s", [0.001, 0.049])
    def test_a_flap_within_the_debounce_is_nothing(self, gone_s: float) -> None:
        run = working()
        run.tell(Carrier("wan1", up=False))
        run.at(CUT + gone_s, Carrier("wan1", up=True))
        heard(run, "wan1")
        run.until(CUT + 0.2)
        assert run.changed("wan1", DOWN) == []

    def test_flaps_do_not_restart_the_debounce_without_a_return(self) -> None:
        run = working()
        for after_s in (0.0, 0.02, 0.04):
            run.at(CUT + after_s, Carrier("wan1", up=False))
        run.until(CUT + 0.051)
        assert run.changed("wan1", DOWN) == [pytest.approx(CUT + 0.050, abs=BREATH)]

    @pytest.mark.parametrize("link", [UP, SUSPECT, DEGRADED, UNKNOWN])
    def test_carrier_loss_ends_every_state(self, link: LinkState) -> None:
        run = working()
        run.machine = run.machine.with_path(replace(run.machine.path("wan1"), link=link, changed_s=CUT))
        run.tell(Carrier("wan1", up=False))
        run.until(CUT + 0.051)
        assert run.link() is DOWN

    def test_replies_without_carrier_revive_nothing(self) -> None:
        run = working()
        run.tell(Carrier("wan1", up=False))
        for step in range(200):
            run.at(CUT + step * 0.033, Reply("wan1", "a", CUT + step * 0.033))
        assert run.link() is DOWN

    def test_a_path_whose_carrier_never_came_is_down(self) -> None:
        run = Run(begin(plan(), 0.0), 0.0)
        run.tell(Carrier("wan2", up=False))
        run.until(0.1)
        assert run.link("wan2") is DOWN
        run.tell(Carrier("wan2", up=True))
        run.until(10.0)
        assert run.link("wan2") is DOWN


class TestSecondFamily:
    """It labels, it never moves traffic."""

    def test_a_line_that_never_had_it_is_not_degraded(self) -> None:
        run = working()
        others_answer_until(run, CUT + 30.0, but="none")
        assert run.link() is UP

    def test_silence_of_five_seconds_degrades_and_a_reply_ends_that(self) -> None:
        run = working()
        run.tell(Reply("wan1", "a", CUT, first=False))
        others_answer_until(run, CUT + 7.0, but="none")
        degraded = run.changed("wan1", DEGRADED)
        assert len(degraded) == 1
        assert 5.0 <= degraded[0] - CUT <= 6.1
        run.tell(Reply("wan1", "a", run.now, first=False))
        others_answer_until(run, CUT + 9.0, but="none")
        assert run.link() is UP

    def test_a_resting_cellular_path_is_not_degraded_between_two_rare_probes(self) -> None:
        run = working()
        for step in range(1, 11):
            others_answer_until(run, CUT + 30.0 * step, but="cell")
            run.tell(Reply("cell", "a", run.now))
            run.tell(Reply("cell", "a", run.now, first=False))
        assert run.changed("cell", DEGRADED) == []

    def test_a_dead_line_is_left_however_well_the_second_family_answers(self) -> None:
        run = working()
        for step in range(60):
            run.at(CUT + step * 0.02, Reply("wan1", "a", CUT + step * 0.02, first=False))
            heard(run, "wan2")
        assert run.changed("wan1", DOWN) == [pytest.approx(CUT + 0.5, abs=BREATH)]


NAMES = st.sampled_from(["wan1", "wan2", "cell"])
MOMENTS = st.floats(-1e6, 1e6)
ANYTHING = st.one_of(
    st.just(Tick()),
    st.builds(Reply, NAMES, st.sampled_from("abcd"), MOMENTS, st.booleans()),
    st.builds(Carrier, NAMES, st.booleans()),
    st.builds(Stalled, st.floats(0.0, 1e5)),
    st.builds(Passive, NAMES, st.integers(0, 2**63)),
    st.builds(Opinion, NAMES, st.booleans()),
    st.builds(observations.Window, NAMES, st.integers(0, 1000), st.integers(0, 1000)),
    st.builds(observations.Prefer, st.sampled_from(["", "wan1", "cell", "gone"]), MOMENTS, st.just("x")),
    st.builds(InPlace, st.sampled_from(["", "wan1", "wan2", "cell", "gone"]), st.sampled_from(["", "m1", "m2", "x"])),
    st.builds(observations.Applied, st.sampled_from(["m1", "m2", "m3", "x"]), st.just(1.0)),
    st.builds(
        observations.NotApplied, st.sampled_from(["m1", "m2", "m3"]), st.just("no"), st.booleans(), st.booleans()
    ),
    st.builds(
        observations.Proof,
        NAMES,
        st.sampled_from(["", "m1", "m2", "m3", "x"]),
        st.booleans(),
        st.sampled_from([None, True, False]),
        st.sampled_from([None, True, False]),
        st.sampled_from([None, True, False]),
        st.sampled_from([None, True]),
    ),
)


@settings(max_examples=150)
@given(st.lists(st.tuples(st.floats(0.0, 40.0), ANYTHING), max_size=20))
def test_nothing_seen_in_any_order_raises_and_the_next_look_is_soon_and_later(
    seen: list[tuple[float, Observation]],
) -> None:
    machine, now = begin(plan(), 1000.0), 1000.0
    for wait_s, what in seen:
        now += wait_s
        machine, _ = decide(machine, what, now)
        wake = wake_at(machine, now)
        assert math.isfinite(wake)
        assert now < wake <= now + 1.0, (now, wake)
        for path in machine.paths:
            assert path.last_reply_s is None or path.last_reply_s <= now
            assert path.stalled_s <= path.silence_s(now) + 1e-9


@settings(max_examples=100)
@given(st.lists(st.tuples(st.floats(0.0, 2.0), ANYTHING), max_size=30))
def test_left_alone_it_does_not_spin(seen: list[tuple[float, Observation]]) -> None:
    machine, now = begin(plan(), 1000.0), 1000.0
    for wait_s, what in seen:
        now += wait_s
        machine, _ = decide(machine, what, now)
    end, ticks = now + 10.0, 0
    while now < end:
        now = wake_at(machine, now)
        machine, _ = decide(machine, Tick(), now)
        ticks += 1
    assert ticks < 120


def test_news_of_a_path_that_new_settings_took_away_is_nothing() -> None:
    run = working()
    for late in (
        Reply("gone", "a", run.now),
        Carrier("gone", up=False),
        Passive("gone", 1),
        Opinion("gone", alive=True),
        observations.Window("gone", 1, 1),
        observations.Proof("gone", "", True, True, True, True, True),
        observations.Prefer("gone", run.now + 10.0, "x"),
    ):
        before = run.machine
        assert run.tell(late) == []
        assert run.machine == before

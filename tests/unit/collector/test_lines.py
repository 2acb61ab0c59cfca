"""Line protocol, read back by an independent reader."""

import math
import re

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from collector.counters import Counters
from collector.store.lines import pipeline_line, point, series, tag_value, text_value
from collector.store.record_lines import batch_lines
from tests.unit.collector.records import AGENT, NOW_NS, act, batch, change, digest, window
from wire import fields
from wire.messages import ActOutcome, BranchState, Flight, FlightProbe, Gap, LinkState, PowerSource, SensorState
from wire.topics import Lane

Parsed = tuple[str, dict[str, str], dict[str, str], int]


def read_line(line: str) -> Parsed:
    """Split by the rules of the line protocol reference: measurement and tags, fields, time."""
    head, rest = _cut(line, " ")
    body, stamp = _cut_last_unquoted(rest)
    name, *tags = _split(head, ",")
    return name, dict(_pair(each) for each in tags), dict(_pair(each) for each in _split_fields(body)), int(stamp)


def _cut(text: str, mark: str) -> tuple[str, str]:
    at = next(m.start() for m in re.finditer(re.escape(mark), text) if m.start() == 0 or text[m.start() - 1] != "\\")
    return text[:at], text[at + 1 :]


def _cut_last_unquoted(text: str) -> tuple[str, str]:
    return text.rsplit(" ", 1)[0], text.rsplit(" ", 1)[1]


def _split(text: str, mark: str) -> list[str]:
    return re.split(rf"(?<!\\){re.escape(mark)}", text)


def _split_fields(text: str) -> list[str]:
    return re.findall(r'[^,=]+=(?:"(?:\\.|[^"\\])*"|[^,]*)', text)


def _pair(text: str) -> tuple[str, str]:
    name, value = _split(text, "=")[0], text[len(_split(text, "=")[0]) + 1 :]
    return name, re.sub(r"\\([,= ])", r"\1", value) if not value.startswith('"') else value


def test_window() -> None:
    (line,) = batch_lines(AGENT, batch(window()))
    name, tags, values, at_ns = read_line(line)
    assert name == "link"
    assert tags == {
        "tenant": "t1", "branch": "b1", "agent": "a1", "link": "isp1", "role": "wire", "isp": "ISP 1", "family": "4",
    }  # fmt: skip
    assert values["state"] == "1i"
    assert values["sent"] == "300i"
    assert values["loss_pct"] == "1.0"
    assert values["rtt_median_ms"] == "2.0"
    assert "rtt_jitter_ms" not in values
    assert at_ns == NOW_NS


def test_nothing_sent_is_no_loss() -> None:
    (line,) = batch_lines(AGENT, batch(msgspec.structs.replace(window(), sent=0, received=0)))
    assert "loss_pct" not in read_line(line)[2]


def test_two_events_of_one_nanosecond_stay_two_and_come_again_as_the_same() -> None:
    events = batch(change(NOW_NS, LinkState.SUSPECT), change(NOW_NS, LinkState.DOWN), first=998, lane=Lane.EVENTS)
    lines = batch_lines(AGENT, events)
    times = [read_line(line)[3] for line in lines]
    assert len(set(times)) == 2
    assert all(abs(at_ns - NOW_NS) < 1000 for at_ns in times)
    assert batch_lines(AGENT, events) == lines


@given(st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 900)), unique_by=lambda pair: pair[1], max_size=20))
def test_events_never_overwrite_each_other(events: list[tuple[int, int]]) -> None:
    lines = [
        batch_lines(AGENT, batch(change(NOW_NS + offset, LinkState.DOWN), first=seq, lane=Lane.EVENTS))[0]
        for offset, seq in events
    ]
    assert len({(read_line(line)[0], read_line(line)[3]) for line in lines}) == len(events)


def test_act_digest_flight_gap() -> None:
    acts = batch_lines(AGENT, batch(act(NOW_NS, "5g", ActOutcome.ROLLED_BACK), lane=Lane.EVENTS))
    name, tags, values, _ = read_line(acts[0])
    assert (name, tags["link"], tags["from_link"], tags["kind"]) == ("act", "5g", "isp1", "emergency")
    assert values == {"outcome": "3i", "id": '"id1"', "reason": '"silent"', "route_ms": "12.0"}
    lines = batch_lines(AGENT, batch(digest(NOW_NS, BranchState.ON_5G, "5g", isp1=LinkState.DOWN), lane=Lane.EVENTS))
    assert [read_line(line)[0] for line in lines] == ["branch_state", "digest"]
    assert read_line(lines[0])[2] == {"reported": "3i"}
    flight = Flight(NOW_NS, "x", "isp1", (FlightProbe(-0.5, "a", 4, 1.5), FlightProbe(2.0, "a", 4, None)))
    lines = batch_lines(AGENT, batch(flight))
    assert read_line(lines[0])[2:] == ({"rtt_ms": "1.5", "lost": "0i"}, NOW_NS - 500_000)
    assert read_line(lines[1])[2:] == ({"lost": "1i"}, NOW_NS + 2_000_000)
    (line,) = batch_lines(AGENT, batch(Gap(NOW_NS, 5, 9, 5, "spool full")))
    assert read_line(line)[0] == "pipeline"
    assert read_line(line)[2]["gap_count"] == "5i"


def test_own_points() -> None:
    name, tags, values, _ = read_line(pipeline_line("c1", Counters(messages=3), 10, 5, 7, held=True))
    assert (name, tags) == ("pipeline", {"collector": "c1"})
    assert (values["messages"], values["held_by_journal"], values["journal_lag_bytes"]) == ("3i", "1i", "5i")


def test_numbers_a_database_cannot_keep_are_left_out() -> None:
    values = (("a", math.nan), ("b", math.inf), ("c", 2**63), ("d", None), ("e", 5.0), ("f", 1e22), ("g", True))
    assert point("m", values, 1) == "m e=5.0,f=1e+22,g=1i 1"
    assert point("m", (("a", None),), 1) == ""


@given(st.text(min_size=1, max_size=40), st.text(max_size=40))
def test_any_text_makes_one_line_that_reads_back(tag: str, text: str) -> None:
    line = point(series("m", (("t", tag),)), (("x", text), ("y", 1.5)), 7)
    assert "\n" not in line
    assert "\r" not in line
    name, tags, values, at_ns = read_line(line)
    assert (name, at_ns, values["y"]) == ("m", 7, "1.5")
    expected = "".join(c if c.isprintable() and c != "\\" else "_" for c in tag)
    assert tags == {"t": expected}
    inner = re.sub(r"\\(.)", r"\1", values["x"][1:-1])
    assert inner == "".join(c if c.isprintable() else " " for c in text)


def test_long_text_is_cut() -> None:
    assert len(tag_value("x" * 500)) == 128
    assert len(text_value("x" * 5000)) == 502


def test_no_tag_is_also_a_field() -> None:
    tags = {each.value for each in fields.Tag}
    kinds = [getattr(fields, name) for name in dir(fields) if name.endswith("Field")]
    assert len(kinds) == 14
    assert not {each.value for kind in kinds for each in kind} & tags
    assert set(fields.OUTCOME_CODES) == set(ActOutcome)
    assert set(fields.POWER_CODES) == set(PowerSource)
    assert set(fields.SENSOR_CODES) == set(SensorState)

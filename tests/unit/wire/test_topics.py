"""Topics are built and parsed in one place; the part of a branch never changes."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire import topics
from wire.errors import TopicError
from wire.topics import Address, Lane

names = st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,62}\Z")
addresses = st.builds(Address, names, names, names)


@given(st.sampled_from(Lane), addresses)
def test_topics_come_back_as_they_were(lane: Lane, address: Address) -> None:
    assert topics.parse_lane_topic(topics.lane_topic(lane, address)) == (lane, address)
    assert topics.parse_presence_topic(topics.presence_topic(address)) == address


# Fixed for ever: CRC-32 of "tenant/branch" modulo 64. A change would send records to a collector that does not know
# the branch.
PARTS = {("acme", "lyon-3"): 39, ("acme", "lyon-4"): 4, ("acme", "bkk01"): 53, ("t", "b"): 7, ("A.b_c-d", "0"): 35}


@pytest.mark.parametrize(("tenant", "branch"), PARTS)
def test_the_part_of_a_branch_never_changes(tenant: str, branch: str) -> None:
    assert Address(tenant, branch, "any").part == PARTS[tenant, branch]


def test_topics_are_written_as_the_broker_s_rules_expect() -> None:
    address = Address("acme", "lyon-3", "rtr1")
    assert topics.lane_topic(Lane.EVENTS, address) == "bl/1/e/39/acme/lyon-3/rtr1"
    assert topics.lane_topic(Lane.SAMPLES, address) == "bl/1/d/39/acme/lyon-3/rtr1"
    assert topics.presence_topic(address) == "bl/1/st/acme/lyon-3/rtr1"
    assert topics.ack_topic(address) == "bl/1/ack/acme/lyon-3/rtr1"
    assert topics.lane_filters(39) == ("bl/1/e/39/#", "bl/1/d/39/#")


@given(st.text(max_size=100))
def test_any_text_is_a_topic_or_a_topic_error(text: str) -> None:
    for parse in (topics.parse_lane_topic, topics.parse_presence_topic):
        with contextlib.suppress(TopicError):
            parse(text)


@pytest.mark.parametrize(
    "topic",
    [
        "bl/1/e/39/acme/lyon-3",
        "bl/1/e/39/acme/lyon-3/rtr1/x",
        "bl/2/e/39/acme/lyon-3/rtr1",
        "bl/1/x/39/acme/lyon-3/rtr1",
        "bl/1/e/039/acme/lyon-3/rtr1",
        "bl/1/e/38/acme/lyon-3/rtr1",
        "bl/1/e/39/acme/lyon-3/",
        "bl/1/e/39/acme/lyon-3/r#",
        "/bl/1/e/39/acme/lyon-3/rtr1",
    ],
)
def test_a_topic_that_is_not_ours_is_refused(topic: str) -> None:
    with pytest.raises(TopicError):
        topics.parse_lane_topic(topic)


@pytest.mark.parametrize("name", ["", "+", "#", "a/b", "a\n", "a\0", ".a", "-a", "é", "x" * 64, "a b"])
def test_a_name_that_could_harm_a_topic_is_refused(name: str) -> None:
    with pytest.raises(TopicError, match="use 1 to 63 of"):
        Address("acme", name, "rtr1")

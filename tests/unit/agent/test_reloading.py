"""What SIGHUP may change."""

import pytest

from agent.reloading import obstacle
from tests.unit.agent.settings_files import TEXT, branch_settings


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("rank = 3", "rank = 30"),
        ('isp = "A"', 'isp = "Z"'),
        ("203.0.113.12", "203.0.113.99"),
        ('paths = ["dsl"]', 'paths = ["fibre"]'),
        ("[agent]", '[probing]\nprofile = "fast"\n[failover]\nhold = "1s"\n[agent]'),
    ],
)
def test_what_only_the_agent_reads_is_taken(old: str, new: str) -> None:
    assert TEXT.replace(old, new) != TEXT
    assert obstacle(branch_settings(), branch_settings(TEXT.replace(old, new))) is None


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('branch = "lyon-3"', 'branch = "lyon-4"', "[agent] changed; restart the agent"),
        ("[agent]", '[broker]\nhost = "x"\n[agent]', "[broker] changed; restart the agent"),
        ("[agent]", '[spool]\nmax_size = "5MB"\n[agent]', "[spool] changed; restart the agent"),
        ("[agent]", "[canary]\n[agent]", "[canary] changed; restart canary, actor and agent"),
        ("[agent]", '[actor]\nlan_interface = "br0"\n[agent]', "[actor] changed; restart actor and agent"),
        ('"wan1"', '"wan9"', "interface of path dsl changed; restart actor and agent"),
        ('"192.0.2.53"', '"192.0.2.54"', "dns of path fibre changed; restart actor and agent"),
    ],
)
def test_what_others_read_at_their_start_needs_theirs(old: str, new: str, sentence: str) -> None:
    assert obstacle(branch_settings(), branch_settings(TEXT.replace(old, new))) == sentence


def test_a_reordered_list_of_paths_is_refused_though_each_is_the_same() -> None:
    """The canary's address of a path is its place in the list: a proof would go over another line."""
    head, *paths = TEXT.split("[[path]]")
    last, anchors = paths[-1].split("[[anchor]]", 1)
    reordered = "[[path]]".join([head, paths[1], paths[0], last]) + "[[anchor]]" + anchors
    assert obstacle(branch_settings(), branch_settings(reordered)) == (
        "the list of paths changed; restart canary, actor and agent"
    )

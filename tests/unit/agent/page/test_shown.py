"""What a stranger on the LAN is told, and what not."""

import msgspec
from msgspec.structs import replace

from agent.page.shown import shown_of
from agent.uplink import UplinkStatus
from tests.unit.agent.page.told import SPOOL, machine, told
from wire.messages import LinkState


def test_names_of_users_hosts_and_files_stay_on_the_router() -> None:
    status = told(
        machine(wan1=LinkState.UP),
        spool=replace(SPOOL, trouble="/var/lib/branchline/spool.db: No space left on device"),
        uplink=UplinkStatus(trouble="broker.example.com refuses user 'acme/lyon-3', client 'rtr1'"),
    )
    shown = shown_of(status)
    text = msgspec.json.encode(shown).decode()
    for secret in ("broker.example.com", "acme", "rtr1", "/var/lib", "spool.db", "abc", "epoch"):
        assert secret not in text
    assert (shown.headquarters, shown.disk_trouble, shown.records_waiting) == ("lost", True, 43)


def test_what_people_at_the_branch_need_is_told() -> None:
    shown = shown_of(told(machine(wan1=LinkState.UP), uplink=UplinkStatus(connected=True)))
    assert (shown.branch_state, shown.active, shown.headquarters) == ("DEGRADED", "wan1", "reached")
    assert [path.path for path in shown.paths] == ["wan1", "wan2", "cell"]
    assert set(msgspec.to_builtins(shown)) == {
        "branch_state",
        "active",
        "move",
        "override",
        "paths",
        "headquarters",
        "records_waiting",
        "records_lost",
        "disk_trouble",
    }

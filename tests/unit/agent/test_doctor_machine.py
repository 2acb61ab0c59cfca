"""What the doctor thinks of kernel settings, rights, clock and disk."""

import errno
from pathlib import Path

import pytest

from agent import rp_filter
from agent.doctor import clock, disk, processes, rights, sysctls
from agent.doctor.finding import Finding, Mark
from agent.doctor.site import AgentUser

MIB = 1_000_000
AGENT = AgentUser("branchline", 996, (996, 4), None)


def _ping(
    groups: tuple[int, ...], low: int, high: int, code: int | None = None, *, tried: bool = True, raw: bool = False
) -> Finding:
    return rights.judge_ping(groups, low, high, code, tried_as_agent=tried, net_raw=raw)


def test_a_group_within_the_range_may_ping() -> None:
    assert _ping((996, 4), 0, 2147483647) == Finding(Mark.OK, "", "group 996 is within 0 2147483647")
    assert _ping((996, 4), 4, 4).said == "group 4 is within 4 4"


def test_the_default_range_names_group_and_drop_in() -> None:
    finding = _ping((996,), 1, 0, errno.EACCES, raw=True)
    assert finding.mark is Mark.FAIL
    assert finding.remedy == (
        "no group of the agent (996) is within net.ipv4.ping_group_range 1 0, so each probe ends with EACCES; its "
        "CAP_NET_RAW does not help there; write `net.ipv4.ping_group_range = 996 996` into "
        "/etc/sysctl.d/90-branchline.conf and run `sysctl --system`"
    )


def test_a_range_somebody_else_needs_is_widened() -> None:
    assert "`net.ipv4.ping_group_range = 100 996`" in _ping((996,), 100, 200).remedy


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (errno.EACCES, "forbidden (EACCES) although the range allows it"),
        (errno.EPERM, "a capability is missing (EPERM)"),
        (errno.EPROTONOSUPPORT, "Protocol not supported"),
    ],
)
def test_the_range_is_not_blamed_for_what_it_allows(code: int, said: str) -> None:
    assert (_ping((996,), 0, 999, code).mark, _ping((996,), 0, 999, code).said) == (Mark.FAIL, said)


def test_a_try_as_somebody_else_proves_nothing() -> None:
    assert _ping((996,), 990, 999, errno.EACCES, tried=False).mark is Mark.OK


@pytest.mark.parametrize(("everywhere", "own", "mark"), [(0, 0, "ok"), (0, 1, "FAIL"), (1, 0, "FAIL"), (2, 1, "ok")])
def test_the_larger_rp_filter_counts(tmp_path: Path, everywhere: int, own: int, mark: str) -> None:
    for name, value in (("all", everywhere), ("eth1", own)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "rp_filter").write_text(f"{value}\n")
    in_force = rp_filter.effective("eth1", tmp_path)
    finding = sysctls.judge_rp_filter("fibre", "eth1", in_force, rp_filter.complaint("eth1", tmp_path))
    assert finding.mark == mark
    assert sysctls.judge_rp_filter("fibre", "ppp0", None, None).mark is Mark.SKIP


@pytest.mark.parametrize(
    ("value", "needed", "mark"),
    [(True, True, "ok"), (False, True, "FAIL"), (False, False, "skip"), (None, False, "skip"), (None, True, "warn")],
)
def test_forwarding(*, value: bool | None, needed: bool, mark: str) -> None:
    assert sysctls.judge_forwarding("IPv6", "net.ipv6.conf.all.forwarding", value, needed=needed).mark == mark


def test_the_clock() -> None:
    set_s = 1_800_000_000.0
    assert clock.judge(set_s, synchronised=True, timesyncd=False).said == "2027-01-15 08:00:00 UTC, synchronised"
    assert clock.judge(set_s, synchronised=None, timesyncd=True).mark is Mark.OK
    assert clock.judge(set_s, synchronised=False, timesyncd=False).mark is Mark.WARN
    never = clock.judge(60.0, synchronised=True, timesyncd=True)
    assert (never.mark, never.said) == (Mark.FAIL, "never set (1970-01-01 00:01:00 UTC)")
    assert clock.kernel_says_synchronised() in {True, False}


def _folder(
    *,
    exists: bool = True,
    filesystem: str = "ext4",
    read_only: bool = False,
    free: int = 900,
    used: int = 0,
    owner: int = 996,
    mode: int = 0o750,
) -> disk.Folder:
    return disk.Folder(exists, filesystem, "/var", read_only, free * MIB, used * MIB, owner, 0, mode)


@pytest.mark.parametrize(
    ("folder", "mark", "part"),
    [
        (_folder(), "ok", ""),
        (_folder(read_only=True), "FAIL", "`mount -o remount,rw /var`"),
        (_folder(exists=False), "warn", "`install -d -o branchline /state`"),
        (_folder(owner=0), "FAIL", "`chown branchline /state`"),
        (_folder(owner=0, mode=0o777), "ok", ""),
        (_folder(free=3), "FAIL", "only 3 MB are free"),
        (_folder(free=3, used=256), "ok", ""),
        (_folder(free=100), "warn", "may grow by 256 MB"),
        (_folder(filesystem="tmpfs"), "warn", "lost with the power"),
    ],
)
def test_the_spools_disk(folder: disk.Folder, mark: str, part: str) -> None:
    finding = disk.judge_folder("/state", folder, AGENT, 256 * MIB)
    assert finding.mark == mark
    assert part in finding.remedy


def test_the_longest_mount_counts_and_of_two_the_last() -> None:
    table = (
        "21 1 8:1 / / ro - ext4 /dev/sda1 rw\n"
        "22 21 8:2 / /var rw shared:1 - ext4 /dev/sda2 rw\n"
        "23 22 0:30 / /var rw - tmpfs tmpfs rw\n"
        "24 21 8:3 / /my\\040disk rw - xfs /dev/sdb rw\n"
    )
    assert disk._mount(Path("/var/lib/branchline"), table) == ("/var", "tmpfs")
    assert disk._mount(Path("/various"), table) == ("/", "ext4")
    assert disk._mount(Path("/my disk/x"), table) == ("/my disk", "xfs")


def test_a_folder_not_made_yet_is_judged_by_the_one_above(tmp_path: Path) -> None:
    seen = disk.see(tmp_path / "a" / "b")
    assert (seen.exists, seen.used_bytes) == (False, 0)
    assert seen.free_bytes > 0


def test_rights_come_from_proc(tmp_path: Path) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "status").write_text("Gid:\t4\t996\t4\t4\nGroups:\t4 27 \nCapEff:\t0000000000002000\n")
    assert processes.rights_of(7, tmp_path) == processes.Rights((996, 4, 27), net_raw=True)
    assert processes.rights_of(8, tmp_path) is None


@pytest.mark.parametrize(
    ("name", "words", "program"),
    [
        ("mwan3track", ("/bin/sh", "/usr/sbin/mwan3track", "wan"), "mwan3track"),
        ("keepalived", ("/usr/sbin/keepalived", "-D"), "keepalived"),
        ("sh", ("sh", "-c", "true"), "true"),
        ("python3", ("python3", "keepalived.py"), "python3"),
    ],
)
def test_a_script_is_known_by_its_own_name(name: str, words: tuple[str, ...], program: str) -> None:
    assert processes._program(name, words) == program

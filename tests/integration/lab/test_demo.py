"""`branchline demo` as a newcomer runs it, and what it leaves behind: nothing."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.needs import needs_program, needs_root

ROOT = Path(__file__).parents[3]
SHOW_S = 40
END_S = 20.0
WORDS = (sys.executable, "-m", "branchline", "demo", "--json")


@pytest.fixture
def folder() -> Iterator[Path]:
    """Short: a socket's whole path has at most 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="bl-test-") as name:
        yield Path(name)


@contextmanager
def _demo(folder: Path, *words: str, before: tuple[str, ...] = ()) -> Iterator["subprocess.Popen[str]"]:
    """A demo whose temporary folder is in `folder`; whatever the test did, none is left running."""
    environment = os.environ | {"TMPDIR": str(folder), "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}
    process = subprocess.Popen(
        [*before, *WORDS, *words],
        env=environment,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.communicate(timeout=END_S)


def _ours(folder: Path) -> dict[int, str]:
    """Processes that know this folder: pid and command line."""
    found = {}
    for each in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it may just have ended
            if f"TMPDIR={folder}".encode() in (each / "environ").read_bytes().split(b"\0"):
                found[int(each.name)] = (each / "cmdline").read_text().replace("\0", " ")
    return found


def _nothing_left(folder: Path) -> None:
    assert list(folder.iterdir()) == []
    assert _ours(folder) == {}


def _parts_run(folder: Path) -> bool:
    return len(_ours(folder)) == 6 and any(folder.glob("branchline-demo-*/fleet.json"))


def _wait_for_parts(process: "subprocess.Popen[str]", folder: Path) -> None:
    until_s = time.monotonic() + 20.0
    while not _parts_run(folder):
        assert process.poll() is None
        assert time.monotonic() < until_s, _ours(folder)
        time.sleep(0.1)


@pytest.mark.timeout(120)
def test_a_short_demo_shows_it_all_beside_a_taken_port(folder: Path) -> None:
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with suppress(OSError):  # taken by somebody else: as good
            taken.bind(("127.0.0.1", 8480))
            taken.listen(1)
        with _demo(folder, "--seconds", str(SHOW_S)) as process:
            out, err = process.communicate(timeout=SHOW_S + 40.0)
    assert process.returncode == 0, err
    told: dict[str, Any] = json.loads(out.splitlines()[-1])
    assert (told["branches"], told["lines"], told["real_agents"], told["lost"]) == (255, 700, 1, 0), told
    assert sum(told["states"].values()) == 255
    assert told["states"]["ON_5G"] >= 20
    assert set(told["incidents"]) == {"flood", "power"}, told
    assert told["moves"] >= 20
    assert told["messages"] >= 2
    assert 300 < told["switch_ms"]["median"] <= 650
    assert told["page_url"] != "http://127.0.0.1:8480/"
    assert told["first_page_s"] is not None
    assert told["memory_mib"] < 400
    assert told["cpu_pct"] < 80
    assert all(link["state"] in {"UP", "UNKNOWN"} for link in told["links"].values()), told["links"]
    assert "SIMULATED" in err
    _nothing_left(folder)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_leaves_nothing_behind(folder: Path, number: signal.Signals) -> None:
    with _demo(folder) as process:
        _wait_for_parts(process, folder)
        process.send_signal(number)
        out, err = process.communicate(timeout=END_S)
    assert process.returncode == 0, err
    assert json.loads(out.splitlines()[-1])["branches"] == 255
    _nothing_left(folder)


def test_a_part_that_dies_is_named_and_takes_the_rest_along(folder: Path) -> None:
    with _demo(folder) as process:
        _wait_for_parts(process, folder)
        broker = next(pid for pid, words in _ours(folder).items() if "lab.demo.broker" in words)
        os.kill(broker, signal.SIGKILL)
        _, err = process.communicate(timeout=END_S)
    assert process.returncode == 1
    assert "the broker ended by itself" in err
    assert "Traceback" not in err
    _nothing_left(folder)


@needs_root
@needs_program("unshare")
def test_a_machine_without_a_network(folder: Path) -> None:
    """Loopback only: the demo runs, and loopback is the real agent's link."""
    before = ("unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh")
    with _demo(folder, "--seconds", "12", before=before) as process:
        out, err = process.communicate(timeout=50.0)
    assert process.returncode == 0, err
    told = json.loads(out.splitlines()[-1])
    assert (told["branches"], told["real_agents"], list(told["links"]), told["lost"]) == (255, 1, ["lo"], 0)
    _nothing_left(folder)


@needs_root
@needs_program("unshare")
def test_a_machine_without_loopback_is_told_so(folder: Path) -> None:
    with _demo(folder, "--seconds", "5", before=("unshare", "--net")) as process:
        _, err = process.communicate(timeout=30.0)
    assert process.returncode == 1
    assert "is loopback up? ip link set lo up" in " ".join(err.split())
    assert "Traceback" not in err
    _nothing_left(folder)


def test_a_folder_with_a_long_name_is_told(folder: Path) -> None:
    long = folder / ("x" * 80)
    long.mkdir()
    with _demo(long) as process:
        _, err = process.communicate(timeout=END_S)
    assert process.returncode == 1
    assert "set TMPDIR to a shorter folder" in " ".join(err.split())
    _nothing_left(long)

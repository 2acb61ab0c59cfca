"""The product's real processes in the lab: one cut from end to end, the supervisor, and an end by Ctrl-C."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import namespaces
from lab.cuts import silent
from lab.namespaces import LabError, Namespaces
from lab.processes import RESTART_S, Supervisor
from lab.results import Order
from lab.stage import Stage
from tests.needs import needs_program, needs_root

pytestmark = [
    needs_root,
    *(needs_program(name) for name in ("ip", "nft", "dnsmasq", "mosquitto", "influxd", "openssl", "setpriv")),
]
ROOT = Path(__file__).parents[3]


@pytest.fixture
def supervisor() -> Iterator[Supervisor]:
    with Namespaces(("one",)) as spaces:
        made = Supervisor(spaces)
        yield made
        made.stop_all()


def test_a_silent_cut_from_end_to_end() -> None:
    with Stage(Order("silent-cut", seed=1)) as stage:
        stage.steady()
        cut = stage.cut(silent(stage.spaces, "isp1"))
        stage.watch(cut, "wan1")
        run = stage.result(cut, "wan1", wrong=stage.landing(cut, "wan1", "wan2"))
        stage.supervisor.wait_for(
            lambda: any(
                "wan2" in str(s.values) + str(s.tags) for s in stage.house.query("SELECT * FROM act GROUP BY *")
            ),
            10,
            "the act reaching the database",
        )
    assert run.wrong == ()
    assert (run.landed_on, run.rolled_back, run.moves) == ("wan2", 0, 1)
    assert run.detected_ms is not None
    assert run.route_ms is not None
    assert run.first_packet_ms is not None
    assert run.first_event_ms is not None
    # The order of things is a fact; how long they take on a busy machine is for the figures, not for this test.
    assert 300 < run.detected_ms <= run.route_ms < run.first_event_ms
    assert run.detected_ms < run.first_packet_ms


def test_what_ends_is_started_again_after_a_second(supervisor: Supervisor) -> None:
    process = supervisor.start("sleeper", "one", ("sleep", "60"), restart=True)
    supervisor.kill("sleeper")
    killed_s = time.monotonic()
    supervisor.wait_for(lambda: process.started == 2 and process.alive, 5, "a new start")
    assert time.monotonic() - killed_s >= RESTART_S * 0.99
    assert process.ended_by_itself == 0
    assert process.popen is not None
    os.kill(process.popen.pid, signal.SIGKILL)
    supervisor.wait_for(lambda: process.started == 3, 5, "a third start")
    assert process.ended_by_itself == 1


def test_what_must_not_end_ends_the_wait_with_its_last_words(supervisor: Supervisor) -> None:
    supervisor.start("broken", "one", ("sh", "-c", "echo the reason >&2; exit 3"))
    with pytest.raises(LabError, match="broken ended with exit code 3: the reason"):
        supervisor.wait_for(lambda: False, 5)


def test_a_wait_in_vain_says_for_what(supervisor: Supervisor) -> None:
    with pytest.raises(LabError, match=r"snow did not happen within 0\.05 s"):
        supervisor.wait_for(lambda: False, 0.05, "snow")
    assert not supervisor.wait_for(lambda: False, 0.05)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_lab_leaves_nothing(number: signal.Signals) -> None:
    command = (sys.executable, "-m", "branchline", "lab", "silent-cut", "--json")
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT) as lab:
        names = f"bl{lab.pid}-*-pc"
        deadline = time.monotonic() + 20
        while not list(Path("/run/netns").glob(names)) and time.monotonic() < deadline:
            time.sleep(0.02)
        lab.send_signal(number)
        out, errors = lab.communicate(timeout=20)
    assert lab.returncode == 1
    assert out == ""
    assert errors == "branchline lab: stopped; its namespaces are removed\n"
    assert not list(Path("/run/netns").glob(f"bl{lab.pid}-*"))
    assert not list(namespaces.BASE.glob(f"bl{lab.pid}-*"))


def test_two_labs_at_once_and_one_document() -> None:
    command = (sys.executable, "-m", "branchline", "lab", "carrier-loss", "--runs", "2", "--jobs", "2", "--json")
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, timeout=55)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert [run["landed_on"] for run in document["runs"]] == ["wan2", "wan2"]
    assert len(done.stderr.splitlines()) == 2

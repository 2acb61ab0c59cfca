"""A desk that is killed again and again between opening and resolving tells each thing once."""

import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import msgspec
import pytest

from collector.incidents.model import AlertClass, Incident

GIVE_UP_S = 50.0


class Desk:
    """The process, started again after each kill."""

    def __init__(self, directory: Path) -> None:
        self.file, self.state = directory / "records.db", directory / "state"

    def say(self, word: str) -> None:
        new = self.state.with_suffix(".new")
        new.write_text(f"{word} {time.time()}")
        new.replace(self.state)

    def run(self, seconds: float) -> None:
        """Let a new process work for so long, then kill it."""
        module = "tests.integration.collector.incidents.desk_process"
        with subprocess.Popen([sys.executable, "-m", module, self.file, self.state]) as process:
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
            else:
                raise AssertionError(f"the desk ended by itself with {process.returncode}")

    def read(self) -> tuple[Counter[str], list[Incident]]:
        connection = sqlite3.connect(f"file:{self.file}?mode=ro", uri=True)
        try:
            events = [row[0] for row in connection.execute("SELECT event FROM notices ORDER BY number")]
            bodies = connection.execute("SELECT body FROM incidents").fetchall()
        except sqlite3.OperationalError:
            return Counter(), []
        finally:
            connection.close()
        return Counter(events), [msgspec.msgpack.decode(body, type=Incident) for (body,) in bodies]


@pytest.mark.timeout(120)
def test_killed_between_open_and_resolve(tmp_path: Path) -> None:
    seed = 7
    chance = random.Random(seed)  # noqa: S311  chance for a test
    desk = Desk(tmp_path)
    kills = 0
    for word, event in (("down", "trigger"), ("up", "resolve")):
        desk.say(word)
        began = time.monotonic()
        wanted_s = 0.6
        while not desk.file.exists() or desk.read()[0][event] == 0:
            assert time.monotonic() - began < GIVE_UP_S, f"no {event} within {GIVE_UP_S} s (seed {seed})"
            wanted_s = min(wanted_s + 0.3, 8.0)  # at last long enough to start and to finish
            desk.run(chance.uniform(0.4, wanted_s))
            kills += 1
        for _ in range(2):
            desk.run(chance.uniform(0.4, 1.5))
            kills += 1
    events, incidents = desk.read()
    assert events == {"trigger": 1, "resolve": 1}
    assert [each.alert_class for each in incidents] == [AlertClass.CARRIER]
    assert kills >= 6

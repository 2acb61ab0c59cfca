"""The memory on disk: whole or not at all, and aged by the right clock."""

import os
import time
from pathlib import Path

import msgspec
import pytest

from agent import memory_file
from agent.memory_file import load, save
from failover.machine import begin
from failover.memory import Memory, recall, remember
from failover.state import Wish
from tests.unit.failover.branches import plan

MEMORY = msgspec.structs.replace(remember(begin(plan(), 0.0), 5.0), wish=Wish("wan2", 60.0, "line 1 is repaired"))


def test_what_was_saved_is_loaded_with_its_age(tmp_path: Path) -> None:
    file = tmp_path / "memory.json"
    save(file, MEMORY)
    loaded = load(file)
    assert loaded is not None
    assert loaded[0] == MEMORY
    assert 0.0 <= loaded[1] < 5.0
    assert list(tmp_path.iterdir()) == [file]


def test_no_file_is_no_memory(tmp_path: Path) -> None:
    assert load(tmp_path / "memory.json") is None


def test_every_torn_file_is_no_memory_and_says_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "memory.json"
    save(file, MEMORY)
    whole = file.read_bytes()
    for length in range(0, len(whole), 7):
        file.write_bytes(whole[:length])
        assert load(file) is None
    assert "memory.json cannot be read" in caplog.text


@pytest.mark.parametrize(
    "content",
    [
        b"\0" * 4096,
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"boot_id":',
        b"{}",
        b'{"x":' + b"[" * 100_000,
        b"null",
        b"[]",
        b"1e999",
    ],
)
def test_junk_is_no_memory(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "memory.json"
    file.write_bytes(content)
    assert load(file) is None


def test_a_directory_in_its_place_is_no_memory(tmp_path: Path) -> None:
    assert load(tmp_path) is None


def test_another_version_is_not_believed(tmp_path: Path) -> None:
    file = tmp_path / "memory.json"
    save(file, msgspec.structs.replace(MEMORY, version=99))
    loaded = load(file)
    assert loaded is not None
    machine = begin(plan(), 0.0)
    assert recall(machine, loaded[0], 0.0, loaded[1]) == machine


def test_within_a_boot_a_wall_clock_that_jumps_does_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "memory.json"
    save(file, MEMORY)
    for step_s in (-1e9, 1e9):
        monkeypatch.setattr(time, "time", lambda step_s=step_s: 1.7e9 + step_s)
        loaded = load(file)
        assert loaded is not None
        assert 0.0 <= loaded[1] < 5.0


@pytest.mark.parametrize(("step_s", "age_s"), [(100.0, 100.0), (-5000.0, 0.0)])
def test_across_boots_the_wall_clock_tells_and_never_backwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step_s: float, age_s: float
) -> None:
    file = tmp_path / "memory.json"
    wall_s = time.time()
    monkeypatch.setattr(time, "time", lambda: wall_s)
    save(file, MEMORY)
    monkeypatch.setattr(time, "time", lambda: wall_s + step_s)
    monkeypatch.setattr(memory_file, "_boot_id", lambda: "another")
    loaded = load(file)
    assert loaded is not None
    assert loaded[1] == pytest.approx(age_s)


def test_a_full_or_missing_disk_leaves_the_old_one_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "memory.json"
    save(file, MEMORY)

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        save(file, Memory(version=1, paths=()))
    loaded = load(file)
    assert loaded is not None
    assert loaded[0] == MEMORY
    with pytest.raises(FileNotFoundError):
        save(tmp_path / "gone" / "memory.json", MEMORY)

import os
from pathlib import Path

import pytest

from collector.dead_letters import MAX_KEPT_BYTES, DeadLetter, DeadLetters, read_letters


def _letter(number: int, size: int = 10) -> DeadLetter:
    return DeadLetter(number, "bl/1/e/1/t/b/a", f"reason {number}", b"\x00" * size)


def test_kept_as_they_came(tmp_path: Path) -> None:
    letters = DeadLetters(tmp_path, 1_000_000)
    letters.add([_letter(1), _letter(2)])
    letters.add([])
    DeadLetters(tmp_path, 1_000_000).add([_letter(3)])
    assert read_letters(tmp_path) == [_letter(1), _letter(2), _letter(3)]


def test_bounded_and_what_went_is_counted_over_restarts(tmp_path: Path) -> None:
    for number in range(100):
        DeadLetters(tmp_path, 20_000).add([_letter(number, 1000)])
    letters = DeadLetters(tmp_path, 20_000)
    kept = read_letters(tmp_path)
    assert [each.at_ns for each in kept] == list(range(100 - len(kept), 100))
    assert letters.dropped + len(kept) == 100
    assert sum(each.stat().st_size for each in tmp_path.iterdir()) <= 20_000


def test_huge_payload_is_cut(tmp_path: Path) -> None:
    DeadLetters(tmp_path, 10_000_000).add([_letter(1, MAX_KEPT_BYTES + 5)])
    (letter,) = read_letters(tmp_path)
    assert len(letter.payload) == MAX_KEPT_BYTES


def test_disk_trouble_keeps_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    letters = DeadLetters(tmp_path, 1_000_000)
    letters.add([_letter(1)])

    def broken(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", broken)
        with pytest.raises(OSError, match="No space"):
            letters.add([_letter(2)])
    letters.add([_letter(2)])
    assert [each.at_ns for each in read_letters(tmp_path)] == [1, 2]


def test_half_written_line_is_left_out(tmp_path: Path) -> None:
    DeadLetters(tmp_path, 1_000_000).add([_letter(1)])
    with (tmp_path / "dead-letters.jsonl").open("ab") as stream:
        stream.write(b'{"at_ns": 5, "sou')
    assert read_letters(tmp_path) == [_letter(1)]

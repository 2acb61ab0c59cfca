import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.errors import JournalFullError
from collector.journal.checkpoint import Checkpoint, Mark, load_checkpoint, save_checkpoint
from collector.journal.journal import Journal, JournalLimits, open_journal
from collector.journal.reader import bytes_between, read_chunk
from collector.journal.records import Kind, Message, Record, frame, pack_message, scan, unpack_message
from collector.journal.segments import Position, list_segments, segment_file

LIMITS = JournalLimits(max_bytes=1_000_000, segment_bytes=10_000)


def _commit(journal: Journal, *bodies: bytes) -> None:
    data = b"".join(frame(Kind.LINES, body) for body in bodies)
    roll = journal.must_roll
    journal.commit((frame(Kind.STATE, b"state") if roll else b"") + data, roll=roll)


def _all(directory: Path, journal: Journal, start: Position | None = None) -> tuple[list[bytes], list[str]]:
    position = start or Position(0, 0)
    bodies: list[bytes] = []
    damage: list[str] = []
    while position < journal.end:
        chunk = read_chunk(directory, position, journal.end, max_bytes=700)
        bodies += [record.body for record in chunk.records if record.kind == Kind.LINES]
        damage += [chunk.damage] if chunk.damage else []
        assert chunk.next > position
        position = chunk.next
    return bodies, damage


def test_message_round_trip() -> None:
    message = Message(5, "bl/1/st/t/b/ä", b"\x00\xff")
    (record,) = scan(pack_message(message))
    assert unpack_message(record.body) == message


@given(st.lists(st.binary(max_size=60), max_size=8), st.integers(0, 400), st.binary(max_size=40))
def test_torn_tail_keeps_whole_records(bodies: list[bytes], keep: int, noise: bytes) -> None:
    data = b"".join(frame(Kind.LINES, body) for body in bodies)
    ends = [record.end for record in scan(data)]
    torn = data[:keep] + noise
    found: list[Record] = list(scan(torn))
    whole = [body for body, end in zip(bodies, ends, strict=True) if end <= keep]
    assert [record.body for record in found][: len(whole)] == whole
    if keep >= len(data):
        assert [record.body for record in found][: len(bodies)] == bodies


@given(st.lists(st.binary(min_size=1, max_size=60), min_size=1, max_size=8), st.data())
def test_a_changed_byte_is_noticed(bodies: list[bytes], data: st.DataObject) -> None:
    raw = bytearray(b"".join(frame(Kind.LINES, body) for body in bodies))
    place = data.draw(st.integers(0, len(raw) - 1))
    raw[place] ^= data.draw(st.integers(1, 255))
    ends = [record.end for record in scan(b"".join(frame(Kind.LINES, body) for body in bodies))]
    whole = [body for body, end in zip(bodies, ends, strict=True) if end <= place]
    assert [record.body for record in scan(bytes(raw))] == whole


def test_zeros_are_no_record() -> None:
    assert list(scan(bytes(4096))) == []


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.binary(max_size=2500), min_size=1, max_size=4), min_size=1, max_size=12), st.data())
def test_crash_keeps_every_commit(
    tmp_path_factory: pytest.TempPathFactory, groups: list[list[bytes]], data: st.DataObject
) -> None:
    """Cut the newest segment anywhere behind the last commit that was acknowledged: nothing of that is lost."""
    directory = tmp_path_factory.mktemp("journal")
    journal = open_journal(directory, LIMITS)
    for group in groups:
        _commit(journal, *group)
    journal.close()
    file = segment_file(directory, journal.end.segment)
    junk = data.draw(st.binary(max_size=200))
    with file.open("ab") as stream:
        stream.write(frame(Kind.LINES, b"half written")[: data.draw(st.integers(0, 15))] + junk)
    again = open_journal(directory, LIMITS)
    bodies, damage = _all(directory, again)
    expected = [body for group in groups for body in group]
    assert bodies[: len(expected)] == expected
    assert damage == []
    _commit(again, b"after")
    assert _all(directory, again)[0][-1] == b"after"
    again.close()


def test_crash_while_a_segment_begins(tmp_path: Path) -> None:
    journal = open_journal(tmp_path, LIMITS)
    _commit(journal, b"kept")
    journal.close()
    segment_file(tmp_path, 2).write_bytes(frame(Kind.STATE, b"x" * 50)[:20])
    again = open_journal(tmp_path, LIMITS)
    assert again.end == journal.end
    assert list_segments(tmp_path) == [1]
    again.close()


def test_torn_tail_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    journal = open_journal(tmp_path, LIMITS)
    _commit(journal, b"kept")
    journal.close()
    with segment_file(tmp_path, 1).open("ab") as stream:
        stream.write(b"torn")
    open_journal(tmp_path, LIMITS).close()
    assert "the last 4 bytes were half written when the collector stopped and are cut off" in caplog.text


def test_segments_roll_and_go(tmp_path: Path) -> None:
    journal = open_journal(tmp_path, LIMITS)
    for _ in range(10):
        _commit(journal, b"x" * 4000)
    assert list_segments(tmp_path) == [1, 2, 3, 4]
    assert journal.size_bytes == sum(each.stat().st_size for each in tmp_path.iterdir())
    assert bytes_between(tmp_path, Position(1, 0), journal.end) == journal.size_bytes
    assert journal.delete_before(99) == 3
    assert list_segments(tmp_path) == [4]
    assert journal.size_bytes == segment_file(tmp_path, 4).stat().st_size
    assert read_chunk(tmp_path, Position(1, 0), journal.end).next == Position(4, 0)
    journal.close()


def test_full_journal_takes_nothing_and_recovers(tmp_path: Path) -> None:
    journal = open_journal(tmp_path, JournalLimits(max_bytes=45_000, segment_bytes=10_000))
    for _ in range(11):
        _commit(journal, b"x" * 4000)
    with pytest.raises(JournalFullError):
        _commit(journal, b"x" * 4000)
    assert len(_all(tmp_path, journal)[0]) == 11
    journal.delete_before(journal.end.segment)
    _commit(journal, b"y")
    assert _all(tmp_path, journal)[0][-1] == b"y"
    journal.close()


def test_a_failed_commit_leaves_no_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = open_journal(tmp_path, LIMITS)
    _commit(journal, b"one")

    def broken(_: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", broken)
        with pytest.raises(OSError, match="Input/output"):
            _commit(journal, b"two")
    assert segment_file(tmp_path, 1).stat().st_size == journal.end.offset
    assert journal.must_roll
    _commit(journal, b"three")
    assert _all(tmp_path, journal)[0] == [b"one", b"three"]
    assert journal.end.segment == 2
    journal.close()


def test_damage_in_the_middle_is_skipped_and_said(tmp_path: Path) -> None:
    journal = open_journal(tmp_path, LIMITS)
    for number in range(6):
        _commit(journal, b"%d" % number + b"x" * 4000)
    file = segment_file(tmp_path, 1)
    raw = bytearray(file.read_bytes())
    raw[5000] ^= 1
    file.write_bytes(raw)
    bodies, damage = _all(tmp_path, journal)
    assert [body[:1] for body in bodies] == [b"0", b"3", b"4", b"5"]
    assert len(damage) == 1
    assert "are damaged and were skipped" in damage[0]
    journal.close()


def test_checkpoint(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "checkpoint.json"
    assert load_checkpoint(file) is None
    checkpoint = Checkpoint(Mark(5.0, 3, 77), (Mark(1.0, 1, 0),), 123.5)
    save_checkpoint(file, checkpoint)
    assert load_checkpoint(file) == checkpoint
    file.write_bytes(b"\xff")
    assert load_checkpoint(file) is None
    assert "not a checkpoint" in caplog.text


def test_a_state_larger_than_a_segment_does_not_start_one_at_each_commit(tmp_path: Path) -> None:
    state = frame(Kind.STATE, bytes(2 * LIMITS.segment_bytes))
    journal = open_journal(tmp_path, LIMITS)
    journal.commit(state, roll=journal.must_roll)
    for body in (bytes(100), bytes(LIMITS.segment_bytes)):
        _commit(journal, body)
        assert journal.end.segment == 1
        journal.close()
        journal = open_journal(tmp_path, LIMITS)
    _commit(journal, b"next")
    assert journal.end.segment == 2
    journal.close()

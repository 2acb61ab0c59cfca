"""What is written down and read back while it is being written."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from lab.pc import is_answer, question
from lab.samples import DNS, NEW4, Sample, SampleFile, Tail


def test_a_tail_gives_whole_lines_once(tmp_path: Path) -> None:
    file = tmp_path / "grows"
    tail = Tail(file)
    assert tail.lines() == []
    file.write_bytes(b"one\ntw")
    assert tail.lines() == [b"one"]
    with file.open("ab") as more:
        more.write(b"o\nthree\n")
    assert tail.lines() == [b"two", b"three"]
    assert tail.lines() == []


def test_samples_survive_the_file(tmp_path: Path) -> None:
    file = tmp_path / "samples"
    written = [Sample(NEW4, 1, 10, 20, 30), Sample(DNS, 2, 11), Sample(NEW4, 3, 12, None, None)]
    file.write_text("".join(sample.line() for sample in written))
    assert SampleFile(file).update() == written


@given(st.integers(0, 2**40))
def test_a_question_is_answered_only_by_its_own_answer(number: int) -> None:
    asked = question(number, "u1.lab.test")
    assert not is_answer(asked, number)
    answer = asked[:2] + b"\x81\x80\x00\x01\x00\x01" + asked[8:]
    assert is_answer(answer, number)
    assert not is_answer(answer, number + 1)
    assert not is_answer(asked[:2] + b"\x81\x83\x00\x01\x00\x01" + asked[8:], number)  # NXDOMAIN
    assert not is_answer(asked[:2] + b"\x81\x80\x00\x01\x00\x00" + asked[8:], number)  # no record
    assert not is_answer(answer[:11], number)


def test_a_question_is_as_rfc_1035_draws_it() -> None:
    assert question(0x1234, "a.bc").hex() == "12340100000100000000000001610262630000010001"

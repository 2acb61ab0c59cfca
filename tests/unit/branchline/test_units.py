"""Quantities with units."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from branchline.units import Duration, Size


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("100ms", 0.1), ("10s", 10.0), ("1.5 s", 1.5), ("5min", 300.0), ("4h", 14_400.0), ("30d", 2_592_000.0), ("0s", 0)],
)
def test_durations(text: str, seconds: float) -> None:
    assert Duration.parse(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("text", "count"), [("1B", 1), ("512kB", 512_000), ("64MB", 64_000_000), ("2GB", 2_000_000_000), ("0.5kB", 500)]
)
def test_sizes(text: str, count: int) -> None:
    assert Size.parse(text) == count


@pytest.mark.parametrize(
    "text",
    [10, 1.5, True, None, [], "", "10", "s", "-5s", "+5s", "1e3s", "5 m", "5  s", "5S", "5s ", "5s\n", "٣s", "1,5s"],
)
def test_no_unit_or_no_number_is_refused_with_an_example(text: object) -> None:
    with pytest.raises(ValueError, match=r'write a number with ms, s, min, h or d, for example "100ms"$'):
        Duration.parse(text)


@pytest.mark.parametrize("text", ["64", "64 mb", "64KB", "64MiB", "64M", "10s"])
def test_no_size_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r'write a number with B, kB, MB or GB, for example "64MB"$'):
        Size.parse(text)


def test_an_absurd_number_is_refused_not_infinite() -> None:
    with pytest.raises(ValueError, match="has no known unit"):
        Size.parse("9" * 400 + "GB")


@given(st.text(max_size=30))
def test_any_text_is_a_quantity_or_a_value_error(text: str) -> None:
    for kind in (Duration, Size):
        try:
            value = kind.parse(text)
        except ValueError as error:
            value, sentence = None, str(error)
        assert value is None or 0 <= value < 1e18, sentence


@pytest.mark.parametrize("text", ["250ms", "10s", "90s", "5min", "4h", "30d", "0ms"])
def test_a_duration_is_written_as_people_write_it(text: str) -> None:
    assert Duration.parse(text).written() == text


@pytest.mark.parametrize("text", ["1B", "1500B", "256MB", "4GB", "0B"])
def test_a_size_is_written_as_people_write_it(text: str) -> None:
    assert Size.parse(text).written() == text

"""What the writer makes of records reads back the same; everything else is refused with a reason."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.store.line_reader import MAX_INT, BadLineError, Head, read_line
from collector.store.lines import MAX_TAG_CHARS, MAX_TEXT_CHARS, point, series

_TIMES = st.integers(-MAX_INT, MAX_INT)
_VALUES = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False), st.integers(-MAX_INT, MAX_INT), st.text(max_size=MAX_TEXT_CHARS)
)


def _tag(text: str) -> str:
    return "".join(c if c.isprintable() and c != "\\" else "_" for c in text[:MAX_TAG_CHARS])


def _text(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)


@given(
    st.text(min_size=1), st.text(min_size=1), st.dictionaries(st.sampled_from("abcdef"), _VALUES, min_size=1), _TIMES
)
def test_what_the_writer_makes_reads_back(
    isp: str, link: str, values: dict[str, float | int | str], at_ns: int
) -> None:
    line = read_line(point(series("link", (("link", link), ("isp", isp))), tuple(values.items()), at_ns))
    assert line.head == Head("link", (("isp", _tag(isp)), ("link", _tag(link))))
    assert line.values == {key: _text(value) if isinstance(value, str) else value for key, value in values.items()}
    assert [type(each) for each in line.values.values()] == [type(each) for each in values.values()]
    assert line.at_ns == at_ns


def test_escapes() -> None:
    line = read_line(r'act,isp=A\,\ B\=C,link=x id="a \"b\", c=\\d",route_ms=1e-05,outcome=-3i,reason="" 5')
    assert line.head == Head("act", (("isp", "A, B=C"), ("link", "x")))
    assert line.values == {"id": 'a "b", c=\\d', "route_ms": 1e-05, "outcome": -3, "reason": ""}
    assert line.at_ns == 5


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("", "no fields"),
        ("link", "no fields"),
        ("link x=1", "no time"),
        ("link x=1 soon", "not a time"),
        ("link x=1 99999999999999999999", "not a time"),
        (f"link x=1 {2**63}", "does not fit"),
        ("link x= 1", "not a float"),
        ("link x 1", "not a float"),
        ("link =1 1", "not a name"),
        ("Link x=1 1", "not a name"),
        ("link;drop x=1 1", "not a name"),
        ("link X=1 1", "not a name"),
        ('link x="1 1', "not a float"),
        ('link x="1"y=2 1', "follows a text"),
        ('link x="1", 1', "not a name"),
        ("link x=true 1", "not a float"),
        ("link x=5u 1", "not a float"),
        ("link x=nan 1", "not a float"),
        ("link x=1_0 1", "not a float"),
        ("link x=1e999 1", "too large"),
        (f"link x={2**63}i 1", "does not fit"),
        ("link,=a x=1 1", "not a name"),
        ("link,a= x=1 1", "not a tag"),
        ("link,a x=1 1", "not a tag"),
        ("link,a=b=c x=1 1", "not a tag"),
        ("link,a=b,a=c x=1 1", "twice"),
        ("link,a=b,a=c x=1,, 1", "twice"),
    ],
)
def test_refused(line: str, reason: str) -> None:
    with pytest.raises(BadLineError, match=reason):
        read_line(line)


@given(st.text(max_size=60))
def test_any_text_reads_or_is_refused(text: str) -> None:
    try:
        line = read_line(text)
    except BadLineError:
        return
    assert all(not isinstance(value, float) or math.isfinite(value) for value in line.values.values())

"""On which line a key stands, however it is written."""

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from branchline.toml_lines import MAX_STATEMENT_LINES, Key, dotted, line_of

TEXT = '''# [agent] in a comment
agent = { tenant = "acme", "branch" = "x" }
broker.host = "b"
broker . 'port' = 1
note = """
[[path]]
name = "not a table"
"""

[[path]] # first
name = "isp1"
dns = [
  "192.0.2.1",
  "192.0.2.2",
]
  [ path . sub ]
  deep = 1

[["path"]]
name = "isp2"

[path.sub]
deep = 2
[a.b.c]
d = 1
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ([], None),
        (["agent"], 2),
        (["agent", "tenant"], 2),
        (["broker"], 3),
        (["broker", "host"], 3),
        (["broker", "port"], 4),
        (["broker", "absent"], 3),
        (["note"], 5),
        (["path"], 10),
        (["path", 0], 10),
        (["path", 0, "name"], 11),
        (["path", 0, "dns", 1], 12),
        (["path", 0, "sub", "deep"], 17),
        (["path", 1], 19),
        (["path", 1, "name"], 20),
        (["path", 1, "absent"], 19),
        (["path", 1, "sub", "deep"], 23),
        (["a"], 24),
        (["a", "b", "c", "d"], 25),
        (["absent"], None),
    ],
)
def test_line_of_a_key(path: list[Key], line: int | None) -> None:
    tomllib.loads(TEXT)
    assert line_of(TEXT, path) == line


def test_windows_line_ends_count_once() -> None:
    assert line_of('[a]\r\nb = 1\r\n[c]\r\nd = """\r\n\r\n"""\r\ne = 2\r\n', ["c", "e"]) == 7


def test_a_statement_longer_than_any_settings_have_ends_the_search() -> None:
    text = "[a]\nb = [\n" + "1,\n" * MAX_STATEMENT_LINES + "]\nc = 1\n"
    assert line_of(text, ["a", "c"]) == 1


def test_a_key_as_people_say_it() -> None:
    assert dotted(["path", 1, "rank"]) == "path[2].rank"
    assert dotted(["a-b", "c\nd"]) == r"a-b.'c\nd'"


keys = st.text("abc", min_size=1, max_size=2)
values = st.recursive(
    st.integers(0, 9), lambda inner: st.lists(inner, min_size=1, max_size=3) | st.dictionaries(keys, inner, min_size=1)
)


@given(st.lists(st.tuples(keys, st.dictionaries(keys, values, min_size=1, max_size=3)), min_size=1, max_size=5))
def test_the_line_holds_the_key(tables: list[tuple[str, dict[str, Any]]]) -> None:
    """Arrays of tables in any order: each key is found on the line it was written to."""
    lines: list[str] = []
    written: dict[tuple[Key, ...], int] = {}
    counts: dict[str, int] = {}
    for name, content in tables:
        index = counts[name] = counts.get(name, -1) + 1
        lines += ["", f"[[{name}]]"]
        for key, value in content.items():
            lines.append(f"{key} = {_inline(value)}")
            written[name, index, key] = len(lines)
    text = "\n".join(lines)
    assert {path: line_of(text, list(path)) for path in written} == written


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_inline(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_inline(item) for item in value) + "]"
    return str(value)

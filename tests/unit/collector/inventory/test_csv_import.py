"""CSV files of people, spreadsheets and attackers: all is taken or nothing, every fault told with its place."""

from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from branchline.settings import parse
from collector.inventory.columns import BRANCH_COLUMNS, LINE_COLUMNS
from collector.inventory.csv_import import Imported, import_csv
from collector.inventory.faults import SHOWN_AT_MOST, ImportRefusedError
from collector.inventory.file import load, written
from collector.inventory.model import Freeze, Hours, Inventory, Referent, Sim
from wire.messages import Role

EXAMPLES = Path(__file__).parents[4] / "docs" / "examples"
LINES = "branch,line,isp\na,wan1,Orange\n"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def take(branches: str | bytes, lines: str | bytes = "branch,line,isp\n") -> Imported:
    for name, content in (("branches.csv", branches), ("lines.csv", lines)):
        Path(name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return import_csv("acme", Path("branches.csv"), Path("lines.csv"))


def faults(branches: str | bytes, lines: str | bytes = "branch,line,isp\n") -> list[str]:
    with pytest.raises(ImportRefusedError) as caught:
        take(branches, lines)
    return str(caught.value).splitlines()


def test_the_documented_example_gives_the_documented_file() -> None:
    imported = import_csv("acme", EXAMPLES / "branches.csv", EXAMPLES / "lines.csv")
    assert imported.inventory == load(EXAMPLES / "inventory.toml")
    assert written(imported.inventory) == (EXAMPLES / "inventory.toml").read_text()
    assert imported.notes == ()


def test_header_in_any_order_and_case_and_any_usual_delimiter(here: Path) -> None:
    for delimiter in ",;\t":
        branches = "Flood Zone,BRANCH,latitude,Longitude\nloire,a,47.5,-1\n".replace(",", delimiter)
        branch = take(branches, LINES).inventory.branch[0]
        assert (branch.name, branch.flood_zone, branch.latitude_deg, branch.longitude_deg) == ("a", "loire", 47.5, -1)


def test_cells_are_read_as_people_write_them(here: Path) -> None:
    branches = (
        "branch;title;latitude;longitude;critical;simulated;referent;referent_phone;mon;tue;freeze;\n"
        'a;"Nantes; ""Sud""";47,25;-1,5;oui;0;Anne;+33\u00a02\u202f40 00 00 00;8:30 - 18:00;22:00\u201306:00 3;'
        "2026-12-20..2027-01-03 Noël | 2027-07-14..2027-07-14;\n"
        ";;;;;;;;;;;\n"
    )
    lines = (
        "branch;line;isp;role;access;gtr_h;cap_gb;cell;plan;support_phone\n"
        "a;wan1;Orange;WIRE;FTTO;4;;;;+33 9 69 36 39 00\na;cell;SFR;cell;5g;;1,5;NTE-1;50 Go;\n"
    )
    (branch,) = take(branches, lines).inventory.branch
    assert branch.title == 'Nantes; "Sud"'
    assert (branch.critical, branch.simulated) == (True, False)
    assert branch.referent == Referent(name="Anne", phone="+33 2 40 00 00 00")
    assert branch.hours == (
        Hours(day="mon", open="08:30", close="18:00"),
        Hours(day="tue", open="22:00", close="06:00", people=3),
    )
    assert branch.freeze == (
        Freeze(first="2026-12-20", last="2027-01-03", why="Noël"),
        Freeze(first="2027-07-14", last="2027-07-14", why=""),
    )
    assert [(line.name, line.role, line.access, line.gtr_h, line.support_phone) for line in branch.line] == [
        ("wan1", Role.WIRE, "ftto", 4.0, "+33 9 69 36 39 00"),
        ("cell", Role.CELL, "5g", 0.0, ""),
    ]
    assert branch.line[1].sim == Sim(plan="50 Go", cap_gb=1.5, cell="NTE-1")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_encodings_of_spreadsheets(here: Path, encoding: str) -> None:
    imported = take("branch,title\na,Orléans Œuvre €\n".encode(encoding), LINES.encode(encoding))
    assert imported.inventory.branch[0].title == "Orléans Œuvre €"
    guessed = "branches.csv was read as Windows-1252; look at the accents"
    assert imported.notes == ((guessed,) if encoding == "cp1252" else ())


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (b"PK\x03\x04rest", 'branches.csv: this is a spreadsheet, not CSV; open it and save it as "CSV UTF-8"'),
        (
            "branch\na\n".encode("utf-16-le"),
            "branches.csv: holds bytes that are no text (UTF-16 without its mark?); save it as UTF-8",
        ),
        (
            "branch,title\na,é\n".encode() + b"b,\xe9\n",
            "branches.csv: line 3 is not UTF-8, though other lines are; save the file anew as UTF-8",
        ),
        (b"branch,title\na,\x81\n", "branches.csv: is neither UTF-8 nor Windows-1252; save it as UTF-8"),
        (b"\xff\xfea", "branches.csv: is neither UTF-8 nor UTF-16; save it as UTF-8"),
        (b"", "branches.csv line 1: no column is known; the first line must name the columns, at least branch"),
        (
            b'branch,title\na,"x\nb,y\n',
            (
                "branches.csv line 2: not valid CSV (unexpected end of data); is a quote opened and not closed? "
                "Correct this line"
            ),
        ),
    ],
)
def test_a_file_that_cannot_be_read_is_one_sentence(here: Path, raw: bytes, sentence: str) -> None:
    assert faults(raw) == [sentence]


def test_a_missing_file_and_a_huge_one(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ImportRefusedError) as caught:
        import_csv("acme", Path("no.csv"), Path("no.csv"))
    assert (
        str(caught.value).splitlines()
        == ["no.csv: cannot be read (No such file or directory); check the path and its permissions"] * 2
    )
    monkeypatch.setattr("collector.inventory.csv_table.MAX_FILE_BYTES", 20)
    assert faults("branch\n" + "a" * 20) == ["branches.csv: larger than 20 bytes; this is no list of branches or lines"]


def test_every_fault_of_the_header_is_named(here: Path) -> None:
    known = ", ".join(column.name for column in BRANCH_COLUMNS)
    assert faults("titles,region,Region,,<script>\nx,y,z,,\n") == [
        "branches.csv line 1: column 'titles' is not known; did you mean title?",
        "branches.csv line 1: column region stands there 2 times; keep one",
        "branches.csv line 1: a column has no name; name it, or remove it",
        f"branches.csv line 1: column '<script>' is not known; remove it, or use one of: {known}",
        "branches.csv line 1: column branch is missing; add it",
    ]


BAD_BRANCHES = """\
branch,title,latitude,longitude,critical,referent,referent_phone,mon,freeze,timezone
a,"two
lines",147,-1,,,,,,
a b,,x,-1,perhaps,Anne,,,,Mars/Base
a,,,,,,,8h-18h,soon,
,t,1,,,,=1+1,10:00-10:00,2026-02-30..2026-03-01,
c,t
"""
BAD_LINES = """\
branch,line,isp,role,plan,gtr_h
a,wan1,,wire,,4h
zzz,wan1,Orange,wire,50 Go,
a,wan1,SFR,radio,,1e9
a,cell,SFR,cell,,999999
"""
BAD_ROWS = """\
branches.csv line 2, column title: 'two\\nlines' holds a line break; write it on one line, as plain text
branches.csv line 2, column latitude: 147.0 is not between -90 and 90; correct it
branches.csv line 4, column latitude: 'x' is no number; write it as 47.25 or 47,25
branches.csv line 4, column critical: 'perhaps' is neither yes nor no
branches.csv line 4, column referent_phone: empty, though the row has other columns of this kind; write it
branches.csv line 4, column branch: 'a b' cannot be a name: use 1 to 63 of A-Z a-z 0-9 . _ - and start with a letter \
or digit
branches.csv line 4, column timezone: 'Mars/Base' is no time zone; write one such as "Europe/Paris"
branches.csv line 5, column mon: '8h-18h' is no opening time; write "08:30-18:00", or with 12 people "08:30-18:00 12"
branches.csv line 5, column freeze: 'soon' is no freeze; write "2026-12-20..2027-01-03 why", several with |
branches.csv line 5, column branch: 'a' is also on line 2; give each branch one row
branches.csv line 6, column branch: empty; write it
branches.csv line 6, column mon: 10:00 is also when it opens; for a whole day write "00:00" to "23:59"
branches.csv line 6, column freeze: '2026-02-30' is no date; write it as "2026-12-20"
branches.csv line 6, column referent: empty, though the row has other columns of this kind; write it
branches.csv line 6, column referent_phone: '=1+1' is no telephone number that can be rung from abroad; write +33 2 ...
branches.csv line 6, column longitude: missing beside latitude_deg; give both or neither
branches.csv line 7: has 2 cells, the first line has 10; is a comma not in quotes?
lines.csv line 2, column isp: empty; write it
lines.csv line 2, column gtr_h: '4h' is no number; write it as 47.25 or 47,25
lines.csv line 3, column branch: 'zzz' has no row in branches.csv; add one, or correct it
lines.csv line 3, column plan: a wired line has no SIM; make its role cell, or leave the SIM out
lines.csv line 4, column role: 'radio' is not one of: wire, cell
lines.csv line 4, column gtr_h: '1e9' is no number; write it as 47.25 or 47,25
lines.csv line 4, column line: 'wan1' of 'a' is also on line 2; remove one
lines.csv line 5, column gtr_h: 999999.0 is not between 0 and 10000; correct it
"""


def test_every_fault_of_every_row_is_told_with_line_and_column(here: Path) -> None:
    assert faults(BAD_BRANCHES, BAD_LINES) == BAD_ROWS.splitlines()


def test_a_list_of_faults_is_bounded(here: Path) -> None:
    told = faults("branch\n" + "a b\n" * 5000)
    assert len(told) == SHOWN_AT_MOST + 1
    assert told[-1] == f"and {5000 - SHOWN_AT_MOST} more like these"


def test_a_cell_of_10_kb_and_too_many_lines(here: Path) -> None:
    assert faults(f"branch,title\na,{'x' * 10_000}\n") == [
        "branches.csv line 2, column title: has 10000 characters; write at most 200"
    ]
    lines = "branch,line,isp\n" + "".join(f"a,wan{number},Orange\n" for number in range(70))
    assert faults("branch\na\n", lines) == ["lines.csv line 66, column branch: 'a' has more than 64 lines; remove some"]


@pytest.mark.parametrize("sign", ["=", "+", "-", "@"])
def test_a_formula_is_a_text_like_any_other(here: Path, sign: str) -> None:
    hostile = f"{sign}cmd|'/c calc'!A0 <script>alert(1)</script> \\u0000 {{{{x}}}}"
    imported = take(f'branch,title,address\na,"{hostile}","x""]\\"\n')
    assert imported.inventory.branch[0].title == hostile
    assert imported.inventory.branch[0].address == 'x"]\\'
    assert parse(written(imported.inventory), Inventory, "t.toml") == imported.inventory


@pytest.mark.parametrize("letter", ["\x00", "\x1b", "\x7f", "\x85", "\u2028", "\u202e", "\ufeff"])
def test_what_cannot_be_printed_is_refused(here: Path, letter: str) -> None:
    assert len(faults(f"branch,title\na,x{letter}y\n")) == 1


def test_no_tenant_can_be_a_path(here: Path) -> None:
    with pytest.raises(ValueError, match=r"tenant: '\.\./x' cannot be a name"):
        import_csv("../x", Path("branches.csv"), Path("lines.csv"))


_cells = st.sampled_from(
    [
        "a",
        "b",
        "wan1",
        "Orange",
        "wire",
        "cell",
        '"',
        '""',
        "\r",
        "\0",
        "47,2",
        "-1.5",
        "+33 2 40 00 00 00",
        "=1",
        "é",
        "08:00-09:00",
    ]
) | st.text(max_size=12)
_rows = st.lists(_cells, max_size=6)
_headers = st.permutations([column.name for column in (*BRANCH_COLUMNS, *LINE_COLUMNS)]).map(lambda names: names[:6])


def _files(needed: tuple[str, ...]) -> st.SearchStrategy[bytes]:
    """A file whose header has at least what is needed, and rows of anything."""

    def text(header: list[str], rows: list[list[str]], delimiter: str) -> bytes:
        table = [[*needed, *(name for name in header if name not in needed)], *rows]
        return "\n".join(delimiter.join(row) for row in table).encode("utf-8", "replace")

    return st.builds(text, _headers, st.lists(_rows, max_size=5), st.sampled_from(",;\t"))


@settings(max_examples=150)
@example(b"branch", b'branch\tline\tisp\n"\t"0')
@given(_files(("branch",)), _files(("branch", "line", "isp")))
def test_any_file_is_an_inventory_or_a_list_of_lines(
    tmp_path_factory: pytest.TempPathFactory, branches_raw: bytes, lines_raw: bytes
) -> None:
    folder = tmp_path_factory.getbasetemp()
    branches, lines = folder / "branches.csv", folder / "lines.csv"
    branches.write_bytes(branches_raw)
    lines.write_bytes(lines_raw)
    try:
        inventory = import_csv("acme", branches, lines).inventory
    except ImportRefusedError as refused:
        report = str(refused).split("\n")
        assert all(line.isprintable() and line.startswith((str(branches), str(lines), "and ")) for line in report)
    else:
        assert parse(written(inventory), Inventory, "t.toml") == inventory


@given(st.binary(max_size=200))
def test_any_bytes_are_a_file_or_a_list_of_lines(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    file = tmp_path_factory.getbasetemp() / "any.csv"
    file.write_bytes(raw)
    with pytest.raises(ImportRefusedError) as caught:
        import_csv("acme", file, EXAMPLES / "lines.csv")
    assert all(line.isprintable() for line in str(caught.value).split("\n"))

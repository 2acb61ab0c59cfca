"""A CSV file as rows of named cells. Every fault of the header is told; rows keep the line they begin on."""

import csv
import difflib
import io
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from collector.inventory.csv_text import decoded
from collector.inventory.faults import Faults

MAX_FILE_BYTES = 32_000_000
_DELIMITERS = ",;\t"
_SPACES = str.maketrans({"\u00a0": " ", "\u202f": " "})  # spreadsheets put them into numbers and telephone numbers


@dataclass(frozen=True, slots=True)
class Row:
    """The cells of one row that are not empty, by column, without the spaces around them; `refused` were told."""

    line: int
    cells: dict[str, str]
    refused: frozenset[str]


@dataclass(frozen=True, slots=True)
class Table:
    """One file. `encoding` in words."""

    file: str
    encoding: str
    rows: tuple[Row, ...]


def read_table(file: Path, known: Collection[str], needed: Collection[str], faults: Faults) -> Table:
    """Read a CSV file; without a usable header it has no rows.

    Args:
        file: to read
        known: columns it may have
        needed: columns it must have
        faults: what is wrong is added here
    """
    reading = _Reading(str(file), known, needed, faults)
    try:
        with file.open("rb") as stream:
            raw = stream.read(MAX_FILE_BYTES + 1)
        if len(raw) > MAX_FILE_BYTES:
            reading.fault(0, f"larger than {MAX_FILE_BYTES} bytes; this is no list of branches or lines")
            return reading.table("", [])
        text, encoding = decoded(raw)
    except OSError as error:
        reading.fault(0, f"cannot be read ({error.strerror}); check the path and its permissions")
        return reading.table("", [])
    except ValueError as error:
        reading.fault(0, str(error))
        return reading.table("", [])
    return reading.table(encoding, reading.rows(text))


def _delimiter(text: str, known: Collection[str]) -> str:
    """The one that finds most known columns in the first line."""
    first = text.lstrip("\r\n").partition("\n")[0]

    def found(delimiter: str) -> int:
        return sum(_column(cell.strip('"')) in known for cell in first.rstrip("\r").split(delimiter))

    return max(_DELIMITERS, key=found)


def _column(cell: str) -> str:
    return cell.translate(_SPACES).strip().lower().replace(" ", "_").replace("-", "_")


@dataclass(frozen=True, slots=True)
class _Reading:
    """One file being read."""

    name: str
    known: Collection[str]
    needed: Collection[str]
    faults: Faults

    def fault(self, line: int, text: str, column: str = "") -> None:
        self.faults.add(self.name, line, column, text)

    def table(self, encoding: str, rows: Iterable[Row]) -> Table:
        return Table(self.name, encoding, tuple(rows))

    def rows(self, text: str) -> Iterator[Row]:
        records = self._records(text, _delimiter(text, self.known))
        line, first = next(records, (1, []))
        header = [_column(cell) for cell in first]
        while header and not header[-1]:
            header.pop()
        if self._header_is_good(line, header):
            for start, cells in records:
                if row := self._row(start, header, cells):
                    yield row

    def _records(self, text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
        """Each record that is not empty, with the line it begins on. After a broken quote nothing can be trusted."""
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        while True:
            line = reader.line_num + 1
            try:
                record = next(reader, None)
            except csv.Error as error:
                what = str(error).replace("\t", "a tab")  # it names the delimiter as it is
                self.fault(line, f"not valid CSV ({what}); is a quote opened and not closed? Correct this line")
                return
            if record is None:
                return
            if any(cell.strip() for cell in record):
                yield line, record

    def _header_is_good(self, line: int, header: list[str]) -> bool:
        if not set(header) & set(self.known):
            names = ", ".join(self.needed)
            self.fault(line, f"no column is known; the first line must name the columns, at least {names}")
            return False
        for column, count in Counter(header).items():
            if not column:
                self.fault(line, "a column has no name; name it, or remove it")
            elif column not in self.known:
                close = difflib.get_close_matches(column[:80], [*self.known], n=1, cutoff=0.7)
                remedy = f"did you mean {close[0]}?" if close else f"remove it, or use one of: {', '.join(self.known)}"
                self.fault(line, f"column {column[:40]!a} is not known; {remedy}")
            elif count > 1:
                self.fault(line, f"column {column} stands there {count} times; keep one")
        missing = [column for column in self.needed if column not in header]
        for column in missing:
            self.fault(line, f"column {column} is missing; add it")
        return not missing

    def _row(self, line: int, header: list[str], cells: list[str]) -> Row | None:
        if any(cell.strip() for cell in cells[len(header) :]) or len(cells) < len(header):
            self.fault(line, f"has {len(cells)} cells, the first line has {len(header)}; is a comma not in quotes?")
            return None
        row: dict[str, str] = {}
        refused = set()
        for column, raw in zip(header, cells, strict=False):
            cell = raw.translate(_SPACES).strip()
            if not cell or column not in self.known or column in row:
                continue
            if cell.isprintable():
                row[column] = cell
                continue
            what = "a line break" if "\n" in cell or "\r" in cell else "a character that cannot be printed"
            self.fault(line, f"{cell[:40]!a} holds {what}; write it on one line, as plain text", column)
            refused.add(column)
        return Row(line, row, frozenset(refused))

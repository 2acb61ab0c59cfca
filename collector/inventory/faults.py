"""What is wrong with imported files: every fault with its line and column, bounded."""

from dataclasses import dataclass, field

SHOWN_AT_MOST = 200


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing to correct.

    Attributes:
        file: as the user named it
        line: from 1, where the row begins; 0: the whole file
        column: as in the header; empty: the whole row
        text: what is wrong and what to do
    """

    file: str
    line: int
    column: str
    text: str

    def __str__(self) -> str:
        place = self.file + (f" line {self.line}" if self.line else "")
        return f"{place}, column {self.column}: {self.text}" if self.column else f"{place}: {self.text}"


@dataclass(slots=True)
class Faults:
    """The first `SHOWN_AT_MOST` of them; `count` is how many there are."""

    found: list[Fault] = field(default_factory=list)
    count: int = 0

    def add(self, file: str, line: int, column: str, text: str) -> None:
        """One more."""
        self.count += 1
        if len(self.found) < SHOWN_AT_MOST:
            self.found.append(Fault(file, line, column, text))

    def report(self) -> list[str]:
        """One line for each, by file and line, and one for those not shown."""
        more = self.count - len(self.found)
        files = list(dict.fromkeys(fault.file for fault in self.found))
        in_order = sorted(self.found, key=lambda fault: (files.index(fault.file), fault.line))
        return [str(fault) for fault in in_order] + ([f"and {more} more like these"] if more else [])


class ImportRefusedError(Exception):
    """The files hold faults, so nothing was taken from them."""

    def __init__(self, faults: Faults) -> None:
        super().__init__("\n".join(faults.report()))
        self.faults = faults

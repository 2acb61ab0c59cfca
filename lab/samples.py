"""What the PC writes down: one line of JSON for each thing a user tried, and whether it worked.

Times are CLOCK_MONOTONIC nanoseconds.
"""

import json
import struct
from pathlib import Path
from typing import NamedTuple

NEW4, NEW6, UDP, TCP, DNS, RESET = "new4", "new6", "udp", "tcp", "dns", "reset"

# An echo on the wire: number and time sent; the answer adds the time of arrival at the far end (nanoseconds).
REQUEST = struct.Struct("!QQ")
ANSWER = struct.Struct("!QQQ")


class Sample(NamedTuple):
    """One try. None: it never arrived, or its answer never came back.

    For DNS nothing is known of the arrival, only of the answer. A `reset` has only `sent_ns`: when the old connection
    was given up by either end.
    """

    stream: str
    number: int
    sent_ns: int
    arrived_ns: int | None = None
    back_ns: int | None = None

    def line(self) -> str:
        """As written to the file."""
        return json.dumps(self, separators=(",", ":")) + "\n"


class Tail:
    """Reads a growing file, complete lines only, each line once."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._offset = 0

    def lines(self) -> list[bytes]:
        """The lines completed since the last call; none while the file does not exist."""
        try:
            with self._file.open("rb") as stream:
                stream.seek(self._offset)
                raw = stream.read()
        except FileNotFoundError:
            return []
        whole = raw[: raw.rfind(b"\n") + 1]
        self._offset += len(whole)
        return whole.splitlines()


class SampleFile:
    """The PC's file, read while it grows."""

    def __init__(self, file: Path) -> None:
        self._tail = Tail(file)
        self.samples: list[Sample] = []

    def update(self) -> list[Sample]:
        """All samples so far, in the order they were settled."""
        self.samples.extend(Sample(*json.loads(line)) for line in self._tail.lines())
        return self.samples

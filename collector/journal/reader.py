"""The reading end of the journal: from a position up to what is on disk."""

from dataclasses import dataclass
from pathlib import Path

from collector.journal.records import Record, needed_bytes, scan
from collector.journal.segments import Position, list_segments, segment_file

CHUNK_BYTES = 128 * 1024


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some records in order, and the position behind them.

    `positions` has the position behind each record. `damage` is a sentence when records between this chunk and `next`
    were lost to a broken disk.
    """

    records: tuple[Record, ...]
    positions: tuple[Position, ...]
    next: Position
    damage: str = ""


def read_chunk(directory: Path, start: Position, end: Position, max_bytes: int = CHUNK_BYTES) -> Chunk:
    """Read records from `start`; stops at `end`, at about `max_bytes` or at the end of a segment.

    An empty chunk with `next == start` means that `start` has reached `end`. A position in a segment that is gone moves
    to the next segment there is.

    Raises:
        OSError: a segment cannot be read.
    """
    if start >= end:
        return Chunk((), (), start)
    file = segment_file(directory, start.segment)
    if not file.exists():
        return Chunk((), (), _following(directory, start, end))
    limit = end.offset if start.segment == end.segment else file.stat().st_size
    if start.offset >= limit:
        return Chunk((), (), _following(directory, start, end))
    with file.open("rb") as stream:
        stream.seek(start.offset)
        data = stream.read(min(max_bytes, limit - start.offset))
        wanted = needed_bytes(data, 0)
        if wanted is not None and len(data) < wanted <= limit - start.offset:
            data += stream.read(wanted - len(data))
    records = tuple(scan(data))
    positions = tuple(Position(start.segment, start.offset + record.end) for record in records)
    if records:
        return Chunk(records, positions, positions[-1])
    lost = limit - start.offset
    return Chunk(
        (),
        (),
        _following(directory, Position(start.segment, limit), end),
        f"{file}: {lost} bytes from offset {start.offset} are damaged and were skipped; look at this disk, the records "
        "in them did not reach the database",
    )


def _following(directory: Path, start: Position, end: Position) -> Position:
    after = [number for number in list_segments(directory) if start.segment < number <= end.segment]
    return Position(after[0], 0) if after else end


def bytes_between(directory: Path, start: Position, end: Position) -> int:
    """How many bytes of the journal lie between two positions."""
    if start.segment == end.segment:
        return max(0, end.offset - start.offset)
    total = end.offset - start.offset
    for number in list_segments(directory):
        if start.segment <= number < end.segment:
            try:
                total += segment_file(directory, number).stat().st_size
            except FileNotFoundError:
                continue  # deleted just now
    return max(0, total)

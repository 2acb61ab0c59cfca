"""Lines for the database from the journal, and what they mean for `link_1h`."""

import asyncio
import logging
from pathlib import Path
from typing import NamedTuple

from collector.admission import BatchIn, admit
from collector.counters import Counters
from collector.downsampling.touched import Touch, batch_hours, read_touch
from collector.events import tell
from collector.journal.reader import read_chunk
from collector.journal.records import Kind, Record, unpack_message
from collector.journal.segments import Position
from collector.store.record_lines import batch_lines

MAX_LINES = 5000
RECORDS_A_TURN = 8


class Load(NamedTuple):
    """Lines, the hours they touch, and the position behind them."""

    lines: list[bytes]
    touch: Touch
    behind: Position


def add_record(record: Record, lines: list[bytes], touch: Touch) -> None:
    """Add the lines one journal record stands for. Hours come from the decoded batch: reading lines again is slow."""
    if record.kind == Kind.LINES:
        made = record.body.split(b"\n")
        found = read_touch(made)
        touch.windows.update(found.windows)
        touch.made.update(found.made)
        lines += made
    elif record.kind == Kind.MESSAGE:
        message = unpack_message(record.body)
        admitted = admit(message.topic, message.payload)
        if isinstance(admitted, BatchIn):
            touch.windows.update(batch_hours(admitted.address, admitted.batch))
            lines += [line.encode() for line in batch_lines(admitted.address, admitted.batch)]


async def load(directory: Path, begin: Position, end: Position, counters: Counters) -> Load:
    """Lines of the next records, at least `MAX_LINES` unless the journal ends.

    Made in the event loop a few records at a time, so that acknowledgements come in between: a thread that formats
    holds the interpreter lock for 5 ms at a time.

    Raises:
        OSError: the journal cannot be read.
    """
    lines: list[bytes] = []
    touch = Touch(set(), set())
    position = begin
    while position < end and len(lines) < MAX_LINES:
        chunk = await asyncio.to_thread(read_chunk, directory, position, end)
        position = chunk.next
        if chunk.damage:
            counters.damaged_segments += 1
            tell(logging.ERROR, "journal.damaged", chunk.damage)
        for number, record in enumerate(chunk.records, 1):
            add_record(record, lines, touch)
            if len(lines) >= MAX_LINES:
                position = chunk.positions[number - 1]
                break
            if number % RECORDS_A_TURN == 0:
                await asyncio.sleep(0)
    return Load(lines, touch, position)

"""Bytes of the journal: framed records, each with its own CRC-32.

A frame is `<length u32><crc u32><kind u8><body>`, little endian; the CRC covers kind and body. A run of zeros, as a
power cut leaves it, is not a frame: the CRC of kind 0 with an empty body is not 0.
"""

import struct
import zlib
from collections.abc import Iterator
from enum import IntEnum
from typing import NamedTuple

_HEADER = struct.Struct("<IIB")
_MESSAGE = struct.Struct("<qH")
MAX_BODY_BYTES = 64 * 1024 * 1024


class Kind(IntEnum):
    """What a record holds. The numbers are stored; they never change."""

    STATE = 1  # dedupe and branch table at the start of a segment
    MESSAGE = 2  # a message as it came
    LINES = 3  # line protocol of the collector itself


class Record(NamedTuple):
    """One record and the offset just behind it."""

    kind: int
    body: bytes
    end: int


class Message(NamedTuple):
    """Body of a MESSAGE record."""

    heard_ns: int
    topic: str
    payload: bytes


def frame(kind: Kind, body: bytes) -> bytes:
    """Frame one record."""
    tail = bytes((kind,)) + body
    return _HEADER.pack(len(body), zlib.crc32(tail), kind) + body


def scan(data: bytes, start: int = 0) -> Iterator[Record]:
    """The records of `data` from `start`, up to the first that is cut short or damaged."""
    offset = start
    while offset + _HEADER.size <= len(data):
        length, crc, kind = _HEADER.unpack_from(data, offset)
        end = offset + _HEADER.size + length
        if length > MAX_BODY_BYTES or end > len(data):
            return
        if zlib.crc32(data[offset + 8 : end]) != crc:
            return
        yield Record(kind, data[offset + _HEADER.size : end], end)
        offset = end


def needed_bytes(data: bytes, offset: int) -> int | None:
    """Length of the frame that starts at `offset`, by its header; None when even the header is cut or absurd."""
    if offset + _HEADER.size > len(data):
        return None
    length, _, _ = _HEADER.unpack_from(data, offset)
    return _HEADER.size + int(length) if length <= MAX_BODY_BYTES else None


def pack_message(message: Message) -> bytes:
    """A MESSAGE record, framed."""
    topic = message.topic.encode()
    return frame(Kind.MESSAGE, _MESSAGE.pack(message.heard_ns, len(topic)) + topic + message.payload)


def unpack_message(body: bytes) -> Message:
    """The message of a MESSAGE record that passed its CRC."""
    heard_ns, length = _MESSAGE.unpack_from(body)
    split = _MESSAGE.size + length
    return Message(heard_ns, body[_MESSAGE.size : split].decode(), body[split:])

"""Bytes to messages and back.

A payload is one byte of schema version, one byte of encoding, then MessagePack (zlib above 1 KB). The version stands
first and is looked at first, so that a stranger is refused before any of its bytes is interpreted.
"""

import zlib
from typing import TypeVar

import msgspec

from wire.errors import MalformedError, TooLargeError, UnknownVersionError
from wire.messages import Ack, Batch, Presence, Record

VERSION = 1
PLAIN, DEFLATED = 0, 1
DEFLATE_ABOVE_BYTES = 1024
MAX_PAYLOAD_BYTES = 256 * 1024
MAX_INFLATED_BYTES = 2 * 1024 * 1024

_T = TypeVar("_T")

_encoder = msgspec.msgpack.Encoder()
_batch = msgspec.msgpack.Decoder(Batch)
_ack = msgspec.msgpack.Decoder(Ack)
_presence = msgspec.msgpack.Decoder(Presence)
_record: msgspec.msgpack.Decoder[Record] = msgspec.msgpack.Decoder(Record)


def encode(message: Batch | Ack | Presence) -> bytes:
    """Encode one message; the receiver knows its type from the topic."""
    body = _encoder.encode(message)
    if len(body) <= DEFLATE_ABOVE_BYTES:
        return bytes((VERSION, PLAIN)) + body
    return bytes((VERSION, DEFLATED)) + zlib.compress(body, 6)


def decode_batch(payload: bytes) -> Batch:
    """Decode a batch of records.

    Raises:
        UnknownVersionError: another schema version.
        TooLargeError: larger than the limits of this module.
        MalformedError: anything else that is not a batch.
    """
    return _decode(payload, _batch)


def decode_ack(payload: bytes) -> Ack:
    """Decode an application acknowledgement. Raises as `decode_batch`."""
    return _decode(payload, _ack)


def decode_presence(payload: bytes) -> Presence:
    """Decode a birth or will. Raises as `decode_batch`."""
    return _decode(payload, _presence)


def encode_record(record: Record) -> bytes:
    """One record as MessagePack without header, as the agent keeps it on disk."""
    return _encoder.encode(record)


def decode_record(body: bytes) -> Record:
    """Read what `encode_record` wrote.

    Raises:
        MalformedError: not a record, or one of another version of this program.
    """
    return _unpack(body, _record)


def _decode(payload: bytes, decoder: "msgspec.msgpack.Decoder[_T]") -> _T:
    if len(payload) < 2:
        raise MalformedError(f"payload of {len(payload)} bytes has no header")
    if payload[0] != VERSION:
        raise UnknownVersionError(payload[0])
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise TooLargeError(f"payload of {len(payload)} bytes is over the limit of {MAX_PAYLOAD_BYTES}")
    body = payload[2:]
    if payload[1] == DEFLATED:
        body = _inflate(body)
    elif payload[1] != PLAIN:
        raise MalformedError(f"encoding {payload[1]} is neither plain (0) nor zlib (1)")
    return _unpack(body, decoder)


def _unpack(body: bytes, decoder: "msgspec.msgpack.Decoder[_T]") -> _T:
    try:
        return decoder.decode(body)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise MalformedError(f"not the expected message: {error}") from error


def _inflate(body: bytes) -> bytes:
    inflater = zlib.decompressobj()
    try:
        plain = inflater.decompress(body, MAX_INFLATED_BYTES)
    except zlib.error as error:
        raise MalformedError(f"zlib data is broken: {error}") from error
    if inflater.unconsumed_tail:
        raise TooLargeError(f"payload inflates to more than {MAX_INFLATED_BYTES} bytes")
    if not inflater.eof:
        raise MalformedError("zlib data ends too early")
    if inflater.unused_data:
        raise MalformedError(f"zlib data is followed by {len(inflater.unused_data)} bytes that are not part of it")
    return plain

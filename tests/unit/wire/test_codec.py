"""Bytes to messages and back; anything else is a typed error."""

import contextlib
import zlib
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.unit.wire.examples import ACK, AT, BATCH, DIGEST, PRESENCE, RECORDS, WINDOW, messages, records
from wire import codec
from wire.errors import MalformedError, TooLargeError, UnknownVersionError, WireError
from wire.messages import Ack, Batch, BranchState, Digest, DigestPath, Event, LinkState, Presence, Record, Sample
from wire.topics import Lane

DECODERS = (codec.decode_batch, codec.decode_ack, codec.decode_presence)


def _decode(message: Batch | Ack | Presence, payload: bytes) -> Batch | Ack | Presence:
    match message:
        case Batch():
            return codec.decode_batch(payload)
        case Ack():
            return codec.decode_ack(payload)
        case Presence():
            return codec.decode_presence(payload)


def _raw(value: object) -> bytes:
    return bytes((codec.VERSION, codec.PLAIN)) + msgspec.msgpack.encode(value)


@given(messages())
def test_every_message_comes_back_as_it_was(message: Batch | Ack | Presence) -> None:
    assert _decode(message, codec.encode(message)) == message


@given(records())
def test_every_record_comes_back_from_disk_as_it_was(record: Record) -> None:
    assert codec.decode_record(codec.encode_record(record)) == record


@pytest.mark.parametrize("message", [BATCH, ACK, PRESENCE])
def test_examples_come_back(message: Batch | Ack | Presence) -> None:
    assert _decode(message, codec.encode(message)) == message


def test_the_examples_hold_every_type_of_record() -> None:
    assert {type(record) for record in RECORDS} == set((Event | Sample).__args__)


@pytest.mark.parametrize("decode", DECODERS)
@given(st.binary(max_size=400))
@example(b"")
@example(b"\x01")
@example(b"\x01\x00")
@example(b"\x01\x01x")
@example(b"\x01\x00" + b"\x91" * 100_000)  # lists in lists
@example(b"\x01\x00\xdd\xff\xff\xff\xff")  # claims 4 billion items
@example(b"\x01\x00\xdb\xff\xff\xff\xff")  # claims 4 GB of text
def test_any_bytes_are_a_message_or_a_wire_error(decode: Any, payload: bytes) -> None:
    with contextlib.suppress(WireError):
        decode(payload)


@given(st.data(), messages())
def test_a_damaged_message_is_a_message_or_a_wire_error(data: st.DataObject, message: Batch | Ack | Presence) -> None:
    payload = bytearray(codec.encode(message))
    position = data.draw(st.integers(0, len(payload) - 1))
    payload[position] ^= data.draw(st.integers(1, 255))
    for damaged in (bytes(payload), bytes(payload[:position])):
        for decode in DECODERS:
            with contextlib.suppress(WireError):
                decode(damaged)


@given(st.binary(max_size=50))
def test_any_bytes_on_disk_are_a_record_or_malformed(body: bytes) -> None:
    with contextlib.suppress(MalformedError):
        codec.decode_record(body)


@pytest.mark.parametrize("version", [0, 2, 0x93, 255])
def test_the_version_is_looked_at_before_anything_else(version: int) -> None:
    with pytest.raises(UnknownVersionError) as caught:
        codec.decode_batch(bytes([version, 99]) + b"?" * codec.MAX_PAYLOAD_BYTES)
    assert caught.value.version == version
    assert str(caught.value) == f"schema version {version} is not known here; upgrade the older of agent and collector"


def test_too_large_a_payload_is_refused_unread() -> None:
    with pytest.raises(TooLargeError, match=r"^payload of 262145 bytes is over the limit of 262144$"):
        codec.decode_batch(bytes((codec.VERSION, codec.PLAIN)) + b"\xc1" * (codec.MAX_PAYLOAD_BYTES - 1))


@pytest.mark.parametrize("size", [codec.MAX_INFLATED_BYTES + 1, 200_000_000])
def test_a_bomb_is_refused_without_unpacking_it(size: int) -> None:
    bomb = zlib.compressobj(9)
    body = b"".join(bomb.compress(bytes(1_000_000)) for _ in range(size // 1_000_000))
    body += bomb.compress(bytes(size % 1_000_000)) + bomb.flush()
    assert len(body) < codec.MAX_PAYLOAD_BYTES
    with pytest.raises(TooLargeError, match=r"^payload inflates to more than 2097152 bytes$"):
        codec.decode_batch(bytes((codec.VERSION, codec.DEFLATED)) + body)


def test_exactly_the_largest_inflated_size_is_read() -> None:
    body = zlib.compress(bytes(codec.MAX_INFLATED_BYTES))
    with pytest.raises(MalformedError, match="not the expected message"):
        codec.decode_batch(bytes((codec.VERSION, codec.DEFLATED)) + body)


def test_truncated_and_trailing_zlib_data_is_refused() -> None:
    body = zlib.compress(msgspec.msgpack.encode(BATCH))
    for broken in (body[:-1], body[: len(body) // 2], body + b"x"):
        with pytest.raises(MalformedError, match="zlib data"):
            codec.decode_batch(bytes((codec.VERSION, codec.DEFLATED)) + broken)


def test_only_large_messages_are_deflated() -> None:
    long = msgspec.structs.replace(BATCH, records=(WINDOW,) * 100)
    small, large = codec.encode(ACK), codec.encode(long)
    assert (small[:2], large[:2]) == (b"\x01\x00", b"\x01\x01")
    assert len(large) < len(msgspec.msgpack.encode(long)) / 10
    assert codec.decode_batch(large) == long


def test_a_digest_of_four_paths_fits_in_300_bytes() -> None:
    """docs/design.md section 4. Names as long as people write them, numbers as long as they get."""
    paths = tuple(
        DigestPath(f"{kind}-{number}-fibre", LinkState.DEGRADED, 1234.5678, 12.3456, 2**45)
        for number, kind in enumerate(("isp", "isp", "line", "cell"))
    )
    digest = Digest(AT, BranchState.DEGRADED, "cell-3-fibre", paths)
    payload = codec.encode(Batch(Lane.EVENTS, "9f8e7d6c5b4a3928", 2**40, 2**40, False, AT, (digest,)))
    assert len(payload) <= 300


WRONG: dict[str, tuple[Record, int, object]] = {
    "not a number": (WINDOW, 14, float("nan")),
    "infinite": (WINDOW, 14, float("inf")),
    "negative count": (WINDOW, 8, -1),
    "count over 63 bits": (WINDOW, 8, 2**63),
    "count that is a float": (WINDOW, 8, 1.0),
    "count that is a boolean": (WINDOW, 8, True),
    "window without length": (WINDOW, 2, 0.0),
    "no such IP family": (WINDOW, 6, 5),
    "no such state": (WINDOW, 7, 9),
    "no such role": (WINDOW, 4, "satellite"),
    "line break in a name": (WINDOW, 3, "isp1\n"),
    "empty name": (WINDOW, 3, ""),
    "wild card as a name": (WINDOW, 3, "#"),
    "line break in the ISP": (WINDOW, 5, "a\nb"),
    "ISP of 10 kB": (WINDOW, 5, "x" * 10_000),
    "too many anchors": (WINDOW, 19, ["x"] * 65),
    "time before 1970": (WINDOW, 1, -1),
    "loss over 100 %": (DIGEST, 4, [["isp1", 1, 1.0, 100.5, 1]]),
    "one value too many inside": (DIGEST, 4, [["isp1", 1, 1.0, 0.0, 1, 1]]),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_no_database_should_see_is_refused(wrong: str) -> None:
    record, position, value = WRONG[wrong]
    fields = msgspec.msgpack.decode(codec.encode_record(record))
    assert codec.decode_record(msgspec.msgpack.encode(fields)) == record
    fields[position] = value
    with pytest.raises(MalformedError, match="not the expected message"):
        codec.decode_record(msgspec.msgpack.encode(fields))


def test_one_value_too_many_and_an_unknown_kind_are_refused() -> None:
    fields = msgspec.to_builtins(ACK)
    for wrong in ([*fields, 1], fields[:-1], {"lane": "e"}, ["z", *fields[1:]]):
        with pytest.raises(MalformedError):
            codec.decode_ack(_raw(wrong))
    batch = msgspec.to_builtins(BATCH)
    with pytest.raises(MalformedError):
        codec.decode_batch(_raw([*batch[:-1], [["zz", 1, 2]]]))


@settings(max_examples=20)
@given(st.integers(10_001, 12_000))
def test_a_batch_has_a_bounded_number_of_records(count: int) -> None:
    gap = ["x", 0, 0, 0, 0, ""]
    with pytest.raises(MalformedError, match="length <= 10000"):
        codec.decode_batch(_raw([*msgspec.to_builtins(BATCH)[:-1], [gap] * count]))

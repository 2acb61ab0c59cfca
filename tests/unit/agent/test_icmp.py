import errno
import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.probes import icmp

TOKEN = b"8 bytes!"


def extended(origin: int, kind: int = 0, code: int = 0, error: int = 0, offender: bytes = b"") -> bytes:
    return struct.pack("=IBBBxII", error, origin, kind, code, 7, 9) + offender


def test_a_probe_is_36_bytes_with_its_ipv4_header() -> None:
    assert len(icmp.encode_request(4, 1, TOKEN)) == 36 - 20


def test_requests_follow_rfc_792_and_rfc_4443() -> None:
    assert icmp.encode_request(4, 0x1234, TOKEN) == b"\x08\x00\x00\x00\x00\x00\x12\x34" + TOKEN
    assert icmp.encode_request(6, 0x1234, TOKEN) == b"\x80\x00\x00\x00\x00\x00\x12\x34" + TOKEN


def test_the_sequence_number_wraps() -> None:
    assert icmp.encode_request(4, 65536 + 5, TOKEN) == icmp.encode_request(4, 5, TOKEN)


@pytest.mark.parametrize(("family", "reply_type", "request_type"), [(4, 0, 8), (6, 129, 128)])
def test_a_reply_is_no_request(family: int, reply_type: int, request_type: int) -> None:
    tail = b"\x00\xab\xcd\x01\x02\x00\x09" + TOKEN
    assert icmp.decode_reply(family, bytes([reply_type]) + tail) == icmp.Echo(9, TOKEN)
    assert icmp.decode_reply(family, bytes([request_type]) + tail) is None
    assert icmp.decode_quoted(family, bytes([request_type]) + tail) == icmp.Echo(9, TOKEN)


def test_a_router_may_quote_only_the_icmp_header() -> None:
    assert icmp.decode_quoted(4, icmp.encode_request(4, 3, b"")) == icmp.Echo(3, b"")


@pytest.mark.parametrize("data", [b"", b"\x00" * 7, b"\x00\x01" + b"\x00" * 14, b"\x03\x00" + b"\x00" * 14])
def test_other_bytes_are_no_reply(data: bytes) -> None:
    assert icmp.decode_reply(4, data) is None


@given(family=st.sampled_from([4, 6]), data=st.binary(max_size=200))
def test_no_bytes_break_the_parsers(family: int, data: bytes) -> None:
    for echo in (icmp.decode_reply(family, data), icmp.decode_quoted(family, data)):
        assert echo is None or (0 <= echo.seq < 65536 and len(echo.token) <= icmp.TOKEN_BYTES)
    queued = icmp.decode_queued_error(data)
    assert queued is None or icmp.describe(queued)


@given(seq=st.integers(0, 65535), token=st.binary(min_size=8, max_size=8), family=st.sampled_from([4, 6]))
def test_a_quoted_request_comes_back(seq: int, token: bytes, family: int) -> None:
    assert icmp.decode_quoted(family, icmp.encode_request(family, seq, token)) == icmp.Echo(seq, token)


def test_an_error_names_who_says_so() -> None:
    sockaddr = struct.pack("=H", socket.AF_INET) + b"\0\0" + socket.inet_aton("192.0.2.7") + bytes(8)
    queued = icmp.decode_queued_error(extended(icmp.ORIGIN_ICMP, 3, 1, offender=sockaddr))
    assert queued is not None
    assert (queued.info, queued.data) == (7, 9)
    assert icmp.describe(queued) == "host unreachable, says 192.0.2.7"


def test_an_ipv6_error_names_who_says_so() -> None:
    sockaddr = struct.pack("=HHI", socket.AF_INET6, 0, 0) + socket.inet_pton(socket.AF_INET6, "2001:db8::7") + bytes(4)
    queued = icmp.decode_queued_error(extended(icmp.ORIGIN_ICMP6, 1, 0, offender=sockaddr))
    assert queued is not None
    assert icmp.describe(queued) == "no route, says 2001:db8::7"


@pytest.mark.parametrize(
    ("origin", "kind", "code", "words"),
    [
        (icmp.ORIGIN_ICMP, 11, 0, "time exceeded"),
        (icmp.ORIGIN_ICMP, 3, 13, "administratively prohibited"),
        (icmp.ORIGIN_ICMP, 3, 200, "ICMP type 3 code 200"),
        (icmp.ORIGIN_ICMP6, 2, 0, "packet too big"),
        (icmp.ORIGIN_ICMP6, 77, 1, "ICMP type 77 code 1"),
    ],
)
def test_errors_in_words(origin: int, kind: int, code: int, words: str) -> None:
    queued = icmp.decode_queued_error(extended(origin, kind, code))
    assert queued is not None
    assert icmp.describe(queued) == words


def test_refusals_of_this_machine_carry_the_remedy() -> None:
    assert "net.ipv4.ping_group_range" in icmp.explain(errno.EACCES)
    assert icmp.explain(2**32 - 1) == "error 4294967295"
    assert icmp.explain(errno.ENODEV) == "the interface does not exist"
    assert icmp.explain(errno.EIO) == "Input/output error"
    queued = icmp.decode_queued_error(extended(icmp.ORIGIN_LOCAL, error=errno.EMSGSIZE))
    assert queued is not None
    assert icmp.describe(queued) == "the probe is larger than the interface's MTU"

"""Answers of resolvers, honest and not."""

import asyncio
import errno
import itertools
import socket
import struct
from collections.abc import Callable

import hypothesis.strategies as st
import pytest
from hypothesis import given

from agent import dns

ASKED = dns.question("proof.example.com", 0x1234)
A_RECORD = b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 60, 4) + bytes((192, 0, 2, 7))
AAAA_RECORD = b"\xc0\x0c" + struct.pack("!HHIH", 28, 1, 60, 16) + bytes(15) + b"\x01"
CNAME_RECORD = b"\xc0\x0c" + struct.pack("!HHIH", 5, 1, 60, 2) + b"\xc0\x0c"


def reply(records: bytes = b"", count: int | None = None, *, asked: bytes = ASKED, flags: int = 0x8180) -> bytes:
    number = bool(records) if count is None else count
    return asked[:2] + struct.pack("!5H", flags, 1, number, 0, 0) + asked[12:] + records


def test_question_is_as_rfc_1035_writes_it() -> None:
    assert dns.question("a.bc", 7) == b"\0\7\1\0\0\1\0\0\0\0\0\0\1a\2bc\0\0\1\0\1"


@pytest.mark.parametrize("name", ["a..b", ".a", f"{'x' * 64}.example", "a\udcff.example"])
def test_a_name_dns_cannot_carry_is_a_value_error(name: str) -> None:
    with pytest.raises(ValueError, match=r"label|encod|surrogate"):
        dns.question(name, 7)


def test_addresses_of_both_families_behind_an_alias_are_found() -> None:
    packet = reply(CNAME_RECORD + A_RECORD + AAAA_RECORD, 3)
    assert dns.answers(packet, ASKED) == ["192.0.2.7", "::1"]


def test_the_case_of_the_name_does_not_matter() -> None:
    assert dns.answers(reply(A_RECORD, asked=ASKED[:12] + ASKED[12:].upper()), ASKED) == ["192.0.2.7"]


@pytest.mark.parametrize("rcode", [1, 2, 3, 5])
def test_a_refusal_is_an_answer_without_addresses(rcode: int) -> None:
    assert dns.answers(reply(A_RECORD, flags=0x8180 | rcode), ASKED) == []


@pytest.mark.parametrize(
    "packet",
    [
        b"\0\0" + reply(A_RECORD)[2:],  # a forged identifier
        reply(A_RECORD, asked=dns.question("other.example.com", 0x1234)),
        reply(A_RECORD, flags=0x0100),  # a question
        reply(A_RECORD)[:-1],
        reply(A_RECORD, 2),  # one more promised than there is
        reply(b"\xc0", 1),
        b"",
        ASKED[:12],
    ],
    ids=["identifier", "question", "no reply", "truncated", "too few", "half a pointer", "empty", "header"],
)
def test_what_is_no_whole_reply_to_us_is_nothing(packet: bytes) -> None:
    assert dns.answers(packet, ASKED) is None


def test_a_compression_pointer_at_itself_ends() -> None:
    loop = b"\xc0" + bytes((len(ASKED),)) + struct.pack("!HHIH", 1, 1, 60, 4) + bytes((192, 0, 2, 7))
    assert dns.answers(reply(loop), ASKED) == ["192.0.2.7"]


def test_a_count_without_end_is_cut_short() -> None:
    assert len(dns.answers(reply(A_RECORD * 1000, 0xFFFF), ASKED) or []) == 64


@given(st.binary(max_size=600))
def test_no_bytes_raise(packet: bytes) -> None:
    dns.answers(packet, ASKED)


@given(st.binary(max_size=600), st.integers(0, 0xFFFF))
def test_no_bytes_behind_a_right_header_raise(records: bytes, count: int) -> None:
    found = dns.answers(reply(records, count), ASKED)
    assert found is None or len(found) <= 64


class FakeResolvers:
    """Resolvers on loopback addresses, in the test's own loop, all on one port that stands for 53."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *behaviours: object) -> None:
        self.sockets: list[socket.socket] = []
        self.asked = [0] * len(behaviours)
        first = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        first.bind(("127.0.0.1", 0))
        monkeypatch.setattr(dns, "PORT", first.getsockname()[1])
        self.servers = tuple(f"127.0.0.{number + 1}" for number in range(len(behaviours)))
        for number, behaviour in enumerate(behaviours):
            sock = first if number == 0 else socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            if number:
                sock.bind((self.servers[number], dns.PORT))
            sock.setblocking(False)
            self.sockets.append(sock)
            asyncio.get_running_loop().add_reader(sock, self._answer, number, sock, behaviour)

    def _answer(self, number: int, sock: socket.socket, behaviour: object) -> None:
        packet, peer = sock.recvfrom(4096)
        self.asked[number] += 1
        made = behaviour(packet) if callable(behaviour) else None
        if made is not None:
            sock.sendto(made, peer)

    def close(self) -> None:
        for sock in self.sockets:
            asyncio.get_running_loop().remove_reader(sock)
            sock.close()


async def own_socket() -> socket.socket:
    return socket.socket(socket.AF_INET, socket.SOCK_DGRAM)


def serves(asked: bytes) -> bytes:
    return reply(A_RECORD, asked=asked)


def refuses(asked: bytes) -> bytes:
    return reply(asked=asked, flags=0x8185)


def forges(asked: bytes) -> bytes:
    return reply(A_RECORD, asked=bytes((asked[0] ^ 1,)) + asked[1:])


def says_nothing(_asked: bytes) -> None:
    return None


def serves_at(time: int) -> Callable[[bytes], bytes | None]:
    times = itertools.count(1)
    return lambda asked: serves(asked) if next(times) >= time else None


async def test_a_resolver_that_refuses_does_not_hide_one_that_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    resolvers = FakeResolvers(monkeypatch, refuses, serves_at(2))
    monkeypatch.setattr(dns, "RETRY_S", 0.4)
    assert await dns.resolve("a.example", resolvers.servers, own_socket, 2.0) == ["192.0.2.7"]
    assert resolvers.asked == [1, 2]
    resolvers.close()


async def test_when_all_refuse_the_answer_is_empty_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    resolvers = FakeResolvers(monkeypatch, refuses, refuses)
    async with asyncio.timeout(1.0):
        assert await dns.resolve("a.example", resolvers.servers, own_socket, 30.0) == []
    resolvers.close()


async def test_one_refusal_and_silence_is_life_without_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    resolvers = FakeResolvers(monkeypatch, refuses, says_nothing)
    assert await dns.resolve("a.example", resolvers.servers, own_socket, 0.05) == []
    resolvers.close()


async def test_a_forged_reply_and_a_server_not_asked_are_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    resolvers = FakeResolvers(monkeypatch, forges, serves)
    stranger = resolvers.sockets[1]

    def by_stranger(asked: bytes) -> bytes:
        stranger.sendto(serves(asked), borrowed[0].getsockname())
        return forges(asked)

    loop = asyncio.get_running_loop()
    loop.add_reader(resolvers.sockets[0], resolvers._answer, 0, resolvers.sockets[0], by_stranger)
    borrowed: list[socket.socket] = []

    async def lent() -> socket.socket:
        borrowed.append(await own_socket())
        borrowed[0].bind(("127.0.0.1", 0))
        return borrowed[0]

    assert await dns.resolve("a.example", resolvers.servers[:1], lent, 0.05) is None
    assert borrowed[0].fileno() == -1
    resolvers.close()


async def test_a_lost_question_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dns, "RETRY_S", 0.02)
    resolvers = FakeResolvers(monkeypatch, serves_at(3))
    assert await dns.resolve("a.example", resolvers.servers, own_socket, 2.0) == ["192.0.2.7"]
    resolvers.close()


async def test_nobody_to_ask_no_socket_and_no_name_are_no_answer() -> None:
    async def none_lent() -> socket.socket:
        raise OSError(errno.ENOENT, "no canary")

    assert await dns.resolve("a.example", (), own_socket, 30.0) is None
    assert await dns.resolve("a.example", ("127.0.0.1",), none_lent, 30.0) is None
    assert await dns.resolve("a..example", ("127.0.0.1",), own_socket, 30.0) is None


async def test_a_resolver_of_the_other_family_is_no_error() -> None:
    assert await dns.resolve("a.example", ("2001:db8::53",), own_socket, 0.02) is None

"""Requests are read strictly; whatever comes is an answer with every security header, or a refusal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.page.http import END, REASONS, SECURITY, Answer, RequestError, encoded, language_of, parse


def head(*lines: str) -> bytes:
    return "\r\n".join(lines).encode("latin-1") + END


def refused(raw: bytes) -> tuple[int, str]:
    with pytest.raises(RequestError) as caught:
        parse(raw)
    return caught.value.status, str(caught.value)


def test_a_request_is_read() -> None:
    request = parse(head("GET /status.json?x=1 HTTP/1.1", "HOST: 192.168.1.1:8481", "accept-language:  fr "))
    assert (request.method, request.path) == ("GET", "/status.json")
    assert request.fields == {"host": "192.168.1.1:8481", "accept-language": "fr"}
    assert parse(head("HEAD / HTTP/1.0")).method == "HEAD"


@pytest.mark.parametrize(
    ("lines", "status", "sentence"),
    [
        (["POST / HTTP/1.1", "Host: 10.0.0.1"], 405, "this page only reads; use branchline-agent on the router to act"),
        (["GET / HTTP/1.1"], 400, "the Host header is missing"),
        (["GET / HTTP/1.1", "Host: 10.0.0.1", "Host: 10.0.0.1"], 400, "host stands there twice"),
        (["GET / HTTP/2.0", "Host: 10.0.0.1"], 505, "only HTTP/1.0 and HTTP/1.1 are spoken here"),
        (["GET http://a/ HTTP/1.1", "Host: 10.0.0.1"], 400, "this is no HTTP request"),
        (["GET  / HTTP/1.1", "Host: 10.0.0.1"], 400, "this is no HTTP request"),
        (["GET / HTTP/1.1", "Host: 10.0.0.1", " folded"], 400, "a header line is malformed"),
        (["GET / HTTP/1.1", "Host : 10.0.0.1"], 400, "a header line is malformed"),
        (["GET / HTTP/1.1", "Host: 10.0.0.1", "x: a\nb"], 400, "a header line is malformed"),
        (["GET / HTTP/1.1", "Host: 10.0.0.1", "Content-Length: 5"], 400, "a request to read has no body"),
        (["GET / HTTP/1.1", "Host: 10.0.0.1", "Transfer-Encoding: chunked"], 400, "a request to read has no body"),
        (
            ["GET / HTTP/1.1", "Host: evil.example"],
            421,
            "open this page by the router's address, such as http://192.168.1.1:8481/",
        ),
    ],
)
def test_anything_else_is_refused(lines: list[str], status: int, sentence: str) -> None:
    assert refused(head(*lines)) == (status, sentence)
    assert status in REASONS


@pytest.mark.parametrize("host", ["192.168.1.1", "192.168.1.1:8481", "[fd00::1]:8481", "[fd00::1]", "localhost:8481"])
def test_addresses_are_welcome(host: str) -> None:
    assert parse(head("GET / HTTP/1.1", f"Host: {host}")).path == "/"


@pytest.mark.parametrize("host", ["", "999.1.1.1", "a.b", "[fd00::1", "127.0.0.1.evil.example", "localhost.evil", "1"])
def test_names_are_not(host: str) -> None:
    assert refused(head("GET / HTTP/1.1", f"Host: {host}"))[0] == 421


@given(st.binary(max_size=300))
def test_any_bytes_are_a_request_or_a_refusal(raw: bytes) -> None:
    try:
        request = parse(raw)
    except RequestError as error:
        status, method = error.status, "GET"
    else:
        status, method = 200, request.method
    assert status in REASONS
    assert method in {"GET", "HEAD"}


def test_an_answer_bears_every_header_and_head_no_body() -> None:
    answer = Answer(405, "text/plain", b"no", {"Refresh": "5"})
    raw = encoded(answer, head_only=False)
    assert raw.startswith(b"HTTP/1.1 405 Method Not Allowed\r\n")
    assert raw.endswith(END + b"no")
    for name, text in {**SECURITY, "Allow": "GET, HEAD", "Refresh": "5", "Connection": "close"}.items():
        assert f"\r\n{name}: {text}\r\n".encode() in raw
    assert encoded(answer, head_only=True) == raw.removesuffix(b"no")


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("fr-FR,fr;q=0.9,en;q=0.8", "fr"),
        ("en-GB,fr;q=0.9", "en"),
        ("de,fr;q=0.3,en;q=0.2", "fr"),
        ("fr;q=0", "en"),
        ("fr;q=nonsense", "en"),
        ("*", "en"),
        (";;,,=;q=,fr;q=1.0001", "en"),
    ],
)
def test_the_language_is_the_browsers(accepted: str, language: str) -> None:
    assert language_of(accepted, ("en", "fr")) == language


@given(st.text(max_size=200))
def test_any_wish_is_a_language(accepted: str) -> None:
    assert language_of(accepted, ("en", "fr")) in {"en", "fr"}

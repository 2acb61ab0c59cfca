"""HTTP as far as a read-only page needs it: one strict request, one answer, then the connection is closed. Pure."""

import ipaddress
import re
from dataclasses import dataclass, field

MAX_REQUEST_BYTES = 8192
END = b"\r\n\r\n"

REASONS = {
    200: "OK",
    400: "Bad Request",
    404: "Not Found",
    405: "Method Not Allowed",
    421: "Misdirected Request",
    431: "Request Header Fields Too Large",
    503: "Service Unavailable",
    505: "HTTP Version Not Supported",
}

_REQUEST_LINE = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,20}) (/[!-~]*) (HTTP/[0-9]\.[0-9])")
_FIELD = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}):[ \t]*([\t -~\x80-\xff]*)")

# The page holds no script, asks no other host, cannot be framed and is kept nowhere.
SECURITY = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class RequestError(Exception):
    """A request that is refused. `status` is the answer's; the text is the sentence in it."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked. `fields` by lower-case name, `path` without the query."""

    method: str
    path: str
    fields: dict[str, str]


@dataclass(frozen=True, slots=True)
class Answer:
    """What to send back. `fields` come beside those of every answer."""

    status: int
    kind: str
    body: bytes
    fields: dict[str, str] = field(default_factory=dict)


def parse(raw: bytes) -> Request:
    """The request whose head is `raw`, END included.

    Raises:
        RequestError: not a plain GET or HEAD for this machine.
    """
    line, *rest = raw.removesuffix(END).decode("latin-1").split("\r\n")
    found = _REQUEST_LINE.fullmatch(line)
    if not found:
        raise RequestError(400, "this is no HTTP request")
    method, target, version = found.groups()
    if version not in {"HTTP/1.0", "HTTP/1.1"}:
        raise RequestError(505, "only HTTP/1.0 and HTTP/1.1 are spoken here")
    fields: dict[str, str] = {}
    for each in rest:
        header = _FIELD.fullmatch(each)
        if not header:
            raise RequestError(400, "a header line is malformed")
        name = header[1].lower()
        if name in fields and name in {"host", "content-length", "transfer-encoding"}:
            raise RequestError(400, f"{name} stands there twice")
        fields[name] = header[2].strip()
    if method not in {"GET", "HEAD"}:
        raise RequestError(405, "this page only reads; use branchline-agent on the router to act")
    if fields.get("content-length", "0") != "0" or "transfer-encoding" in fields:
        raise RequestError(400, "a request to read has no body")
    if version == "HTTP/1.1" and "host" not in fields:
        raise RequestError(400, "the Host header is missing")
    if "host" in fields and not _is_address(fields["host"]):
        # A name can be made to point here by a site the user visits (DNS rebinding), which could then read the answer.
        raise RequestError(421, "open this page by the router's address, such as http://192.168.1.1:8481/")
    return Request(method, target.partition("?")[0], fields)


def _is_address(host: str) -> bool:
    found = re.fullmatch(r"\[([0-9a-fA-F:.]+)\](?::[0-9]{1,5})?|([0-9.]+|localhost)(?::[0-9]{1,5})?", host)
    if not found:
        return False
    if found[2] == "localhost":
        return True
    try:
        return bool(ipaddress.ip_address(found[1] or found[2]))
    except ValueError:
        return False


def encoded(answer: Answer, *, head_only: bool) -> bytes:
    """The bytes of an answer."""
    fields = {
        "Content-Type": answer.kind,
        "Content-Length": str(len(answer.body)),
        "Connection": "close",
        **SECURITY,
        **answer.fields,
    }
    if answer.status == 405:
        fields["Allow"] = "GET, HEAD"
    lines = [f"HTTP/1.1 {answer.status} {REASONS[answer.status]}", *(f"{key}: {text}" for key, text in fields.items())]
    return "\r\n".join(lines).encode("latin-1") + END + (b"" if head_only else answer.body)


def language_of(accepted: str, known: tuple[str, ...]) -> str:
    """The known language an Accept-Language header likes best; the first one without a wish (RFC 9110 12.5.4)."""
    best, weight = known[0], 0.0
    for part in accepted.split(",")[:20]:
        tag, *parameters = (word.strip().lower() for word in part.split(";"))
        likes = 1.0
        for parameter in parameters:
            found = re.fullmatch(r"q=([01](?:\.[0-9]{0,3})?)", parameter)
            likes = float(found[1]) if found else 0.0
        code = tag.partition("-")[0]
        if code in known and likes > weight:
            best, weight = code, likes
    return best

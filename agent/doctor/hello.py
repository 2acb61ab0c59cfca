"""One MQTT CONNECT and what the broker says to it (MQTT 5 and 3.1.1, sections 3.1 and 3.2).

By hand and not by the agent's client: no will, a client id of its own, no session. So a doctor that is killed half way
makes nobody believe that the agent went away, and a running agent keeps its session.
"""

import socket
import struct

_CONNECT, _CONNACK = 0x10, 0x20
_CLEAN, _HAS_PASSWORD, _HAS_USER = 0x02, 0x40, 0x80
_KEEPALIVE_S = 10
_MAX_BYTES = 4096

BAD_USER, NOT_AUTHORISED, BAD_ID, BAD_VERSION, UNAVAILABLE = range(5)
_REASONS = {
    0x84: BAD_VERSION,
    0x85: BAD_ID,
    0x86: BAD_USER,
    0x87: NOT_AUTHORISED,
    0x88: UNAVAILABLE,
    0x8A: NOT_AUTHORISED,
    1: BAD_VERSION,
    2: BAD_ID,
    3: UNAVAILABLE,
    4: BAD_USER,
    5: NOT_AUTHORISED,
}


def connect(client_id: str, user: str, password: str | None, *, mqtt5: bool) -> bytes:
    """The packet."""
    flags = _CLEAN | _HAS_USER | (_HAS_PASSWORD if password is not None else 0)
    body = _text("MQTT") + bytes((5 if mqtt5 else 4, flags)) + struct.pack("!H", _KEEPALIVE_S)
    body += b"\0" if mqtt5 else b""  # no properties
    body += _text(client_id) + _text(user) + (_text(password) if password is not None else b"")
    return bytes((_CONNECT,)) + _length(len(body)) + body


def reason(packet: bytes) -> int | None:
    """The reason code of a CONNACK, 0 when welcome; None: this is not one."""
    if len(packet) < 4 or packet[0] != _CONNACK:
        return None
    at = 1
    while at < len(packet) and packet[at] & 0x80:
        at += 1
    return packet[at + 2] if at + 2 < len(packet) else None


def kind(code: int) -> int | None:
    """What a refusal is about, the same in both versions; None: something else."""
    return _REASONS.get(code)


def ask(sock: socket.socket, packet: bytes, wait_s: float) -> int | None:
    """Send it over a connected socket, which is closed then; the reason code, None: something else or nothing came.

    Raises:
        OSError: the connection is lost, or no answer within `wait_s` (TimeoutError).
    """
    with sock:
        sock.settimeout(wait_s)
        sock.sendall(packet)
        return reason(sock.recv(_MAX_BYTES))


def _text(text: str) -> bytes:
    raw = text.encode()
    return struct.pack("!H", len(raw)) + raw


def _length(count: int) -> bytes:
    out = bytearray()
    while True:
        count, low = divmod(count, 128)
        out.append(low | (0x80 if count else 0))
        if not count:
            return bytes(out)

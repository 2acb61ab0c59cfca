"""Who the collector's messages go to in the demo: a webhook of its own, which keeps their subjects."""

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

MAX_BYTES = 1_000_000


class Receiver:
    """Use in a `with`: it listens on a free port of loopback. `on_message` gets each subject, in another thread."""

    def __init__(self, on_message: Callable[[str], None]) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_for(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), name="receiver", daemon=True)
        self._on_message = on_message
        self._lock = threading.Lock()
        self._keys: set[str] = set()
        self.subjects: list[str] = []

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def take(self, body: bytes) -> None:
        """Take one message; one that is sent again is the same message."""
        document = json.loads(body)
        subject, key = str(document.get("subject", "")), str(document.get("key", ""))
        with self._lock:
            if key in self._keys:
                return
            self._keys.add(key)
            self.subjects.append(subject)
        self._on_message(subject)


def _handler_for(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            try:
                receiver.take(self.rfile.read(min(MAX_BYTES, int(self.headers.get("Content-Length", "0")))))
            except (ValueError, AttributeError):
                self.send_error(400)
                return
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler

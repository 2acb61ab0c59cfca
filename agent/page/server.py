"""Serves the page: few connections, each short, and whatever they do, the agent is asked at most once a second.

One thread for each connection, at most CONNECTIONS; a deadline for the whole request and another for the answer.
"""

import ipaddress
import logging
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path

import msgspec

from agent.page.arrival import interface_of
from agent.page.http import END, MAX_REQUEST_BYTES, Answer, Request, RequestError, encoded, language_of, parse
from agent.page.render import REFRESH_S, View, page, silent_page
from agent.page.settings import PageSettings
from agent.page.shown import Shown, shown_of
from agent.page.words import LANGUAGES

log = logging.getLogger(__name__)

CONNECTIONS = 16
CONNECTIONS_OF_ONE = 6  # browsers open up to six; one neighbour cannot take them all
REQUEST_WITHIN_S = 3.0
ANSWER_WITHIN_S = 5.0
ASK_EVERY_S = 1.0
_FREEBIND = {socket.AF_INET: (socket.IPPROTO_IP, 15), socket.AF_INET6: (socket.IPPROTO_IPV6, 78)}  # linux/in.h, in6.h

Ask = Callable[[], dict[str, object]]


class Source:
    """Asks the agent at most once in ASK_EVERY_S, however many people look."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._lock = threading.Lock()
        self._asked_s = -ASK_EVERY_S
        self._status: Shown | None = None

    def status(self) -> Shown | None:
        """What the agent told; None when it does not answer."""
        with self._lock:
            if time.monotonic() - self._asked_s >= ASK_EVERY_S:
                try:
                    self._status = shown_of(self._ask())
                except (OSError, ValueError) as error:
                    if self._status is not None or self._asked_s < 0:
                        why = error.strerror if isinstance(error, OSError) else None
                        log.warning("the agent does not answer (%s)", why or error)
                    self._status = None
                self._asked_s = time.monotonic()
            return self._status


class Server:
    """Answers until the process ends."""

    def __init__(self, settings: PageSettings, branch: str, ask: Ask, *, wan: Collection[str] = ()) -> None:
        self._settings = settings
        self._wan = wan  # interfaces from which nobody may look
        self._branch = branch
        self._source = Source(ask)
        self._css = Path(__file__).with_name("page.css").read_bytes()
        self._places = threading.BoundedSemaphore(CONNECTIONS)
        self._of_one: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._local_only = not ipaddress.ip_address(settings.host).is_global

    def listen(self) -> socket.socket:
        """The listening socket; also when the LAN's address is not there yet, so that the order of starts is free.

        Raises:
            OSError: the port is taken.
        """
        family = socket.AF_INET6 if ":" in self._settings.host else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.setsockopt(*_FREEBIND[family], 1)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sock.bind((self._settings.host, self._settings.port))
            sock.listen(CONNECTIONS)
        except OSError:
            sock.close()
            raise
        return sock

    def run(self, listening: socket.socket) -> None:
        """Take connections for ever. What is above the limits waits in the kernel's queue, or is closed."""
        while True:
            self._places.acquire()
            try:
                sock, (host, *_) = listening.accept()
            except OSError as error:  # the other side has gone again, or descriptors are short
                self._places.release()
                log.info("a connection could not be taken (%s)", error.strerror)
                time.sleep(0.05)
                continue
            if self._welcome(str(host), interface_of(sock)):
                threading.Thread(target=self._serve, args=(sock, str(host)), daemon=True).start()
            else:
                sock.close()
                self._places.release()

    def _welcome(self, host: str, interface: str | None) -> bool:
        """Whether it may ask. Linux answers for a LAN address on a WAN interface too; an ISP's neighbour may not."""
        if interface in self._wan:
            return False
        address = ipaddress.ip_address(host.partition("%")[0])
        if self._local_only and not (address.is_private or address.is_link_local or address.is_loopback):
            return False
        with self._lock:
            if self._of_one[host] >= CONNECTIONS_OF_ONE:
                return False
            self._of_one[host] += 1
        return True

    def _serve(self, sock: socket.socket, host: str) -> None:
        try:
            with sock, suppress(OSError):
                self._converse(sock)
        finally:
            with self._lock:
                self._of_one[host] -= 1
                if not self._of_one[host]:
                    del self._of_one[host]
            self._places.release()

    def _converse(self, sock: socket.socket) -> None:
        head_only = False
        try:
            request = parse(_head(sock))
            head_only = request.method == "HEAD"
            answer = self.answer(request)
        except RequestError as error:
            answer = Answer(error.status, "text/plain; charset=utf-8", f"{error}\n".encode())
        _send(sock, encoded(answer, head_only=head_only))

    def answer(self, request: Request) -> Answer:
        """What a request gets."""
        if request.path == "/page.css":
            return Answer(200, "text/css; charset=utf-8", self._css)
        if request.path == "/status.json":
            status = self._source.status()
            told = {"error": "the agent does not answer"} if status is None else status
            return Answer(503 if status is None else 200, "application/json", msgspec.json.encode(told))
        if request.path not in {"/", "/still"}:
            raise RequestError(404, "there is only / and /status.json here")
        language = language_of(request.fields.get("accept-language", ""), LANGUAGES)
        refreshing = request.path == "/"
        status = self._source.status()
        view = View(self._branch, language, time.time(), self._settings.contact, refreshing)
        text = silent_page(view) if status is None else page(view, status)
        fields = {"Content-Language": language} | ({"Refresh": str(REFRESH_S)} if refreshing else {})
        return Answer(503 if status is None else 200, "text/html; charset=utf-8", text.encode(), fields)


def _head(sock: socket.socket) -> bytes:
    deadline = time.monotonic() + REQUEST_WITHIN_S
    data = b""
    while END not in data:
        left_s = deadline - time.monotonic()
        if left_s <= 0:
            raise TimeoutError
        sock.settimeout(left_s)
        more = sock.recv(MAX_REQUEST_BYTES + 1 - len(data))
        if not more:
            raise ConnectionError
        data += more
        if len(data) > MAX_REQUEST_BYTES:
            raise RequestError(431, f"a request has at most {MAX_REQUEST_BYTES} bytes here")
    return data.partition(END)[0] + END


def _send(sock: socket.socket, data: bytes) -> None:
    """The answer, then the end, then what is still on its way in: closing at once would take the answer back."""
    deadline = time.monotonic() + ANSWER_WITHIN_S
    sock.settimeout(ANSWER_WITHIN_S)
    sock.sendall(data)
    sock.shutdown(socket.SHUT_WR)
    while (left_s := deadline - time.monotonic()) > 0:
        sock.settimeout(min(left_s, 1.0))
        if not sock.recv(65_536):
            return

"""Watches the links under the paths: there or gone, carrier or none.

The kernel delays both its netlink message and the RUNNING flag of a lost carrier by up to a second when any link of the
machine changed shortly before (net/core/link_watch.c), which is just when two wires are cut together. ETHTOOL_GLINK
tells the truth at once, so it is asked whenever netlink wakes us (its contents are not parsed), every 10 ms through the
second in which the kernel may hold back the next message, and every 50 ms besides: other namespaces' links count too.
All this waits for the kernel's RTNL lock at times, so it runs in a thread of its own. Ioctls rather than /sys: they
speak of the network namespace the process is in, whatever is mounted.
"""

import array
import asyncio
import errno
import fcntl
import select
import socket
import struct
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

_ASK_EVERY_MS = 25
_ASK_OFTEN_EVERY_MS = 10
_ASK_OFTEN_FOR_S = 1.5  # the kernel's second, and its slack
_RTMGRP_LINK = 0x1
_SIOCGIFFLAGS = 0x8913
_SIOCGIFINDEX = 0x8933
_SIOCETHTOOL = 0x8946
_ETHTOOL_GLINK = 0xA
_IFF_UP = 0x1
_IFF_RUNNING = 0x40

# struct ifreq of a 64-bit kernel: 16 bytes of name, 24 of union.
_IFREQ_FLAGS = struct.Struct("=16sH22x")
_IFREQ_INDEX = struct.Struct("=16si20x")
_IFREQ_POINTER = struct.Struct("@16sP16x")


@dataclass(frozen=True, slots=True)
class LinkSeen:
    """An interface as the kernel has it. `carrier`: it is up and a link beat is there, or it knows no link beat (ppp).

    `ifindex` is 0 when the interface is not present; another number under the same name is another device.
    """

    present: bool
    carrier: bool
    ifindex: int


GONE = LinkSeen(present=False, carrier=False, ifindex=0)


def look(sock: socket.socket, interface: str) -> LinkSeen:
    """Ask the kernel about one interface over any IP socket; may wait for the RTNL lock."""
    name = interface.encode()
    try:
        ifindex: int = _IFREQ_INDEX.unpack(fcntl.ioctl(sock, _SIOCGIFINDEX, _IFREQ_INDEX.pack(name, 0)))[1]
        beat = _has_link_beat(sock, name)
        flags: int = _IFREQ_FLAGS.unpack(fcntl.ioctl(sock, _SIOCGIFFLAGS, _IFREQ_FLAGS.pack(name, 0)))[1]
    except OSError as error:
        if error.errno in (errno.ENODEV, errno.ENXIO):
            return GONE
        raise
    running = flags & (_IFF_UP | _IFF_RUNNING) == _IFF_UP | _IFF_RUNNING
    return LinkSeen(present=True, carrier=running and beat, ifindex=ifindex)


def _has_link_beat(sock: socket.socket, name: bytes) -> bool:
    value = array.array("I", (_ETHTOOL_GLINK, 0))
    try:
        fcntl.ioctl(sock, _SIOCETHTOOL, _IFREQ_POINTER.pack(name, value.buffer_info()[0]))
    except OSError as error:
        if error.errno in (errno.EOPNOTSUPP, errno.EPERM):
            return True  # the driver knows of none: RUNNING alone decides
        raise
    return bool(value[1])


class LinkWatcher:
    """Reports each path's link at the start and whenever it changed.

    Args:
        interfaces: interface by path.
        on_link: called in the event loop with path and `LinkSeen`.
    """

    def __init__(self, interfaces: Mapping[str, str], on_link: Callable[[str, LinkSeen], None]) -> None:
        self._interfaces = dict(interfaces)
        self._on_link = on_link
        self._seen: dict[str, LinkSeen] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._asking: socket.socket | None = None
        self._stop: socket.socket | None = None

    def start(self) -> None:
        """Report every path as it is, then watch. Call it within the running loop."""
        self._loop = asyncio.get_running_loop()
        links = _link_messages()
        self._asking = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._stop, stopped = socket.socketpair()
        for path, interface in list(self._interfaces.items()):
            self._report(path, interface, look(self._asking, interface))
        self._thread = threading.Thread(
            target=self._watch, args=(self._loop, self._asking, links, stopped), name="links", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop watching."""
        if self._stop is not None and self._thread is not None:
            self._stop.close()
            self._thread.join()
        if self._asking is not None:
            self._asking.close()
        self._stop = self._thread = self._asking = self._loop = None

    def retarget(self, interfaces: Mapping[str, str]) -> None:
        """Watch these paths from now on; new ones are reported, unchanged ones are not."""
        kept = {path for path, interface in interfaces.items() if self._interfaces.get(path) == interface}
        self._interfaces = dict(interfaces)
        self._seen = {path: seen for path, seen in self._seen.items() if path in kept}

    def _watch(
        self, loop: asyncio.AbstractEventLoop, asking: socket.socket, links: socket.socket, stopped: socket.socket
    ) -> None:
        """The thread: tells the loop what differs from what this thread told it last."""
        poll = select.poll()
        poll.register(links, select.POLLIN)
        poll.register(stopped, select.POLLIN)
        told: dict[str, LinkSeen] = {}
        interfaces = self._interfaces
        often_until_s = 0.0
        with links, stopped:
            while True:
                often = time.monotonic() < often_until_s
                ready = dict(poll.poll(_ASK_OFTEN_EVERY_MS if often else _ASK_EVERY_MS))
                if stopped.fileno() in ready:
                    return
                if links.fileno() in ready:
                    _empty(links)
                    often_until_s = time.monotonic() + _ASK_OFTEN_FOR_S
                if interfaces is not self._interfaces:  # retargeted: tell all, the loop knows what is news
                    interfaces = self._interfaces
                    told.clear()
                for path, interface in interfaces.items():
                    seen = look(asking, interface)
                    if told.get(path) != seen:
                        told[path] = seen
                        often_until_s = time.monotonic() + _ASK_OFTEN_FOR_S
                        loop.call_soon_threadsafe(self._report, path, interface, seen)

    def _report(self, path: str, interface: str, seen: LinkSeen) -> None:
        if self._loop is None or self._interfaces.get(path) != interface or self._seen.get(path) == seen:
            return
        self._seen[path] = seen
        self._on_link(path, seen)


def _link_messages() -> socket.socket:
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.NETLINK_ROUTE)
    try:
        sock.bind((0, _RTMGRP_LINK))
    except OSError:
        sock.close()
        raise
    return sock


def _empty(sock: socket.socket) -> None:
    """Throw away what waits. ENOBUFS means that the kernel dropped messages: a wake-up all the same."""
    while True:
        try:
            sock.recv(1)
        except BlockingIOError:
            return
        except OSError as error:
            if error.errno != errno.ENOBUFS:
                raise

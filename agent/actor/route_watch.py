"""Hears that something changed routes or rules, so that what is ours is put back at once, not with the next round.

The kernel's messages are only a wake-up: what stands is read by the reconciliation itself. After one the watch is deaf
until that has run, so that a router with a full table in motion costs one look a second, not one a message.
"""

import selectors
import socket

# linux/rtnetlink.h: RTNLGRP_IPV4_ROUTE 7, RTNLGRP_IPV4_RULE 8, RTNLGRP_IPV6_ROUTE 11, RTNLGRP_IPV6_RULE 19
_GROUPS = sum(1 << (group - 1) for group in (7, 8, 11, 19))


class RouteWatch:
    """One netlink socket in the server's selector."""

    def __init__(self, selector: selectors.BaseSelector) -> None:
        self._selector = selector
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE)
        self._socket.bind((0, _GROUPS))
        self._socket.setblocking(False)
        self._listening = False
        self.listen()

    def is_mine(self, found: object) -> bool:
        """Whether what the selector found is this watch."""
        return found is self._socket

    def rest(self) -> None:
        """Hear no more until `listen`."""
        if self._listening:
            self._selector.unregister(self._socket)
            self._listening = False

    def listen(self) -> None:
        """Forget what waits and hear again."""
        if self._listening:
            return
        while True:
            try:
                self._socket.recv(1)
            except BlockingIOError:
                break
            except OSError:
                continue  # ENOBUFS: messages were dropped, and the next one tells the same
        self._selector.register(self._socket, selectors.EVENT_READ)
        self._listening = True

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

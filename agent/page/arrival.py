"""By which interface a TCP connection came in: Linux remembers that of the first packet (ip(7) IP_PKTINFO)."""

import socket
import struct

_IP_PKTINFO, _IP_PKTOPTIONS = 8, 9  # linux/in.h; not in Python's socket module
_IPV6_RECVPKTINFO, _IPV6_2292PKTOPTIONS = 49, 6  # linux/in6.h
_HEADER = struct.Struct("@nii")  # of a control message: length, level, type


def interface_of(sock: socket.socket) -> str | None:
    """The interface's name; None when the kernel does not say."""
    try:
        if sock.family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, _IPV6_RECVPKTINFO, 1)
            raw = sock.getsockopt(socket.IPPROTO_IPV6, _IPV6_2292PKTOPTIONS, 256)
            (index,) = struct.unpack_from("@i", raw, _HEADER.size + 16)  # after the address
        else:
            sock.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)
            raw = sock.getsockopt(socket.IPPROTO_IP, _IP_PKTOPTIONS, 256)
            (index,) = struct.unpack_from("@i", raw, _HEADER.size)  # before the addresses
        return socket.if_indextoname(index)
    except (OSError, struct.error):
        return None

"""Whether the client has read what was sent: the kernel is asked about the other end.

Rules of this file: Linux's sock_diag (``man 7 sock_diag``), which needs no rights; where it cannot
tell, because the client is elsewhere or the system is another, the answer is None.
"""

from __future__ import annotations

import socket
import struct
import sys

__all__ = ["unread_by_peer"]

_SOCK_DIAG = 4  # the netlink family
_BY_FAMILY = 20  # SOCK_DIAG_BY_FAMILY
_ANY = 0xFFFFFFFF


def unread_by_peer(sock: socket.socket) -> int | None:
    """How many bytes wait in the receive queue of this connection's other end; None if unknown."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        ours, theirs = sock.getsockname(), sock.getpeername()
    except OSError:
        return None  # it was reset, and the event loop will tell so
    family = sock.family
    # struct inet_diag_req_v2, of the socket whose own address is our peer's
    request = struct.pack("=BBBBI", family, socket.IPPROTO_TCP, 0, 0, _ANY)
    request += struct.pack("!HH", theirs[1], ours[1])
    request += _address(family, theirs[0]) + _address(family, ours[0])
    request += struct.pack("=III", 0, _ANY, _ANY)
    header = struct.pack("=IHHII", 16 + len(request), _BY_FAMILY, 1, 0, 0)
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, _SOCK_DIAG) as netlink:
            netlink.send(header + request)
            answer = netlink.recv(4096)
    except OSError:
        return None
    if struct.unpack_from("=IH", answer)[1] != _BY_FAMILY:
        return None
    # struct inet_diag_msg: four bytes, the socket's id of 48, expires, rqueue
    return int(struct.unpack_from("=I", answer, 16 + 4 + 48 + 4)[0])


def _address(family: int, host: str) -> bytes:
    return socket.inet_pton(family, host.partition("%")[0]).ljust(16, b"\0")

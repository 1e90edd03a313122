"""What the client has read, and whether it still exists, from the kernel's view of its socket.

Rules of this file: use Linux's sock_diag (``man 7 sock_diag``), which needs no privileges. If it
gives no result, because the client runs on another machine or the system is not Linux, return None.

For every socket the kernel counts the bytes received since the connection began
(``tcpi_bytes_received``), and knows how many of them still wait in the receive queue. The program
has read the difference. One query, which takes 5 µs, is therefore enough.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
import sys
from typing import NamedTuple

__all__ = ["Peer", "Peers", "build_query", "count_sent_bytes"]

_SOCK_DIAG = 4  # the netlink family
_BY_FAMILY = 20  # SOCK_DIAG_BY_FAMILY
_ANY = 0xFFFFFFFF
_INFO = 2  # INET_DIAG_INFO, the attribute that holds a struct tcp_info

# struct nlmsghdr of 16 bytes, struct inet_diag_msg of 72, then the attributes
_QUEUE, _INODE, _ATTRIBUTES = 16 + 4 + 48 + 4, 16 + 68, 16 + 72
_RECEIVED = 128  # tcpi_bytes_received in struct tcp_info


class Peer(NamedTuple):
    """The other end of a connection.

    Attributes:
        bytes_read: how many bytes its program has read since the connection began.
        is_open: whether a program on this machine holds the socket.
    """

    bytes_read: int
    is_open: bool


class Peers:
    """Queries the kernel about the other ends of connections."""

    def __init__(self) -> None:
        self._socket: socket.socket | None = None
        self._owner_pid = 0

    def find(self, query: bytes) -> Peer | None:
        """Return the peer that a query of `build_query` names; None if the kernel cannot tell."""
        try:
            # After a fork, the replies to both processes would mix.
            if self._socket is None or self._owner_pid != os.getpid():
                self.close()
                self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, _SOCK_DIAG)
                self._owner_pid = os.getpid()
            self._socket.send(query)
            response = self._socket.recv(4096)
        except OSError:
            return None
        if struct.unpack_from("=H", response, 4)[0] != _BY_FAMILY:
            is_missing = struct.unpack_from("=i", response, 16)[0] == -errno.ENOENT
            return Peer(0, False) if is_missing else None
        is_open = struct.unpack_from("=I", response, _INODE)[0] != 0
        offset = _ATTRIBUTES
        while offset + 4 <= len(response):
            size, kind = struct.unpack_from("=HH", response, offset)
            if kind == _INFO and size >= 4 + _RECEIVED + 8:
                bytes_received = struct.unpack_from("=Q", response, offset + 4 + _RECEIVED)[0]
                return Peer(bytes_received - struct.unpack_from("=I", response, _QUEUE)[0], is_open)
            offset += max(4, (size + 3) & ~3)
        # The remains of a closed socket have no counts.
        return None if is_open else Peer(0, False)

    def close(self) -> None:
        """Close the netlink socket."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def build_query(sock: socket.socket) -> bytes | None:
    """Return the sock_diag query for a connection's other end; None except on Linux."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        ours, theirs = sock.getsockname(), sock.getpeername()
    except OSError:
        return None  # it was reset, which the event loop is about to report
    family = sock.family
    # struct inet_diag_req_v2, for the socket whose local address is our remote one
    request = struct.pack("=BBBBI", family, socket.IPPROTO_TCP, 1 << (_INFO - 1), 0, _ANY)
    request += struct.pack("!HH", theirs[1], ours[1])
    request += _pack_address(family, theirs[0]) + _pack_address(family, ours[0])
    request += struct.pack("=III", 0, _ANY, _ANY)
    return struct.pack("=IHHII", 16 + len(request), _BY_FAMILY, 1, 0, 0) + request


def count_sent_bytes(sock: socket.socket) -> int | None:
    """Return how many bytes the kernel was given to send since the connection began.

    None if unknown: the system is not Linux 4.19 or newer, or the connection was reset.
    """
    if not sys.platform.startswith("linux"):
        return None
    try:
        info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 216)
    except OSError:
        return None
    if len(info) < 216:
        return None
    bytes_waiting = struct.unpack_from("=I", info, 144)[0]  # tcpi_notsent_bytes
    # tcpi_bytes_sent and tcpi_bytes_retrans
    bytes_sent, bytes_resent = struct.unpack_from("=QQ", info, 200)
    return int(bytes_sent) - int(bytes_resent) + int(bytes_waiting)


def _pack_address(family: int, host: str) -> bytes:
    return socket.inet_pton(family, host.partition("%")[0]).ljust(16, b"\0")

"""What the client has read, and whether it is still there: the kernel is asked about the other end.

Rules of this file: Linux's sock_diag (``man 7 sock_diag``), which needs no rights; if it cannot
tell, because the client is elsewhere or the system is another, the answer is None.

The kernel counts, since a connection began, the bytes that a socket has received
(``tcpi_bytes_received``), and knows how many of them wait in its queue: the difference has been
read by the program. One question of 5 µs is therefore enough; nothing has to be asked twice.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
import sys
from typing import NamedTuple

__all__ = ["Peer", "Peers", "ask_about", "count_sent"]

_SOCK_DIAG = 4  # the netlink family
_BY_FAMILY = 20  # SOCK_DIAG_BY_FAMILY
_ANY = 0xFFFFFFFF
_INFO = 2  # INET_DIAG_INFO: the attribute that holds a struct tcp_info

# struct nlmsghdr of 16 bytes, struct inet_diag_msg of 72, then the attributes
_QUEUE, _INODE, _ATTRIBUTES = 16 + 4 + 48 + 4, 16 + 68, 16 + 72
_RECEIVED = 128  # tcpi_bytes_received in struct tcp_info


class Peer(NamedTuple):
    """The other end of a connection.

    ``read`` counts the bytes that its program has read since the connection began; ``is_open`` says
    whether a program on this machine holds the socket.
    """

    read: int
    is_open: bool


class Peers:
    """Asks the kernel about the other ends of connections."""

    def __init__(self) -> None:
        self._netlink: socket.socket | None = None
        self._owner = 0

    def find(self, question: bytes) -> Peer | None:
        """The peer that a question of `ask_about` is about; None if the kernel cannot be asked."""
        try:
            if self._netlink is None or self._owner != os.getpid():  # forked: answers would mix
                self.close()
                self._netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, _SOCK_DIAG)
                self._owner = os.getpid()
            self._netlink.send(question)
            answer = self._netlink.recv(4096)
        except OSError:
            return None
        if struct.unpack_from("=H", answer, 4)[0] != _BY_FAMILY:
            not_found = struct.unpack_from("=i", answer, 16)[0] == -errno.ENOENT
            return Peer(0, False) if not_found else None
        is_open = struct.unpack_from("=I", answer, _INODE)[0] != 0
        at = _ATTRIBUTES
        while at + 4 <= len(answer):
            size, kind = struct.unpack_from("=HH", answer, at)
            if kind == _INFO and size >= 4 + _RECEIVED + 8:
                received = struct.unpack_from("=Q", answer, at + 4 + _RECEIVED)[0]
                return Peer(received - struct.unpack_from("=I", answer, _QUEUE)[0], is_open)
            at += max(4, (size + 3) & ~3)
        # What is left of a socket that was closed has no counts.
        return None if is_open else Peer(0, False)

    def close(self) -> None:
        """Ask no more."""
        if self._netlink is not None:
            self._netlink.close()
            self._netlink = None


def ask_about(sock: socket.socket) -> bytes | None:
    """The question about a connection's other end; None if the system takes none."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        ours, theirs = sock.getsockname(), sock.getpeername()
    except OSError:
        return None  # it was reset, and the event loop will tell so
    family = sock.family
    # struct inet_diag_req_v2, of the socket whose own address is our peer's
    request = struct.pack("=BBBBI", family, socket.IPPROTO_TCP, 1 << (_INFO - 1), 0, _ANY)
    request += struct.pack("!HH", theirs[1], ours[1])
    request += _address(family, theirs[0]) + _address(family, ours[0])
    request += struct.pack("=III", 0, _ANY, _ANY)
    return struct.pack("=IHHII", 16 + len(request), _BY_FAMILY, 1, 0, 0) + request


def count_sent(sock: socket.socket) -> int | None:
    """How many bytes were given to the kernel to send since the connection began; None if unknown.

    Linux only, from 4.19.
    """
    if not sys.platform.startswith("linux"):
        return None
    try:
        info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 216)
    except OSError:
        return None
    if len(info) < 216:
        return None
    waiting = struct.unpack_from("=I", info, 144)[0]  # tcpi_notsent_bytes
    sent, again = struct.unpack_from("=QQ", info, 200)  # tcpi_bytes_sent, tcpi_bytes_retrans
    return int(sent) - int(again) + int(waiting)


def _address(family: int, host: str) -> bytes:
    return socket.inet_pton(family, host.partition("%")[0]).ljust(16, b"\0")

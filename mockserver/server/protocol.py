"""What ASGI cannot say: the connection of a request, and when it is lost.

Rules of this file: only uvicorn's public door (``Config(http=...)``) and asyncio's interfaces are
used; a request finds its connection by its client's address, ``scope["client"]``.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
from collections.abc import Callable
from typing import Any

__all__ = ["Connection", "Connections", "protocol_class"]


class Connection:
    """The transport of one client, and what wants to know that it is gone."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self.transport = transport
        self.on_lost: Callable[[], None] | None = None

    async def drained(self) -> None:
        """Wait until the client's side has received every byte."""
        while not self.transport.is_closing() and self._unsent():
            # The kernel tells nobody when the peer acknowledges, so it has to be asked.
            await asyncio.sleep(0.001)

    def _unsent(self) -> int:
        waiting = self.transport.get_write_buffer_size()
        if waiting or sys.platform == "win32":
            return waiting
        import fcntl
        import termios

        handle = self.transport.get_extra_info("socket")
        unacknowledged = fcntl.ioctl(handle.fileno(), termios.TIOCOUTQ, b"\0" * 4)
        return int(struct.unpack("i", unacknowledged)[0])

    def reset(self) -> None:
        """Break the connection with a TCP RST."""
        # A linger time of zero makes the close a reset; abort alone would send a FIN.
        handle = self.transport.get_extra_info("socket")
        handle.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

    def close(self) -> None:
        """Close the connection with a FIN, once what was written is sent."""
        self.transport.close()


Connections = dict[tuple[str, int], Connection]


def protocol_class(connections: Connections) -> type[asyncio.Protocol]:
    """A uvicorn protocol that keeps `connections`; on httptools where it is installed."""

    class Protocol(_http_protocol()):  # type: ignore[misc]
        def connection_made(self, transport: asyncio.Transport) -> None:
            peer = transport.get_extra_info("peername")
            connections[peer[:2]] = self._connection = Connection(transport)
            super().connection_made(transport)

        def connection_lost(self, exc: Exception | None) -> None:
            peer = self.transport.get_extra_info("peername")
            if connections.get(peer[:2]) is self._connection:
                del connections[peer[:2]]
            super().connection_lost(exc)
            if self._connection.on_lost is not None:
                self._connection.on_lost()

    return Protocol


def _http_protocol() -> Any:
    try:
        from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
    except ImportError:
        from uvicorn.protocols.http.h11_impl import H11Protocol

        return H11Protocol
    return HttpToolsProtocol

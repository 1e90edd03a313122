"""What ASGI cannot say: the connection of a request, its bytes, and when it is lost.

Rules of this file: only uvicorn's public door (``Config(http=...)``) and asyncio's interfaces are
used; a request finds its connection by its client's address, ``scope["client"]``.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
from collections.abc import Callable
from itertools import count
from typing import Any, cast

from openai_mockserver.limits import Limits
from openai_mockserver.server.peer import unread_by_peer

__all__ = ["TARGET", "Connection", "Connections", "protocol_class"]


class Connection:
    """One client's connection: what goes out, and what wants to know that it is gone.

    ``number`` counts the connections of a server, ``requests`` those that came over this one.
    """

    def __init__(self, transport: asyncio.Transport, number: int) -> None:
        self.transport = transport
        self.number = number
        self.requests = 0
        self.on_lost: Callable[[Exception | None], None] | None = None
        self.muted = False

    async def drained(self) -> None:
        """Wait until the client's side has received every byte."""
        while not self.transport.is_closing() and self._unsent():
            # The kernel tells nobody when the peer acknowledges, so it has to be asked.
            await asyncio.sleep(0.001)

    async def read_by_client(self) -> None:
        """Wait until the client has read every byte: its next read is then of what comes next.

        Exact on Linux for a client on this machine; elsewhere what is known is that the client's
        side has received it, and two milliseconds are given to read it.
        """
        calm, asked = 0, 0
        while calm < 2 and not self.transport.is_closing():
            unread = self._unsent() or unread_by_peer(self._socket())
            if unread is None:
                await asyncio.sleep(0.002)
                return
            calm = 0 if unread else calm + 1
            asked += 1
            await asyncio.sleep(0 if asked < 100 else 0.001)

    def _socket(self) -> socket.socket:
        return cast(socket.socket, self.transport.get_extra_info("socket"))

    def _unsent(self) -> int:
        waiting = self.transport.get_write_buffer_size()
        if waiting or sys.platform == "win32":
            return waiting
        import fcntl
        import termios

        unacknowledged = fcntl.ioctl(self._socket().fileno(), termios.TIOCOUTQ, b"\0" * 4)
        return int(struct.unpack("i", unacknowledged)[0])

    def reset(self) -> None:
        """Break the connection with a TCP RST."""
        # A linger time of zero makes the close a reset; abort alone would send a FIN.
        self._socket().setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()


class Gate:
    """uvicorn's transport: what uvicorn itself writes while the connection is muted is dropped.

    So a script says every byte of its response, and uvicorn still learns that it is over.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def write(self, data: bytes) -> None:
        if not self._connection.muted:
            self._connection.transport.write(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection.transport, name)


TARGET = "openai_mockserver.target"
"""The member of a request's scope that holds its target as it came, if the parser tells it."""

Connections = dict[tuple[str, int], Connection]


def protocol_class(connections: Connections, limits: Limits) -> type[asyncio.Protocol]:
    """A uvicorn protocol that keeps `connections`; on httptools where it is installed.

    A connection whose request has not told its head in time is closed.
    """
    numbers = count(1)

    class Protocol(_http_protocol()):  # type: ignore[misc]
        def connection_made(self, transport: asyncio.Transport) -> None:
            self._address = transport.get_extra_info("peername")[:2]
            self._connection = Connection(transport, next(numbers))
            connections[self._address] = self._connection
            self._overdue: asyncio.TimerHandle | None = None
            super().connection_made(Gate(self._connection))
            self._watch()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            self._watch()

        def _watch(self) -> None:
            """Wait for the rest of a head, or no longer; uvicorn does for a next request."""
            if self.cycle is not None and not self.cycle.response_complete:
                self._unwatch()
            elif self._overdue is None and limits.seconds is not None:
                loop = asyncio.get_running_loop()
                self._overdue = loop.call_later(limits.seconds, self._connection.transport.close)

        def _unwatch(self) -> None:
            if self._overdue is not None:
                self._overdue.cancel()
                self._overdue = None

        def on_url(self, url: bytes) -> None:  # httptools calls it, h11 does not
            super().on_url(url)
            self.scope[TARGET] = self.url

        def connection_lost(self, exc: Exception | None) -> None:
            self._unwatch()
            if connections.get(self._address) is self._connection:
                del connections[self._address]
            super().connection_lost(exc)
            if self._connection.on_lost is not None:
                self._connection.on_lost(exc)

    return Protocol


def _http_protocol() -> Any:
    try:
        from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
    except ImportError:
        from uvicorn.protocols.http.h11_impl import H11Protocol

        return H11Protocol
    return HttpToolsProtocol

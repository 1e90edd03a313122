"""What ASGI cannot say: the connection of a request, its bytes, and when it is lost.

Rules of this file: only uvicorn's public door (``Config(http=...)``) and asyncio's interfaces are
used; a request finds its connection by its client's address, ``scope["client"]``.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterable
from itertools import count
from typing import Any, cast

from openai_mockserver.server.door import Door
from openai_mockserver.server.peer import Peer, Peers, ask_about, count_sent

__all__ = ["TARGET", "WHOLE", "Connection", "Connections", "protocol_class"]


_FIRST_LOOK = 0.005  # seconds until the kernel is asked what a silent client has read
_FEW = 32  # clients, at most, of which it is asked sooner
_FIRST_OF_FEW = 0.0005
_ELSEWHERE = 0.02  # seconds that a client has to read what its system has received
_LAST_LOOK = 1.0  # seconds in which it is noticed here that a client has left


class Connection:
    """One client's connection: what goes out, and what wants to know that it is gone.

    ``number`` counts the connections of a server, ``requests`` those that came over this one;
    ``is_gone`` says that its client has closed it, as far as was asked, ``is_lost`` that this is
    known here too, ``left_unread`` that the client left with bytes unread, and ``is_cut_short``
    that it sends no more though its request is not whole.
    """

    __slots__ = (
        "_answering", "_half_closed", "_is_known", "_is_last_look", "_look", "_on_read", "_pause",
        "_question", "_siblings", "_waiting", "is_cut_short", "is_gone", "is_lost", "is_tls",
        "left_unread", "muted", "number", "on_lost", "requests", "transport",
    )  # fmt: skip

    def __init__(self, transport: asyncio.Transport, number: int, siblings: Connections) -> None:
        self.transport = transport
        self.is_tls = transport.get_extra_info("ssl_object") is not None
        self.number = number
        self.requests = 0
        self.on_lost: Callable[[Exception | None], None] | None = None
        self.muted = False
        self.is_lost = False
        self.left_unread = False
        self.is_cut_short = False
        self._answering = False
        self._half_closed = False
        self._siblings = siblings
        self._question: bytes | None = None
        self._is_known = False
        self.is_gone = False
        self._waiting: asyncio.Future[None] | None = None
        self._on_read: Callable[[bool], None] | None = None
        self._look: asyncio.TimerHandle | None = None
        self._pause = 0.0
        self._is_last_look = False

    async def drained(self) -> None:
        """Wait until the client's side has received every byte."""
        while not self.transport.is_closing() and self._unsent():
            # The kernel tells nobody when the peer acknowledges, so it has to be asked.
            await asyncio.sleep(0.001)

    async def read_by_client(self, seconds: float = math.inf, tries: int = 100) -> bool:
        """Wait until the client has read every byte: its next read is then of what comes next.

        Exact on Linux for a client on this machine; elsewhere what is known is that the client's
        side has received it, and two milliseconds are given to read it.

        Args:
            seconds: how long to wait at most.
            tries: how often to ask at once; then it is asked after 1 ms, and ever more seldom.

        Returns:
            Whether the client is known to have read it.
        """
        asked, pause, until = 0, 0.001, time.monotonic() + seconds
        while not self.transport.is_closing():
            unread = self.count_unread()
            if self.is_gone:
                if self._half_closed:
                    self._drop()
                # Else what it did on leaving is about to be read.
                await self._heard_within(1.0)
                return False
            if unread is None:
                await self.drained()
                await asyncio.sleep(0.002)
                return False
            if not unread:
                return True
            asked += 1
            if asked < tries:
                await asyncio.sleep(0)
                continue
            if time.monotonic() >= until:
                return False
            await self._heard_within(pause)
            pause = min(2 * pause, 0.02)
        return False

    def note_when_read(self, on_read: Callable[[bool], None]) -> None:
        """Call this when the client has read every byte, unless the connection is lost before.

        It is told whether that is known. A client that asks for something else has read all;
        of one that does not, the kernel is asked after a while, or when `look` is called.
        """
        self._note_read(False)
        first = _FIRST_LOOK if len(self._siblings) > _FEW else _FIRST_OF_FEW
        self._on_read, self._pause, self._is_last_look = on_read, first, False
        self._look_within(first)

    def look(self) -> None:
        """Find out now whether the client has read every byte, and from now on in short turns."""
        if self._on_read is not None and not self._is_last_look:
            self._pause = 0.0005
            self._look_again()

    def _look_within(self, seconds: float) -> None:
        if self._look is not None:
            self._look.cancel()
        self._look = asyncio.get_running_loop().call_later(seconds, self._look_again)

    def _look_again(self) -> None:
        if self._on_read is None or self.transport.is_closing():
            return
        unread = self.count_unread()
        if self.is_gone:
            if self._half_closed:
                self._drop()
            else:  # what it did on leaving is about to be read
                self._look_once_more(_LAST_LOOK)
        elif unread == 0:
            self._note_read(True)
        elif unread is None and not self._unsent():
            self._look_once_more(_ELSEWHERE)  # or it has left, and is about to be lost
        else:
            self._look_within(self._pause)
            self._pause = min(2 * self._pause, 0.1)

    def _look_once_more(self, seconds: float) -> None:
        if self._is_last_look:
            self._note_read(False)
        else:
            self._is_last_look = True
            self._look_within(seconds)

    def _note_read(self, is_known: bool) -> None:
        if self._look is not None:
            self._look.cancel()
            self._look = None
        on_read, self._on_read = self._on_read, None
        if on_read is not None:
            on_read(is_known)
            if self._half_closed and not self._answering:
                self.transport.close()

    async def _heard_within(self, seconds: float) -> None:
        """Wait so long, or until something comes from the client, or it is lost."""
        loop = asyncio.get_running_loop()
        waiting = self._waiting = loop.create_future()
        timer = loop.call_later(seconds, self.wake)
        try:
            await waiting
        finally:
            timer.cancel()

    def wake(self) -> None:
        """Let what waits for the client look at it anew."""
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    def count_unread(self) -> int | None:
        """How many of the bytes written the client has not read yet; None if nobody knows.

        If it is gone, nobody knows any more.
        """
        if self.transport.is_closing():
            return None
        peer = self._peer()
        sent = None if peer is None or not peer.is_open else count_sent(self._socket())
        if peer is None or sent is None:
            return None
        return max(0, sent + self.transport.get_write_buffer_size() - peer.read)

    def write_each(self, pieces: Iterable[bytes]) -> None:
        """Write each piece by itself.

        An event loop may put what is written in one turn into one write, so the pieces go straight
        to the socket, until it takes no more at once.
        """
        transport, left = self.transport, iter(pieces)
        if not (self.is_tls or sys.platform == "win32" or transport.get_write_buffer_size()):
            descriptor, write = self._socket().fileno(), os.write
            for piece in left:
                try:
                    sent = write(descriptor, piece)
                except OSError:  # it takes no more; if it is lost, the transport finds out
                    sent = 0
                if sent < len(piece):
                    transport.write(piece[sent:])
                    break
        for piece in left:
            transport.write(piece)

    def _peer(self) -> Peer | None:
        if self._question is None:
            self._question = ask_about(self._socket()) or b""
        if not self._question:
            return None
        found = self._siblings.peers.find(self._question)
        # One that was on this machine and is no more is gone; one that never was is elsewhere.
        self._is_known = self._is_known or (found is not None and found.is_open)
        self.is_gone = self._is_known and found is not None and not found.is_open
        return found

    def half_close(self) -> bool:
        """The client has said that it sends no more; whether it still reads.

        Nobody knows of a client elsewhere, and hardly any half-closes: it is taken to have left.
        """
        peer = self._peer() if self._answering or self._on_read is not None else None
        self._half_closed = peer is not None and peer.is_open
        if self._half_closed:
            asyncio.get_running_loop().call_later(0.001, self._watch, 0.001)
        else:
            self._note_unsent()
        return self._half_closed

    def _watch(self, seconds: float) -> None:
        """Notice that a client that had half-closed is gone: no event tells of it."""
        if self.is_lost or self.transport.is_closing():
            return
        peer = self._peer()
        if peer is not None and peer.is_open:
            later = min(2 * seconds, 0.05)
            asyncio.get_running_loop().call_later(later, self._watch, later)
            return
        self._drop()

    def _drop(self) -> None:
        """Give up a client that had half-closed and is gone."""
        self._note_unsent()
        if self._socket().getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self.left_unread = True
        self.transport.abort()

    def _note_unsent(self) -> None:
        with contextlib.suppress(OSError):
            self.left_unread = self.left_unread or self._unsent() > 0

    def begin(self) -> None:
        """Something of a request has come."""
        self._answering = True
        if self._on_read is not None:
            self._note_read(True)
        self.wake()

    def finish(self) -> None:
        """The response is over. A client that sends no more has no other request."""
        self._answering = False
        if self._half_closed and self._on_read is None:
            self.transport.close()

    def lose(self, error: Exception | None) -> None:
        """The connection is gone."""
        self.is_lost = True
        # The kernel answers a close with bytes unread by a reset, and by an end otherwise.
        self.left_unread = self.left_unread or error is not None
        self._on_read = None
        if self._look is not None:
            self._look.cancel()
        self.wake()
        if self.on_lost is not None:
            self.on_lost(error)

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

    __slots__ = ("_connection",)

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def write(self, data: bytes) -> None:
        if not self._connection.muted:
            self._connection.transport.write(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection.transport, name)


TARGET = "openai_mockserver.target"
"""The member of a request's scope that holds its target as it came, if the parser tells it."""


WHOLE = "openai_mockserver.whole"
"""The member of a request's scope that says that its body has come, if the parser tells it."""


class Connections(dict[tuple[str, int], Connection]):
    """The connections of a server by their clients' addresses."""

    def __init__(self) -> None:
        self.peers = Peers()
        self.numbers = count(1)


def protocol_class(
    connections: Connections, find_door: Callable[[], Door]
) -> type[asyncio.Protocol]:
    """A uvicorn protocol that keeps `connections`; on httptools where it is installed.

    A connection whose request has not told its head in time is closed.
    """

    class Protocol(_http_protocol()):  # type: ignore[misc]
        def connection_made(self, transport: asyncio.Transport) -> None:
            peer = transport.get_extra_info("peername")
            self._address = (peer or ("", 0))[:2]
            self._connection = Connection(transport, next(connections.numbers), connections)
            if peer is None:  # it was lost before anybody looked
                transport.abort()
            else:
                connections[self._address] = self._connection
            self._overdue: asyncio.TimerHandle | None = None
            self._is_early = False
            super().connection_made(Gate(self._connection))
            self._watch()

        def data_received(self, data: bytes) -> None:
            self._connection.begin()
            cycle = self.cycle
            if cycle is not None and not cycle.more_body and not cycle.response_complete:
                self._is_early = True  # it is of the next request
            super().data_received(data)
            self._watch()

        def _watch(self) -> None:
            """Wait for the rest of a head, or no longer; uvicorn does for a next request."""
            if self.cycle is not None and not self.cycle.response_complete:
                self._unwatch()
            elif self._overdue is None and (seconds := find_door().limits.seconds) is not None:
                loop = asyncio.get_running_loop()
                self._overdue = loop.call_later(seconds, self._connection.transport.close)

        def _unwatch(self) -> None:
            if self._overdue is not None:
                self._overdue.cancel()
                self._overdue = None

        def on_response_complete(self) -> None:
            super().on_response_complete()
            if self._is_early:
                self._is_early = False
                self._watch()

        def on_url(self, url: bytes) -> None:  # httptools calls it, h11 does not
            super().on_url(url)
            self.scope[TARGET] = self.url

        def on_message_complete(self) -> None:  # httptools calls it, h11 does not
            super().on_message_complete()
            self.scope[WHOLE] = True

        def connection_lost(self, exc: Exception | None) -> None:
            self._unwatch()
            if connections.get(self._address) is self._connection:
                del connections[self._address]
            super().connection_lost(exc)
            self._connection.lose(exc)

        def eof_received(self) -> bool | None:
            # Over TLS there is no half of a connection.
            if self._connection.is_tls:
                return None
            if not self._connection.half_close():
                return None
            if self.cycle is not None and self.cycle.more_body:
                self._connection.is_cut_short = True
                self.cycle.more_body = False
                self.cycle.message_event.set()
            return True

    return Protocol


def _http_protocol() -> Any:
    try:
        from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
    except ImportError:
        from uvicorn.protocols.http.h11_impl import H11Protocol

        return H11Protocol
    return HttpToolsProtocol

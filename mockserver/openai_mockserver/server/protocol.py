"""What ASGI cannot express: the connection behind a request, its bytes, and its loss.

Rules of this file: use only uvicorn's public hook (``Config(http=...)``) and asyncio's interfaces.
A request finds its connection by its client's address, ``scope["client"]``. How the pieces work
together is explained at the top of `openai_mockserver.server.player`.
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
from functools import cache, partial
from importlib.util import find_spec
from itertools import count
from typing import Any, cast

from openai_mockserver.server.door import Door
from openai_mockserver.server.peer import Peer, Peers, build_query, count_sent_bytes

__all__ = [
    "TARGET",
    "WHOLE",
    "Connection",
    "Connections",
    "make_protocol",
    "make_socket_protocol",
]


_FEW = 32  # with at most this many connections, the first check comes sooner
_FIRST_CHECK = 0.005  # seconds before the first check of what a silent client has read
_FIRST_CHECK_OF_FEW = 0.0005
_REMOTE_READ = 0.02  # seconds a client elsewhere has to read what its system has received
_LOSS_NOTICE = 1.0  # seconds within which the event loop reports that a client has left


class Connection:
    """A client's connection, and how many of the written bytes its client has read.

    Attributes:
        number: the connection's number within its server, counted from 1.
        requests: how many requests have arrived over it.
        is_gone: the client had closed its socket when the kernel was last queried.
        is_lost: the event loop has reported the loss of the connection.
        left_bytes_unread: the client left without reading everything.
        is_cut_short: the client stopped sending before its request was complete.
        is_muted: drop what uvicorn itself writes.
        on_lost: called with the error, or None, when the connection is lost.
    """

    __slots__ = (
        "_check_delay", "_check_timer", "_connections", "_is_answering", "_is_half_closed",
        "_is_last_check", "_on_read", "_peer_query", "_wakeup", "_was_local", "is_cut_short",
        "is_gone", "is_lost", "is_muted", "is_tls", "left_bytes_unread", "number", "on_lost",
        "requests", "transport",
    )  # fmt: skip

    def __init__(self, transport: asyncio.Transport, number: int, connections: Connections) -> None:
        self.transport = transport
        self.is_tls = transport.get_extra_info("ssl_object") is not None
        self.number = number
        self.requests = 0
        self.on_lost: Callable[[Exception | None], None] | None = None
        self.is_muted = False
        self.is_lost = False
        self.left_bytes_unread = False
        self.is_cut_short = False
        self._is_answering = False
        self._is_half_closed = False
        self._connections = connections
        self._peer_query: bytes | None = None
        self._was_local = False
        self.is_gone = False
        self._wakeup: asyncio.Future[None] | None = None
        self._on_read: Callable[[bool], None] | None = None
        self._check_timer: asyncio.TimerHandle | None = None
        self._check_delay = 0.0
        self._is_last_check = False

    async def wait_until_received(self) -> None:
        """Wait until the client's system has acknowledged every byte."""
        while not self.transport.is_closing() and self._count_unreceived():
            # No event reports an acknowledgement, so the kernel has to be polled.
            await asyncio.sleep(0.001)

    async def wait_until_read(self, seconds: float = math.inf, tries: int = 100) -> bool:
        """Wait until the client has read every byte, so that its next read gets only new ones.

        This is exact on Linux for a client on the same machine. In all other cases, wait until
        the client's system has received every byte, and 2 ms longer for the client to read them.

        Args:
            seconds: maximum wait, in seconds.
            tries: how many checks follow each other at once; later ones come after 1 ms, 2 ms,
                and so on up to every 20 ms.

        Returns:
            Whether the client is known to have read every byte.
        """
        attempts, pause, deadline = 0, 0.001, time.monotonic() + seconds
        while not self.transport.is_closing():
            unread = self.count_unread_bytes()
            if self.is_gone:
                if self._is_half_closed:
                    self._drop()
                # Otherwise the event loop is about to report how it left.
                await self._wait_for_client(1.0)
                return False
            if unread is None:
                await self.wait_until_received()
                await asyncio.sleep(0.002)
                return False
            if not unread:
                return True
            attempts += 1
            if attempts < tries:
                await asyncio.sleep(0)
                continue
            if time.monotonic() >= deadline:
                return False
            await self._wait_for_client(pause)
            pause = min(2 * pause, 0.02)
        return False

    def call_when_read(self, on_read: Callable[[bool], None]) -> None:
        """Call ``on_read(is_certain)`` once the client has read every byte, unless it is lost.

        A client that sends another request has read everything. For a silent client, the kernel
        is queried after a delay that grows to 0.1 s, or when `check_soon` is called.
        """
        self._report_read(False)
        first = _FIRST_CHECK if len(self._connections) > _FEW else _FIRST_CHECK_OF_FEW
        self._on_read, self._check_delay, self._is_last_check = on_read, first, False
        self._schedule_check(first)

    def check_soon(self) -> None:
        """Check now whether the client has read every byte, and start again with short delays."""
        if self._on_read is not None and not self._is_last_check:
            self._check_delay = 0.0005
            self._check_unread()

    def _schedule_check(self, seconds: float) -> None:
        if self._check_timer is not None:
            self._check_timer.cancel()
        self._check_timer = asyncio.get_running_loop().call_later(seconds, self._check_unread)

    def _check_unread(self) -> None:
        if self._on_read is None or self.transport.is_closing():
            return
        unread = self.count_unread_bytes()
        if self.is_gone:
            if self._is_half_closed:
                self._drop()
            else:  # the event loop is about to report how it left
                self._schedule_last_check(_LOSS_NOTICE)
        elif unread == 0:
            self._report_read(True)
        elif unread is None and not self._count_unreceived():
            # Either the client runs elsewhere, or it has left and is about to be lost.
            self._schedule_last_check(_REMOTE_READ)
        else:
            self._schedule_check(self._check_delay)
            self._check_delay = min(2 * self._check_delay, 0.1)

    def _schedule_last_check(self, seconds: float) -> None:
        if self._is_last_check:
            self._report_read(False)
        else:
            self._is_last_check = True
            self._schedule_check(seconds)

    def _report_read(self, is_certain: bool) -> None:
        if self._check_timer is not None:
            self._check_timer.cancel()
            self._check_timer = None
        on_read, self._on_read = self._on_read, None
        if on_read is not None:
            on_read(is_certain)
            if self._is_half_closed and not self._is_answering:
                self.transport.close()

    async def _wait_for_client(self, seconds: float) -> None:
        """Wait until the client sends something or is lost, for a number of seconds at most."""
        loop = asyncio.get_running_loop()
        wakeup = self._wakeup = loop.create_future()
        timer = loop.call_later(seconds, self.wake)
        try:
            await wakeup
        finally:
            timer.cancel()

    def wake(self) -> None:
        """End the wait of `_wait_for_client`."""
        if self._wakeup is not None and not self._wakeup.done():
            self._wakeup.set_result(None)

    def count_unread_bytes(self) -> int | None:
        """Return how many of the bytes written the client has not read; None if unknown.

        The count is no longer known once the client is gone.
        """
        if self.transport.is_closing():
            return None
        peer = self._find_peer()
        size = None if peer is None or not peer.is_open else count_sent_bytes(self._socket())
        if peer is None or size is None:
            return None
        return max(0, size + self.transport.get_write_buffer_size() - peer.bytes_read)

    def write_each(self, pieces: Iterable[bytes]) -> None:
        """Write each piece with a separate system call.

        An event loop may join what is written during one of its turns, so the pieces go straight
        to the socket for as long as it accepts them without blocking.
        """
        transport, rest = self.transport, iter(pieces)
        if not (self.is_tls or sys.platform == "win32" or transport.get_write_buffer_size()):
            descriptor, write = self._socket().fileno(), os.write
            for piece in rest:
                try:
                    size = write(descriptor, piece)
                except OSError:  # the buffer is full; if the socket is lost, the transport notices
                    size = 0
                if size < len(piece):
                    transport.write(piece[size:])
                    break
        for piece in rest:
            transport.write(piece)

    def _find_peer(self) -> Peer | None:
        if self._peer_query is None:
            self._peer_query = build_query(self._socket()) or b""
        if not self._peer_query:
            return None
        peer = self._connections.peers.find(self._peer_query)
        # A socket that used to exist on this machine is gone; one that never did is elsewhere.
        self._was_local = self._was_local or (peer is not None and peer.is_open)
        self.is_gone = self._was_local and peer is not None and not peer.is_open
        return peer

    def half_close(self) -> bool:
        """Handle the client's FIN, and return whether the client still reads.

        For a client on another machine this is unknown. Few clients half-close, so it is assumed
        to have left.
        """
        peer = self._find_peer() if self._is_answering or self._on_read is not None else None
        self._is_half_closed = peer is not None and peer.is_open
        if self._is_half_closed:
            asyncio.get_running_loop().call_later(0.001, self._watch_half_closed, 0.001)
        else:
            self._note_bytes_unread()
        return self._is_half_closed

    def _watch_half_closed(self, seconds: float) -> None:
        """Poll until a half-closed client is gone, because no event reports that."""
        if self.is_lost or self.transport.is_closing():
            return
        peer = self._find_peer()
        if peer is not None and peer.is_open:
            later = min(2 * seconds, 0.05)
            asyncio.get_running_loop().call_later(later, self._watch_half_closed, later)
            return
        self._drop()

    def _drop(self) -> None:
        """Drop the connection of a half-closed client that is gone."""
        self._note_bytes_unread()
        if self._socket().getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self.left_bytes_unread = True
        self.transport.abort()

    def _note_bytes_unread(self) -> None:
        with contextlib.suppress(OSError):
            self.left_bytes_unread = self.left_bytes_unread or self._count_unreceived() > 0

    def note_request(self) -> None:
        """Note that some bytes of a request have arrived."""
        self._is_answering = True
        if self._on_read is not None:
            self._report_read(True)
        self.wake()

    def finish_response(self) -> None:
        """Note the end of the response, and close if the client cannot send another request."""
        self._is_answering = False
        if self._is_half_closed and self._on_read is None:
            self.transport.close()

    def note_loss(self, error: Exception | None) -> None:
        """Note that the connection is lost, and call `on_lost`."""
        self.is_lost = True
        # A close with unread bytes makes the client's kernel send RST; otherwise it sends FIN.
        self.left_bytes_unread = self.left_bytes_unread or error is not None
        self._on_read = None
        if self._check_timer is not None:
            self._check_timer.cancel()
        self.wake()
        if self.on_lost is not None:
            self.on_lost(error)

    def _socket(self) -> socket.socket:
        return cast(socket.socket, self.transport.get_extra_info("socket"))

    def _count_unreceived(self) -> int:
        """Return how many bytes wait here or in the kernel for the client's acknowledgement."""
        buffered = self.transport.get_write_buffer_size()
        if buffered or sys.platform == "win32":
            return buffered
        import fcntl
        import termios

        queued = fcntl.ioctl(self._socket().fileno(), termios.TIOCOUTQ, b"\0" * 4)
        return int(struct.unpack("i", queued)[0])

    def reset(self) -> None:
        """Close the connection with a TCP RST."""
        # With a linger time of zero, closing sends RST; `abort` alone would send FIN.
        self._socket().setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()


class Gate:
    """The transport that uvicorn gets: it drops what uvicorn writes while `is_muted` is set.

    The player writes every byte of a response itself, and uvicorn still learns that it has ended.
    """

    __slots__ = ("connection",)

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def write(self, data: bytes) -> None:
        if not self.connection.is_muted:
            self.connection.transport.write(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.connection.transport, name)


TARGET = "openai_mockserver.target"
"""Key in a request's scope: the request target, byte for byte. Only httptools provides it."""


WHOLE = "openai_mockserver.whole"
"""Key in a request's scope: the whole body has arrived. Only httptools provides it."""


class Connections(dict[tuple[str, int], Connection]):
    """The connections of a server, by the addresses of their clients."""

    def __init__(self) -> None:
        self.peers = Peers()
        self.numbers = count(1)


def make_protocol(
    connections: Connections, find_door: Callable[[], Door]
) -> type[asyncio.Protocol]:
    """Return a protocol class for uvicorn that keeps `connections` up to date.

    It is based on httptools if that is installed. A connection whose request head does not arrive
    within `Limits.seconds` is closed.
    """

    class Protocol(_http_protocol()):  # type: ignore[misc]
        def connection_made(self, transport: asyncio.Transport) -> None:
            peer = transport.get_extra_info("peername")
            self._address = (peer or ("", 0))[:2]
            self._connection = Connection(transport, next(connections.numbers), connections)
            if peer is None:  # it was lost before it was accepted
                transport.abort()
            else:
                connections[self._address] = self._connection
            self._head_timer: asyncio.TimerHandle | None = None
            self._is_early = self._is_upgraded = False
            super().connection_made(Gate(self._connection))
            self._watch_head()

        def data_received(self, data: bytes) -> None:
            self._connection.note_request()
            cycle = self.cycle
            if cycle is not None and not cycle.more_body and not cycle.response_complete:
                self._is_early = True  # these bytes belong to the next request
            super().data_received(data)
            self._watch_head()

        def _watch_head(self) -> None:
            """Start the time limit for a request head, or stop it once the head is complete.

            The wait between two requests is uvicorn's to limit.
            """
            if self._is_upgraded or (self.cycle is not None and not self.cycle.response_complete):
                self._unwatch_head()
            elif self._head_timer is None and (seconds := find_door().limits.seconds) is not None:
                loop = asyncio.get_running_loop()
                self._head_timer = loop.call_later(seconds, self._connection.transport.close)

        def _unwatch_head(self) -> None:
            if self._head_timer is not None:
                self._head_timer.cancel()
                self._head_timer = None

        def on_response_complete(self) -> None:
            super().on_response_complete()
            if self._is_early:
                self._is_early = False
                self._watch_head()

        def handle_websocket_upgrade(self, *event: Any) -> None:
            self._is_upgraded = True  # from now on, the other protocol gets what arrives
            super().handle_websocket_upgrade(*event)

        def on_url(self, url: bytes) -> None:  # httptools calls it, h11 does not
            super().on_url(url)
            self.scope[TARGET] = self.url

        def on_message_complete(self) -> None:  # httptools calls it, h11 does not
            super().on_message_complete()
            self.scope[WHOLE] = True

        def connection_lost(self, exc: Exception | None) -> None:
            self._unwatch_head()
            if connections.get(self._address) is self._connection:
                del connections[self._address]
            super().connection_lost(exc)
            self._connection.note_loss(exc)

        def eof_received(self) -> bool | None:
            # TLS connections cannot be half-closed.
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


_SOCKET_PACKAGES = ("websockets", "uvicorn.protocols.websockets.websockets_sansio_impl")


def make_socket_protocol(connections: Connections) -> Any:
    """Return what makes the protocol of a WebSocket: a class, for uvicorn.

    None if a package that it needs is not installed, or too old.
    """
    if any(find_spec(name) is None for name in _SOCKET_PACKAGES):
        return None
    make_class = cache(partial(_make_socket_class, connections))
    # The class is made for the first WebSocket, because few servers get any.
    return lambda **arguments: make_class()(**arguments)


def _make_socket_class(connections: Connections) -> Any:
    from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

    class SocketProtocol(WebSocketsSansIOProtocol):
        def connection_made(self, transport: Any) -> None:
            self._connection: Connection = transport.connection
            super().connection_made(transport)

        async def send(self, message: Any) -> None:
            await super().send(message)
            if message["type"] == "websocket.http.response.body":
                self.handshake_complete = True  # it was refused, which uvicorn would report

        def connection_lost(self, exc: Exception | None) -> None:
            address = self.client or ("", 0)
            if connections.get(address[:2]) is self._connection:
                del connections[address[:2]]
            super().connection_lost(exc)
            self._connection.note_loss(exc)

    return SocketProtocol


def _http_protocol() -> Any:
    try:
        from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
    except ImportError:
        from uvicorn.protocols.http.h11_impl import H11Protocol

        return H11Protocol
    return HttpToolsProtocol

"""Connections to upstreams that are kept for the next request.

Rules of this file: a connection is kept only while nothing comes over it. What the upstream says
unasked, be it that it closes, ends it; so does time, before servers usually would. The newest is
taken first. Nothing here knows HTTP: whether a response was whole is for the caller to say.
"""

from __future__ import annotations

import asyncio
import select
import ssl
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from openai_mockserver.server.connect import Route, UpstreamConnection

__all__ = ["Pool"]

IDLE = 4.0  # seconds; servers that close after so few as uvicorn and node wait for 5

MOST = 100  # connections to one upstream


class Pool:
    """The idle connections of one event loop.

    Args:
        idle: seconds for which a connection is kept.
    """

    def __init__(self, idle: float = IDLE) -> None:
        self._seconds = idle
        self._idle: dict[Route, dict[UpstreamConnection, asyncio.TimerHandle]] = {}
        self._routes: dict[str, Route] = {}
        self._closing: set[asyncio.Future[None]] = set()
        self._is_closed = False

    @cached_property
    def tls(self) -> ssl.SSLContext:
        """What TLS is spoken with."""
        # To read all certificates takes 20 ms, in which no stream goes on.
        return ssl.create_default_context()

    def find_route(self, url: str) -> Route:
        """The way to a URL's host; what the environment says of proxies is looked up once.

        Args:
            url: the upstream's.
        """
        from openai_mockserver.server.connect import find_route

        if (route := self._routes.get(url)) is None:
            route = self._routes[url] = find_route(url)
        return route

    def take(self, route: Route) -> UpstreamConnection | None:
        """A connection that can be used again; None if there is none."""
        kept = self._idle.get(route, {})
        while kept:
            connection = next(reversed(kept))
            if _is_silent(connection) and not _is_readable(connection):
                self._forget(connection)
                return connection
            self._drop(connection)
        return None

    def put(self, connection: UpstreamConnection) -> None:
        """Keep a connection over which a response has come whole, or close it."""
        kept = self._idle.setdefault(connection.route, {})
        if self._is_closed or len(kept) >= MOST or not _is_silent(connection):
            self._close(connection)
            return
        loop = asyncio.get_running_loop()
        kept[connection] = loop.call_later(self._seconds, self._drop, connection)
        connection.incoming.on_unasked = lambda: self._drop(connection)

    def drop_all(self) -> None:
        """Close all idle connections, as if none had been."""
        self._routes.clear()
        for kept in list(self._idle.values()):
            for connection in list(kept):
                self._drop(connection)

    async def close(self) -> None:
        """Close all idle connections and wait until they are gone; none is kept any more."""
        self._is_closed = True
        self.drop_all()
        if self._closing:
            await asyncio.wait(self._closing, timeout=1.0)

    def _forget(self, connection: UpstreamConnection) -> None:
        kept = self._idle[connection.route]
        kept.pop(connection).cancel()
        if not kept:
            del self._idle[connection.route]
        connection.incoming.on_unasked = None

    def _drop(self, connection: UpstreamConnection) -> None:
        self._forget(connection)
        self._close(connection)

    def _close(self, connection: UpstreamConnection) -> None:
        closed = connection.incoming.closed
        if not closed.done():
            self._closing.add(closed)
            closed.add_done_callback(self._closing.discard)
        connection.transport.abort()


def _is_silent(connection: UpstreamConnection) -> bool:
    """Whether the upstream has said nothing that was not asked for, nor that it closes."""
    return connection.incoming.is_silent and not connection.transport.is_closing()


def _is_readable(connection: UpstreamConnection) -> bool:
    """Whether something has come that the loop tells of only at its next turn."""
    descriptor: int = connection.transport.get_extra_info("socket").fileno()
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        return bool(poll.poll(0))
    return bool(select.select([descriptor], [], [], 0)[0])  # Windows has it, for any descriptor

"""The pool of idle connections to upstreams.

Rules of this file: a connection stays idle only while nothing arrives over it. Anything that the
upstream sends unrequested, even its FIN, closes the connection; so does a timeout that is shorter
than that of most servers. The newest connection is reused first. Nothing here knows HTTP: the
caller decides whether a response was complete.
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

IDLE = 4.0  # seconds; uvicorn and Node.js, which close early, wait for 5

MOST = 100  # maximum number of idle connections to one upstream


class Pool:
    """The idle connections of one event loop.

    Args:
        idle: seconds after which an idle connection is closed.
    """

    def __init__(self, idle: float = IDLE) -> None:
        self._seconds = idle
        self._idle: dict[Route, dict[UpstreamConnection, asyncio.TimerHandle]] = {}
        self._routes: dict[str, Route] = {}
        self._pending_closes: set[asyncio.Future[None]] = set()
        self._is_closed = False

    @cached_property
    def tls_context(self) -> ssl.SSLContext:
        """The TLS context of all connections."""
        # Loading the certificates takes 20 ms, during which no stream proceeds.
        return ssl.create_default_context()

    def find_route(self, url: str) -> Route:
        """Return the route to the host of a URL; the environment's proxy is looked up once.

        Args:
            url: the upstream's URL.
        """
        from openai_mockserver.server.connect import find_route

        if (route := self._routes.get(url)) is None:
            route = self._routes[url] = find_route(url)
        return route

    def acquire(self, route: Route) -> UpstreamConnection | None:
        """Return an idle connection that can be reused; None if there is none."""
        idle_connections = self._idle.get(route, {})
        while idle_connections:
            connection = next(reversed(idle_connections))
            if _is_silent(connection) and not _is_readable(connection):
                self._remove(connection)
                return connection
            self._drop(connection)
        return None

    def release(self, connection: UpstreamConnection) -> None:
        """Take back a connection after a complete response: keep it idle, or close it."""
        idle_connections = self._idle.setdefault(connection.route, {})
        if self._is_closed or len(idle_connections) >= MOST or not _is_silent(connection):
            self._close(connection)
            return
        loop = asyncio.get_running_loop()
        idle_connections[connection] = loop.call_later(self._seconds, self._drop, connection)
        connection.incoming.on_activity = lambda: self._drop(connection)

    def drop_idle(self) -> None:
        """Close all idle connections and forget all routes."""
        self._routes.clear()
        for idle_connections in list(self._idle.values()):
            for connection in list(idle_connections):
                self._drop(connection)

    async def close(self) -> None:
        """Close all idle connections, wait at most 1 s for that, and keep none from now on."""
        self._is_closed = True
        self.drop_idle()
        if self._pending_closes:
            await asyncio.wait(self._pending_closes, timeout=1.0)

    def _remove(self, connection: UpstreamConnection) -> None:
        idle_connections = self._idle[connection.route]
        idle_connections.pop(connection).cancel()
        if not idle_connections:
            del self._idle[connection.route]
        connection.incoming.on_activity = None

    def _drop(self, connection: UpstreamConnection) -> None:
        self._remove(connection)
        self._close(connection)

    def _close(self, connection: UpstreamConnection) -> None:
        close_event = connection.incoming.closed
        if not close_event.done():
            self._pending_closes.add(close_event)
            close_event.add_done_callback(self._pending_closes.discard)
        connection.transport.abort()


def _is_silent(connection: UpstreamConnection) -> bool:
    """Whether nothing has arrived unrequested, and the connection is not closing."""
    return connection.incoming.is_silent and not connection.transport.is_closing()


def _is_readable(connection: UpstreamConnection) -> bool:
    """Whether something has arrived that the event loop has not reported yet."""
    descriptor: int = connection.transport.get_extra_info("socket").fileno()
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        return bool(poll.poll(0))
    return bool(
        select.select([descriptor], [], [], 0)[0]
    )  # on Windows, select has no descriptor limit

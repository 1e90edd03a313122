"""Runs the server: bind its socket first, start it on its first client, stop it immediately.

Rules of this file: no polling and no fixed waits. A loopback server without clients costs a bound
socket and a sleeping thread: uvicorn is imported when a client connects.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import selectors
import socket
import threading
import time
from collections.abc import Callable
from itertools import count
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from openai_mockserver.exceptions import ServerError
from openai_mockserver.journal import SERVER_STOPPED, Call
from openai_mockserver.server.door import Door
from openai_mockserver.server.pool import Pool

if TYPE_CHECKING:
    import ssl

    import uvicorn

    from openai_mockserver.server.protocol import Connection, Connections

__all__ = ["Loopback", "bind", "serve"]

BACKLOG = 4096
SLOW = 3.0  # seconds after which an open call is reported as slow


def bind(host: str, port: int) -> socket.socket:
    """Return a listening socket. Port 0 picks a free port.

    Raises:
        ServerError: the host is empty, or the address is in use or cannot be bound.
    """
    if not host:
        raise ServerError(
            "an empty host would listen on every address: name one, for example 127.0.0.1"
        )
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except (OSError, OverflowError, TypeError, UnicodeError) as error:
        listener.close()
        if getattr(error, "errno", None) == errno.EADDRINUSE:
            raise ServerError(f"port {port} of {host} is in use: choose another port") from None
        raise ServerError(f"cannot listen on {host}, port {port}: {error}") from None
    listener.setblocking(False)
    return listener


def format_url(listener: socket.socket, tls: bool = False) -> str:
    """Return the URL of a listening socket."""
    host, port = listener.getsockname()[:2]
    return f"http{'s' * tls}://{f'[{host}]' if ':' in host else host}:{port}"


class _ServerRun:
    """A run of one server: its event loop, its open calls, and how to stop them."""

    def __init__(
        self,
        find_door: Callable[[], Door],
        listener: socket.socket,
        tls: ssl.SSLContext | None = None,
        exact: bool = False,
        listener_count: int = 1,
    ) -> None:
        self._find_door = find_door
        self._listener_count = listener_count
        self._tls = tls
        self._exact = exact
        self._listener = listener
        self._open_calls: dict[Call, Connection] = {}
        self._pool = Pool()
        self._connections: Connections
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._is_stopping = False

    def run(self, ready: Callable[[], object] | None = None) -> None:
        """Serve in this thread until stopped; call ``ready`` once clients are accepted."""
        import uvicorn

        from openai_mockserver.server.app import make_application
        from openai_mockserver.server.protocol import (
            Connections,
            make_protocol,
            make_socket_protocol,
        )
        from openai_mockserver.server.worker import Worker

        server_run = self

        class Server(uvicorn.Server):
            async def main_loop(self) -> None:
                server_run._loop = asyncio.get_running_loop()
                server_run._stop = asyncio.Event()
                if server_run._is_stopping:
                    return
                if ready is not None:
                    ready()
                if (on_slow := server_run._find_door().on_slow) is not None:
                    watch_task = asyncio.ensure_future(server_run._watch_slow(on_slow))
                await server_run._stop.wait()
                if on_slow is not None:
                    watch_task.cancel()

            def handle_exit(self, sig: int, frame: Any) -> None:
                # uvicorn would raise the signal again after shutdown; here, all signals just stop.
                server_run.stop()

            async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
                await server_run._close(self)

        connections = self._connections = Connections()
        worker = Worker()
        application = make_application(
            self._find_door, worker, connections, self._open_calls, self._pool, self._exact
        )
        config = uvicorn.Config(
            application,
            http=make_protocol(connections, self._find_door),
            ws=make_socket_protocol(connections) or "none",
            ws_max_size=self._find_door().limits.body,
            # Compression would take longer than all else that is done for a message.
            ws_per_message_deflate=False,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            proxy_headers=False,
            timeout_keep_alive=75,
            backlog=BACKLOG,
            # uvloop could not be closed before all clients have left that begin no TLS handshake.
            loop="auto" if self._tls is None else "asyncio",
        )
        config.load()
        config.ssl = self._tls
        # libuv accepts one client per turn of the loop and listening socket.
        extra_listeners = [self._listener.dup() for _ in range(self._listener_count - 1)]
        try:
            Server(config).run(sockets=[self._listener, *extra_listeners])
        finally:
            for extra in extra_listeners:
                extra.close()
            worker.stop()
            connections.peers.close()

    async def _watch_slow(self, on_slow: Callable[[Call], object]) -> None:
        """Report each call that takes long, once."""
        reported_calls: WeakSet[Call] = WeakSet()
        while True:
            await asyncio.sleep(1.0)
            for call in list(self._open_calls):
                if call.is_over or call in reported_calls or call.session is not None:
                    continue
                if time.monotonic() - call.arrival >= SLOW:
                    reported_calls.add(call)
                    on_slow(call)

    def _end_calls(self) -> None:
        for call in list(self._open_calls):
            call.end(None if call.is_written else SERVER_STOPPED)

    def break_connections(self) -> None:
        """Abort all connections and continue as a fresh server. Call it from another thread."""
        done_event = threading.Event()

        def break_all() -> None:
            self._end_calls()
            for connection in self._connections.values():
                connection.transport.abort()
            self._pool.drop_idle()
            self._connections.numbers = count(1)
            # An aborted transport closes its socket in a callback that is already scheduled.
            asyncio.get_running_loop().call_soon(done_event.set)

        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has closed already
                self._loop.call_soon_threadsafe(break_all)
                done_event.wait(1.0)

    async def _close(self, server: uvicorn.Server) -> None:
        """Stop listening, abort all connections, and wait until their tasks have ended."""
        for listening_server in server.servers:
            listening_server.close()
        self._end_calls()
        tasks = set(server.server_state.tasks)
        for connection in list(server.server_state.connections):
            connection.transport.abort()
        # The loss of its connection ends every call; any other task is cancelled.
        _, stuck_tasks = await asyncio.wait(tasks, timeout=1.0) if tasks else ((), ())
        for task in stuck_tasks:
            task.cancel()
        await self._pool.close()
        # A client that was accepted in the turn of the stop gets its connection in the next one.
        # Left open, it would keep the loop from closing until the client leaves.
        await asyncio.sleep(0)
        while server.server_state.connections:
            for connection in list(server.server_state.connections):
                connection.transport.abort()
            await asyncio.sleep(0)

    def stop(self) -> None:
        """End `run`. Call it from any thread or a signal handler."""
        self._is_stopping = True
        if self._loop is not None and self._stop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has closed already
                self._loop.call_soon_threadsafe(self._stop.set)


class Loopback:
    """A server in a thread. Clients can connect as soon as the constructor returns.

    Args:
        find_door: returns the door that is open; called for each request.
        listener: a socket from `bind`; closed by `stop`.
        tls: TLS context with a certificate; without one the server speaks plain HTTP.
    """

    def __init__(
        self,
        find_door: Callable[[], Door],
        listener: socket.socket,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._listener = listener
        self.url = format_url(self._listener, tls is not None)
        self._server_run = _ServerRun(find_door, self._listener, tls, exact=True)
        self._is_stopped = False
        self._wake_sender, self._wake_receiver = socket.socketpair()
        self._thread = threading.Thread(target=self._run, name="openai-mockserver", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        # The kernel accepts the first client, which waits in the backlog.
        with selectors.DefaultSelector() as selector:
            for wait_socket in (self._listener, self._wake_receiver):
                selector.register(wait_socket, selectors.EVENT_READ)
            selector.select()
        if not self._server_run._is_stopping:
            self._server_run.run()

    def break_connections(self) -> None:
        """Abort all connections and continue as a fresh server."""
        self._server_run.break_connections()

    def stop(self) -> None:
        """Abort all streams and close the socket; does nothing the second time."""
        if self._is_stopped:
            return
        self._is_stopped = True
        self._server_run.stop()
        self._wake_sender.send(b"\0")
        self._thread.join()
        for end in (self._listener, self._wake_sender, self._wake_receiver):
            end.close()


def serve(
    door: Door | Callable[[], Door],
    listener: socket.socket,
    ready: Callable[[], object] | None = None,
    tls: ssl.SSLContext | None = None,
) -> None:
    """Serve in the foreground until a signal arrives; call ``ready`` once clients are accepted.

    Args:
        door: the door, or a function that returns the door that is open, called for each request.
        listener: a socket from `bind`.
        ready: called once clients are accepted.
        tls: TLS context with a certificate.
    """
    find_door = (lambda: door) if isinstance(door, Door) else door
    server_run = _ServerRun(find_door, listener, tls, listener_count=8)
    try:
        with contextlib.suppress(KeyboardInterrupt):  # until uvicorn handles the signals
            server_run.run(ready)
    finally:
        listener.close()

"""Running the server: bound before it is announced, started by its first client, stopped at once.

Rules of this file: no polling and no fixed waits. A loopback server that nobody asks costs a bound
socket and a sleeping thread: uvicorn is imported when a client comes.
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
SLOW = 3.0  # seconds after which a call that is still going on is told of


def bind(host: str, port: int) -> socket.socket:
    """A listening socket. Port 0 picks a free one.

    Raises ServerError where the address cannot be had.
    """
    if not host:
        raise ServerError("an empty host would listen on every address; give one, as 127.0.0.1")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except (OSError, OverflowError, TypeError, UnicodeError) as error:
        listener.close()
        if getattr(error, "errno", None) == errno.EADDRINUSE:
            raise ServerError(f"port {port} of {host} is in use; choose another") from None
        raise ServerError(f"cannot listen on {host}, port {port}: {error}") from None
    listener.setblocking(False)
    return listener


def url_of(listener: socket.socket, tls: bool = False) -> str:
    """The URL of a listening socket."""
    host, port = listener.getsockname()[:2]
    return f"http{'s' * tls}://{f'[{host}]' if ':' in host else host}:{port}"


class _Running:
    """One server on one socket: its event loop, its calls, and how to stop them."""

    def __init__(
        self,
        find_door: Callable[[], Door],
        listener: socket.socket,
        tls: ssl.SSLContext | None = None,
        exact: bool = False,
        doorkeepers: int = 1,
    ) -> None:
        self._find_door = find_door
        self._doorkeepers = doorkeepers
        self._tls = tls
        self._exact = exact
        self._listener = listener
        self._open: dict[Call, Connection] = {}
        self._pool = Pool()
        self._connections: Connections
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._stopping = False

    def run(self, ready: Callable[[], object] | None = None) -> None:
        """Serve until stopped, in this thread."""
        import uvicorn

        from openai_mockserver.server.app import application
        from openai_mockserver.server.protocol import Connections, protocol_class
        from openai_mockserver.server.worker import Worker

        running = self

        class Server(uvicorn.Server):
            async def main_loop(self) -> None:
                running._loop = asyncio.get_running_loop()
                running._stop = asyncio.Event()
                if running._stopping:
                    return
                if ready is not None:
                    ready()
                if (on_slow := running._find_door().on_slow) is not None:
                    watching = asyncio.ensure_future(running._watch_slow(on_slow))
                await running._stop.wait()
                if on_slow is not None:
                    watching.cancel()

            def handle_exit(self, sig: int, frame: Any) -> None:
                # uvicorn would raise the signal again at the end; all of them end it alike here.
                running.stop()

            async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
                await running._close(self)

        connections = self._connections = Connections()
        worker = Worker()
        config = uvicorn.Config(
            application(self._find_door, worker, connections, self._open, self._pool, self._exact),
            http=protocol_class(connections, self._find_door),
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            proxy_headers=False,
            timeout_keep_alive=75,
            backlog=BACKLOG,
        )
        config.load()
        config.ssl = self._tls
        # libuv accepts one client a turn of the loop, of each socket that listens.
        others = [self._listener.dup() for _ in range(self._doorkeepers - 1)]
        try:
            Server(config).run(sockets=[self._listener, *others])
        finally:
            for other in others:
                other.close()
            worker.stop()
            connections.peers.close()

    async def _watch_slow(self, on_slow: Callable[[Call], object]) -> None:
        """Tell of each call that takes long, once."""
        known: WeakSet[Call] = WeakSet()
        while True:
            await asyncio.sleep(1.0)
            for call in list(self._open):
                if not call.is_over and call not in known and time.monotonic() - call.came >= SLOW:
                    known.add(call)
                    on_slow(call)

    def _end_calls(self) -> None:
        for call in list(self._open):
            call.end(None if call.written else SERVER_STOPPED)

    def break_off(self) -> None:
        """Close all connections, and go on serving as if none had been; from any other thread."""
        over = threading.Event()

        def break_all() -> None:
            self._end_calls()
            for connection in self._connections.values():
                connection.transport.abort()
            self._pool.drop_all()
            self._connections.numbers = count(1)
            # An aborted transport closes its socket later, among what is to be called soon.
            asyncio.get_running_loop().call_soon(over.set)

        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has closed already
                self._loop.call_soon_threadsafe(break_all)
                over.wait(1.0)

    async def _close(self, server: uvicorn.Server) -> None:
        """Stop listening, break off what is going on, and wait until it is gone."""
        for listening in server.servers:
            listening.close()
        self._end_calls()
        tasks = set(server.server_state.tasks)
        for connection in list(server.server_state.connections):
            connection.transport.abort()
        # Losing its connection ends every call; a task that goes on is not one of ours.
        _, stuck = await asyncio.wait(tasks, timeout=1.0) if tasks else ((), ())
        for task in stuck:
            task.cancel()
        await self._pool.close()

    def stop(self) -> None:
        """End `run`; from any thread, or a signal handler."""
        self._stopping = True
        if self._loop is not None and self._stop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has closed already
                self._loop.call_soon_threadsafe(self._stop.set)


class Loopback:
    """A server in a thread, ready to be connected to when the constructor returns.

    Args:
        find_door: gives the door that is open, for each request.
        listener: what `bind` gives; it is closed by `stop`.
        tls: makes it speak TLS.
    """

    def __init__(
        self,
        find_door: Callable[[], Door],
        listener: socket.socket,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._listener = listener
        self.url = url_of(self._listener, tls is not None)
        self._running = _Running(find_door, self._listener, tls, exact=True)
        self._stopped = False
        self._waker, self._wakes = socket.socketpair()
        self._thread = threading.Thread(target=self._run, name="openai-mockserver", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        # The kernel accepts the first client meanwhile; it waits in the backlog.
        with selectors.DefaultSelector() as selector:
            for waited in (self._listener, self._wakes):
                selector.register(waited, selectors.EVENT_READ)
            selector.select()
        if not self._running._stopping:
            self._running.run()

    def break_off(self) -> None:
        """Close all connections, and go on serving."""
        self._running.break_off()

    def stop(self) -> None:
        """Break off all streams and close the socket; a second time does nothing."""
        if self._stopped:
            return
        self._stopped = True
        self._running.stop()
        self._waker.send(b"\0")
        self._thread.join()
        for end in (self._listener, self._waker, self._wakes):
            end.close()


def serve(door: Door, listener: socket.socket, ready: Callable[[], object] | None = None) -> None:
    """Serve in the foreground until a signal asks to stop; ``ready`` is called when it runs."""
    running = _Running(lambda: door, listener, doorkeepers=8)
    try:
        with contextlib.suppress(KeyboardInterrupt):  # before uvicorn takes the signals
            running.run(ready)
    finally:
        listener.close()

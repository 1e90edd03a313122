"""Connections to an upstream: direct, through a proxy, with TLS."""

from __future__ import annotations

import asyncio
import base64
import ssl
import sys
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple, cast

from openai_mockserver.exceptions import ServerError
from openai_mockserver.server.player import HIGH_WATER

CONNECT_TIMEOUT = 30.0  # seconds


class Incoming(asyncio.Protocol):
    """What comes from the upstream, in the order in which it comes: reads, then how it ended.

    asyncio's StreamReader forgets what it holds when the connection is reset; this does not.

    ``unreceived`` is how many bytes the upstream had not received when it said that it sends no
    more; None before, and if nobody knows.
    """

    def __init__(self) -> None:
        self._queue: asyncio.Queue[bytes | Exception] = asyncio.Queue()
        self._held = 0
        self._transport: asyncio.Transport | None = None
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.on_unasked: Callable[[], None] | None = None
        self.unreceived: int | None = None

    @property
    def is_silent(self) -> bool:
        """Whether nothing has come that was not read, not even an end."""
        return self._queue.empty() and not self.closed.done()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._held += len(data)
        self._queue.put_nowait(data)
        if self._held > HIGH_WATER and self._transport is not None:
            self._transport.pause_reading()
        self._note_unasked()

    def eof_received(self) -> None:
        if self._transport is not None:
            self.unreceived = _count_unreceived(self._transport)
        self._queue.put_nowait(b"")
        self._note_unasked()

    def connection_lost(self, exc: Exception | None) -> None:
        self._queue.put_nowait(exc or b"")
        if not self.closed.done():
            self.closed.set_result(None)
        self._note_unasked()

    def give_up(self, error: Exception) -> None:
        """Let who waits for a read have this instead."""
        self._queue.put_nowait(error)

    def _note_unasked(self) -> None:
        if self.on_unasked is not None:
            self.on_unasked()

    async def read(self) -> bytes:
        """The next network read; nothing at the end. Raises what broke the connection."""
        data = await self._queue.get()
        if isinstance(data, Exception):
            raise data
        held, self._held = self._held, self._held - len(data)
        if held > HIGH_WATER >= self._held and self._transport is not None:
            self._transport.resume_reading()
        return data


def _count_unreceived(transport: asyncio.Transport) -> int | None:
    """How many of the bytes written the other side has not acknowledged; None if nobody knows."""
    if sys.platform != "linux":
        return None
    import fcntl
    import termios

    descriptor = transport.get_extra_info("socket").fileno()
    try:
        unacknowledged = fcntl.ioctl(descriptor, termios.TIOCOUTQ, b"\0" * 4)
    except OSError:
        return None
    return transport.get_write_buffer_size() + int.from_bytes(unacknowledged, sys.byteorder)


class Route(NamedTuple):
    """The way to an upstream, which all connections share that are as good as each other.

    Args:
        host, port: the upstream's.
        secure: whether TLS is spoken with it.
        proxy: the URL of the proxy between, if there is one; it may hold a password.
        prefix: what a request's target begins with, for a proxy.
    """

    host: str
    port: int
    secure: bool
    proxy: str | None = None
    prefix: str = ""


def find_route(url: str) -> Route:
    """The way to a URL's host, through the environment's proxy.

    Args:
        url: the upstream's.
    """
    parsed = urllib.parse.urlsplit(url)
    host, secure = parsed.hostname or "", parsed.scheme == "https"
    port = parsed.port or (443 if secure else 80)
    proxy = urllib.request.getproxies().get(parsed.scheme)
    if not proxy or urllib.request.proxy_bypass(host):
        return Route(host, port, secure)
    prefix = "" if secure else f"http://{parsed.netloc.encode('idna').decode()}"
    return Route(host, port, secure, proxy, prefix)


@dataclass(eq=False)
class UpstreamConnection:
    """A connection towards the upstream, and what a request over it says besides its own.

    ``uses`` counts the responses that have come over it.
    """

    route: Route
    incoming: Incoming
    transport: asyncio.Transport
    headers: tuple[tuple[str, str], ...] = ()
    uses: int = field(default=0, init=False)


async def connect(
    route: Route, find_tls: Callable[[], ssl.SSLContext] = ssl.create_default_context
) -> UpstreamConnection:
    """A new connection.

    Args:
        route: the way to the upstream.
        find_tls: gives what TLS is spoken with, if it is.

    Raises ServerError for a proxy that cannot be spoken to.
    """
    loop = asyncio.get_running_loop()
    host, port, secure, proxy, _ = route
    context = find_tls() if secure else None
    async with asyncio.timeout(CONNECT_TIMEOUT):
        if proxy is None:
            transport, incoming = await loop.create_connection(Incoming, host, port, ssl=context)
            return UpstreamConnection(route, incoming, transport)
        try:
            through = urllib.parse.urlsplit(proxy if "://" in proxy else f"http://{proxy}")
            far_port = through.port or 80
        except ValueError:
            # Its text may hold a password.
            name = f"http{'s' * secure}_proxy"
            raise ServerError(f"the proxy of the environment, {name}, is no URL") from None
        place = through.netloc.rpartition("@")[2]
        if through.scheme != "http":
            raise ServerError(
                f"the proxy {through.scheme}://{place} is none that we speak: http://"
            )
        credentials = _credentials(through)
        transport, incoming = await loop.create_connection(
            Incoming, through.hostname or "", far_port
        )
        if context is None:
            return UpstreamConnection(route, incoming, transport, credentials)
        authority = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        try:
            await _open_tunnel(transport, incoming, authority, credentials, place)
            secured = await loop.start_tls(transport, incoming, context, server_hostname=host)
        except BaseException:
            # Whoever waited may have left; the connection must not outlive the wish for it.
            transport.abort()
            raise
        return UpstreamConnection(route, incoming, cast(asyncio.Transport, secured))


async def _open_tunnel(
    transport: asyncio.Transport,
    incoming: Incoming,
    authority: str,
    credentials: tuple[tuple[str, str], ...],
    place: str,
) -> None:
    """Have a proxy connect us to a host (RFC 9110 §9.3.6)."""
    asked = [f"CONNECT {authority} HTTP/1.1", f"Host: {authority}"]
    asked += [f"{name}: {value}" for name, value in credentials]
    transport.write("\r\n".join([*asked, "", ""]).encode("latin-1"))
    answer = b""
    while b"\r\n\r\n" not in answer:
        read = await incoming.read()
        answer += read
        if not read:
            break
    status = answer.partition(b"\r\n")[0].decode("latin-1")
    if " 200" not in status:
        raise ServerError(f"the proxy {place} refused: {status!r}")


def _credentials(proxy: urllib.parse.SplitResult) -> tuple[tuple[str, str], ...]:
    """What a proxy's URL says of who is asking (RFC 7617)."""
    if proxy.username is None:
        return ()
    said = f"{urllib.parse.unquote(proxy.username)}:{urllib.parse.unquote(proxy.password or '')}"
    return (("Proxy-Authorization", f"Basic {base64.b64encode(said.encode()).decode()}"),)

"""Connections to an upstream: direct or through a proxy, with or without TLS."""

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
    """What arrives from the upstream, in order: reads, then the end or an error.

    Unlike asyncio's StreamReader, it keeps buffered reads when the connection is reset.

    Attributes:
        closed: done when the connection is lost.
        on_activity: called when anything arrives, even the end.
        unacknowledged_bytes: how many bytes of the request the upstream had not acknowledged when
            its FIN arrived; None before that, or if unknown.
    """

    def __init__(self) -> None:
        self._queue: asyncio.Queue[bytes | Exception] = asyncio.Queue()
        self._buffered_bytes = 0
        self._transport: asyncio.Transport | None = None
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.on_activity: Callable[[], None] | None = None
        self.unacknowledged_bytes: int | None = None

    @property
    def is_silent(self) -> bool:
        """Whether nothing has arrived that was not read, not even the end."""
        return self._queue.empty() and not self.closed.done()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._buffered_bytes += len(data)
        self._queue.put_nowait(data)
        if self._buffered_bytes > HIGH_WATER and self._transport is not None:
            self._transport.pause_reading()
        self._note_activity()

    def eof_received(self) -> None:
        if self._transport is not None:
            self.unacknowledged_bytes = _count_unacknowledged(self._transport)
        self._queue.put_nowait(b"")
        self._note_activity()

    def connection_lost(self, exc: Exception | None) -> None:
        self._queue.put_nowait(exc or b"")
        if not self.closed.done():
            self.closed.set_result(None)
        self._note_activity()

    def interrupt(self, error: Exception) -> None:
        """Make a waiting `read` raise this error."""
        self._queue.put_nowait(error)

    def _note_activity(self) -> None:
        if self.on_activity is not None:
            self.on_activity()

    async def read(self) -> bytes:
        """Return the next network read, or no bytes at the end. Raises the connection's error."""
        data = await self._queue.get()
        if isinstance(data, Exception):
            raise data
        size, self._buffered_bytes = self._buffered_bytes, self._buffered_bytes - len(data)
        if size > HIGH_WATER >= self._buffered_bytes and self._transport is not None:
            self._transport.resume_reading()
        return data


def _count_unacknowledged(transport: asyncio.Transport) -> int | None:
    """Return how many of the bytes written the peer has not acknowledged; None if unknown."""
    if sys.platform != "linux":
        return None
    import fcntl
    import termios

    descriptor = transport.get_extra_info("socket").fileno()
    try:
        queued = fcntl.ioctl(descriptor, termios.TIOCOUTQ, b"\0" * 4)
    except OSError:
        return None
    return transport.get_write_buffer_size() + int.from_bytes(queued, sys.byteorder)


class Route(NamedTuple):
    """The route to an upstream. Connections with equal routes are interchangeable.

    Args:
        host: the upstream's host.
        port: the upstream's port.
        secure: whether to use TLS.
        proxy: the URL of the proxy in between, if any; it may contain a password.
        prefix: prepended to request targets, which a proxy needs without TLS.
    """

    host: str
    port: int
    secure: bool
    proxy: str | None = None
    prefix: str = ""


def find_route(url: str) -> Route:
    """Return the route to the host of a URL, through the proxy that the environment names.

    Args:
        url: the upstream's URL.
    """
    parts = urllib.parse.urlsplit(url)
    host, secure = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    proxy = urllib.request.getproxies().get(parts.scheme)
    if not proxy or urllib.request.proxy_bypass(host):
        return Route(host, port, secure)
    prefix = "" if secure else f"http://{parts.netloc.encode('idna').decode()}"
    return Route(host, port, secure, proxy, prefix)


@dataclass(eq=False)
class UpstreamConnection:
    """A connection to the upstream.

    Args:
        route: the route that it takes.
        incoming: what arrives over it.
        transport: its transport.
        headers: headers to add to each request, for a proxy.

    ``uses`` counts the responses that have arrived over it.
    """

    route: Route
    incoming: Incoming
    transport: asyncio.Transport
    headers: tuple[tuple[str, str], ...] = ()
    uses: int = field(default=0, init=False)


async def connect(
    route: Route, get_tls_context: Callable[[], ssl.SSLContext] = ssl.create_default_context
) -> UpstreamConnection:
    """Open a connection.

    Args:
        route: the route to the upstream.
        get_tls_context: returns the TLS context; called only if the route uses TLS.

    Raises:
        ServerError: the proxy's URL is invalid or not ``http://``, or the proxy refuses.
    """
    loop = asyncio.get_running_loop()
    host, port, secure, proxy, _ = route
    context = get_tls_context() if secure else None
    async with asyncio.timeout(CONNECT_TIMEOUT):
        if proxy is None:
            transport, incoming = await loop.create_connection(Incoming, host, port, ssl=context)
            return UpstreamConnection(route, incoming, transport)
        try:
            proxy_url = urllib.parse.urlsplit(proxy if "://" in proxy else f"http://{proxy}")
            far_port = proxy_url.port or 80
        except ValueError:
            # Do not show the value: it may contain a password.
            name = f"http{'s' * secure}_proxy"
            raise ServerError(f"the environment variable {name} is not a valid URL") from None
        proxy_address = proxy_url.netloc.rpartition("@")[2]
        if proxy_url.scheme != "http":
            raise ServerError(
                f"unsupported proxy {proxy_url.scheme}://{proxy_address}: only http:// is supported"
            )
        headers = _proxy_headers(proxy_url)
        transport, incoming = await loop.create_connection(
            Incoming, proxy_url.hostname or "", far_port
        )
        if context is None:
            return UpstreamConnection(route, incoming, transport, headers)
        authority = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        try:
            await _open_tunnel(transport, incoming, authority, headers, proxy_address)
            tls_transport = await loop.start_tls(transport, incoming, context, server_hostname=host)
        except BaseException:
            # The client may have left; then nobody else closes the connection.
            transport.abort()
            raise
        return UpstreamConnection(route, incoming, cast(asyncio.Transport, tls_transport))


async def _open_tunnel(
    transport: asyncio.Transport,
    incoming: Incoming,
    authority: str,
    headers: tuple[tuple[str, str], ...],
    proxy_address: str,
) -> None:
    """Ask a proxy to open a tunnel to ``authority`` (RFC 9110 §9.3.6)."""
    lines = [f"CONNECT {authority} HTTP/1.1", f"Host: {authority}"]
    lines += [f"{name}: {value}" for name, value in headers]
    transport.write("\r\n".join([*lines, "", ""]).encode("latin-1"))
    response = b""
    while b"\r\n\r\n" not in response:
        read = await incoming.read()
        response += read
        if not read:
            break
    status = response.partition(b"\r\n")[0].decode("latin-1")
    if " 200" not in status:
        raise ServerError(f"the proxy {proxy_address} refused to connect: {status!r}")


def _proxy_headers(proxy: urllib.parse.SplitResult) -> tuple[tuple[str, str], ...]:
    """Return the header with the credentials in a proxy's URL, if it has any (RFC 7617)."""
    if proxy.username is None:
        return ()
    username, password = map(urllib.parse.unquote, (proxy.username, proxy.password or ""))
    credentials = base64.b64encode(f"{username}:{password}".encode()).decode()
    return (("Proxy-Authorization", f"Basic {credentials}"),)

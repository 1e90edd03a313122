"""Connections to an upstream: direct, through a proxy, with TLS."""

from __future__ import annotations

import asyncio
import base64
import ssl
import urllib.parse
import urllib.request
from dataclasses import dataclass
from typing import cast

from openai_mockserver.exceptions import ServerError
from openai_mockserver.server.player import HIGH_WATER

CONNECT_TIMEOUT = 30.0  # seconds


class Incoming(asyncio.Protocol):
    """What comes from the upstream, in the order in which it comes: reads, then how it ended.

    asyncio's StreamReader forgets what it holds when the connection is reset; this does not.
    """

    def __init__(self) -> None:
        self._queue: asyncio.Queue[bytes | Exception] = asyncio.Queue()
        self._held = 0
        self._transport: asyncio.Transport | None = None
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._held += len(data)
        self._queue.put_nowait(data)
        if self._held > HIGH_WATER and self._transport is not None:
            self._transport.pause_reading()

    def eof_received(self) -> None:
        self._queue.put_nowait(b"")

    def connection_lost(self, exc: Exception | None) -> None:
        self._queue.put_nowait(exc or b"")
        if not self.closed.done():
            self.closed.set_result(None)

    async def read(self) -> bytes:
        """The next network read; nothing at the end. Raises what broke the connection."""
        data = await self._queue.get()
        if isinstance(data, Exception):
            raise data
        held, self._held = self._held, self._held - len(data)
        if held > HIGH_WATER >= self._held and self._transport is not None:
            self._transport.resume_reading()
        return data


@dataclass(frozen=True)
class UpstreamConnection:
    """A connection towards the upstream, and what a request over it says besides its own."""

    incoming: Incoming
    transport: asyncio.Transport
    target: str
    headers: tuple[tuple[str, str], ...] = ()


async def connect(url: str, target: str) -> UpstreamConnection:
    """A connection to a URL's host, through the environment's proxy.

    Args:
        url: the upstream's.
        target: that of the request, which goes on byte for byte.

    Raises ServerError for a proxy that cannot be spoken to.
    """
    loop = asyncio.get_running_loop()
    parsed = urllib.parse.urlsplit(url)
    host, secure = parsed.hostname or "", parsed.scheme == "https"
    port = parsed.port or (443 if secure else 80)
    proxy = urllib.request.getproxies().get(parsed.scheme)
    context = ssl.create_default_context() if secure else None
    async with asyncio.timeout(CONNECT_TIMEOUT):
        if not proxy or urllib.request.proxy_bypass(host):
            transport, incoming = await loop.create_connection(Incoming, host, port, ssl=context)
            return UpstreamConnection(incoming, transport, target)
        try:
            through = urllib.parse.urlsplit(proxy if "://" in proxy else f"http://{proxy}")
            far_port = through.port or 80
        except ValueError:
            # Its text may hold a password.
            name = f"{parsed.scheme}_proxy"
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
            whole = f"http://{parsed.netloc.encode('idna').decode()}{target}"
            return UpstreamConnection(incoming, transport, whole, credentials)
        authority = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        try:
            await _open_tunnel(transport, incoming, authority, credentials, place)
            secured = await loop.start_tls(transport, incoming, context, server_hostname=host)
        except BaseException:
            # Whoever waited may have left; the connection must not outlive the wish for it.
            transport.abort()
            raise
        return UpstreamConnection(incoming, cast(asyncio.Transport, secured), target)


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

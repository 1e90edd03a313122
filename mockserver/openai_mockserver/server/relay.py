"""The transparent proxy: a request goes upstream, and each byte of the answer comes back at once.

Rules of this file: the client sees the upstream's status, headers, reads and ending; the recording
is made after each byte is on its way, and cannot change it. HTTP's own bytes are read with h11, the
client's are written as `openai_mockserver.http1` writes them.
"""

from __future__ import annotations

import asyncio
import base64
import ssl
import time
import urllib.parse
import urllib.request
from collections.abc import Awaitable
from dataclasses import dataclass, replace
from typing import TypeVar, cast

import h11

from openai_mockserver import http1, sse
from openai_mockserver.api import errors
from openai_mockserver.cassettes.recorder import ExchangeRecorder
from openai_mockserver.exceptions import ServerError
from openai_mockserver.journal import CLIENT_DISCONNECTED, Call
from openai_mockserver.reply import ApiError
from openai_mockserver.script import End, Head, Raw, Script
from openai_mockserver.server.player import HIGH_WATER, Player, Receive, Send, play, tell
from openai_mockserver.server.protocol import Connection
from openai_mockserver.timeline import Frame

__all__ = ["Upstream", "relay"]

T = TypeVar("T")

CONNECT_TIMEOUT = 30.0  # seconds

# RFC 9110 §7.6.1: what concerns one connection only, and what we say ourselves.
_HOP = frozenset({"connection", "host", "keep-alive", "proxy-connection", "te", "upgrade",
                  "content-length", "transfer-encoding", "x-mockserver-fault"})  # fmt: skip


@dataclass(frozen=True)
class Upstream:
    """Where requests go.

    Args:
        url: its base, as in ``https://api.openai.com/v1``; our ``/v1`` stands for its path.
    """

    url: str

    def __post_init__(self) -> None:
        parsed = urllib.parse.urlsplit(self.url)
        if parsed.scheme not in ("http", "https") or not parsed.hostname:
            raise ServerError(f"an upstream is a URL with http:// or https://, not {self.url!r}")
        if parsed.username is not None:
            # It would stand in every recording.
            raise ServerError("an upstream's URL holds no credentials: requests bring their own")

    def target(self, path: str, query: str) -> str:
        """The URL of a request."""
        base = self.url.rstrip("/")
        inner = urllib.parse.urlsplit(base).path
        path = path.removeprefix("/v1") if inner else path
        return f"{base}{path}{f'?{query}' if query else ''}"


class _Gone(Exception):
    """The client has left."""


async def relay(
    call: Call,
    upstream: Upstream,
    connection: Connection,
    player: Player,
    receive: Receive,
    send: Send,
) -> None:
    """Let the upstream answer a call, and record what it answers."""
    url = upstream.target(call.path, call.query)
    try:
        way = await _connect(url)
    except (OSError, ssl.SSLError, TimeoutError, ServerError) as error:
        told = f"the upstream {upstream.url} cannot be reached: {error or type(error).__name__}"
        call.problem = told
        call.script = errors.render(ApiError(502, f"openai-mockserver: {told}", "upstream_error"))
        await play(call, connection, player, receive, send)
        return
    exchange = None
    if call.recorder is not None:
        asked = f"{call.path}{f'?{call.query}' if call.query else ''}"
        exchange = call.recorder.begin(
            call.method, asked, call.headers.raw, call.body, upstream.url
        )
    one = _Relay(call, connection, exchange)
    try:
        end = await one.run(way, url)
    finally:
        way.transport.abort()
        await way.incoming.closed
    await one.finish(end, receive, send)


class _Incoming(asyncio.Protocol):
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
class _Way:
    """A connection towards the upstream, and what a request over it says besides its own."""

    incoming: _Incoming
    transport: asyncio.Transport
    target: str
    headers: tuple[tuple[str, str], ...] = ()


async def _connect(url: str) -> _Way:
    """A connection to a URL's host, through the environment's proxy."""
    loop = asyncio.get_running_loop()
    parsed = urllib.parse.urlsplit(url)
    host, secure = parsed.hostname or "", parsed.scheme == "https"
    port = parsed.port or (443 if secure else 80)
    inner = urllib.parse.urlunsplit(("", "", parsed.path or "/", parsed.query, ""))
    proxy = urllib.request.getproxies().get(parsed.scheme)
    context = ssl.create_default_context() if secure else None
    async with asyncio.timeout(CONNECT_TIMEOUT):
        if not proxy or urllib.request.proxy_bypass(host):
            transport, incoming = await loop.create_connection(_Incoming, host, port, ssl=context)
            return _Way(incoming, transport, inner)
        through = urllib.parse.urlsplit(proxy if "://" in proxy else f"http://{proxy}")
        place = through.netloc.rpartition("@")[2]
        if through.scheme != "http":
            raise ServerError(
                f"the proxy {through.scheme}://{place} is none that we speak: http://"
            )
        credentials = _credentials(through)
        transport, incoming = await loop.create_connection(
            _Incoming, through.hostname or "", through.port or 80
        )
        if context is None:
            return _Way(incoming, transport, url, credentials)
        authority = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
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
            transport.abort()
            raise ServerError(f"the proxy {place} refused: {status!r}")
        secured = await loop.start_tls(transport, incoming, context, server_hostname=host)
        return _Way(incoming, cast(asyncio.Transport, secured), inner)


def _credentials(proxy: urllib.parse.SplitResult) -> tuple[tuple[str, str], ...]:
    """What a proxy's URL says of who is asking (RFC 7617)."""
    if proxy.username is None:
        return ()
    said = f"{urllib.parse.unquote(proxy.username)}:{urllib.parse.unquote(proxy.password or '')}"
    return (("Proxy-Authorization", f"Basic {base64.b64encode(said.encode()).decode()}"),)


class _Relay:
    """One exchange passing through."""

    def __init__(
        self, call: Call, connection: Connection, exchange: ExchangeRecorder | None
    ) -> None:
        self._call = call
        self._connection = connection
        self._exchange = exchange
        self._lost = asyncio.get_running_loop().create_future()
        self._reads: list[Raw] = []
        self._decoder = sse.Decoder()
        connection.on_lost = self._lose

    def _lose(self, error: Exception | None) -> None:
        if not self._lost.done():
            self._lost.set_result(None)

    async def run(self, way: _Way, url: str) -> End | None:
        """Pass the request up and the answer down; how it ended, None where the client left."""
        http = h11.Connection(h11.CLIENT, max_incomplete_event_size=1 << 20)
        way.transport.write(_request(http, self._call, url, way))
        try:
            while True:
                http.receive_data(await self._or_gone(way.incoming.read()))
                if await self._pass(http):
                    return "finish"
        except _Gone:
            return None
        except ConnectionResetError:
            return "reset"
        except (h11.RemoteProtocolError, OSError):
            return "truncate"

    async def _or_gone(self, wanted: Awaitable[T]) -> T:
        """What is waited for, unless the client leaves before."""
        task = asyncio.ensure_future(wanted)
        await asyncio.wait({task, self._lost}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            task.cancel()
            raise _Gone
        return task.result()

    async def _pass(self, http: h11.Connection) -> bool:
        """Hand on what one read brought; whether the response is over."""
        body = b""
        head: Head | None = None
        over = False
        try:
            while (event := http.next_event()) is not h11.NEED_DATA:
                if isinstance(event, h11.Response):
                    head = _head(event)
                elif isinstance(event, h11.Data):
                    body += bytes(event.data)
                elif isinstance(event, h11.EndOfMessage | h11.ConnectionClosed):
                    over = isinstance(event, h11.EndOfMessage)
                    break
        finally:
            # What came before the upstream's mistake is the client's all the same.
            self._hand_on(head, body)
        if self._connection.transport.get_write_buffer_size() > HIGH_WATER:
            await self._or_gone(self._connection.drained())
        return over

    def _hand_on(self, head: Head | None, body: bytes) -> None:
        """First to the client, then to the journal and the recording."""
        out = b""
        if head is not None:
            self._call.script = Script(head, (), "truncate")
            out = http1.head_bytes(head)
        if body:
            out += http1.chunk(body) if http1.is_chunked(self._call.script.head) else body
        if out:
            self._connection.transport.write(out)
        if body:
            self._reads.append(Raw(body))
            events = len(self._decoder.feed(body)) if self._call.script.is_stream else 0
            at = time.monotonic() - self._call.came
            self._call.handed_over(Frame(at, body, events, len(body)), at)
        if self._exchange is not None:
            if head is not None:
                self._exchange.head(head)
            if body:
                self._exchange.read(body)

    async def finish(self, end: End | None, receive: Receive, send: Send) -> None:
        """End the client's connection as the upstream's ended, and the recording too."""
        call, transport = self._call, self._connection.transport
        call.script = replace(call.script, steps=tuple(self._reads), end=end or "truncate")
        if self._exchange is not None:
            self._exchange.end(end or "client left")
        if end == "finish":
            if http1.is_chunked(call.script.head):
                transport.write(http1.LAST_CHUNK)
            call.end()
            self._connection.on_lost = None
            await tell(self._connection, send, close=not http1.keeps_open(call.script))
            return
        if end == "reset":
            await self._connection.drained()
        if end is not None and not self._lost.done():
            call.end()
            (self._connection.reset if end == "reset" else transport.close)()
            await self._lost
        call.end(CLIENT_DISCONNECTED)
        self._connection.on_lost = None
        await receive()


def _head(response: h11.Response) -> Head:
    headers = (
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, value in response.headers.raw_items()
    )
    return Head(response.status_code, tuple(headers))


def _request(http: h11.Connection, call: Call, url: str, way: _Way) -> bytes:
    """The request's bytes, with the headers that the client sent."""
    host = urllib.parse.urlsplit(url).netloc.rpartition("@")[2]
    headers = [("Host", host), *way.headers]
    headers += [(name, value) for name, value in call.headers.raw if name.lower() not in _HOP]
    if call.body or call.method in ("POST", "PUT", "PATCH"):
        headers.append(("Content-Length", str(len(call.body))))
    asked = http.send(h11.Request(method=call.method, target=way.target, headers=headers)) or b""
    asked += http.send(h11.Data(data=call.body)) or b""
    return asked + (http.send(h11.EndOfMessage()) or b"")

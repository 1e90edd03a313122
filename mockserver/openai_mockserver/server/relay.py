"""The transparent proxy: forward a request upstream, and each byte of the response at once.

Rules of this file: the client sees the upstream's status, headers, reads and ending. The recording
gets each byte before the client does, and a failure to record does not affect the client. If the
client leaves, the request to the upstream ends. A connection to the upstream is reused if a
complete response arrived over it. HTTP from the upstream is parsed with h11; HTTP to the client is
written by `openai_mockserver.http1`.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Coroutine, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import h11

from openai_mockserver import http1, sse
from openai_mockserver.access import with_cors
from openai_mockserver.api import errors
from openai_mockserver.api.disk_bytes import DiskBytes
from openai_mockserver.cassettes.recorder import ExchangeRecorder
from openai_mockserver.exceptions import ServerError
from openai_mockserver.journal import CLIENT_DISCONNECTED, FAILED, Call
from openai_mockserver.reply import ApiError
from openai_mockserver.script import End, Frame, Head, Raw, Script
from openai_mockserver.server.connect import UpstreamConnection, connect
from openai_mockserver.server.player import HIGH_WATER, Player, Send, end_uvicorn_cycle, play
from openai_mockserver.server.pool import Pool
from openai_mockserver.server.protocol import Connection
from openai_mockserver.upstream import Upstream

__all__ = ["relay"]

T = TypeVar("T")

# Not forwarded: hop-by-hop headers (RFC 9110 §7.6.1), and headers that the proxy sets.
_HOP_HEADERS = frozenset({"connection", "host", "keep-alive", "proxy-connection", "te", "upgrade",
                  "content-length", "transfer-encoding", "x-mockserver-error",
                  "x-mockserver-fault"})  # fmt: skip


class _ClientLeft(Exception):
    """The client has disconnected."""


async def relay(
    call: Call,
    upstream: Upstream,
    connection: Connection,
    player: Player,
    send: Send,
    pool: Pool,
    cors: Sequence[tuple[str, str]] = (),
) -> None:
    """Have the upstream answer a call, and record its response.

    If the upstream cannot be reached or gives no response, the client gets status 502.

    Args:
        call: the call to answer.
        upstream: the upstream that answers it.
        connection: the client's connection.
        player: the clock of the event loop.
        send: uvicorn's ASGI ``send``.
        pool: idle connections to upstreams.
        cors: headers that the client gets in place of the upstream's; they are not recorded.
    """

    async def answer_502(problem: str, reason: object) -> None:
        message = f"the upstream {upstream.url} {problem}: {reason}"
        call.problem, call.problem_kind = message, f"upstream {problem}"
        error = ApiError(502, f"openai-mockserver: {message}", "upstream_error")
        call.script = errors.render(error)
        await play(call, connection, player, send)

    exchange = _Relay(call, connection, pool, cors)
    try:
        link = await exchange.connect(upstream)
    except _ClientLeft:
        await exchange.finish(None, send)
        return
    except (OSError, ssl.SSLError, TimeoutError, ServerError) as error:
        await answer_502("cannot be reached", error or type(error).__name__)
        return
    exchange.record(upstream.url)
    try:
        ending = await exchange.run(link, upstream)
        if exchange.can_retry(link, ending):
            ending = await exchange.retry(upstream)
        if ending is not None and not exchange.has_head:
            await answer_502("gave no response", exchange.upstream_error)
        else:
            await exchange.finish(ending, send)
    except Exception as error:
        await exchange.abort_with(error)
    finally:
        exchange.close_recording()


class _Relay:
    """One request and its response on their way through the proxy."""

    def __init__(
        self, call: Call, connection: Connection, pool: Pool, cors: Sequence[tuple[str, str]]
    ) -> None:
        self._call = call
        self._connection = connection
        self._pool = pool
        self._cors = cors
        self._recording: ExchangeRecorder | None = None
        self._client_lost = asyncio.get_running_loop().create_future()
        self._has_done_event = False
        self.has_head = False
        self.upstream_error = ""
        self._has_response_bytes = False
        self._request_size = 0
        self._is_uploading = False
        self._upstream_connection: UpstreamConnection | None = None
        self._reads: list[Raw] = []
        self._decoder = sse.Decoder()
        connection.on_lost = self._lose

    def _lose(self, error: Exception | None) -> None:
        if not self._client_lost.done():
            self._client_lost.set_result(None)
        if self._upstream_connection is not None:
            self._upstream_connection.incoming.interrupt(_ClientLeft())

    def _has_left(self) -> bool:
        """Whether the client can no longer be reached."""
        return self._client_lost.done() or self._connection.transport.is_closing()

    def record(self, upstream: str) -> None:
        """Begin to record the exchange, if the call has a recorder."""
        call = self._call
        if call.recorder is not None:
            self._recording = call.recorder.begin(call, upstream)

    def close_recording(self) -> None:
        """Close the recording, whatever happened."""
        if self._recording is not None:
            self._recording.close()
            self._call.unrecorded = self._recording.problem

    async def connect(self, upstream: Upstream, force_new: bool = False) -> UpstreamConnection:
        """Return a connection to the upstream. Raises _ClientLeft if the client leaves first.

        Args:
            upstream: the upstream to connect to.
            force_new: whether to open a new connection even if an idle one exists.
        """
        if self._has_left():
            raise _ClientLeft
        route = self._pool.find_route(upstream.url)
        # A body on disk cannot be retried, so it needs a connection that is surely open.
        can_reuse = not force_new and not isinstance(self._call.content, DiskBytes)
        if can_reuse and (idle_link := self._pool.acquire(route)) is not None:
            return idle_link
        link = await self._wait_unless_client_leaves(connect(route, lambda: self._pool.tls_context))
        if self._has_left():
            link.transport.abort()
            raise _ClientLeft
        return link

    def can_retry(self, link: UpstreamConnection, ending: End | None) -> bool:
        """Whether the upstream closed a reused connection without processing the request.

        It has then sent no byte of a response and, unless it sent RST, acknowledged no byte of the
        request.
        """
        if self._has_response_bytes or not link.uses or ending not in ("reset", "truncate"):
            return False
        size = link.incoming.unacknowledged_bytes
        return ending == "reset" or size is None or size >= self._request_size

    async def retry(self, upstream: Upstream) -> End | None:
        """Repeat the request over a new connection, and return the ending as `run` does."""
        try:
            return await self.run(await self.connect(upstream, force_new=True), upstream)
        except _ClientLeft:
            return None
        except (OSError, ServerError) as error:
            self.upstream_error = f"{error or type(error).__name__}"
            return "truncate"

    async def run(self, link: UpstreamConnection, upstream: Upstream) -> End | None:
        """Forward the request and its response; return the ending, or None if the client left.

        Afterwards the connection is back in the pool or closed.
        """
        http = h11.Connection(h11.CLIENT, max_incomplete_event_size=1 << 20)
        ending: End | None = None
        self._upstream_connection = link
        try:
            ending = await self._transfer(http, link, upstream)
        finally:
            self._upstream_connection = None
            if ending == "finish" and self._can_reuse(http, link):
                link.uses += 1
                self._pool.release(link)
            else:
                link.transport.abort()
                await link.incoming.closed
        return ending

    def _can_reuse(self, http: h11.Connection, link: UpstreamConnection) -> bool:
        """Whether the connection is in its initial state, and can carry another request."""
        framing = self._call.script.head.header
        if framing("content-length") is not None and framing("transfer-encoding") is not None:
            return False  # RFC 9112 §6.1: ambiguous framing
        if (framing("proxy-connection") or "").lower() == "close":
            return False
        is_over = http.our_state is h11.DONE and http.their_state is h11.DONE
        return is_over and http.trailing_data == (b"", False) and not self._is_uploading

    async def _transfer(
        self, http: h11.Connection, link: UpstreamConnection, upstream: Upstream
    ) -> End | None:
        head, content = _build_request_head(http, self._call, upstream, link), self._call.content
        self._request_size = len(head) + len(content)
        upload: asyncio.Task[None] | None = None
        if isinstance(content, DiskBytes):
            link.transport.write(head)
            upload = asyncio.ensure_future(_upload_parts(link, content))
        else:
            link.transport.write(head + content)
        try:
            while True:
                if self._client_lost.done():
                    raise _ClientLeft
                data = await link.incoming.read()
                # A client that leaves after [DONE] has read the whole response.
                if self._has_left() and not self._has_done_event:
                    return None
                self._has_response_bytes = self._has_response_bytes or bool(data)
                http.receive_data(data)
                if await self._forward(http):
                    return "finish"
        except _ClientLeft:
            return None
        except ConnectionResetError:
            self.upstream_error = "it reset the connection"
            return "reset"
        except (h11.RemoteProtocolError, OSError) as error:
            self.upstream_error = f"{error or 'it closed the connection'}"
            return "truncate"
        finally:
            if upload is not None:
                self._is_uploading = not upload.done()
                upload.cancel()

    async def _wait_unless_client_leaves(self, awaitable: Coroutine[Any, Any, T]) -> T:
        """Return the result of ``awaitable``. Raises _ClientLeft if the client leaves first."""
        task = asyncio.ensure_future(awaitable)
        try:
            await asyncio.wait({task, self._client_lost}, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
        finally:
            if not task.done():
                task.cancel()
                await asyncio.wait({task})
        raise _ClientLeft

    async def _forward(self, http: h11.Connection) -> bool:
        """Forward the parsed bytes of one read, and return whether the response is complete."""
        body = b""
        head: Head | None = None
        is_over = False
        try:
            while (event := http.next_event()) is not h11.NEED_DATA:
                if isinstance(event, h11.Response):
                    head = _convert_head(event)
                elif isinstance(event, h11.Data):
                    body += bytes(event.data)
                elif isinstance(event, h11.EndOfMessage | h11.ConnectionClosed):
                    is_over = isinstance(event, h11.EndOfMessage)
                    break
        finally:
            # The client gets everything that precedes a protocol error of the upstream.
            self._forward_read(head, body)
        if self._connection.transport.get_write_buffer_size() > HIGH_WATER:
            await self._wait_unless_client_leaves(self._connection.wait_until_received())
        return is_over

    def _forward_read(self, head: Head | None, body: bytes) -> None:
        """Record a read, then forward it, so that a crash loses nothing that the client has."""
        if self._recording is not None:
            if head is not None:
                self._recording.record_head(head)
            if body:
                self._recording.record_read(body)
            self._call.unrecorded = self._recording.problem
        out = b""
        if head is not None:
            self.has_head = True
            self._call.script = Script(head, (), "truncate")
            out = http1.encode_head(replace(head, headers=with_cors(head.headers, self._cors)))
        if body:
            out += http1.encode_chunk(body) if http1.is_chunked(self._call.script.head) else body
        self._write(out)
        if body:
            self._reads.append(Raw(body))
            events = self._decoder.feed(body) if self._call.script.is_stream else []
            if any(event.data == sse.DONE.data for event in events):
                self._has_done_event = True
            at = time.monotonic() - self._call.arrival
            self._call.log_frame(Frame(at, body, len(events), len(body)), at)

    def _write(self, data: bytes) -> None:
        # Unlike asyncio, uvloop raises an error if the transport is closing.
        if data and not self._connection.transport.is_closing():
            self._connection.transport.write(data)

    async def finish(self, ending: End | None, send: Send) -> None:
        """End the client's response and the recording in the way that the upstream's ended."""
        call, transport = self._call, self._connection.transport
        call.script = replace(call.script, steps=tuple(self._reads), end=ending or "truncate")
        self._end_recording(ending or "client left")
        if ending == "finish":
            if http1.is_chunked(call.script.head):
                self._write(http1.LAST_CHUNK)
            if await self._wait_until_read():
                self.close_recording()
                call.end()
                self._connection.on_lost = None
                await end_uvicorn_cycle(
                    self._connection, send, close=not http1.keeps_open(call.script)
                )
                return
            self._end_recording("client left")
        if ending == "reset":
            await self._connection.wait_until_received()
        self.close_recording()
        if ending in ("reset", "truncate") and not self._client_lost.done():
            call.end()
            (self._connection.reset if ending == "reset" else transport.close)()
            await self._client_lost
        await self._end_connection(CLIENT_DISCONNECTED)

    def _end_recording(self, outcome: str) -> None:
        if self._recording is not None:
            self._recording.record_end(outcome)

    async def _wait_until_read(self) -> bool:
        """Wait until the client has read the whole response; return False if it left first."""
        await self._connection.wait_until_read()
        if self._connection.transport.is_closing():
            await self._client_lost
        return not self._connection.left_bytes_unread

    async def abort_with(self, error: Exception) -> None:
        """End this call after an internal error, without affecting other calls."""
        self._call.problem = f"forwarding the response failed: {error!r}"
        self._end_recording("truncate")
        self.close_recording()
        await self._end_connection(FAILED)

    async def _end_connection(self, outcome: str) -> None:
        """End the call, and close the client's connection if it is still open."""
        self._call.end(outcome)
        if not self._client_lost.done():
            self._connection.transport.abort()
            await self._client_lost
        self._connection.on_lost = None


def _convert_head(response: h11.Response) -> Head:
    headers = (
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, value in response.headers.raw_items()
    )
    return Head(response.status_code, tuple(headers))


async def _upload_parts(link: UpstreamConnection, content: DiskBytes) -> None:
    """Send a long body no faster than the upstream accepts it."""
    for part in content.parts():
        link.transport.write(part)
        while link.transport.get_write_buffer_size() > HIGH_WATER:
            await asyncio.sleep(0.001)
        await asyncio.sleep(0)


def _build_request_head(
    http: h11.Connection, call: Call, upstream: Upstream, link: UpstreamConnection
) -> bytes:
    """Return the head of the request, with the client's target and headers byte for byte.

    h11 would refuse some heads that clients send and servers accept, so it only gets the method.
    """
    http.send(h11.Request(method=call.method, target="/", headers=[("Host", "upstream")]))
    http.send(h11.EndOfMessage())
    connection_headers = {
        name.strip().lower()
        for key, value in call.headers.raw
        if key.lower() == "connection"
        for name in value.split(",")
    }
    headers = [("Host", upstream.authority), *link.headers]
    skipped_headers = _HOP_HEADERS | connection_headers
    headers += [(k, v) for k, v in call.headers.raw if k.lower() not in skipped_headers]
    if len(call.content) or call.method in ("POST", "PUT", "PATCH"):
        headers.append(("Content-Length", str(len(call.content))))
    target = link.route.prefix + upstream.target(call.target)
    lines = [f"{call.method} {target} HTTP/1.1", *(f"{k}: {v}" for k, v in headers)]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")

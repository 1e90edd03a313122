"""The transparent proxy: a request goes upstream, and each byte of the answer comes back at once.

Rules of this file: the client sees the upstream's status, headers, reads and ending; the recording
has each byte before the client does, and its troubles are not the client's. A client that leaves
ends the request to the upstream. A connection to the upstream is used again if a response came over
it whole. HTTP's own bytes are read with h11, the client's are written as `openai_mockserver.http1`
writes them.
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
from openai_mockserver.server.player import HIGH_WATER, Player, Send, play, tell
from openai_mockserver.server.pool import Pool
from openai_mockserver.server.protocol import Connection
from openai_mockserver.upstream import Upstream

__all__ = ["relay"]

T = TypeVar("T")

# RFC 9110 §7.6.1: what concerns one connection only, and what we say ourselves.
_HOP = frozenset({"connection", "host", "keep-alive", "proxy-connection", "te", "upgrade",
                  "content-length", "transfer-encoding", "x-mockserver-fault"})  # fmt: skip


class _Gone(Exception):
    """The client has left."""


async def relay(
    call: Call,
    upstream: Upstream,
    connection: Connection,
    player: Player,
    send: Send,
    pool: Pool,
    cors: Sequence[tuple[str, str]] = (),
) -> None:
    """Let the upstream answer a call, and record what it answers.

    Args:
        call: what is asked.
        upstream: who is asked.
        connection, player, send: the client's.
        pool: the connections to upstreams that can be used again.
        cors: headers that the client gets instead of the upstream's, and no recording has.
    """

    async def answer_502(what: str, why: object) -> None:
        told = f"the upstream {upstream.url} {what}: {why}"
        call.problem, call.problem_kind = told, f"upstream {what}"
        call.script = errors.render(ApiError(502, f"openai-mockserver: {told}", "upstream_error"))
        await play(call, connection, player, send)

    one = _Relay(call, connection, pool, cors)
    try:
        way = await one.connect(upstream)
    except _Gone:
        await one.finish(None, send)
        return
    except (OSError, ssl.SSLError, TimeoutError, ServerError) as error:
        await answer_502("cannot be reached", error or type(error).__name__)
        return
    one.record(upstream.url)
    try:
        end = await one.run(way, upstream)
        if one.may_try_again(way, end):
            end = await one.try_again(upstream)
        if end is not None and not one.has_head:
            await answer_502("gave no response", one.trouble)
        else:
            await one.finish(end, send)
    except Exception as error:
        await one.fail(error)
    finally:
        one.close_recording()


class _Relay:
    """One exchange passing through."""

    def __init__(
        self, call: Call, connection: Connection, pool: Pool, cors: Sequence[tuple[str, str]]
    ) -> None:
        self._call = call
        self._connection = connection
        self._pool = pool
        self._cors = cors
        self._exchange: ExchangeRecorder | None = None
        self._lost = asyncio.get_running_loop().create_future()
        self._done = False
        self.has_head = False
        self.trouble = ""
        self._has_answer = False
        self._sent = 0
        self._is_sending = False
        self._way: UpstreamConnection | None = None
        self._reads: list[Raw] = []
        self._decoder = sse.Decoder()
        connection.on_lost = self._lose

    def _lose(self, error: Exception | None) -> None:
        if not self._lost.done():
            self._lost.set_result(None)
        if self._way is not None:
            self._way.incoming.give_up(_Gone())

    def _has_left(self) -> bool:
        """Whether nothing reaches the client any more."""
        return self._lost.done() or self._connection.transport.is_closing()

    def record(self, upstream: str) -> None:
        """Record the exchange, if that is wanted."""
        call = self._call
        if call.recorder is not None:
            self._exchange = call.recorder.begin(call, upstream)

    def close_recording(self) -> None:
        """The recording is over, whatever happened."""
        if self._exchange is not None:
            self._exchange.close()
            self._call.unrecorded = self._exchange.problem

    async def connect(self, upstream: Upstream, again: bool = False) -> UpstreamConnection:
        """The way to the upstream. Raises _Gone where the client does not wait for it.

        Args:
            upstream: who is asked.
            again: whether it has to be a new connection.
        """
        if self._has_left():
            raise _Gone
        route = self._pool.find_route(upstream.url)
        # What lies on disk is not sent twice.
        may_be_used = not again and not isinstance(self._call.content, DiskBytes)
        if may_be_used and (kept := self._pool.take(route)) is not None:
            return kept
        way = await self._or_gone(connect(route, lambda: self._pool.tls))
        if self._has_left():
            way.transport.abort()
            raise _Gone
        return way

    def may_try_again(self, way: UpstreamConnection, end: End | None) -> bool:
        """Whether the upstream closed a connection that was used before as the request came.

        Then it has not answered anything; and if it said so properly, it has not received anything.
        """
        if self._has_answer or not way.uses or end not in ("reset", "truncate"):
            return False
        unreceived = way.incoming.unreceived
        return end == "reset" or unreceived is None or unreceived >= self._sent

    async def try_again(self, upstream: Upstream) -> End | None:
        """What `run` returns, over a new connection."""
        try:
            return await self.run(await self.connect(upstream, again=True), upstream)
        except _Gone:
            return None
        except (OSError, ServerError) as error:
            self.trouble = f"{error or type(error).__name__}"
            return "truncate"

    async def run(self, way: UpstreamConnection, upstream: Upstream) -> End | None:
        """Pass the request up and the answer down; how it ended, None where the client left.

        Then the connection is closed, or kept for other requests.
        """
        http = h11.Connection(h11.CLIENT, max_incomplete_event_size=1 << 20)
        end: End | None = None
        self._way = way
        try:
            end = await self._exchange_bytes(http, way, upstream)
        finally:
            self._way = None
            if end == "finish" and self._is_whole(http, way):
                way.uses += 1
                self._pool.put(way)
            else:
                way.transport.abort()
                await way.incoming.closed
        return end

    def _is_whole(self, http: h11.Connection, way: UpstreamConnection) -> bool:
        """Whether the connection is as it was before the request."""
        framing = self._call.script.head.header
        if framing("content-length") is not None and framing("transfer-encoding") is not None:
            return False  # RFC 9112 §6.1: another may have read it in the other way
        if (framing("proxy-connection") or "").lower() == "close":
            return False
        over = http.our_state is h11.DONE and http.their_state is h11.DONE
        return over and http.trailing_data == (b"", False) and not self._is_sending

    async def _exchange_bytes(
        self, http: h11.Connection, way: UpstreamConnection, upstream: Upstream
    ) -> End | None:
        head, content = _request_head(http, self._call, upstream, way), self._call.content
        self._sent = len(head) + len(content)
        sending: asyncio.Task[None] | None = None
        if isinstance(content, DiskBytes):
            way.transport.write(head)
            sending = asyncio.ensure_future(_send_parts(way, content))
        else:
            way.transport.write(head + content)
        try:
            while True:
                if self._lost.done():
                    raise _Gone
                data = await way.incoming.read()
                # Who leaves after [DONE] has had it all; what has come then is the end.
                if self._has_left() and not self._done:
                    return None
                self._has_answer = self._has_answer or bool(data)
                http.receive_data(data)
                if await self._pass(http):
                    return "finish"
        except _Gone:
            return None
        except ConnectionResetError:
            self.trouble = "it reset the connection"
            return "reset"
        except (h11.RemoteProtocolError, OSError) as error:
            self.trouble = f"{error or 'it closed the connection'}"
            return "truncate"
        finally:
            if sending is not None:
                self._is_sending = not sending.done()
                sending.cancel()

    async def _or_gone(self, wanted: Coroutine[Any, Any, T]) -> T:
        """What is waited for, unless the client leaves before."""
        task = asyncio.ensure_future(wanted)
        try:
            await asyncio.wait({task, self._lost}, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
        finally:
            if not task.done():
                task.cancel()
                await asyncio.wait({task})
        raise _Gone

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
        """First to the recording, so that a crash loses nothing that the client has; then on."""
        if self._exchange is not None:
            if head is not None:
                self._exchange.record_head(head)
            if body:
                self._exchange.record_read(body)
            self._call.unrecorded = self._exchange.problem
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
            self._done = self._done or any(event.data == sse.DONE.data for event in events)
            at = time.monotonic() - self._call.came
            self._call.handed_over(Frame(at, body, len(events), len(body)), at)

    def _write(self, data: bytes) -> None:
        # uvloop raises where asyncio is silent: at a write to a connection that is closing.
        if data and not self._connection.transport.is_closing():
            self._connection.transport.write(data)

    async def finish(self, end: End | None, send: Send) -> None:
        """End the client's connection as the upstream's ended, and the recording too."""
        call, transport = self._call, self._connection.transport
        call.script = replace(call.script, steps=tuple(self._reads), end=end or "truncate")
        self._end_recording(end or "client left")
        if end == "finish":
            if http1.is_chunked(call.script.head):
                self._write(http1.LAST_CHUNK)
            if await self._is_read():
                self.close_recording()
                call.end()
                self._connection.on_lost = None
                await tell(self._connection, send, close=not http1.keeps_open(call.script))
                return
            self._end_recording("client left")
        if end == "reset":
            await self._connection.drained()
        self.close_recording()
        if end in ("reset", "truncate") and not self._lost.done():
            call.end()
            (self._connection.reset if end == "reset" else transport.close)()
            await self._lost
        await self._leave(CLIENT_DISCONNECTED)

    def _end_recording(self, how: str) -> None:
        if self._exchange is not None:
            self._exchange.record_end(how)

    async def _is_read(self) -> bool:
        """Wait until the client has read the whole response; whether it did not leave before."""
        await self._connection.read_by_client()
        if self._connection.transport.is_closing():
            await self._lost
        return not self._connection.left_unread

    async def fail(self, error: Exception) -> None:
        """End a call that went wrong here; the other streams go on."""
        self._call.problem = f"passing the response on failed: {error!r}"
        self._end_recording("truncate")
        self.close_recording()
        await self._leave(FAILED)

    async def _leave(self, how: str) -> None:
        """The connection is no more; where it still is, it is closed."""
        self._call.end(how)
        if not self._lost.done():
            self._connection.transport.abort()
            await self._lost
        self._connection.on_lost = None


def _head(response: h11.Response) -> Head:
    headers = (
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, value in response.headers.raw_items()
    )
    return Head(response.status_code, tuple(headers))


async def _send_parts(way: UpstreamConnection, content: DiskBytes) -> None:
    """Send a long body, no faster than the upstream takes it."""
    for part in content.parts():
        way.transport.write(part)
        while way.transport.get_write_buffer_size() > HIGH_WATER:
            await asyncio.sleep(0.001)
        await asyncio.sleep(0)


def _request_head(
    http: h11.Connection, call: Call, upstream: Upstream, way: UpstreamConnection
) -> bytes:
    """The head of the request: its target and the headers that the client sent, byte for byte.

    h11 would refuse some of what clients send and servers take; it only learns of the method.
    """
    http.send(h11.Request(method=call.method, target="/", headers=[("Host", "upstream")]))
    http.send(h11.EndOfMessage())
    named = {
        name.strip().lower()
        for key, value in call.headers.raw
        if key.lower() == "connection"
        for name in value.split(",")
    }
    headers = [("Host", upstream.authority), *way.headers]
    headers += [(k, v) for k, v in call.headers.raw if k.lower() not in _HOP | named]
    if len(call.content) or call.method in ("POST", "PUT", "PATCH"):
        headers.append(("Content-Length", str(len(call.content))))
    target = way.route.prefix + upstream.target(call.target)
    lines = [f"{call.method} {target} HTTP/1.1", *(f"{k}: {v}" for k, v in headers)]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")

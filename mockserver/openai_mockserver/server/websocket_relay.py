"""Relays a WebSocket to an upstream, and records both directions.

Rules of this file: as for `openai_mockserver.server.relay`: each side gets the other's messages at
once and unchanged, and its close code; a failure to record does not affect the client. Frames are
put together into messages, so that fragments arrive as one.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidStatus,
    InvalidURI,
    ProxyError,
)

from openai_mockserver.api import errors
from openai_mockserver.cassettes.sessions.recorder import SessionRecorder
from openai_mockserver.exceptions import ServerError
from openai_mockserver.http1 import SWITCHING
from openai_mockserver.journal import CLIENT_DISCONNECTED, Call
from openai_mockserver.reply import ApiError
from openai_mockserver.script import (
    NO_CLOSE_FRAME,
    Frame,
    Head,
    Raw,
    Script,
    Sender,
    SessionEnd,
    SessionMessage,
)
from openai_mockserver.server.protocol import Connection
from openai_mockserver.upstream import Upstream

__all__ = ["relay_websocket"]

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

_CONNECT_TIMEOUT = 10.0  # seconds
_NOT_FORWARDED = frozenset({"connection", "host", "upgrade", "proxy-connection"})


async def relay_websocket(
    call: Call,
    upstream: Upstream,
    connection: Connection,
    receive: Receive,
    send: Send,
    refuse: Callable[[Call, Send], Awaitable[None]],
) -> None:
    """Open a WebSocket to the upstream, then one to the client, and pass their messages on.

    Args:
        call: the request that opens the WebSocket.
        upstream: the upstream.
        connection: the client's connection.
        receive, send: those of ASGI.
        refuse: answers the request with the script of its call.
    """
    try:
        far = await _open(call, upstream)
    except InvalidStatus as error:
        # The upstream has refused, and its answer is for the client.
        headers = tuple(error.response.headers.raw_items())
        body = bytes(error.response.body or b"")
        call.upstream = None
        call.script = Script(Head(error.response.status_code, headers), (Raw(body),))
        await refuse(call, send)
        return
    except (OSError, ssl.SSLError, TimeoutError, ServerError, ValueError) as error:
        await _refuse_502(call, upstream, error, refuse, send)
        return
    except (InvalidHandshake, InvalidURI, ProxyError) as error:
        await _refuse_502(call, upstream, error, refuse, send)
        return
    session = _Relay(call, upstream, connection, far)
    outcome: str | None = CLIENT_DISCONNECTED
    try:
        await send({"type": "websocket.accept", "subprotocol": far.subprotocol})
        call.script = SWITCHING
        outcome = await session.run(receive, send)
    except OSError:  # the client has left while a message was sent to it
        session.note_end("client", NO_CLOSE_FRAME, "")
    finally:
        await session.close(outcome)


async def _open(call: Call, upstream: Upstream) -> ClientConnection:
    """Return a WebSocket to the upstream."""
    url = f"ws{upstream.url.partition('://')[0].removeprefix('http')}://{upstream.authority}"
    headers = [
        (name, value)
        for name, value in call.headers.raw
        if name.lower() not in _NOT_FORWARDED and not name.lower().startswith("sec-websocket-")
    ]
    protocols = call.headers.get("sec-websocket-protocol")
    return await connect(
        url + upstream.target(call.target),
        additional_headers=headers,
        subprotocols=[one.strip() for one in protocols.split(",")] if protocols else None,  # type: ignore[misc]
        user_agent_header=None,
        open_timeout=_CONNECT_TIMEOUT,
        ping_interval=None,
        max_size=None,
    )


async def _refuse_502(
    call: Call,
    upstream: Upstream,
    error: Exception,
    refuse: Callable[[Call, Send], Awaitable[None]],
    send: Send,
) -> None:
    message = f"the upstream {upstream.url} cannot be reached: {error or type(error).__name__}"
    call.problem, call.problem_kind = message, "upstream cannot be reached"
    call.upstream = None
    call.script = errors.render(ApiError(502, f"openai-mockserver: {message}", "upstream_error"))
    await refuse(call, send)


class _Relay:
    """One session on its way through the proxy."""

    def __init__(
        self, call: Call, upstream: Upstream, connection: Connection, far: ClientConnection
    ) -> None:
        self._call, self._connection, self._far = call, connection, far
        self._loop = asyncio.get_running_loop()
        self._start = self._loop.time()
        self._has_ended = False
        recorder = call.recorder
        self._recorder = SessionRecorder(recorder, call, upstream.url) if recorder else None

    async def run(self, receive: Receive, send: Send) -> str | None:
        """Pass messages on until one side ends the session, and return the outcome of the call."""
        from_client = asyncio.ensure_future(self._pass_to_upstream(receive))
        from_upstream = asyncio.ensure_future(self._pass_to_client(send))
        tasks = {from_client, from_upstream}
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            first = from_upstream if from_upstream.done() else from_client
            return first.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _pass_to_upstream(self, receive: Receive) -> str | None:
        while (message := await receive())["type"] != "websocket.disconnect":
            data = message["bytes"] if message.get("text") is None else message["text"]
            self._log("client", data)
            try:
                await self._far.send(data)
            except ConnectionClosed:  # the other task passes the end on
                return await self._wait_forever()
        has_frame = "reason" in message  # only a close frame has a reason, be it empty
        code = message["code"] if has_frame else NO_CLOSE_FRAME
        self.note_end("client", code, message.get("reason") or "")
        if has_frame:
            # Code 1005 says that the frame had none.
            await self._far.close(1000 if code == 1005 else code, message.get("reason") or "")
            return None
        self._far.transport.abort()
        return CLIENT_DISCONNECTED

    async def _pass_to_client(self, send: Send) -> str | None:
        while True:
            try:
                data = await self._far.recv()
            except ConnectionClosed as closed:
                frame = closed.rcvd
                break
            self._log("server", data)
            kind = "text" if isinstance(data, str) else "bytes"
            await send({"type": "websocket.send", kind: data})
        if self._has_ended:  # the client has closed it, and the other task reports that
            return await self._wait_forever()
        if frame is None:
            self.note_end("server", NO_CLOSE_FRAME, "")
            await self._connection.wait_until_received()
            self._connection.transport.close()
            return "truncated"
        self.note_end("server", frame.code, frame.reason)
        code = 1000 if frame.code == 1005 else frame.code
        await send({"type": "websocket.close", "code": code, "reason": frame.reason})
        return None

    async def _wait_forever(self) -> str | None:
        """Wait until this task is cancelled."""
        outcome: str | None = await self._loop.create_future()
        return outcome

    def _log(self, sender: Sender, data: str | bytes) -> None:
        seconds = self._loop.time() - self._start
        self._call.log_message(seconds, sender, data)
        if sender == "server":
            size = len(data) if isinstance(data, bytes) else len(data.encode())
            self._call.log_frame(Frame(seconds, b"", 1, size), seconds)
        if self._recorder is not None:
            self._recorder.record(SessionMessage(seconds, sender, data))

    def note_end(self, sender: Sender, code: int, reason: str) -> None:
        """Note which side ended the session; the first end counts."""
        self._has_ended = True
        if self._recorder is not None:
            seconds = self._loop.time() - self._start
            self._recorder.record_end(SessionEnd(seconds, sender, code, reason))

    async def close(self, outcome: str | None) -> None:
        """End the connection to the upstream, the recording and the call, whatever happened."""
        self._far.transport.abort()
        if self._recorder is not None:
            self.note_end("client", NO_CLOSE_FRAME, "")  # unless there was an end
            self._recorder.close()
            self._call.unrecorded = self._recorder.problem
        self._call.end(outcome)

"""The ASGI application: read a request, get its answer from the mock, and play it.

Rules of this file: no middleware stands between uvicorn and it. The mock decides what to answer,
the player how to send it, and `openai_mockserver.access` which requests to admit. Only browsers get
CORS headers. A request that is too large or too slow is refused before it is read completely. An
answer that may take long to compute is computed in a thread beside the event loop.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import cache, partial
from typing import Any

from openai_mockserver.access import (
    cors_headers,
    is_preflight,
    preflight_headers,
    with_cors,
)
from openai_mockserver.api.disk_bytes import DiskBytes, DiskWriter
from openai_mockserver.api.multipart import has_files
from openai_mockserver.api.routes import decode_path
from openai_mockserver.journal import CLIENT_DISCONNECTED, Call
from openai_mockserver.limits import Limits
from openai_mockserver.reply import ApiError
from openai_mockserver.request import Request, decode_headers
from openai_mockserver.script import Script
from openai_mockserver.server.door import SIDE_PATHS, Door, Inner, shows_page
from openai_mockserver.server.functions import finish_reply
from openai_mockserver.server.player import Player, Receive, Send, end_uvicorn_cycle, play
from openai_mockserver.server.pool import Pool
from openai_mockserver.server.protocol import TARGET, WHOLE, Connection, Connections
from openai_mockserver.server.side import SidePlayer
from openai_mockserver.server.worker import Worker, is_quick

__all__ = ["make_application"]

_DRAIN_TIME = 5.0  # seconds for which the rest of a refused request is read and discarded


_SIDE_LIMITS = {"body": 8 << 20, "upload": 8 << 20}
"""The limits of requests that are not OpenAI's, in bytes."""

# Reading


_IN_MEMORY = 1 << 20  # maximum bytes of a form with files that are kept in memory


async def _read_body(
    scope: dict[str, Any],
    receive: Receive,
    content_type: str,
    limits: Limits,
    worker: Worker,
    connection: Connection,
) -> bytes | DiskBytes:
    """Return the body of a request. A long form with files is written to disk as it arrives.

    Raises:
        _BodyError: the body is too large, too slow or incomplete, or the disk is full.
        _ClientLeft: the client has disconnected.
    """
    with_files = has_files(content_type)
    limit = limits.upload if with_files else limits.body
    if scope.get(WHOLE):  # most bodies arrive together with their heads
        body: bytes = (await _receive_part(receive))["body"]
        if len(body) <= limit:
            return body
        raise _BodyError(_too_large_error(limit, len(body)))
    length = next((v for k, v in scope["headers"] if k == b"content-length"), b"")
    if length.isdigit() and int(length) > limit:
        raise _BodyError(_too_large_error(limit, int(length)))
    parts: list[bytes] = []
    size = buffered = 0
    writer: DiskWriter | None = None
    more = True
    try:
        async with asyncio.timeout(limits.seconds):
            while more:
                message = await _receive_part(receive)
                part, more = message["body"], message["more_body"]
                size += len(part)
                if size > limit:
                    raise _BodyError(_too_large_error(limit, size))
                parts.append(part)
                buffered += len(part)
                if with_files and buffered > _IN_MEMORY:
                    writer = writer or DiskWriter()
                    await worker.write(writer, parts)
                    parts, buffered = [], 0
            if writer is not None:
                await worker.write(writer, parts)
    except TimeoutError:
        raise _BodyError(_timeout_error(limits.seconds or 0, size)) from None
    except OSError as error:
        raise _BodyError(_no_space_error(size, error)) from None
    if connection.is_cut_short:
        raise _BodyError(_cut_short_error(size))
    return b"".join(parts) if writer is None else writer.finish()


async def _receive_part(receive: Receive) -> dict[str, Any]:
    """Return the next part of the body. Raises _ClientLeft if the client has disconnected."""
    message = await receive()
    if message["type"] == "http.disconnect":
        raise _ClientLeft
    return message


class _ClientLeft(Exception):
    """The client has disconnected, and no longer waits for an answer."""


class _BodyError(Exception):
    """The request is refused because of its body; ``error`` is the answer."""

    def __init__(self, error: ApiError) -> None:
        super().__init__(error.message)
        self.error = error


_CLOSE = (("connection", "close"),)


def _too_large_error(limit: int, size: int) -> ApiError:
    message = f"Maximum content size limit ({limit}) exceeded ({size} bytes read)"
    return ApiError(413, message, "server_error", headers=_CLOSE)


def _timeout_error(seconds: float, size: int) -> ApiError:
    message = (
        "openai-mockserver: the body of this request did not arrive completely within "
        f"{seconds:g} seconds, only {size} bytes of it"
    )
    return ApiError(408, message, "mockserver_error", "request_timeout", headers=_CLOSE)


def _no_space_error(size: int, error: OSError) -> ApiError:
    message = (
        f"openai-mockserver: cannot write the form to {tempfile.gettempdir()}: {error.strerror}, "
        f"after {size} bytes"
    )
    headers = (*_CLOSE, ("x-should-retry", "false"))
    return ApiError(507, message, "mockserver_error", "insufficient_storage", headers=headers)


def _cut_short_error(size: int) -> ApiError:
    message = (
        f"openai-mockserver: the client closed its side of the connection after {size} bytes of "
        "the body"
    )
    return ApiError(400, message, "invalid_request_error", headers=_CLOSE)


def _discard_rest(
    connection: Connection, receive: Receive, send: Send, through_uvicorn: bool = False
) -> Send:
    """Read and discard the rest of a refused request while it is answered.

    Some clients read nothing before they have sent everything, and closing a connection with
    unread bytes resets it, which may discard the answer.

    Args:
        connection, receive, send: those of the request.
        through_uvicorn: whether uvicorn writes the response, not the player.

    Returns:
        A ``send`` that ends the response once the client has sent everything, or after
        `_DRAIN_TIME` seconds.
    """

    async def discard() -> None:
        if connection.is_cut_short:
            return  # it sends nothing more
        try:
            async with asyncio.timeout(_DRAIN_TIME):
                while (await receive()).get("more_body"):
                    pass
        except TimeoutError:
            connection.transport.close()

    connection.is_muted = True  # suppresses uvicorn's "100 Continue"
    task = asyncio.ensure_future(discard())

    async def send_after_rest(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            await task
            connection.is_muted = not through_uvicorn
        await send(message)

    return send_after_rest


# Answering


class _WatchedSend:
    """A ``send`` that knows whether it was used."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.is_used = False

    async def __call__(self, message: dict[str, Any]) -> None:
        self.is_used = True
        await self._send(message)


def make_application(
    find_door: Callable[[], Door],
    worker: Worker,
    connections: Connections,
    open_calls: dict[Call, Connection],
    pool: Pool,
    exact: bool,
) -> Callable[[dict[str, Any], Receive, Send], Awaitable[None]]:
    """Return the ASGI application that answers every request.

    Args:
        find_door: returns the door that is open; called for each request.
        worker: computes answers that may take long.
        connections: the connections of the server.
        open_calls: filled with the calls that are being played, and their connections.
        pool: the connections to upstreams.
        exact: before each event of a paced stream, check whether the client has read the last.
    """
    side_player = SidePlayer()

    @cache
    def find_player() -> Player:
        """Return the clock of the event loop, which is not there yet when the application is."""
        return Player(asyncio.get_running_loop())

    async def answer_websocket(
        scope: dict[str, Any], receive: Receive, send: Send, connection: Connection
    ) -> None:
        from openai_mockserver.server.websocket import play_websocket  # rarely needed

        headers = decode_headers(scope["headers"])
        door, path, prefix = find_door(), decode_path(scope["raw_path"].decode("latin-1")), ""
        if door.side is not None and path.startswith(SIDE_PATHS):
            found = door.side(path)
            if isinstance(found, Inner):
                door, prefix = found.door, found.prefix
        refusal = door.access.find_refusal("GET", headers, scope["server"][0])
        connection.requests += 1
        request = Request(
            "GET",
            path.removeprefix(prefix),
            headers,
            b"",
            scope["query_string"].decode("latin-1"),
            connection.number,
            connection.requests,
            scope["http_version"],
            refusal,
            _read_target(scope).removeprefix(prefix),
        )
        clock = find_player()
        await play_websocket(request, door, connection, receive, send, worker, open_calls, clock)

    async def answer(scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            connection = connections.get(tuple(scope["client"] or ()))
            if connection is not None:
                await answer_websocket(scope, receive, send, connection)
            return
        headers = decode_headers(scope["headers"])
        connection = connections.get(tuple(scope["client"] or ()))
        if connection is None:
            return
        door, path = find_door(), decode_path(scope["raw_path"].decode("latin-1"))
        side = prefix = None
        if door.side is not None and (
            path.startswith(SIDE_PATHS) or (path == "/" and shows_page(scope["method"], headers))
        ):
            found = door.side(path)
            if isinstance(found, Inner):
                door, prefix = found.door, found.prefix
                path = path.removeprefix(prefix)
            else:
                side = found
        method: str = scope["method"]
        refusal = door.access.find_refusal(method, headers, scope["server"][0])
        content_type = next((v for k, v in headers if k == "content-type"), "")
        body: bytes | DiskBytes = b""
        body_error: ApiError | None = None
        try:
            if refusal is not None:
                await _discard_body(receive)
            else:
                limits = door.limits if side is None else replace(door.limits, **_SIDE_LIMITS)
                body = await _read_body(scope, receive, content_type, limits, worker, connection)
        except _ClientLeft:
            return
        except _BodyError as error:
            body_error = error.error
        if refusal is None and body_error is None and is_preflight(method, headers):
            await _answer_preflight(headers)(scope, receive, send)
            return
        connection.requests += 1
        request = Request(
            method,
            path,
            headers,
            body,
            scope["query_string"].decode("latin-1"),
            connection.number,
            connection.requests,
            scope["http_version"],
            refusal,
            _read_target(scope) if prefix is None else _read_target(scope).removeprefix(prefix),
        )
        if side is not None:
            handle = side if body_error is None else partial(side, error=body_error)
            if body_error is not None:
                send = _discard_rest(connection, receive, send, through_uvicorn=True)
            cors = cors_headers(headers) if refusal is None else ()
            await side_player.answer(handle, request, cors, receive, send)
            connection.finish_response()
            return
        if body_error is None:
            try:
                quick = is_quick(request)
                begun = door.begin(request) if quick else await worker.run(door.begin, request)
                call = begun if isinstance(begun, Call) else await finish_reply(begun, worker)
            except asyncio.CancelledError:  # the server is stopping, and has closed the connection
                return
        else:
            call = door.refuse(request, body_error)
            send = _discard_rest(connection, receive, send)
        del request, body  # a stream may last long
        cors = cors_headers(headers) if refusal is None else ()
        if cors:
            call.script = _allow_page(call.script, cors)
        send = _WatchedSend(send)
        if connection.transport.is_closing():  # the client left while its answer was computed
            call.end(CLIENT_DISCONNECTED)
            await end_uvicorn_cycle(connection, send, close=True)
            return
        player = find_player()
        open_calls[call] = connection
        on_end = partial(open_calls.pop, call, None)
        try:
            if isinstance(plan := call.plan, Script):
                await play(call, connection, player, send, exact, door.lead, door.coalesce, on_end)
            else:
                call.is_exact = False  # the client may not have read all that was passed on
                from openai_mockserver.server.relay import relay  # imports h11

                try:
                    await relay(call, plan, connection, player, send, pool, cors)
                finally:
                    on_end()
        finally:
            if not send.is_used:
                await end_uvicorn_cycle(connection, send, close=True)

    return answer


def _answer_preflight(headers: Sequence[tuple[str, str]]) -> Any:
    from starlette.responses import Response

    preflight = Response(status_code=204)
    preflight.raw_headers = [
        (k.encode("latin-1"), v.encode("latin-1")) for k, v in preflight_headers(headers)
    ]
    return preflight


def _read_target(scope: dict[str, Any]) -> str:
    """Return the request target byte for byte: the path and the query, undecoded."""
    target: bytes = scope.get(TARGET, b"")
    # h11 does not provide it, and a proxy is sent a whole URL.
    if not target.startswith(b"/"):
        query = scope["query_string"]
        target = scope["raw_path"] + (b"?" + query if query else b"")
    return target.decode("latin-1")


async def _discard_body(receive: Receive) -> None:
    """Read a body to its end and discard it, so that the client can read the answer."""
    while (await _receive_part(receive))["more_body"]:
        pass


def _allow_page(script: Script, cors: Sequence[tuple[str, str]]) -> Script:
    """Return the script with CORS headers, so that the page may read the response."""
    head = replace(script.head, headers=with_cors(script.head.headers, cors))
    return replace(script, head=head)

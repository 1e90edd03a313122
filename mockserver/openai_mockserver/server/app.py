"""The ASGI application: a request in, a call played.

Rules of this file: nothing stands between uvicorn and it; what to answer is the mock's business,
how to put it on the wire the player's, and who is let in `openai_mockserver.access`'s. Browsers get
the CORS headers that they need, others do not. A request that is too large or too slow is refused
before it is read; what may take long to answer is worked out in a thread beside the loop.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
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
from openai_mockserver.server.door import Door
from openai_mockserver.server.player import Player, Receive, Send, play, tell
from openai_mockserver.server.pool import Pool
from openai_mockserver.server.protocol import TARGET, WHOLE, Connection, Connections
from openai_mockserver.server.worker import Worker, is_quick

__all__ = ["application"]

_LINGER = 5.0  # seconds in which what a refused client still sends is read, and dropped


# Reading


_IN_MEMORY = 1 << 20  # bytes of a form with files that are not written to disk


async def _read(
    scope: dict[str, Any],
    receive: Receive,
    content_type: str,
    limits: Limits,
    worker: Worker,
    connection: Connection,
) -> bytes | DiskBytes:
    """The body. Raises _Refused if it is too large or does not come whole, _Left if nobody waits.

    That of a long form with files goes to disk as it comes.
    """
    with_files = has_files(content_type)
    most = limits.upload if with_files else limits.body
    if scope.get(WHOLE):  # most bodies come with their heads
        body: bytes = (await _receive(receive))["body"]
        if len(body) <= most:
            return body
        raise _Refused(_too_large(most, len(body)))
    length = next((v for k, v in scope["headers"] if k == b"content-length"), b"")
    if length.isdigit() and int(length) > most:
        raise _Refused(_too_large(most, int(length)))
    parts: list[bytes] = []
    size = held = 0
    writer: DiskWriter | None = None
    more = True
    try:
        async with asyncio.timeout(limits.seconds):
            while more:
                message = await _receive(receive)
                part, more = message["body"], message["more_body"]
                size += len(part)
                if size > most:
                    raise _Refused(_too_large(most, size))
                parts.append(part)
                held += len(part)
                if with_files and held > _IN_MEMORY:
                    writer = writer or DiskWriter()
                    await worker.write(writer, parts)
                    parts, held = [], 0
            if writer is not None:
                await worker.write(writer, parts)
    except TimeoutError:
        raise _Refused(_too_slow(limits.seconds or 0, size)) from None
    except OSError as error:
        raise _Refused(_no_room(size, error)) from None
    if connection.is_cut_short:
        raise _Refused(_cut_short(size))
    return b"".join(parts) if writer is None else writer.finish()


async def _receive(receive: Receive) -> dict[str, Any]:
    """A part of the body. Raises _Left if the client has left."""
    message = await receive()
    if message["type"] == "http.disconnect":
        raise _Left
    return message


class _Left(Exception):
    """Nobody waits for the answer any more."""


class _Refused(Exception):
    def __init__(self, error: ApiError) -> None:
        super().__init__(error.message)
        self.error = error


_CLOSE = (("connection", "close"),)


def _too_large(most: int, size: int) -> ApiError:
    message = f"Maximum content size limit ({most}) exceeded ({size} bytes read)"
    return ApiError(413, message, "server_error", headers=_CLOSE)


def _too_slow(seconds: float, size: int) -> ApiError:
    message = (
        f"openai-mockserver: the body of this request did not come within {seconds:g} seconds; "
        f"{size} bytes of it did"
    )
    return ApiError(408, message, "mockserver_error", "request_timeout", headers=_CLOSE)


def _no_room(size: int, error: OSError) -> ApiError:
    message = (
        f"openai-mockserver: the form cannot be kept in {tempfile.gettempdir()}: {error.strerror} "
        f"after {size} bytes of it"
    )
    headers = (*_CLOSE, ("x-should-retry", "false"))
    return ApiError(507, message, "mockserver_error", "insufficient_storage", headers=headers)


def _cut_short(size: int) -> ApiError:
    message = f"openai-mockserver: the client closed its side after {size} bytes of the body"
    return ApiError(400, message, "invalid_request_error", headers=_CLOSE)


def _drop_the_rest(connection: Connection, receive: Receive, send: Send) -> Send:
    """Read what a refused client still sends while it is answered, and drop it.

    A client may read nothing before it has sent all, and a connection that is closed with bytes
    unread is reset, which may take the answer with it.

    Returns:
        A ``send`` that ends the response when the client has sent all, or enough of it.
    """

    async def drop() -> None:
        if connection.is_cut_short:
            return  # it has said that it sends no more
        try:
            async with asyncio.timeout(_LINGER):
                while (await receive()).get("more_body"):
                    pass
        except TimeoutError:
            connection.transport.close()

    connection.muted = True  # nobody is told to continue
    dropping = asyncio.ensure_future(drop())

    async def send_after_the_rest(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            await dropping
        await send(message)

    return send_after_the_rest


# Answering


class _Once:
    """A ``send``, and whether it was used."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.is_begun = False

    async def __call__(self, message: dict[str, Any]) -> None:
        self.is_begun = True
        await self._send(message)


def application(
    find_door: Callable[[], Door],
    worker: Worker,
    connections: Connections,
    going_on: dict[Call, Connection],
    pool: Pool,
    exact: bool,
) -> Callable[[dict[str, Any], Receive, Send], Awaitable[None]]:
    """The application that answers every request.

    Args:
        find_door: gives the door that is open, for each request.
        worker: works out what may take long.
        connections: those of the server.
        going_on: holds the calls that are being played, and over which connection.
        pool: the connections to upstreams.
        exact: of a paced stream it is known at each event whether the client has read the last.
    """
    player: Player | None = None

    async def answer(scope: dict[str, Any], receive: Receive, send: Send) -> None:
        nonlocal player
        headers = decode_headers(scope["headers"])
        connection = connections.get(tuple(scope["client"] or ()))
        if connection is None:
            return
        door = find_door()
        method: str = scope["method"]
        foreign = door.access.refusal(method, headers, scope["server"][0])
        content_type = next((v for k, v in headers if k == "content-type"), "")
        body: bytes | DiskBytes = b""
        refused: ApiError | None = None
        try:
            if foreign is not None:
                await _drop_body(receive)
            else:
                limits = door.limits
                body = await _read(scope, receive, content_type, limits, worker, connection)
        except _Left:
            return
        except _Refused as error:
            refused = error.error
        if foreign is None and refused is None and is_preflight(method, headers):
            await _answer_preflight(headers)(scope, receive, send)
            return
        connection.requests += 1
        request = Request(
            method,
            decode_path(scope["raw_path"].decode("latin-1")),
            headers,
            body,
            scope["query_string"].decode("latin-1"),
            connection.number,
            connection.requests,
            scope["http_version"],
            foreign,
            _read_target(scope),
        )
        if refused is None:
            try:
                quick = is_quick(request)
                call = door.respond(request) if quick else await worker.run(door.respond, request)
            except asyncio.CancelledError:  # the server stops, and has closed the connection
                return
        else:
            call = door.refuse(request, refused)
            send = _drop_the_rest(connection, receive, send)
        del request, body  # a stream may be held for long
        cors = cors_headers(headers) if foreign is None else ()
        if cors:
            call.script = _open_to_page(call.script, cors)
        send = _Once(send)
        if connection.transport.is_closing():  # left while the answer was worked out
            call.end(CLIENT_DISCONNECTED)
            await tell(connection, send, close=True)
            return
        player = player or Player(asyncio.get_running_loop())
        going_on[call] = connection
        on_over = partial(going_on.pop, call, None)
        try:
            if isinstance(plan := call.plan, Script):
                await play(call, connection, player, send, exact, door.lead, door.coalesce, on_over)
            else:
                call.is_exact = False  # what is passed on may be unread
                from openai_mockserver.server.relay import relay  # h11 is only for an upstream

                try:
                    await relay(call, plan, connection, player, send, pool, cors)
                finally:
                    on_over()
        finally:
            if not send.is_begun:
                await tell(connection, send, close=True)

    return answer


def _answer_preflight(headers: Sequence[tuple[str, str]]) -> Any:
    from starlette.responses import Response

    preflight = Response(status_code=204)
    preflight.raw_headers = [
        (k.encode("latin-1"), v.encode("latin-1")) for k, v in preflight_headers(headers)
    ]
    return preflight


def _read_target(scope: dict[str, Any]) -> str:
    """What the request line asks for, byte for byte: the path and the query, undecoded."""
    target: bytes = scope.get(TARGET, b"")
    if not target.startswith(b"/"):  # a parser that does not tell, or the URL that a proxy is sent
        query = scope["query_string"]
        target = scope["raw_path"] + (b"?" + query if query else b"")
    return target.decode("latin-1")


async def _drop_body(receive: Receive) -> None:
    """Read a body to its end and keep nothing of it, so that the client can read the answer."""
    while (await _receive(receive))["more_body"]:
        pass


def _open_to_page(script: Script, cors: Sequence[tuple[str, str]]) -> Script:
    head = replace(script.head, headers=with_cors(script.head.headers, cors))
    return replace(script, head=head)

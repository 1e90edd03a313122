"""The ASGI application: a request in, a call played.

Rules of this file: Starlette reads the request; what to answer is the mock's business, how to put
it on the wire the player's, and who is let in `openai_mockserver.access`'s. Browsers get the CORS
headers that they need, others do not. A request that is too large or too slow is refused before it
is read; what may take long to answer is worked out in a thread beside the loop.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import tempfile
import threading
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from openai_mockserver.access import (
    cors_headers,
    is_preflight,
    preflight_headers,
    with_cors,
)
from openai_mockserver.api.disk_bytes import DiskBytes, DiskWriter
from openai_mockserver.api.multipart import has_files
from openai_mockserver.api.routes import decode_path
from openai_mockserver.journal import CLIENT_DISCONNECTED, SERVER_STOPPED, Call
from openai_mockserver.limits import Limits
from openai_mockserver.reply import ApiError
from openai_mockserver.request import Request
from openai_mockserver.script import Script
from openai_mockserver.server.door import Door
from openai_mockserver.server.player import Player, Receive, Send, play, tell
from openai_mockserver.server.protocol import TARGET, Connection, Connections
from openai_mockserver.server.relay import relay

__all__ = ["Worker", "application"]

_LINGER = 5.0  # seconds in which what a refused client still sends is read, and dropped


# What may take long


class Worker:
    """A thread beside the loop: what it works out, in the order in which it is asked.

    It is one, so that the loop never waits for more than one other to let it have the interpreter.
    Another writes to disk, which may take its time, and needs the interpreter hardly at all.
    """

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(1, "openai-mockserver-worker")
        self._disk = ThreadPoolExecutor(1, "openai-mockserver-disk")

    async def run(self, respond: Callable[[Request], Call], request: Request) -> Call:
        """What ``respond`` makes of a request, while the loop goes on."""
        making = self._threads.submit(_yielding, respond, request)
        try:
            return await asyncio.wrap_future(making)
        except asyncio.CancelledError:
            making.add_done_callback(_end_unplayed)
            raise

    async def write(self, writer: DiskWriter, parts: list[bytes]) -> None:
        """Write to disk. Raises OSError where there is no room."""
        await asyncio.wrap_future(self._disk.submit(writer.write, parts))

    def stop(self) -> None:
        """Begin nothing more. What has begun is not waited for."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._disk.shutdown(wait=False, cancel_futures=True)


def _end_unplayed(made: Future[Call]) -> None:
    if not made.cancelled() and made.exception() is None:
        made.result().end(SERVER_STOPPED)


_TURN = 0.0005  # seconds after which a thread that computes lets another


_YOUNG = 20_000  # objects that are looked through within milliseconds
_UNSEEN = 5_000_000  # objects among which there may be much garbage


class _Turns:
    """Short turns for all threads of the process, while one of any server's workers computes.

    Nor are objects looked through for garbage meanwhile: of a million, which a large answer takes
    on its way, that is 100 ms in which no other thread has a turn.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._computing = 0
        self._usual = 0.0
        self._collects = False
        self._unseen = 0

    def __enter__(self) -> None:
        with self._lock:
            if not self._computing:
                self._usual = sys.getswitchinterval()
                sys.setswitchinterval(min(self._usual, _TURN))
                self._collects = gc.isenabled()
                if self._unseen > _UNSEEN:
                    self._unseen = 0
                    gc.collect()
                gc.disable()
            self._computing += 1

    def __exit__(self, *exc: object) -> None:
        with self._lock:
            self._computing -= 1
            if not self._computing:
                sys.setswitchinterval(self._usual)
                if self._collects:
                    young = gc.get_count()[0]
                    if young > _YOUNG and not gc.get_freeze_count():
                        # Makes old what there is, in no time: most of it is freed with the call.
                        gc.freeze()
                        gc.unfreeze()
                        self._unseen += young
                    gc.enable()


_turns = _Turns()


def _yielding(respond: Callable[[Request], Call], request: Request) -> Call:
    with _turns:
        return respond(request)


_SHORT = 4096  # bytes of a body that is looked at at once
_ENDPOINTS = ("/chat/completions", "/completions", "/responses")
_LONG = frozenset({"n", "best_of", "logprobs", "modalities", "prediction", "response_format"})
_LONG |= {"functions", "text", "tools"}
"""Parameters that make a short request one that may take long."""


def _is_quick(request: Request) -> bool:
    """Whether a request is surely answered within milliseconds."""
    if request.method == "GET" and not request.content:
        return True
    body = request.parsed if len(request.content) <= _SHORT else None
    return isinstance(body, dict) and request.path.endswith(_ENDPOINTS) and not _LONG & body.keys()


# Reading


_IN_MEMORY = 1 << 20  # bytes of a form with files that are not written to disk


async def _read(
    http: HttpRequest, limits: Limits, worker: Worker, connection: Connection
) -> bytes | DiskBytes:
    """The body. Raises _Refused where it is too large, or does not come whole.

    That of a long form with files goes to disk as it comes.
    """
    with_files = has_files(http.headers.get("content-type", ""))
    most = limits.upload if with_files else limits.body
    length = http.headers.get("content-length", "")
    if length.isdecimal() and int(length) > most:
        raise _Refused(_too_large(most, int(length)))
    parts: list[bytes] = []
    size = held = 0
    writer: DiskWriter | None = None
    try:
        async with asyncio.timeout(limits.seconds):
            async for part in http.stream():
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
    exact: bool,
) -> Callable[[dict[str, Any], Receive, Send], Awaitable[None]]:
    """The application that answers every request.

    Args:
        find_door: gives the door that is open, for each request.
        worker: works out what may take long.
        connections: those of the server.
        going_on: holds the calls that are being played, and over which connection.
        exact: of a paced stream it is known at each event whether the client has read the last.
    """
    player: Player | None = None

    async def answer(scope: dict[str, Any], receive: Receive, send: Send) -> None:
        nonlocal player
        http = HttpRequest(scope, receive)
        headers = [(k.decode("latin-1"), v.decode("latin-1")) for k, v in scope["headers"]]
        connection = connections.get(tuple(scope["client"] or ()))
        if connection is None:
            return
        door = find_door()
        foreign = door.access.refusal(http.method, headers, scope["server"][0])
        body: bytes | DiskBytes = b""
        refused: ApiError | None = None
        try:
            if foreign is not None:
                await _drop_body(http)
            else:
                body = await _read(http, door.limits, worker, connection)
        except ClientDisconnect:
            return
        except _Refused as error:
            refused = error.error
        if foreign is None and refused is None and is_preflight(http.method, headers):
            preflight = Response(status_code=204)
            preflight.raw_headers = [
                (k.encode("latin-1"), v.encode("latin-1")) for k, v in preflight_headers(headers)
            ]
            await preflight(scope, receive, send)  # type: ignore[arg-type]
            return
        connection.requests += 1
        request = Request(
            http.method,
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
                quick = _is_quick(request)
                call = door.respond(request) if quick else await worker.run(door.respond, request)
            except asyncio.CancelledError:  # the server stops, and has closed the connection
                return
        else:
            call = door.refuse(request, refused)
            send = _drop_the_rest(connection, receive, send)
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
        try:
            if call.upstream is None:
                await play(call, connection, player, send, exact, door.lead)
            else:
                call.is_exact = False  # what is passed on may be unread
                await relay(call, call.upstream, connection, player, send, cors)
        finally:
            going_on.pop(call, None)
            if not send.is_begun:
                await tell(connection, send, close=True)

    return answer


def _read_target(scope: dict[str, Any]) -> str:
    """What the request line asks for, byte for byte: the path and the query, undecoded."""
    target: bytes = scope.get(TARGET, b"")
    if not target.startswith(b"/"):  # a parser that does not tell, or the URL that a proxy is sent
        query = scope["query_string"]
        target = scope["raw_path"] + (b"?" + query if query else b"")
    return target.decode("latin-1")


async def _drop_body(http: HttpRequest) -> None:
    """Read a body to its end and keep nothing of it, so that the client can read the answer."""
    async for _ in http.stream():
        pass


def _open_to_page(script: Script, cors: Sequence[tuple[str, str]]) -> Script:
    head = replace(script.head, headers=with_cors(script.head.headers, cors))
    return replace(script, head=head)

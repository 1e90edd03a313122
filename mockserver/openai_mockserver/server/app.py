"""The ASGI application: a request in, a call played.

Rules of this file: Starlette reads the request; what to answer is the mock's business, how to put
it on the wire the player's, and who is let in `openai_mockserver.access`'s. Browsers get the CORS
headers that they need, others do not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import Mount

from openai_mockserver.access import (
    Access,
    cors_headers,
    is_preflight,
    preflight_headers,
    with_cors,
)
from openai_mockserver.api.routes import decode_path
from openai_mockserver.journal import Call
from openai_mockserver.request import Request
from openai_mockserver.script import Script
from openai_mockserver.server.player import Player, Receive, Send, play
from openai_mockserver.server.protocol import Connections
from openai_mockserver.server.relay import relay

__all__ = ["application"]


def application(
    respond: Callable[[Request], Call],
    connections: Connections,
    going_on: set[Call],
    exact: bool,
    access: Access,
) -> Starlette:
    """The application that answers every request with what ``respond`` makes of it.

    Args:
        respond: makes a call of a request.
        connections: those of the server.
        going_on: holds the calls that are being played.
        exact: a stream is finished when the client has read it, not when it is written.
        access: which requests are let in.
    """
    player: Player | None = None

    async def answer(scope: dict[str, Any], receive: Receive, send: Send) -> None:
        nonlocal player
        http = HttpRequest(scope, receive)
        headers = [(k.decode("latin-1"), v.decode("latin-1")) for k, v in scope["headers"]]
        refusal = access.refusal(http.method, headers, scope["server"][0])
        try:
            body = await http.body() if refusal is None else await _drop_body(http)
        except ClientDisconnect:
            return
        if refusal is None and is_preflight(http.method, headers):
            preflight = Response(status_code=204)
            preflight.raw_headers = [
                (k.encode("latin-1"), v.encode("latin-1")) for k, v in preflight_headers(headers)
            ]
            await preflight(scope, receive, send)  # type: ignore[arg-type]
            return
        connection = connections.get(tuple(scope["client"]))
        if connection is None:
            return
        connection.requests += 1
        call = respond(
            Request(
                http.method,
                decode_path(scope["raw_path"].decode("latin-1")),
                headers,
                body,
                scope["query_string"].decode("latin-1"),
                connection.number,
                connection.requests,
                scope["http_version"],
                refusal,
            )
        )
        cors = cors_headers(headers) if refusal is None else ()
        if cors:
            call.script = _open_to_page(call.script, cors)
        player = player or Player(asyncio.get_running_loop())
        going_on.add(call)
        try:
            if call.upstream is None:
                await play(call, connection, player, receive, send, exact)
            else:
                await relay(call, call.upstream, connection, player, receive, send, cors)
        finally:
            going_on.discard(call)

    return Starlette(routes=[Mount("/", app=answer)])  # type: ignore[arg-type]


async def _drop_body(http: HttpRequest) -> bytes:
    """Read a body to its end and keep nothing of it, so that the client can read the answer."""
    async for _ in http.stream():
        pass
    return b""


def _open_to_page(script: Script, cors: Sequence[tuple[str, str]]) -> Script:
    head = replace(script.head, headers=with_cors(script.head.headers, cors))
    return replace(script, head=head)

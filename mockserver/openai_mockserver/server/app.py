"""The ASGI application: a request in, a call played.

Rules of this file: Starlette reads the request; what to answer is the mock's business, how to put
it on the wire the player's. Browsers get the CORS headers that they need, others do not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import Mount

from openai_mockserver.api.routes import decode_path
from openai_mockserver.journal import Call
from openai_mockserver.request import Request
from openai_mockserver.script import Script
from openai_mockserver.server.player import Player, Receive, Send, play
from openai_mockserver.server.protocol import Connections
from openai_mockserver.server.relay import relay

__all__ = ["application"]

_CORS = (
    ("access-control-allow-origin", "*"),
    ("access-control-allow-headers", "*"),
    ("access-control-allow-methods", "*"),
)


def application(
    respond: Callable[[Request], Call], connections: Connections, going_on: set[Call], exact: bool
) -> Starlette:
    """The application that answers every request with what ``respond`` makes of it.

    Args:
        respond: makes a call of a request.
        connections: those of the server.
        going_on: holds the calls that are being played.
        exact: a stream is finished when the client has read it, not when it is written.
    """
    player: Player | None = None

    async def answer(scope: dict[str, Any], receive: Receive, send: Send) -> None:
        nonlocal player
        http = HttpRequest(scope, receive)
        try:
            body = await http.body()
        except ClientDisconnect:
            return
        from_browser = "origin" in http.headers
        if from_browser and http.method == "OPTIONS":
            await Response(headers=dict(_CORS))(scope, receive, send)  # type: ignore[arg-type]
            return
        connection = connections.get(tuple(scope["client"]))
        if connection is None:
            return
        connection.requests += 1
        headers = [(k.decode("latin-1"), v.decode("latin-1")) for k, v in scope["headers"]]
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
            )
        )
        if from_browser:
            call.script = _open_to_browsers(call.script)
        player = player or Player(asyncio.get_running_loop())
        going_on.add(call)
        try:
            if call.upstream is None:
                await play(call, connection, player, receive, send, exact)
            else:
                await relay(call, call.upstream, connection, player, receive, send)
        finally:
            going_on.discard(call)

    return Starlette(routes=[Mount("/", app=answer)])  # type: ignore[arg-type]


def _open_to_browsers(script: Script) -> Script:
    head = replace(script.head, headers=(*script.head.headers, *_CORS))
    return replace(script, head=head)

"""What a server answers beside OpenAI's endpoints: its control API, its health and its sandboxes.

Rules of this file: nothing here knows what the control API says. Its handlers run in a thread of
their own, which hands over the interpreter often, so that no stream is late because of them. An
endless response, such as followed calls, is read piece by piece in that thread. Whether the server
lives is answered at once, whatever the thread does.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, TypeVar

from openai_mockserver.access import with_cors
from openai_mockserver.request import Request
from openai_mockserver.server.door import HEALTH, Follower, SideResponse
from openai_mockserver.server.worker import run_in_turns

__all__ = ["SidePlayer"]

T = TypeVar("T")


class SidePlayer:
    """Answers requests beside those to OpenAI's endpoints, for one event loop."""

    def __init__(self) -> None:
        self._threads: ThreadPoolExecutor | None = None

    async def answer(
        self,
        handle: Callable[[Request], SideResponse],
        request: Request,
        cors: Sequence[tuple[str, str]],
        receive: Callable[[], Any],
        send: Callable[[dict[str, Any]], Any],
    ) -> None:
        """Answer a request whose body was read completely.

        Args:
            handle: returns the response; called in the thread.
            request: the request.
            cors: headers that let a page read the response.
            receive, send: those of ASGI.
        """
        is_health = request.path.endswith(HEALTH)
        response = handle(request) if is_health else await self._run(handle, request)
        headers = with_cors(response.headers, cors)
        start = {
            "type": "http.response.start",
            "status": response.status,
            "headers": [(k.lower().encode("latin-1"), v.encode("latin-1")) for k, v in headers],
        }
        await send(start)
        body, pieces, follower = response.body, response.pieces, response.follower
        has_more = pieces is not None or follower is not None
        await send({"type": "http.response.body", "body": body, "more_body": has_more})
        if pieces is not None:
            await self._send_pieces(pieces, receive, send)
        elif follower is not None:
            await self._follow(follower, receive, send)

    async def _run(self, function: Callable[..., T], *arguments: Any) -> T:
        if self._threads is None:
            self._threads = ThreadPoolExecutor(1, "openai-mockserver-control")
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, run_in_turns, function, *arguments)

    async def _send_pieces(
        self,
        pieces: Iterator[bytes],
        receive: Callable[[], Any],
        send: Callable[[dict[str, Any]], Any],
    ) -> None:
        """Send a body while it is made, so that others get their turn, until the client leaves."""
        departure = asyncio.ensure_future(_wait_for_departure(receive))
        try:
            while not departure.done() and (body := await self._run(_join_pieces, pieces)):
                await send({"type": "http.response.body", "body": body, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            departure.cancel()

    async def _follow(
        self,
        follower: Follower,
        receive: Callable[[], Any],
        send: Callable[[dict[str, Any]], Any],
    ) -> None:
        """Send what a follower reads, until the client leaves."""
        loop, news = asyncio.get_running_loop(), asyncio.Event()

        def wake() -> None:
            with suppress(RuntimeError):  # the loop has closed already
                loop.call_soon_threadsafe(news.set)

        departure = asyncio.ensure_future(_wait_for_departure(receive))
        stop_following = follower.subscribe(wake)
        try:
            while not departure.done():
                news.clear()
                if body := await self._run(follower.read):
                    await send({"type": "http.response.body", "body": body, "more_body": True})
                    continue
                arrival = asyncio.ensure_future(news.wait())
                await asyncio.wait(
                    (departure, arrival),
                    timeout=follower.interval,
                    return_when=asyncio.FIRST_COMPLETED,
                )
                arrival.cancel()
        finally:
            stop_following()
            departure.cancel()


_PIECE = 1 << 16  # bytes
_TURN = 0.02  # seconds for which pieces are made before others get their turn


def _join_pieces(pieces: Iterator[bytes]) -> bytes:
    """Return the next pieces together; nothing at the end."""
    body, until = b"", time.monotonic() + _TURN
    for piece in pieces:
        body += piece
        if len(body) >= _PIECE or time.monotonic() > until:
            break
    return body


async def _wait_for_departure(receive: Callable[[], Any]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass

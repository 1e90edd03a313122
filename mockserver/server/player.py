"""Plays scripts on connections.

Rules of this file: deadlines are absolute from the head; one heap and one timer serve all streams,
and writes happen in the timer's callback; what is overdue goes out in one write, each step still
its own HTTP chunk. Nothing here decides what to say.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any

from mockserver.journal import CLIENT_DISCONNECTED, Call
from mockserver.script import Script
from mockserver.server.protocol import Connection
from mockserver.timeline import Frame, frames

__all__ = ["Player", "play"]

Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]

HIGH_WATER = 64 * 1024  # bytes in a connection's buffer that make its stream wait for the client


class Player:
    """The clock of all the streams of one event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._heap: list[tuple[float, int, Callable[[float], float | None]]] = []
        self._order = count()
        self._timer: asyncio.TimerHandle | None = None
        self._armed_for = 0.0

    def at(self, due: float, act: Callable[[float], float | None]) -> None:
        """Call ``act(now)`` when it is due; what it returns is when to call it again."""
        heapq.heappush(self._heap, (due, next(self._order), act))
        if self._timer is None or due < self._armed_for:
            self._arm()

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
        if self._heap:
            self._armed_for = self._heap[0][0]
            self._timer = self.loop.call_at(self._armed_for, self._fire)

    def _fire(self) -> None:
        self._timer = None
        now = self.loop.time()
        again: list[tuple[float, Callable[[float], float | None]]] = []
        while self._heap and self._heap[0][0] <= now:
            act = heapq.heappop(self._heap)[2]
            due = act(now)
            if due is not None:
                again.append((due, act))
        # Armed once, after all writes: arming within the loop makes events late.
        for due, act in again:
            heapq.heappush(self._heap, (due, next(self._order), act))
        self._arm()


class _Stream:
    """A script on its way over one connection."""

    def __init__(self, call: Call, connection: Connection, player: Player) -> None:
        self._call = call
        self._connection = connection
        self._player = player
        self._frames = frames(call.script)
        self._next: Frame | None = None
        self._started = player.loop.time()
        self.wake: asyncio.Future[None] = player.loop.create_future()
        self.lost = False
        self.done = False
        connection.on_lost = self._lose

    def _lose(self) -> None:
        self.lost = True
        self._call.end(CLIENT_DISCONNECTED)
        self._awake()

    def _awake(self) -> None:
        if not self.wake.done():
            self.wake.set_result(None)

    async def sleep_until(self, due: float) -> None:
        """Wait until so many seconds after the start, or until the client leaves."""
        if due > 0 and not self.lost:
            self.wake = self._player.loop.create_future()
            self._player.at(self._started + due, self._ring)
            await self.wake

    def _ring(self, now: float) -> None:
        self._awake()

    def begin(self) -> None:
        """Time counts from here."""
        self._started = self._player.loop.time()

    async def chunks(self, send: Send) -> None:
        """Write the whole body as HTTP chunks, straight to the transport."""
        while not (self.done or self.lost):
            self.wake = self._player.loop.create_future()
            due = self._write_overdue(self._player.loop.time())
            if due is not None:
                self._player.at(due, self._write_overdue)
            await self.wake
            # An empty send returns when the client has taken what was written.
            await send({"type": "http.response.body", "body": b"", "more_body": True})

    def _write_overdue(self, now: float) -> float | None:
        """Write what is due by now; when to go on, or None to be begun again by `chunks`."""
        out: list[bytes] = []
        size = 0
        due: float | None = None
        while not self.lost:
            frame = self._next or next(self._frames, None)
            self._next = None
            if frame is None:
                self.done = True
                break
            if self._started + frame.due > now:
                self._next, due = frame, self._started + frame.due
                break
            if frame.data:
                out.append(b"%x\r\n%b\r\n" % (len(frame.data), frame.data))
                size += len(frame.data)
                self._call.handed_over(frame)
            if size > HIGH_WATER:
                break
        if out and not self._connection.transport.is_closing():
            self._connection.transport.write(b"".join(out))
        if due is None or self._connection.transport.get_write_buffer_size() > HIGH_WATER:
            self._awake()
            return None
        return due

    async def whole(self, send: Send) -> None:
        """Send a body of stated length, step by step, and leave its end open."""
        for frame in self._frames:
            await self.sleep_until(frame.due)
            if self.lost:
                return
            if frame.data:
                self._call.handed_over(frame)
                await send({"type": "http.response.body", "body": frame.data, "more_body": True})

    async def gone(self) -> None:
        """Wait until the client has left."""
        while not self.lost:
            self.wake = self._player.loop.create_future()
            await self.wake


async def play(
    call: Call, connection: Connection, player: Player, receive: Receive, send: Send
) -> None:
    """Play a call's script as the response of its request."""
    script = call.script
    stream = _Stream(call, connection, player)
    try:
        await stream.sleep_until(script.head.delay)
        if not stream.lost:
            await send(_start(script))
            stream.begin()
            chunked = script.head.header("content-length") is None
            await (stream.chunks(send) if chunked else stream.whole(send))
        if not stream.lost:
            await _ENDINGS[script.end](stream, connection, call, send)
    finally:
        connection.on_lost = None
        call.end(CLIENT_DISCONNECTED if stream.lost else None)
    if stream.lost:
        # Told so by uvicorn itself, the application may return without an end.
        await receive()


def _start(script: Script) -> dict[str, Any]:
    return {
        "type": "http.response.start",
        "status": script.head.status,
        "headers": [(k.encode("latin-1"), v.encode("latin-1")) for k, v in script.head.headers],
    }


async def _finish(stream: _Stream, connection: Connection, call: Call, send: Send) -> None:
    # Over for the journal before the client can know it.
    call.end()
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _reset(stream: _Stream, connection: Connection, call: Call, send: Send) -> None:
    # A reset overtakes what the client has not received, so it has to wait for that.
    await connection.drained()
    call.end()
    connection.reset()
    await stream.gone()


async def _truncate(stream: _Stream, connection: Connection, call: Call, send: Send) -> None:
    call.end()
    connection.close()
    await stream.gone()


async def _hold(stream: _Stream, connection: Connection, call: Call, send: Send) -> None:
    await stream.gone()


_ENDINGS = {"finish": _finish, "reset": _reset, "truncate": _truncate, "hold": _hold}

"""Plays scripts on connections.

Rules of this file: deadlines are absolute from the head; one heap and one timer serve all streams,
and writes happen in the timer's callback; what is overdue goes out in one write, each step still
its own HTTP chunk. Nothing here decides what to say.
"""

from __future__ import annotations

import asyncio
import heapq
import math
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from itertools import chain, count
from typing import Any, NamedTuple

from openai_mockserver.http1 import keeps_open, wire_frames
from openai_mockserver.journal import CLIENT_DISCONNECTED, FAILED, Call
from openai_mockserver.script import Frame
from openai_mockserver.server.protocol import Connection

__all__ = ["HIGH_WATER", "Player", "Receive", "Send", "play", "tell"]

Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]

SLICE = 256 * 1024  # bytes that are written at once
HIGH_WATER = 64 * 1024  # bytes in a connection's buffer that make its stream wait for the client
FEW = 32  # streams at once, at most, of which it is found out at each event what was read
TURN = 0.0025  # seconds for which streams are written until what has come meanwhile is read
PATIENCE = 0.02  # seconds that a paced event waits for the client to read the one before


class Player:
    """The clock of all the streams of one event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._heap: list[tuple[float, int, Callable[[float], float | None]]] = []
        self._order = count()
        self._timer: asyncio.TimerHandle | None = None
        self._armed_for = 0.0
        self._coarse = type(loop).__module__.startswith("uvloop")

    def at(self, due: float, act: Callable[[float], float | None]) -> None:
        """Call ``act(now)`` when it is due; what it returns is when to call it again."""
        heapq.heappush(self._heap, (due, next(self._order), act))
        if self._timer is None or due < self._armed_for:
            self._arm()

    @property
    def is_busy(self) -> bool:
        """Whether so many streams wait for their time that none can be looked at more closely."""
        return len(self._heap) > FEW

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
        if self._heap:
            self._armed_for = self._heap[0][0]
            # uvloop counts milliseconds: rounded down, its timer would ring before the time.
            when = math.ceil(self._armed_for * 1000) / 1000 if self._coarse else self._armed_for
            self._timer = self.loop.call_at(when, self._fire)

    def _fire(self) -> None:
        self._timer = None
        now, until = self.loop.time(), time.monotonic() + TURN
        heap, turns = self._heap, 0
        while heap and heap[0][0] <= now:
            act = heapq.heappop(heap)[2]
            due = act(now)
            if due is not None:
                heapq.heappush(heap, (due, next(self._order), act))
            # Others ask meanwhile, and want their first bytes.
            turns += 1
            if not turns % 16 and time.monotonic() > until:
                break
        # Armed once, after all writes: arming within the loop makes events late.
        self._arm()


class _Unread(NamedTuple):
    """A frame that was written and is not known to be read, and how many bytes it has in all."""

    length: int
    events: int
    size: int


class _Stream:
    """A script on its way over one connection.

    What the client has read is found out as it goes along, for when it leaves nobody can tell any
    more. A frame with a fence is written when all before it has been read; ``lead`` makes a fence
    of every so many events. A paced event also waits for the one before, but not for long: its time
    counts more than to know what was read of a client that is slow.
    """

    __slots__ = (
        "_ahead", "_ahead_length", "_ahead_size", "_call", "_coalesces", "_connection", "_done",
        "_fenced", "_frames", "_lags", "_lead", "_next", "_note_handed", "_paced", "_player",
        "_started", "_tracks", "_unread", "_waits", "_wake", "failed", "lost",
    )  # fmt: skip

    def __init__(
        self,
        call: Call,
        connection: Connection,
        player: Player,
        exact: bool = False,
        lead: int | None = None,
        coalesce: bool = True,
    ) -> None:
        self._coalesces = coalesce
        self._paced = exact and call.script.is_paced
        self._lead = lead
        self._tracks = self._paced or lead is not None
        # Of what is not known to be read: the events, the body's bytes, and all bytes; and where
        # each frame of it ends, if that is wanted.
        self._ahead = self._ahead_size = self._ahead_length = 0
        self._unread: deque[_Unread] | None = deque() if self._tracks else None
        self._waits = False
        self._lags = False
        self._call = call
        self._connection = connection
        self._player = player
        # If nobody asks what of it was read, what is due at once is written at once.
        lazy = call.script.lazy
        one_by_one = self._tracks or (lazy is None and not coalesce)
        together = 0 if one_by_one else SLICE
        frames = wire_frames(call.script, call.method, together)
        is_short = lazy is not None and lazy.size <= SLICE
        self._frames = frames if is_short else _slice_long(frames)
        self._next: Frame | None = None
        self._started = player.loop.time()
        is_lazy = lazy is not None and lazy.silences is not None
        self._note_handed = call.handed_over_in_turn if is_lazy else call.handed_over
        self._wake: asyncio.Future[None] | None = None
        self.lost = False
        self.failed: Exception | None = None
        self._done = False
        self._fenced = False
        connection.on_lost = self._lose

    def _lose(self, error: Exception | None) -> None:
        self.lost = True
        self._frames, self._next = iter(()), None
        self._awake()

    def _awake(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    async def write(self, send: Send) -> None:
        """Write all that the script says, straight to the transport."""
        while not (self._done or self.lost):
            if self._connection.transport.is_closing():
                await self.gone()
                break
            due = self._act(self._player.loop.time())
            if due is not None:
                self._wake = self._player.loop.create_future()
                self._player.at(due, self._act)
                await self._wake
            if self.failed is not None:
                raise self.failed
            if self._fenced:
                if await self._connection.read_by_client():
                    self._mark_read(0)
            elif self._waits:
                self._lags = not await self._connection.read_by_client(PATIENCE, tries=3)
                if not self._lags:
                    self._mark_read(0)
            elif self._connection.transport.get_write_buffer_size() > HIGH_WATER:
                await self._connection.drained()
            elif not self._done:
                await asyncio.sleep(0)  # a client that reads as fast leaves nothing to wait for

    def _act(self, now: float) -> float | None:
        try:
            return self._write_overdue(now)
        except Exception as error:
            # It ends this stream, not the timer of all.
            self.failed = error
            self._awake()
            return None

    def _write_overdue(self, now: float) -> float | None:
        """Write what is due by now; when to go on, or None to be begun again by `write`."""
        out: list[bytes] = []
        size = events = body = 0
        due: float | None = None
        transport, elapsed = self._connection.transport, now - self._started
        if transport.is_closing():  # it is about to be lost
            self._awake()
            return None
        crossed, self._fenced, self._waits = self._fenced or self._waits, False, False
        while not self.lost:
            frame = self._next or next(self._frames, None)
            self._next = None
            if frame is None:
                self._done = True
                break
            if self._started + frame.due > now:  # the very sum by which the player waits
                self._next, due = frame, self._started + frame.due
                self._fenced = crossed and frame.fence
                break
            if not crossed and frame.fence:
                self._next, self._fenced = frame, True
                break
            if self._tracks and not crossed:
                if self._lead and self._is_ahead(frame):
                    self._next, self._fenced = frame, True
                    break
                if self._paced and self._has_to_wait(frame, bool(out)):
                    self._next, self._waits = frame, True
                    break
            crossed = False
            if frame.data:
                length = len(frame.data)
                if self._coalesces or not frame.ends:
                    out.append(frame.data)
                else:
                    out += _split_steps(frame)
                size += length
                if self._tracks:
                    self._add_unread(length, frame.events, frame.size)
                else:
                    events += frame.events
                    body += frame.size
                if frame.size or frame.events:
                    self._note_handed(frame, elapsed)
            if size >= SLICE:
                break
        if not self._tracks:
            self._add_unread(size, events, body)
        if out:
            if len(out) == 1:
                transport.write(out[0])
            elif not self._coalesces:
                self._connection.write_each(out)
            elif self._connection.is_tls:  # each piece would be a record of its own
                transport.write(b"".join(out))
            else:
                transport.writelines(out)
        if due is None or transport.get_write_buffer_size() > HIGH_WATER:
            self._awake()
            return None
        return due

    def _add_unread(self, length: int, events: int, size: int) -> None:
        self._ahead += events
        self._ahead_size += size
        self._ahead_length += length
        if self._unread is not None:
            self._unread.append(_Unread(length, events, size))

    def _is_ahead(self, frame: Frame) -> bool:
        return bool(frame.events) and self._ahead >= (self._lead or 0)

    def _has_to_wait(self, frame: Frame, writing: bool) -> bool:
        """Whether the client is to read what it has before it gets a paced event more."""
        if not frame.events or not self._ahead or self._player.is_busy:
            return False
        if not writing:
            unread = self._connection.count_unread()
            if unread is not None:
                self._mark_read(unread)
            if not self._ahead_length:
                self._lags = False
            elif unread is None:
                return self._connection.is_gone
        return bool(self._ahead) and not self._lags

    def _mark_read(self, unread: int) -> None:
        """All has been read but so many bytes."""
        if not unread:
            self._ahead = self._ahead_size = self._ahead_length = 0
            if self._unread is not None:
                self._unread.clear()
            return
        while self._unread and self._ahead_length - self._unread[0].length >= unread:
            first = self._unread.popleft()
            self._ahead -= first.events
            self._ahead_size -= first.size
            self._ahead_length -= first.length

    @property
    def needs_no_watch(self) -> bool:
        """Whether what is left is to find out whether its client reads it all."""
        call = self._call
        if self._tracks or call.script.end != "finish" or call.http_version != "1.1":
            return False
        if self._connection.is_tls:  # whose end may be a reset though all was read
            return False
        return keeps_open(call.script) and "close" not in call.headers.get("connection", "").lower()

    def leave(self, on_over: Callable[[], object]) -> None:
        """Give up the connection to the next request; the call ends when this one was read."""
        call, connection = self._call, self._connection

        def finish(how: str | None) -> None:
            connection.on_lost = None
            call.on_wait = None
            self.end(how)
            on_over()

        def note_read(is_known: bool) -> None:
            if is_known:
                self._mark_read(0)
            finish(None)

        def note_lost(error: Exception | None) -> None:
            self.lost = True
            # After this the transport closes its socket.
            how = CLIENT_DISCONNECTED if connection.left_unread else None
            self._player.loop.call_soon(finish, how)

        connection.on_lost = note_lost
        call.on_wait = partial(self._player.loop.call_soon_threadsafe, connection.look)
        connection.note_when_read(note_read)

    async def read(self) -> bool:
        """Wait until the client has read it all; False if it has left before."""
        if await self._connection.read_by_client(tries=3):
            self._mark_read(0)
        elif self._connection.transport.is_closing():
            await self.gone()
        return not self.lost

    def end(self, how: str | None = None) -> None:
        """Tell the call how it ended, and how much the client took."""
        call, script = self._call, self._call.script
        if self.lost and not self._connection.left_unread:
            self._mark_read(0)
        by_script = how is None and script.end in ("reset", "truncate", "cut")
        if not self._ahead_length or by_script:
            call.is_exact = True
            call.end(how)
            return
        size = self._ahead_size
        # If it is one event, that is what the client has not read whole.
        call.is_exact = how is not None and (self._ahead == 1 or not size)
        if call.is_exact:
            call.take_back(self._ahead, size)
        call.end(how)

    async def gone(self) -> None:
        """Wait until the client has left."""
        while not self.lost:
            self._wake = self._player.loop.create_future()
            await self._wake


def _split_steps(frame: Frame) -> Iterator[bytes]:
    """Split a frame into its steps."""
    return map(frame.data.__getitem__, map(slice, chain((0,), frame.ends), frame.ends))


def _slice_long(frames: Iterator[Frame]) -> Iterator[Frame]:
    """The same frames, but none so long that other streams would wait while it is written."""
    for frame in frames:
        length = len(frame.data)
        if length <= SLICE:
            yield frame
            continue
        left = frame.size
        for at in range(0, length, SLICE):
            data = frame.data[at : at + SLICE]
            ends = at + SLICE >= length
            size = left if ends else min(left, len(data))
            left -= size
            events = frame.events if ends else 0
            yield Frame(frame.due, data, events, size, frame.last and ends, frame.fence and not at)


async def play(
    call: Call,
    connection: Connection,
    player: Player,
    send: Send,
    exact: bool = False,
    lead: int | None = None,
    coalesce: bool = True,
    on_over: Callable[[], object] = lambda: None,
) -> None:
    """Play a call's script as the response of its request.

    It is finished when the client has read it, and not before: then ``on_over`` is called, which
    may be after the connection has been given up to the next request.

    Args:
        exact: find out, before each event of a paced stream, whether the last was read.
        lead: how many events a stream may be ahead of what its client has read.
        coalesce: whether events that are due at the same time may share a write.
    """
    script = call.script
    call.is_exact = False
    stream = _Stream(call, connection, player, exact, lead, coalesce)
    is_left = False
    try:
        await stream.write(send)
        call.written = not stream.lost and script.end in ("finish", "close", "half_close")
        if call.written and stream.needs_no_watch:
            is_left = True
            stream.leave(on_over)
            await tell(connection, send, close=False)
            return
        # If it leaves without a byte unread, it has had the whole response.
        if call.written and not await stream.read() and not connection.left_unread:
            stream.end()
        if not stream.lost:
            await _ENDINGS[script.end](stream, connection, call, send)
    except Exception as error:
        call.problem = f"playing the response failed: {error!r}"
        stream.end(FAILED)
        connection.transport.abort()
        await stream.gone()
    finally:
        if not is_left:
            connection.on_lost = None
            stream.end(CLIENT_DISCONNECTED if stream.lost else None)
            on_over()


async def _finish(stream: _Stream, connection: Connection, call: Call, send: Send) -> None:
    # Over for the journal before the client can know it.
    stream.end()
    await tell(connection, send, close=not keeps_open(call.script))


async def _close(stream: _Stream, connection: Connection, call: Call, send: Send) -> None:
    stream.end()
    await tell(connection, send, close=True)


async def tell(connection: Connection, send: Send, close: bool) -> None:
    """Let uvicorn know that the response is over, and whether the connection is; in silence.

    Also where the connection is lost: if another request came early, uvicorn does not tell this
    one.
    """
    headers = [(b"content-length", b"0")]
    if close:
        headers.append((b"connection", b"close"))
    connection.muted = True
    try:
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
    finally:
        connection.muted = False
        connection.finish()


async def _half_close(stream: _Stream, connection: Connection, call: Call, send: Send) -> None:
    stream.end()
    if connection.transport.can_write_eof():
        connection.transport.write_eof()
    else:
        call.problem = "half_close() has no meaning over TLS, which cannot close in one direction"
        connection.transport.close()
    await stream.gone()


async def _reset(stream: _Stream, connection: Connection, call: Call, send: Send) -> None:
    # A reset overtakes what the client has not received, so it has to wait for that.
    await connection.drained()
    if not stream.lost:
        stream.end()
        connection.reset()
    await stream.gone()


async def _truncate(stream: _Stream, connection: Connection, call: Call, send: Send) -> None:
    stream.end()
    connection.transport.close()
    await stream.gone()


async def _cut(stream: _Stream, connection: Connection, call: Call, send: Send) -> None:
    await connection.drained()
    if stream.lost:
        return
    stream.end()
    # Aborting a TLS transport closes the socket below it, without a goodbye.
    connection.transport.abort()
    await stream.gone()


async def _hold(stream: _Stream, connection: Connection, call: Call, send: Send) -> None:
    await stream.gone()


_ENDINGS = {
    "finish": _finish,
    "close": _close,
    "half_close": _half_close,
    "reset": _reset,
    "truncate": _truncate,
    "cut": _cut,
    "hold": _hold,
}

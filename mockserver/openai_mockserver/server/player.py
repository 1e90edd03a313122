"""The player: writes scripts to sockets, each step on time.

Rules of this file: deadlines are absolute, counted from the start of the response. One heap and one
timer serve all streams, and writes happen in the timer's callback. Overdue steps share one write,
but each remains a separate HTTP chunk. Nothing here decides what a response contains.


Theory of operation
===================

Three files work together. `_Stream`, below, turns a script into `Frame` values (bytes and their
due time) and writes them to a transport. `Connection` (``protocol``) knows the transport and what
its client has read. `Peers` (``peer``) reads the kernel's view of the client's socket.

Bytes that were written are not yet received, and bytes that were received are not yet read:

    _Stream -> transport's buffer -> our kernel's send queue -> client's receive queue -> program
               get_write_buffer_size   TIOCOUTQ                 sock_diag

* *Received*: the client's kernel has acknowledged every byte. ``ioctl(TIOCOUTQ)`` on our socket
  returns how many bytes it has not acknowledged. No event reports that this reaches zero, so
  `Connection.wait_until_received` polls every millisecond. This works for every client, but on
  Windows only the transport's buffer is known.
* *Read*: the client's program has taken the bytes out of its receive queue. If the client runs on
  this machine, its socket is in our kernel, and sock_diag returns two counts for it: the bytes
  received since the connection began, and the bytes still queued. Their difference has been read.
  `Connection.count_unread_bytes` subtracts it from the bytes that we have sent, also counted by
  the kernel (``TCP_INFO``). For a client on another machine the count is None; the stream then
  waits until the bytes are received, and 2 ms longer.

Example: ``reset(after=3)`` on a stream without pauses. The fault has cut the script after its third
event and set its end to ``reset``.

1. `play` creates a `_Stream`; `write` puts the head and the three events into one frame or more
   and hands them to the transport in a single write. `Call.log_frame` counts three events.
2. The stream counts the written bytes as unread: 3 events, ``_unread_bytes`` of them.
3. The script has no complete body, so the call is not marked as written; `_reset` runs. Sending RST
   now would make our kernel discard the bytes in its send queue. Therefore `wait_until_received`
   polls ``TIOCOUTQ`` until it is 0: the client's kernel holds the head and all three events.
4. `_Stream.end_call` reports the outcome to the `Call`, so that a test that wakes up because of the
   reset finds the call already over: `Call.delivered` is three events, and `Call.ended` is
   ``reset``.
5. `Connection.reset` sets a linger time of zero and aborts the transport: the close sends RST. The
   client reads three events, then ``ECONNRESET``. `wait_until_lost` returns when the event loop
   has reported the loss of the connection.

If the client leaves first, nothing can be queried afterwards, because its socket is gone. A stream
that must know how many events its client received therefore queries while it plays, before each
event. With ``exact``, a paced event is written once the previous one has been read, or after 20 ms
(`READ_WAIT`) if the client is slow: keeping the pace is then more important than an exact count,
and `Call.delivered` says that it is a maximum. With more than 32 (`FEW`) waiting streams, events do
not wait at all. With ``lead``, once that many events are unread, the next one waits without a limit
until all bytes are read. So does the frame after a `Boundary`, which has a ``fence``.

A response with a complete body ends when the client has read it, because until then it may still
leave with bytes unread. That must not delay the next request on the same connection, so
`release_connection` returns the connection to uvicorn at once, and `Connection.call_when_read`
ends the call later.
"""

from __future__ import annotations

import asyncio
import heapq
import math
import time
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from itertools import count
from typing import Any, NamedTuple

from openai_mockserver.engine import TicketPace
from openai_mockserver.http1 import keeps_open, wire_frames
from openai_mockserver.journal import CLIENT_DISCONNECTED, FAILED, Call
from openai_mockserver.script import Frame
from openai_mockserver.server.engines import Engines
from openai_mockserver.server.protocol import Connection
from openai_mockserver.server.slices import SLICE, slice_long, split_steps

__all__ = ["HIGH_WATER", "Player", "Receive", "Send", "end_uvicorn_cycle", "play"]

Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]

HIGH_WATER = 64 * 1024  # bytes in a transport's buffer above which its stream waits
FEW = 32  # with at most this many waiting streams, the kernel is queried before each event
TURN = 0.0025  # seconds of writing after which the event loop may read sockets
READ_WAIT = 0.02  # maximum seconds that a paced event waits until the previous one is read


class Player:
    """The clock of all streams of one event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._heap: list[tuple[float, int, Callable[[float], float | None]]] = []
        self._order = count()
        self._timer: asyncio.TimerHandle | None = None
        self._armed_for = 0.0
        self._is_coarse = type(loop).__module__.startswith("uvloop")
        self.engines = Engines(loop, self.at)

    def at(self, due: float, callback: Callable[[float], float | None]) -> None:
        """Call ``callback(now)`` when it is due, and again at the time that it returns, if any."""
        heapq.heappush(self._heap, (due, next(self._order), callback))
        if self._timer is None or due < self._armed_for:
            self._arm()

    @property
    def is_busy(self) -> bool:
        """Whether too many streams wait to query the kernel about each of their events."""
        return len(self._heap) > FEW

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
        if self._heap:
            self._armed_for = self._heap[0][0]
            # uvloop's timer counts whole milliseconds; rounded down, it would fire early.
            when = math.ceil(self._armed_for * 1000) / 1000 if self._is_coarse else self._armed_for
            self._timer = self.loop.call_at(when, self._fire)

    def _fire(self) -> None:
        self._timer = None
        now, turn_end = self.loop.time(), time.monotonic() + TURN
        heap, runs = self._heap, 0
        while heap and heap[0][0] <= now:
            callback = heapq.heappop(heap)[2]
            due = callback(now)
            if due is not None:
                heapq.heappush(heap, (due, next(self._order), callback))
            # New requests arrive meanwhile, and need their first bytes.
            runs += 1
            if not runs % 16 and time.monotonic() > turn_end:
                break
        # Arm the timer once, after all writes: arming it within the loop makes events late.
        self._arm()


class _UnreadFrame(NamedTuple):
    """A written frame that the client may not have read.

    ``length`` counts the bytes on the wire, ``size`` those of the body among them.
    """

    length: int
    events: int
    size: int


class _Stream:
    """A script that is being played on one connection.

    It queries what the client has read while it plays, because afterwards the client may be gone.
    A frame with a fence is written when everything before it has been read. With ``lead``, the
    client may have at most that many unread events. A paced event waits until the previous one is
    read, but at most `READ_WAIT` seconds.
    """

    __slots__ = (
        "_call",
        "_client_lags",
        "_coalesces",
        "_connection",
        "_frames",
        "_is_done",
        "_is_paced",
        "_lead",
        "_log_frame",
        "_next",
        "_pace",
        "_player",
        "_start",
        "_tracks_reads",
        "_unread_body",
        "_unread_bytes",
        "_unread_events",
        "_unread_frames",
        "_waits_at_fence",
        "_waits_for_reader",
        "_waits_for_token",
        "_wakeup",
        "error",
        "is_lost",
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
        ticket, delay = call.ticket, call.script.head.delay
        self._pace = None if ticket is None else TicketPace(ticket, delay)
        self._is_paced = exact and (call.script.is_paced or call.ticket is not None)
        self._lead = lead
        self._tracks_reads = self._is_paced or lead is not None
        # What may be unread: the events, the body's bytes, all bytes and, if tracked, the frames.
        self._unread_events = self._unread_body = self._unread_bytes = 0
        self._unread_frames: deque[_UnreadFrame] | None = deque() if self._tracks_reads else None
        self._waits_for_reader = False
        self._client_lags = False
        self._call = call
        self._connection = connection
        self._player = player
        # If reads are not tracked, steps that are due at the same time share a frame.
        lazy = call.script.lazy
        frame_by_frame = self._tracks_reads or (lazy is None and not coalesce) or ticket is not None
        joined_size = 0 if frame_by_frame else SLICE
        frames = wire_frames(call.script, call.method, joined_size)
        is_short = lazy is not None and lazy.size <= SLICE
        self._frames = frames if is_short else slice_long(frames)
        self._next: Frame | None = None
        self._start = player.loop.time()
        is_lazy = lazy is not None and lazy.silences is not None
        self._log_frame = call.log_lazy_frame if is_lazy else call.log_frame
        self._wakeup: asyncio.Future[None] | None = None
        self.is_lost = False
        self.error: Exception | None = None
        self._is_done = False
        self._waits_at_fence = self._waits_for_token = False
        connection.on_lost = self._lose

    def _lose(self, error: Exception | None) -> None:
        self.is_lost = True
        self._frames, self._next = iter(()), None
        self._resume()

    def _resume(self) -> None:
        if self._wakeup is not None and not self._wakeup.done():
            self._wakeup.set_result(None)

    async def write(self, send: Send) -> None:
        """Write the whole script to the transport."""
        while not (self._is_done or self.is_lost):
            if self._connection.transport.is_closing():
                await self.wait_until_lost()
                break
            due = self._write_safely(self._player.loop.time())
            if due is not None:
                self._wakeup = self._player.loop.create_future()
                self._player.at(due, self._write_safely)
                await self._wakeup
            if self.error is not None:
                raise self.error
            if self._waits_for_token:
                await self._wait_for_token()
            elif self._waits_at_fence:
                if await self._connection.wait_until_read():
                    self._mark_read(0)
            elif self._waits_for_reader:
                self._client_lags = not await self._connection.wait_until_read(READ_WAIT, tries=3)
                if not self._client_lags:
                    self._mark_read(0)
            elif self._connection.transport.get_write_buffer_size() > HIGH_WATER:
                await self._connection.wait_until_received()
            elif not self._is_done:
                await asyncio.sleep(0)  # nothing to wait for: let other tasks run

    def _write_safely(self, now: float) -> float | None:
        try:
            return self._write_due_frames(now)
        except Exception as error:
            # An error ends this stream, not the timer that all streams share.
            self.error = error
            self._resume()
            return None

    def _write_due_frames(self, now: float) -> float | None:
        """Write the frames that are due, and return when the next is; None if `write` continues."""
        pieces: list[bytes] = []
        size = events = body = 0
        due: float | None = None
        transport, elapsed = self._connection.transport, now - self._start
        if transport.is_closing():  # the loss of the connection is about to be reported
            self._resume()
            return None
        may_cross = self._waits_at_fence or self._waits_for_reader
        self._waits_at_fence = self._waits_for_reader = self._waits_for_token = False
        while not self.is_lost:
            frame = self._next or next(self._frames, None)
            self._next = None
            if frame is None:
                self._is_done = True
                break
            frame_due = self._find_due(frame)
            if frame_due is None:
                self._next, self._waits_for_token = frame, True
                break
            if frame_due > now:  # the same time that the player waits for
                self._next, due = frame, frame_due
                self._waits_at_fence = may_cross and frame.fence
                break
            if not may_cross and frame.fence:
                self._next, self._waits_at_fence = frame, True
                break
            if self._tracks_reads and not may_cross:
                if self._lead and self._exceeds_lead(frame):
                    self._next, self._waits_at_fence = frame, True
                    break
                if self._is_paced and self._must_wait_for_reader(frame, bool(pieces)):
                    self._next, self._waits_for_reader = frame, True
                    break
            may_cross = False
            if frame.data:
                length = len(frame.data)
                if self._coalesces or not frame.ends:
                    pieces.append(frame.data)
                else:
                    pieces += split_steps(frame)
                size += length
                if self._tracks_reads:
                    self._add_unread(length, frame.events, frame.size)
                else:
                    events += frame.events
                    body += frame.size
                if self._pace is not None:
                    self._pace.note(frame.due, frame_due, frame.events)
                    frame = frame._replace(due=max(0.0, frame_due - self._start))
                if frame.size or frame.events:
                    self._log_frame(frame, elapsed)
            if size >= SLICE:
                break
        if not self._tracks_reads:
            self._add_unread(size, events, body)
        if pieces:
            if len(pieces) == 1:
                transport.write(pieces[0])
            elif not self._coalesces:
                self._connection.write_each(pieces)
            elif self._connection.is_tls:  # each piece would become a TLS record
                transport.write(b"".join(pieces))
            else:
                transport.writelines(pieces)
        if due is None or transport.get_write_buffer_size() > HIGH_WATER:
            self._resume()
            return None
        return due

    def _find_due(self, frame: Frame) -> float | None:
        """Return when a frame is due; None if that depends on a token that has no time yet."""
        return self._start + frame.due if self._pace is None else self._pace.find_due(frame.due)

    async def _wait_for_token(self) -> None:
        """Wait until the first token is generated, or the client has left."""
        assert self._call.ticket is not None
        self._wakeup = self._player.loop.create_future()
        wake = partial(self._player.loop.call_soon_threadsafe, self._resume)
        self._call.ticket.call_at_start(wake)
        await self._wakeup

    def _add_unread(self, length: int, events: int, size: int) -> None:
        self._unread_events += events
        self._unread_body += size
        self._unread_bytes += length
        if self._unread_frames is not None:
            self._unread_frames.append(_UnreadFrame(length, events, size))

    def _exceeds_lead(self, frame: Frame) -> bool:
        return bool(frame.events) and self._unread_events >= (self._lead or 0)

    def _must_wait_for_reader(self, frame: Frame, is_writing: bool) -> bool:
        """Whether this paced frame waits until the client has read what it has."""
        if not frame.events or not self._unread_events or self._player.is_busy:
            return False
        if not is_writing:
            unread = self._connection.count_unread_bytes()
            if unread is not None:
                self._mark_read(unread)
            if not self._unread_bytes:
                self._client_lags = False
            elif unread is None:
                return self._connection.is_gone
        return bool(self._unread_events) and not self._client_lags

    def _mark_read(self, unread: int) -> None:
        """Note that the client has read everything except the last ``unread`` bytes."""
        if not unread:
            self._unread_events = self._unread_body = self._unread_bytes = 0
            if self._unread_frames is not None:
                self._unread_frames.clear()
            return
        while self._unread_frames and self._unread_bytes - self._unread_frames[0].length >= unread:
            first = self._unread_frames.popleft()
            self._unread_events -= first.events
            self._unread_body -= first.size
            self._unread_bytes -= first.length

    @property
    def can_release_connection(self) -> bool:
        """Whether the connection can serve the next request before this response is read."""
        call = self._call
        if self._tracks_reads or call.script.end != "finish" or call.http_version != "1.1":
            return False
        if self._connection.is_tls:  # it may end with a reset although everything was read
            return False
        return keeps_open(call.script) and "close" not in call.headers.get("connection", "").lower()

    def release_connection(self, on_end: Callable[[], object]) -> None:
        """Release the connection for the next request; the call ends once the client has read."""
        call, connection = self._call, self._connection

        def finish(outcome: str | None) -> None:
            connection.on_lost = None
            call.on_wait = None
            self.end_call(outcome)
            on_end()

        def handle_read(is_certain: bool) -> None:
            if is_certain:
                self._mark_read(0)
            finish(None)

        def handle_loss(error: Exception | None) -> None:
            self.is_lost = True
            # The transport closes its socket before `finish` runs.
            outcome = CLIENT_DISCONNECTED if connection.left_bytes_unread else None
            self._player.loop.call_soon(finish, outcome)

        connection.on_lost = handle_loss
        call.on_wait = partial(self._player.loop.call_soon_threadsafe, connection.check_soon)
        connection.call_when_read(handle_read)

    async def wait_until_read(self) -> bool:
        """Wait until the client has read the whole response; return False if it left first."""
        if await self._connection.wait_until_read(tries=3):
            self._mark_read(0)
        elif self._connection.transport.is_closing():
            await self.wait_until_lost()
        return not self.is_lost

    def end_call(self, outcome: str | None = None) -> None:
        """End the call with an outcome, and with the amount that the client received."""
        call, script = self._call, self._call.script
        if self.is_lost and not self._connection.left_bytes_unread:
            self._mark_read(0)
        is_scripted = outcome is None and script.end in ("reset", "truncate", "cut")
        if not self._unread_bytes or is_scripted:
            call.is_exact = True
            call.end(outcome)
            return
        size = self._unread_body
        # With a single unread event, exactly that event was not received completely.
        call.is_exact = outcome is not None and (self._unread_events == 1 or not size)
        if call.is_exact:
            call.discount_unread(self._unread_events, size)
        call.end(outcome)

    async def wait_until_lost(self) -> None:
        """Wait until the connection is lost."""
        while not self.is_lost:
            self._wakeup = self._player.loop.create_future()
            await self._wakeup


async def play(
    call: Call,
    connection: Connection,
    player: Player,
    send: Send,
    exact: bool = False,
    lead: int | None = None,
    coalesce: bool = True,
    on_end: Callable[[], object] = lambda: None,
) -> None:
    """Play a call's script as the response to its request.

    The call ends when the client has read the response. ``on_end`` is called then, possibly after
    the connection has been released for the next request.

    Args:
        call: the call, with its script.
        connection: the client's connection.
        player: the clock of the event loop.
        send: uvicorn's ASGI ``send``, used only to end its request cycle.
        exact: before each event of a paced stream, check whether the client has read the last.
        lead: maximum number of events that the client has not read.
        coalesce: whether events that are due at the same time may share a write.
        on_end: called once, after the call has ended.
    """
    script = call.script
    call.is_exact = False
    if call.ticket is not None:
        player.engines.drive(call.ticket.live)
    stream = _Stream(call, connection, player, exact, lead, coalesce)
    is_released = False
    try:
        await stream.write(send)
        call.is_written = not stream.is_lost and script.end in ("finish", "close", "half_close")
        if call.is_written and stream.can_release_connection:
            is_released = True
            stream.release_connection(on_end)
            await end_uvicorn_cycle(connection, send, close=False)
            return
        # A client that leaves with no byte unread has received the whole response.
        has_left = call.is_written and not await stream.wait_until_read()
        if has_left and not connection.left_bytes_unread:
            stream.end_call()
        if not stream.is_lost:
            await _ENDINGS[script.end](stream, connection, call, send)
    except Exception as error:
        call.problem = f"playing the response failed: {error!r}"
        stream.end_call(FAILED)
        connection.transport.abort()
        await stream.wait_until_lost()
    finally:
        if not is_released:
            connection.on_lost = None
            stream.end_call(CLIENT_DISCONNECTED if stream.is_lost else None)
            on_end()


async def _finish(stream: _Stream, connection: Connection, call: Call, send: Send) -> None:
    # The call is over before the client can notice that the response is.
    stream.end_call()
    await end_uvicorn_cycle(connection, send, close=not keeps_open(call.script))


async def _close(stream: _Stream, connection: Connection, call: Call, send: Send) -> None:
    stream.end_call()
    await end_uvicorn_cycle(connection, send, close=True)


async def end_uvicorn_cycle(connection: Connection, send: Send, close: bool) -> None:
    """Tell uvicorn, without writing anything, that the response is complete.

    Do so even if the connection is lost: if another request is already queued, uvicorn does not
    notify the current one of the loss.

    Args:
        close: whether uvicorn shall close the connection.
    """
    headers = [(b"content-length", b"0")]
    if close:
        headers.append((b"connection", b"close"))
    connection.is_muted = True
    try:
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
    finally:
        connection.is_muted = False
        connection.finish_response()


async def _half_close(stream: _Stream, connection: Connection, call: Call, send: Send) -> None:
    stream.end_call()
    if connection.transport.can_write_eof():
        connection.transport.write_eof()
    else:
        call.problem = "half_close() is impossible over TLS, which cannot close in one direction"
        connection.transport.close()
    await stream.wait_until_lost()


async def _reset(stream: _Stream, connection: Connection, call: Call, send: Send) -> None:
    # A reset discards what the client's system has not received, so wait for that first.
    await connection.wait_until_received()
    if not stream.is_lost:
        stream.end_call()
        connection.reset()
    await stream.wait_until_lost()


async def _truncate(stream: _Stream, connection: Connection, call: Call, send: Send) -> None:
    stream.end_call()
    connection.transport.close()
    await stream.wait_until_lost()


async def _cut(stream: _Stream, connection: Connection, call: Call, send: Send) -> None:
    await connection.wait_until_received()
    if stream.is_lost:
        return
    stream.end_call()
    # Aborting a TLS transport closes the socket below it without close_notify.
    connection.transport.abort()
    await stream.wait_until_lost()


async def _hold(stream: _Stream, connection: Connection, call: Call, send: Send) -> None:
    await stream.wait_until_lost()


_ENDINGS = {
    "finish": _finish,
    "close": _close,
    "half_close": _half_close,
    "reset": _reset,
    "truncate": _truncate,
    "cut": _cut,
    "hold": _hold,
}

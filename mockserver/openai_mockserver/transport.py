"""The in-process player: an HTTP transport for httpx2 and httpx, sync and async.

Rules of this file: import neither library; use the one that a request belongs to. The script is
played step by step as the client reads, on a clock that may be virtual. Faults and timeouts raise
the exceptions that the real HTTP stack raises.
"""

from __future__ import annotations

import heapq
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from functools import lru_cache
from itertools import count
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

from openai_mockserver.api.routes import decode_path
from openai_mockserver.dispatch import PendingCall
from openai_mockserver.engine import Ticket, TicketPace
from openai_mockserver.engine.windows import wait_until
from openai_mockserver.exceptions import MockServerError
from openai_mockserver.http1 import has_body, is_plain, keeps_open, wire_frames
from openai_mockserver.journal import CLIENT_DISCONNECTED, Call
from openai_mockserver.request import Request, decode_headers
from openai_mockserver.script import Frame, Script
from openai_mockserver.timeline import frames

if TYPE_CHECKING:
    import anyio

__all__ = ["Clock", "InProcess"]


class Clock:
    """The clock of the in-process player: real, or virtual, on which waiting takes no time.

    ``on_advance`` holds functions that are called with the seconds of each virtual wait.
    """

    def __init__(self, virtual: bool = True) -> None:
        self.virtual = virtual
        self.on_advance: list[Callable[[float], object]] = []
        self._now = 0.0
        self._lock = threading.Lock()
        # The times until which tasks wait, by the thread of their event loop.
        self._deadlines: dict[int, list[_Deadline]] = {}
        self._numbers = count()

    @property
    def now(self) -> float:
        """Seconds since an arbitrary start."""
        return self._now if self.virtual else time.monotonic()

    def _advance(self, seconds: float) -> None:
        with self._lock:
            self._now += seconds
        for hook in self.on_advance:
            hook(seconds)

    def wait(self, seconds: float) -> None:
        """Wait for a number of seconds."""
        if not self.virtual:
            time.sleep(seconds)
        elif seconds:
            self._advance(seconds)

    async def wait_async(self, seconds: float) -> None:
        """Wait for a number of seconds, during which other tasks run."""
        import anyio

        if self.virtual:
            if seconds:
                self._advance(seconds)
            await anyio.lowlevel.checkpoint()
        else:
            await anyio.sleep(seconds)

    def wait_for(self, wait: float | _Until) -> None:
        """Wait for a number of seconds, or until a time."""
        if isinstance(wait, _Until):
            wait = wait_until(wait.time, self.now)
        self.wait(wait)

    async def wait_for_async(self, wait: float | _Until) -> None:
        """Wait for a number of seconds, or until a time, while other tasks run.

        Of the tasks that wait until a time on a virtual clock, that with the earliest goes first,
        after what other tasks can do without waiting.
        """
        import anyio

        if not isinstance(wait, _Until):
            await self.wait_async(wait)
        elif not self.virtual:
            await anyio.sleep(max(0.0, wait.time - self.now))
        else:
            await anyio.lowlevel.checkpoint()
            deadlines = self._deadlines.setdefault(threading.get_ident(), [])
            deadline = _Deadline(wait.time, next(self._numbers), anyio.Event())
            heapq.heappush(deadlines, deadline)
            try:
                turns = 0
                while deadlines[0] is not deadline or turns < _TURNS:
                    if deadlines[0] is deadline:
                        turns += 1
                        await anyio.lowlevel.checkpoint()
                    else:
                        turns = 0
                        await deadline.is_first.wait()
                self.wait(wait_until(wait.time, self.now))
            finally:
                deadlines.remove(deadline)
                heapq.heapify(deadlines)
                if deadlines:
                    deadlines[0].is_first.set()


class _Until(NamedTuple):
    """A wait until a time on the clock, in seconds."""

    time: float


_Wait = float | _Until


class _Deadline(NamedTuple):
    """A time until which a task waits."""

    time: float
    number: int
    is_first: anyio.Event  # set when no task waits for an earlier time


class _Failure(NamedTuple):
    """An exception to raise, by its name, which httpx and httpx2 share."""

    name: str
    message: str


class _Head(NamedTuple):
    """The head of the response, as the client reads it."""

    status: int
    headers: list[tuple[bytes, bytes]]


# An item of a playback: seconds to wait, the head, bytes of the body, or an exception.
_Item = _Wait | _Head | bytes | _Failure

_TIMEOUT = _Failure("ReadTimeout", "The read operation timed out")
_RESET = _Failure("ReadError", "[Errno 104] Connection reset by peer")
_INCOMPLETE = _Failure(
    "RemoteProtocolError",
    "peer closed connection without sending complete message body (incomplete chunked read)",
)
_NO_RESPONSE = _Failure("RemoteProtocolError", "Server disconnected without sending a response.")

_ENDINGS = {"reset": _RESET, "truncate": _INCOMPLETE}
_HEAD_LIMIT = 100 * 1024  # maximum bytes of a head that httpcore accepts
_READ = 64 * 1024  # bytes that httpcore reads at once
_TURNS = 5  # turns of the event loop in which other tasks run before the clock goes on
_LOOK = 0.001  # maximum real seconds until an engine without a known event is looked at again


class _Playback:
    """A call that is being played: its items are waits, parts of the response and exceptions."""

    def __init__(self, call: Call, timeout: float | None, clock: Clock) -> None:
        self.call = call
        self._timeout = timeout
        self._clock = clock
        self._is_exhausted = False
        script = call.plan
        if not isinstance(script, Script):
            raise MockServerError(
                "an upstream needs the loopback server: use base_url, not an in-process client"
            )
        if script.end == "cut":
            raise MockServerError(
                "cut() needs a TLS connection, which an in-process client does not have: "
                "use the loopback server with tls="
            )
        # A single iterator: as on a socket, what was read once cannot be read again.
        is_complete = has_body(call.method, script.head.status) and is_plain(script)
        self.items = self._play_steps() if is_complete else self._play_bytes()

    def _play_steps(self) -> Iterator[_Item]:
        """Play a response with regular HTTP: the client reads one step at a time."""
        script = self.call.script
        pace: TicketPace | None = None
        if self.call.ticket is not None:
            pace = TicketPace(self.call.ticket, script.head.delay)
            head = Frame(script.head.delay, b"", 0, 0)
            yield from self._wait_for_token(self.call.ticket, pace, head)
        elif script.head.delay:
            yield from self._wait_silence(script.head.delay)
        yield _Head(
            script.head.status,
            [(k.encode("latin-1"), v.encode("latin-1")) for k, v in script.head.headers],
        )
        for frame in self._pace_frames(frames(script), pace):
            if isinstance(frame, Frame):
                if frame.data:
                    self.call.log_frame(frame, self._get_elapsed())
                    self._is_exhausted = frame.last
                    yield frame.data
            else:
                yield frame
        self._is_exhausted = True
        if script.end == "hold":
            yield from self._wait_silence(None)
        self.call.end()
        if (failure := _ENDINGS.get(script.end)) is not None:
            yield failure

    def _play_bytes(self) -> Iterator[_Item]:
        """Play a response with irregular HTTP: parse its bytes with h11, as httpcore does."""
        import h11

        script = self.call.script
        client = h11.Connection(h11.CLIENT, max_incomplete_event_size=_HEAD_LIMIT)
        client.send(h11.Request(method=self.call.method, target="/", headers=[("Host", "mock")]))
        client.send(h11.EndOfMessage())
        try:
            for frame in self._pace_frames(wire_frames(script, self.call.method)):
                if not isinstance(frame, Frame):
                    yield frame
                elif frame.data:
                    self.call.log_frame(frame, self._get_elapsed())
                    for offset in range(0, len(frame.data), _READ):
                        client.receive_data(frame.data[offset : offset + _READ])
                        yield from self._parse_events(client)
                    if client.their_state is h11.DONE:
                        break
            self._is_exhausted = True
            is_complete = client.their_state is h11.DONE
            if script.end == "reset" and not is_complete:
                self.call.end()
                yield _RESET
            elif script.end == "hold" or (script.end == "finish" and keeps_open(script)):
                if not is_complete:
                    yield from self._wait_silence(None)
            elif not is_complete:
                self.call.end()
                if client.their_state is h11.SEND_RESPONSE:
                    yield _NO_RESPONSE
                client.receive_data(b"")
                yield from self._parse_events(client)
        except h11.RemoteProtocolError as error:
            yield _Failure("RemoteProtocolError", str(error))
        self.call.end()

    def _parse_events(self, client: Any) -> Iterator[_Item]:
        """Yield what h11 parses from the bytes that it has received."""
        import h11

        while (event := client.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
            if isinstance(event, h11.Response):
                yield _Head(event.status_code, event.headers.raw_items())
            elif isinstance(event, h11.Data):
                yield bytes(event.data)
            elif isinstance(event, h11.EndOfMessage | h11.ConnectionClosed):
                return

    def _get_elapsed(self) -> float:
        return self._clock.now - self._start

    def _pace_frames(
        self, timeline: Iterator[Frame], pace: TicketPace | None = None
    ) -> Iterator[Frame | _Wait | _Failure]:
        """Yield the frames of a timeline, and a wait before each that is not due yet.

        Args:
            timeline: the frames.
            pace: the pace of the engine, if the head has been played at it.
        """
        if self.call.ticket is not None:
            yield from self._pace_by_engine(self.call.ticket, timeline, pace)
            return
        due = lateness = 0.0
        start = self._start = self._clock.now
        for frame in timeline:
            if not self._clock.virtual:
                # Deadlines are absolute: a slow reader does not delay later frames.
                lateness = max(0.0, self._clock.now - start - due)
            gap = frame.due - due
            if gap > lateness:
                yield from self._wait_silence(gap - lateness)
            due = frame.due
            yield frame

    def _pace_by_engine(
        self, ticket: Ticket, timeline: Iterator[Frame], pace: TicketPace | None
    ) -> Iterator[Frame | _Wait | _Failure]:
        """Yield the frames of a timeline when the engine generates their tokens."""
        self._start = self._clock.now
        delay = self.call.script.head.delay
        after_head = 0.0 if pace is None else delay  # by which the timeline begins earlier
        pace = pace or TicketPace(ticket, delay)
        for frame in timeline:
            late_frame = frame._replace(due=after_head + frame.due)
            yield from self._wait_for_token(ticket, pace, late_frame)
            yield frame._replace(due=self._get_elapsed())

    def _wait_for_token(
        self, ticket: Ticket, pace: TicketPace, frame: Frame
    ) -> Iterator[_Wait | _Failure]:
        """Yield waits until a frame is due, which is due with a token."""
        waited = 0.0
        while True:
            due, now = pace.find_due(frame.due), self._clock.now
            if due is not None and due <= now:
                pace.note(frame.due, due, frame.events)
                return
            next_event = ticket.live.advance()
            times = [time for time in (due, next_event) if time is not None]
            # Without a time, another thread is about to tell how long its answer is.
            until = min(times, default=now)
            if self._timeout is not None and waited + until - now > self._timeout:
                yield _Until(now + self._timeout - waited)
                self.call.end(CLIENT_DISCONNECTED)
                yield _TIMEOUT
            waited += until - now
            yield _Until(until)
            if not times:
                ticket.live.wait_for_change(_LOOK)

    def _wait_silence(self, seconds: float | None) -> Iterator[float | _Failure]:
        timeout = self._timeout
        if timeout is not None and (seconds is None or seconds > timeout):
            yield float(timeout)
            self.call.end(CLIENT_DISCONNECTED)
            yield _TIMEOUT
        elif seconds is None:
            if self._clock.virtual:
                raise MockServerError(
                    "the stream stays silent forever and the request has no read timeout, "
                    "so this client would wait forever: set a timeout"
                )
            yield float(threading.TIMEOUT_MAX)
        else:
            yield float(seconds)

    def close(self) -> None:
        """Handle the client's leaving; if everything was sent, the script has ended first."""
        self.call.end(None if self._is_exhausted else CLIENT_DISCONNECTED)


class InProcess:
    """A transport for `httpx2.Client`, `httpx.Client` and their async counterparts."""

    def __init__(self, begin: Callable[[Request], Call | PendingCall], clock: Clock) -> None:
        self.clock = clock
        self._begin = begin

    def handle_request(self, request: Any) -> Any:
        """Handle the request of a sync client."""
        library = _find_library(request)
        call = self._begin(_read_request(request, request.read()))
        playback = self._play(request, call if isinstance(call, Call) else call.run())
        try:
            for step in playback.items:
                if isinstance(step, _Head):
                    stream = _make_stream_classes(library)[0](playback, self.clock, request)
                    return _make_response(library, step, stream)
                if isinstance(step, float | _Until):
                    self.clock.wait_for(step)
                elif isinstance(step, _Failure):
                    raise _make_exception(library, step, request)
        except BaseException:
            playback.close()
            raise
        raise AssertionError("a playback yields a head or an exception")

    async def handle_async_request(self, request: Any) -> Any:
        """Handle the request of an async client."""
        library = _find_library(request)
        call = self._begin(_read_request(request, await request.aread()))
        playback = self._play(request, call if isinstance(call, Call) else await call.run_async())
        try:
            for step in playback.items:
                if isinstance(step, _Head):
                    stream = _make_stream_classes(library)[1](playback, self.clock, request)
                    return _make_response(library, step, stream)
                if isinstance(step, float | _Until):
                    await self.clock.wait_for_async(step)
                elif isinstance(step, _Failure):
                    raise _make_exception(library, step, request)
        except BaseException:
            playback.close()
            raise
        raise AssertionError("a playback yields a head or an exception")

    def _play(self, request: Any, call: Call) -> _Playback:
        timeout = request.extensions.get("timeout", {}).get("read")
        return _Playback(call, timeout, self.clock)

    def close(self) -> None:
        """Do nothing: no connection is open."""

    async def aclose(self) -> None:
        """Do nothing: no connection is open."""

    def __enter__(self) -> InProcess:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    async def __aenter__(self) -> InProcess:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.aclose()


def _read_request(request: Any, body: bytes) -> Request:
    """Return a request of the client's library as one of ours."""
    url = request.url
    return Request(
        request.method,
        decode_path(url.raw_path.partition(b"?")[0].decode("latin-1")),
        decode_headers(request.headers.raw),
        body,
        url.query.decode("latin-1"),
        target=url.raw_path.decode("latin-1"),
    )


def _find_library(request: Any) -> ModuleType:
    """Return the library that a request belongs to."""
    return sys.modules[type(request).__module__.partition(".")[0]]


def _make_exception(library: ModuleType, failure: _Failure, request: Any) -> Exception:
    exception: Exception = getattr(library, failure.name)(failure.message, request=request)
    return exception


def _make_response(library: ModuleType, head: _Head, stream: Any) -> Any:
    extensions = {"http_version": b"HTTP/1.1"}
    return library.Response(head.status, headers=head.headers, stream=stream, extensions=extensions)


@lru_cache
def _make_stream_classes(library: ModuleType) -> tuple[type, type]:
    """Return the sync and async stream class for a library, which requires its own base classes."""

    class Stream(library.SyncByteStream):  # type: ignore[misc, name-defined]
        def __init__(self, playback: _Playback, clock: Clock, request: Any) -> None:
            self._playback, self._clock, self._request = playback, clock, request

        def __iter__(self) -> Iterator[bytes]:
            for step in self._playback.items:
                if isinstance(step, bytes):
                    yield step
                elif isinstance(step, _Failure):
                    raise _make_exception(library, step, self._request)
                elif isinstance(step, float | _Until):
                    self._clock.wait_for(step)

        def close(self) -> None:
            self._playback.close()

    class AsyncStream(library.AsyncByteStream):  # type: ignore[misc, name-defined]
        def __init__(self, playback: _Playback, clock: Clock, request: Any) -> None:
            self._playback, self._clock, self._request = playback, clock, request

        async def __aiter__(self) -> AsyncIterator[bytes]:
            for step in self._playback.items:
                if isinstance(step, bytes):
                    await self._clock.wait_async(0)  # lets other tasks run between two chunks
                    yield step
                elif isinstance(step, _Failure):
                    raise _make_exception(library, step, self._request)
                elif isinstance(step, float | _Until):
                    await self._clock.wait_for_async(step)

        async def aclose(self) -> None:
            self._playback.close()

    return Stream, AsyncStream

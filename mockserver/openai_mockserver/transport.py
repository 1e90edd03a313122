"""The in-process player: an HTTP transport for clients of httpx2 and httpx, sync and async.

Rules of this file: it imports neither library; a request brings its own. The script is played
step by step as the client reads, on a clock that need not wait; faults and timeouts give the
exceptions that the real stack gives.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from functools import lru_cache
from types import ModuleType
from typing import Any, NamedTuple

from openai_mockserver.api.routes import decode_path
from openai_mockserver.exceptions import MockServerError
from openai_mockserver.http1 import has_body, is_plain, keeps_open, wire_frames
from openai_mockserver.journal import CLIENT_DISCONNECTED, Call
from openai_mockserver.request import Request, decode_headers
from openai_mockserver.script import Frame, Script
from openai_mockserver.timeline import frames

__all__ = ["Clock", "InProcess"]


class Clock:
    """Time as the in-process player sees it: real, or virtual, where waiting takes no time.

    ``on_advance`` holds functions that are called with the seconds of each virtual wait.
    """

    def __init__(self, virtual: bool = True) -> None:
        self.virtual = virtual
        self.on_advance: list[Callable[[float], object]] = []
        self._now = 0.0
        self._lock = threading.Lock()

    @property
    def now(self) -> float:
        """Seconds; only differences mean something."""
        return self._now if self.virtual else time.monotonic()

    def _advance(self, seconds: float) -> None:
        with self._lock:
            self._now += seconds
        for hook in self.on_advance:
            hook(seconds)

    def wait(self, seconds: float) -> None:
        """Let so many seconds pass."""
        if not self.virtual:
            time.sleep(seconds)
        elif seconds:
            self._advance(seconds)

    async def wait_async(self, seconds: float) -> None:
        """Let so many seconds pass, and other tasks run."""
        import anyio

        if self.virtual:
            if seconds:
                self._advance(seconds)
            await anyio.lowlevel.checkpoint()
        else:
            await anyio.sleep(seconds)


class _Failure(NamedTuple):
    """An exception, by its name in httpx and httpx2 alike."""

    name: str
    message: str


class _Head(NamedTuple):
    """The head of the response, as the client has read it."""

    status: int
    headers: list[tuple[bytes, bytes]]


# What a client is given in turn: seconds to wait, the head, bytes of the body, an exception.
_Given = float | _Head | bytes | _Failure

_TIMEOUT = _Failure("ReadTimeout", "The read operation timed out")
_RESET = _Failure("ReadError", "[Errno 104] Connection reset by peer")
_INCOMPLETE = _Failure(
    "RemoteProtocolError",
    "peer closed connection without sending complete message body (incomplete chunked read)",
)
_NOTHING = _Failure("RemoteProtocolError", "Server disconnected without sending a response.")

_ENDINGS = {"reset": _RESET, "truncate": _INCOMPLETE}
_HEAD_LIMIT = 100 * 1024  # bytes of a head that httpcore bears
_READ = 64 * 1024  # bytes that it reads at once


class _Playback:
    """One call being played: what to wait for, what to give, what to raise."""

    def __init__(self, call: Call, timeout: float | None, clock: Clock) -> None:
        self.call = call
        self._timeout = timeout
        self._clock = clock
        self._exhausted = False
        script = call.plan
        if not isinstance(script, Script):
            raise MockServerError(
                "an upstream is asked over the loopback server only: use base_url, not this client"
            )
        if script.end == "cut":
            raise MockServerError(
                "a TLS connection cut without close_notify has no meaning in process: "
                "use the loopback server, with tls="
            )
        # One play, however often it is iterated: as on a socket, what was read is gone.
        whole = has_body(call.method, script.head.status) and is_plain(script)
        self.given = self._plain() if whole else self._parsed()

    def _plain(self) -> Iterator[_Given]:
        """A response about which nothing is odd but its end: the steps are what is read."""
        script = self.call.script
        if script.head.delay:
            yield from self._silence(script.head.delay)
        yield _Head(
            script.head.status,
            [(k.encode("latin-1"), v.encode("latin-1")) for k, v in script.head.headers],
        )
        for frame in self._due(frames(script)):
            if isinstance(frame, Frame):
                if frame.data:
                    self.call.handed_over(frame, self._elapsed())
                    self._exhausted = frame.last
                    yield frame.data
            else:
                yield frame
        self._exhausted = True
        if script.end == "hold":
            yield from self._silence(None)
        self.call.end()
        if (failure := _ENDINGS.get(script.end)) is not None:
            yield failure

    def _parsed(self) -> Iterator[_Given]:
        """A response whose HTTP is odd: its bytes are read as httpcore reads them, with h11."""
        import h11

        script = self.call.script
        client = h11.Connection(h11.CLIENT, max_incomplete_event_size=_HEAD_LIMIT)
        client.send(h11.Request(method=self.call.method, target="/", headers=[("Host", "mock")]))
        client.send(h11.EndOfMessage())
        try:
            for frame in self._due(wire_frames(script, self.call.method)):
                if not isinstance(frame, Frame):
                    yield frame
                elif frame.data:
                    self.call.handed_over(frame, self._elapsed())
                    for at in range(0, len(frame.data), _READ):
                        client.receive_data(frame.data[at : at + _READ])
                        yield from self._read(client)
                    if client.their_state is h11.DONE:
                        break
            self._exhausted = True
            whole = client.their_state is h11.DONE
            if script.end == "reset" and not whole:
                self.call.end()
                yield _RESET
            elif script.end == "hold" or (script.end == "finish" and keeps_open(script)):
                if not whole:
                    yield from self._silence(None)
            elif not whole:
                self.call.end()
                if client.their_state is h11.SEND_RESPONSE:
                    yield _NOTHING
                client.receive_data(b"")
                yield from self._read(client)
        except h11.RemoteProtocolError as error:
            yield _Failure("RemoteProtocolError", str(error))
        self.call.end()

    def _read(self, client: Any) -> Iterator[_Given]:
        """What the client makes of the bytes it has."""
        import h11

        while (event := client.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
            if isinstance(event, h11.Response):
                yield _Head(event.status_code, event.headers.raw_items())
            elif isinstance(event, h11.Data):
                yield bytes(event.data)
            elif isinstance(event, h11.EndOfMessage | h11.ConnectionClosed):
                return

    def _elapsed(self) -> float:
        return self._clock.now - self._began

    def _due(self, timeline: Iterator[Frame]) -> Iterator[Frame | float | _Failure]:
        """The frames of a timeline, each after the silence before it."""
        due = late = 0.0
        started = self._began = self._clock.now
        for frame in timeline:
            if not self._clock.virtual:
                # Deadlines are absolute: a slow reader does not shift what comes after.
                late = max(0.0, self._clock.now - started - due)
            gap = frame.due - due
            if gap > late:
                yield from self._silence(gap - late)
            due = frame.due
            yield frame

    def _silence(self, seconds: float | None) -> Iterator[float | _Failure]:
        timeout = self._timeout
        if timeout is not None and (seconds is None or seconds > timeout):
            yield float(timeout)
            self.call.end(CLIENT_DISCONNECTED)
            yield _TIMEOUT
        elif seconds is None:
            if self._clock.virtual:
                raise MockServerError(
                    "the stream stays silent for ever and the request has no read timeout: "
                    "this client would wait for ever"
                )
            yield float(threading.TIMEOUT_MAX)
        else:
            yield float(seconds)

    def close(self) -> None:
        """The client has left; where nothing was left to send, the script ended first."""
        self.call.end(None if self._exhausted else CLIENT_DISCONNECTED)


class InProcess:
    """A transport for `httpx2.Client`, `httpx.Client` and their async kin."""

    def __init__(self, respond: Callable[[Request], Call], clock: Clock) -> None:
        self.clock = clock
        self._respond = respond

    def handle_request(self, request: Any) -> Any:
        """Answer a sync client."""
        library = _library(request)
        playback = self._begin(request, request.read())
        try:
            for step in playback.given:
                if isinstance(step, _Head):
                    stream = _streams(library)[0](playback, self.clock, request)
                    return _response(library, step, stream)
                if isinstance(step, float):
                    self.clock.wait(step)
                elif isinstance(step, _Failure):
                    raise _exception(library, step, request)
        except BaseException:
            playback.close()
            raise
        raise AssertionError("a response has a head or fails")

    async def handle_async_request(self, request: Any) -> Any:
        """Answer an async client."""
        library = _library(request)
        playback = self._begin(request, await request.aread())
        try:
            for step in playback.given:
                if isinstance(step, _Head):
                    stream = _streams(library)[1](playback, self.clock, request)
                    return _response(library, step, stream)
                if isinstance(step, float):
                    await self.clock.wait_async(step)
                elif isinstance(step, _Failure):
                    raise _exception(library, step, request)
        except BaseException:
            playback.close()
            raise
        raise AssertionError("a response has a head or fails")

    def _begin(self, request: Any, body: bytes) -> _Playback:
        url = request.url
        headers = decode_headers(request.headers.raw)
        path = decode_path(url.raw_path.partition(b"?")[0].decode("latin-1"))
        call = self._respond(
            Request(
                request.method,
                path,
                headers,
                body,
                url.query.decode("latin-1"),
                target=url.raw_path.decode("latin-1"),
            )
        )
        timeout = request.extensions.get("timeout", {}).get("read")
        return _Playback(call, timeout, self.clock)

    def close(self) -> None:
        """Nothing is held open."""

    async def aclose(self) -> None:
        """Nothing is held open."""

    def __enter__(self) -> InProcess:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    async def __aenter__(self) -> InProcess:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.aclose()


def _library(request: Any) -> ModuleType:
    """The library that made the request."""
    return sys.modules[type(request).__module__.partition(".")[0]]


def _exception(library: ModuleType, failure: _Failure, request: Any) -> Exception:
    raised: Exception = getattr(library, failure.name)(failure.message, request=request)
    return raised


def _response(library: ModuleType, head: _Head, stream: Any) -> Any:
    extensions = {"http_version": b"HTTP/1.1"}
    return library.Response(head.status, headers=head.headers, stream=stream, extensions=extensions)


@lru_cache
def _streams(library: ModuleType) -> tuple[type, type]:
    """The byte streams of a library, which asks for its own classes."""

    class Stream(library.SyncByteStream):  # type: ignore[misc, name-defined]
        def __init__(self, playback: _Playback, clock: Clock, request: Any) -> None:
            self._playback, self._clock, self._request = playback, clock, request

        def __iter__(self) -> Iterator[bytes]:
            for step in self._playback.given:
                if isinstance(step, bytes):
                    yield step
                elif isinstance(step, _Failure):
                    raise _exception(library, step, self._request)
                elif isinstance(step, float):
                    self._clock.wait(step)

        def close(self) -> None:
            self._playback.close()

    class AsyncStream(library.AsyncByteStream):  # type: ignore[misc, name-defined]
        def __init__(self, playback: _Playback, clock: Clock, request: Any) -> None:
            self._playback, self._clock, self._request = playback, clock, request

        async def __aiter__(self) -> AsyncIterator[bytes]:
            for step in self._playback.given:
                if isinstance(step, bytes):
                    await self._clock.wait_async(0)  # others have their turn between two chunks
                    yield step
                elif isinstance(step, _Failure):
                    raise _exception(library, step, self._request)
                elif isinstance(step, float):
                    await self._clock.wait_async(step)

        async def aclose(self) -> None:
            self._playback.close()

    return Stream, AsyncStream

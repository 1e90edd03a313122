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

from mockserver.exceptions import MockServerError
from mockserver.journal import CLIENT_DISCONNECTED, Call, Request
from mockserver.timeline import frames

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


_TIMEOUT = _Failure("ReadTimeout", "The read operation timed out")
_ENDINGS = {
    "reset": _Failure("ReadError", "[Errno 104] Connection reset by peer"),
    "truncate": _Failure(
        "RemoteProtocolError",
        "peer closed connection without sending complete message body (incomplete chunked read)",
    ),
}


class _Playback:
    """One call being played: what to wait for, what to give, what to raise."""

    def __init__(self, call: Call, timeout: float | None, clock: Clock) -> None:
        self.call = call
        self._timeout = timeout
        self._clock = clock
        self._exhausted = False
        # One body, however often it is iterated: as on a socket, what was read is gone.
        self.body = self._play()

    def head(self) -> Iterator[float | _Failure]:
        """Seconds to wait before the head."""
        yield from self._silence(self.call.script.head.delay)

    def _play(self) -> Iterator[float | bytes | _Failure]:
        """Seconds to wait, bytes to give, at last perhaps the exception to raise."""
        due = late = 0.0
        started = self._clock.now
        for frame in frames(self.call.script):
            if not self._clock.virtual:
                # Deadlines are absolute: a slow reader does not shift what comes after.
                late = max(0.0, self._clock.now - started - due)
            gap = frame.due - due
            if gap > late:
                yield from self._silence(gap - late)
            due = frame.due
            if frame.data:
                self.call.handed_over(frame)
                self._exhausted = frame.last
                yield frame.data
        self._exhausted = True
        if self.call.script.end == "hold":
            yield from self._silence(None)
        self.call.end()
        if (failure := _ENDINGS.get(self.call.script.end)) is not None:
            yield failure

    def _silence(self, seconds: float | None) -> Iterator[float | _Failure]:
        timeout = self._timeout
        if timeout is not None and (seconds is None or seconds > timeout):
            yield timeout
            self.call.end(CLIENT_DISCONNECTED)
            yield _TIMEOUT
        elif seconds is None:
            if self._clock.virtual:
                raise MockServerError(
                    "the stream stays silent for ever and the request has no read timeout: "
                    "this client would wait for ever"
                )
            yield threading.TIMEOUT_MAX
        else:
            yield seconds

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
        for step in playback.head():
            if isinstance(step, _Failure):
                raise _exception(library, step, request)
            self.clock.wait(step)
        return _response(library, playback, _streams(library)[0](playback, self.clock, request))

    async def handle_async_request(self, request: Any) -> Any:
        """Answer an async client."""
        library = _library(request)
        playback = self._begin(request, await request.aread())
        try:
            for step in playback.head():
                if isinstance(step, _Failure):
                    raise _exception(library, step, request)
                await self.clock.wait_async(step)
        except BaseException:
            playback.close()
            raise
        return _response(library, playback, _streams(library)[1](playback, self.clock, request))

    def _begin(self, request: Any, body: bytes) -> _Playback:
        url = request.url
        headers = [(k.decode("latin-1"), v.decode("latin-1")) for k, v in request.headers.raw]
        call = self._respond(
            Request(request.method, url.path, headers, body, url.query.decode("latin-1"))
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


def _response(library: ModuleType, playback: _Playback, stream: Any) -> Any:
    head = playback.call.script.head
    headers = [(k.encode("latin-1"), v.encode("latin-1")) for k, v in head.headers]
    extensions = {"http_version": b"HTTP/1.1"}
    return library.Response(head.status, headers=headers, stream=stream, extensions=extensions)


@lru_cache
def _streams(library: ModuleType) -> tuple[type, type]:
    """The byte streams of a library, which asks for its own classes."""

    class Stream(library.SyncByteStream):  # type: ignore[misc, name-defined]
        def __init__(self, playback: _Playback, clock: Clock, request: Any) -> None:
            self._playback, self._clock, self._request = playback, clock, request

        def __iter__(self) -> Iterator[bytes]:
            for step in self._playback.body:
                if isinstance(step, bytes):
                    yield step
                elif isinstance(step, _Failure):
                    raise _exception(library, step, self._request)
                else:
                    self._clock.wait(step)

        def close(self) -> None:
            self._playback.close()

    class AsyncStream(library.AsyncByteStream):  # type: ignore[misc, name-defined]
        def __init__(self, playback: _Playback, clock: Clock, request: Any) -> None:
            self._playback, self._clock, self._request = playback, clock, request

        async def __aiter__(self) -> AsyncIterator[bytes]:
            for step in self._playback.body:
                if isinstance(step, bytes):
                    await self._clock.wait_async(0)  # others have their turn between two chunks
                    yield step
                elif isinstance(step, _Failure):
                    raise _exception(library, step, self._request)
                else:
                    await self._clock.wait_async(step)

        async def aclose(self) -> None:
            self._playback.close()

    return Stream, AsyncStream

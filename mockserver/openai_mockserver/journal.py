"""The journal: every call, and how it ended.

Rules of this file: no I/O; a player reports to a `Call` from its own thread, a test reads it from
another. What is not settled yet is waited for, briefly, instead of being guessed.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple, overload

from openai_mockserver.request import Request
from openai_mockserver.script import Script
from openai_mockserver.sse import apart, count_events
from openai_mockserver.timeline import Frame

if TYPE_CHECKING:
    from openai_mockserver.cassettes.recorder import Recorder
    from openai_mockserver.rules import Rule
    from openai_mockserver.upstream import Upstream

__all__ = ["Call", "Delivered", "ENDED", "Journal"]

logger = logging.getLogger("openai_mockserver")

SETTLE = 1.0  # seconds to wait for a player that is about to notice how a call ended

CLIENT_DISCONNECTED = "client disconnected"
SERVER_STOPPED = "server stopped"
FAILED = "failed"
ENDED = {
    "finish": "finished",
    "close": "finished",
    "half_close": "finished",
    "cut": "truncated",
    "truncate": "truncated",
    "reset": "reset",
    # Silence ends when the client has had enough of it.
    "hold": CLIENT_DISCONNECTED,
}
"""How a call ended, by the end of its script."""


class Delivered(NamedTuple):
    """How much of a response was handed to the client."""

    events: int
    bytes: int


class Handed(NamedTuple):
    """When a part of a response was due and handed over, in seconds after the request."""

    due: float
    at: float
    events: int


class Call(Request):
    """A request and what became of it."""

    def __init__(
        self,
        request: Request,
        number: int,
        on_end: Callable[[Call], object] | None = None,
    ) -> None:
        super().__init__(
            request.method,
            request.path,
            request.headers.raw,
            request.body,
            request.query,
            request.connection,
            request.nth,
            request.http_version,
            request.refusal,
        )
        self.number = number
        self.started = time.time()
        self.came = time.monotonic()
        self.left: float | None = None
        self.times: list[Handed] = []
        self.written = False
        self.rule: Rule | None = None
        self.script = Script()
        self.problem: str | None = None
        self.problem_kind: str | None = None
        self.upstream: Upstream | None = None
        self.recorder: Recorder | None = None
        self._events = self._bytes = 0
        self._ended: str | None = None
        self._settled = threading.Event()
        self._on_end = on_end

    # What players report

    def handed_over(self, frame: Frame, at: float) -> None:
        """A frame was given to the client, so many seconds after the request."""
        self._events += frame.events
        self._bytes += frame.size
        self.times.append(Handed(frame.due, at, frame.events))

    def end(self, how: str | None = None) -> None:
        """The call is over; the first to say how is right. By default as its script ends."""
        if self._ended is None:
            self._ended = how or ENDED[self.script.end]
            if self._ended == CLIENT_DISCONNECTED:
                self.left = time.monotonic() - self.came
            self._settled.set()
            if self._on_end is not None:
                try:
                    self._on_end(self)
                except Exception:
                    # Who only listens must not break the stream.
                    logger.exception("on_end failed for %r", self)

    # What tests read

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the call is over, at most so many seconds; whether it is."""
        return self._settled.wait(timeout)

    def _settle(self) -> None:
        if self.connection is not None:
            self.wait(SETTLE)

    @property
    def went_well(self) -> bool:
        """Whether it ended as a response should. Does not wait."""
        return self._ended == "finished"

    @property
    def status(self) -> int:
        """The status answered."""
        return self.script.head.status

    @property
    def delivered(self) -> Delivered:
        """The events and bytes (of the body) that were handed to the client."""
        self._settle()
        return Delivered(self._events, self._bytes)

    @property
    def ended(self) -> str | None:
        """``finished``, ``client disconnected``, ``reset``, ``truncated``, ``server stopped``.

        None while the response is still going on, which over a socket it is given a second to
        stop doing; ``failed`` where it could not be played.
        """
        self._settle()
        return self._ended

    @property
    def lateness(self) -> tuple[float, ...]:
        """By how many seconds each event was handed over later than its script asks."""
        return tuple(handed.at - handed.due for handed in self.times if handed.events)

    def __repr__(self) -> str:
        return f"<Call {self.line()}>"

    def line(self) -> str:
        """The call in one line: what was asked, what was answered, how it ended."""
        asked = [f"{self.method} {_short(self.path)}"]
        if self.model:
            asked.append(_short(self.model))
        if self.user is not None:
            asked.append(repr(_short(self.user)))
        answered = f"{self.status}"
        if self.problem is not None:
            unruled = self.problem_kind or "no rule matched"
            why = unruled if self.rule is None else "its reply cannot be served"
            answered += " it failed" if self._ended == FAILED else f" {why}"
        elif self.script.is_stream:
            total = sum(map(count_events, apart(self.script.steps)))
            answered += f" {self._events} of {total} events"
        else:
            answered += f" {self._bytes} bytes"
        return f"#{self.number} {' '.join(asked)} -> {answered}, {self._ended or 'going on'}"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 60 else f"{line[:59]}…"


class LogicalCall(NamedTuple):
    """One thing that the application wanted, and its attempts at it."""

    attempts: tuple[Call, ...]

    @property
    def gaps(self) -> tuple[float, ...]:
        """The seconds from each attempt's coming to the next one's."""
        return tuple(b.came - a.came for a, b in pairwise(self.attempts))


class Journal(Sequence[Call]):
    """The calls in the order in which they came.

    Args:
        keep: forget all but so many of the last; by default none.
        on_end: is given each call when it is over, in the thread that played it.
    """

    def __init__(
        self, keep: int | None = None, on_end: Callable[[Call], object] | None = None
    ) -> None:
        self._calls: deque[Call] = deque(maxlen=keep)
        self._came = 0
        self._first: float | None = None
        self._groups: dict[object, list[Call]] = {}
        self._logical: deque[tuple[object, list[Call]]] = deque(maxlen=keep)
        self._on_end = on_end
        self._lock = threading.Lock()

    def add(self, request: Request) -> Call:
        """Begin a call."""
        with self._lock:
            self._came += 1
            call = Call(request, self._came, self._on_end)
            if self._first is None:
                self._first = call.came
            call.elapsed = call.came - self._first
            self._group(call)
            self._calls.append(call)
        return call

    def _group(self, call: Call) -> None:
        """Find the logical call that this is an attempt of."""
        key = call.headers.get("idempotency-key") or (call.method, call.path, call.body)
        retries = call.headers.get("x-stainless-retry-count", "")
        earlier = self._groups.get(key)
        # Without the SDK's count, the same body again is an attempt more unless the last was good.
        good = earlier is not None and earlier[-1].status < 400 and earlier[-1].went_well
        again = int(retries) > 0 if retries.isdigit() else not good
        if earlier is not None and again:
            earlier.append(call)
        else:
            if len(self._logical) == self._logical.maxlen:
                oldest, group = self._logical[0]
                if self._groups.get(oldest) is group:
                    del self._groups[oldest]
            self._groups[key] = earlier = [call]
            self._logical.append((key, earlier))
        call.attempt = int(retries) + 1 if retries.isdigit() else len(earlier)

    @property
    def logical(self) -> list[LogicalCall]:
        """The calls grouped by the logical call that they are attempts of.

        They belong together by ``idempotency-key``, else by equal bodies, and are counted by
        OpenAI's ``x-stainless-retry-count`` where it is sent.
        """
        with self._lock:
            return [LogicalCall(tuple(group)) for _, group in self._logical]

    def clear(self) -> None:
        """Forget all calls."""
        with self._lock:
            self._calls.clear()
            self._groups.clear()
            self._logical.clear()
            self._came, self._first = 0, None

    @overload
    def __getitem__(self, index: int) -> Call: ...
    @overload
    def __getitem__(self, index: slice) -> list[Call]: ...
    def __getitem__(self, index: int | slice) -> Call | list[Call]:
        if isinstance(index, slice):
            return self._listed()[index]
        try:
            return self._calls[index]
        except IndexError:
            made = f"{len(self)} call{'s' * (len(self) != 1)} came"
            raise IndexError(f"there is no call {index}: {made}") from None

    def __len__(self) -> int:
        return len(self._calls)

    def _listed(self) -> list[Call]:
        with self._lock:
            return list(self._calls)

    def __iter__(self) -> Iterator[Call]:
        return iter(self._listed())

    def __repr__(self) -> str:
        return f"[{', '.join(map(repr, self._listed()))}]"

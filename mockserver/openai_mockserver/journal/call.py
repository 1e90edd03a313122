"""A call: a request, and how it was answered."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from array import array
from collections import deque
from collections.abc import Callable, Sequence
from itertools import accumulate
from operator import mul
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from openai_mockserver.api import errors
from openai_mockserver.request import Request
from openai_mockserver.script import Event, Frame, Script, Sender, SessionMessage
from openai_mockserver.sensitive import hide_keys, show_path, spell_controls
from openai_mockserver.sse import DONE, count_all

if TYPE_CHECKING:
    from openai_mockserver.cassettes.recorder import Recorder
    from openai_mockserver.engine import Ticket
    from openai_mockserver.rules import Rule
    from openai_mockserver.sessions import Session
    from openai_mockserver.upstream import Upstream

__all__ = [
    "CLIENT_DISCONNECTED",
    "ENDED",
    "FAILED",
    "SERVER_STOPPED",
    "Attempts",
    "Call",
    "Delivered",
    "ProblemCounts",
    "Runs",
]

logger = logging.getLogger("openai_mockserver")

MOST_MESSAGE_BYTES = 8_000_000  # of a WebSocket's messages that a call keeps
SETTLE = 1.0  # seconds to wait for a player that is about to report how a call ended

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
    # The script ends in silence, which ends when the client gives up.
    "hold": CLIENT_DISCONNECTED,
}
"""The outcome of a call, by the end of its script."""


class Delivered(NamedTuple):
    """How much of a response the client received: its events, and the bytes of its body.

    ``exact`` is False if the client may not have read everything that its system received. The
    counts are then upper bounds.
    """

    events: int
    bytes: int
    exact: bool = True


class Handover(NamedTuple):
    """When a part of a response was due, and when it was written, in seconds after the request."""

    due: float
    at: float
    events: int


class Runs(NamedTuple):
    """The parts of a response in the order in which they were written, as columns.

    Args:
        dues: when each was due, in seconds after the request.
        times: when each was written, in seconds after the request.
        events: how many events each completes.
    """

    dues: Sequence[float]
    times: Sequence[float]
    events: Sequence[int]


_NO_RUNS = Runs((), (), ())
_EVENTS = bytes([0, *[1] * 255])
"""How many events a step is, by its kind (`LazySteps.kinds`)."""


class ProblemCounts:
    """How many calls had problems, including calls that the journal has dropped."""

    def __init__(self) -> None:
        self.unanswered_calls = self.unrecorded_calls = self.calls = 0
        self._lock = threading.Lock()

    def add(self, *, is_unanswered: bool, is_first: bool) -> None:
        """Count a problem of a call.

        Args:
            is_unanswered: the request could not be answered; otherwise, its response could not be
                recorded.
            is_first: the call had no problem of either kind before.
        """
        with self._lock:
            self.unanswered_calls += is_unanswered
            self.unrecorded_calls += not is_unanswered
            self.calls += is_first


class Attempts:
    """The attempts at one logical call: those still in the journal, and how many there were."""

    __slots__ = ("calls", "count", "key")

    def __init__(self, key: object, earlier: int) -> None:
        self.key = key
        self.calls: list[Call] = []
        self.count = earlier

    def add(self, call: Call) -> None:
        self.calls.append(call)
        self.count += 1
        call.attempt = self.count


class MessageLog:
    """The latest messages of a WebSocket."""

    __slots__ = ("_lock", "_messages", "size")

    def __init__(self) -> None:
        self._messages: deque[tuple[float, Sender, str | bytes]] = deque()
        self._lock = threading.Lock()
        self.size = 0

    @property
    def messages(self) -> tuple[SessionMessage, ...]:
        """The messages."""
        with self._lock:
            messages = tuple(self._messages)
        return tuple(SessionMessage(*message) for message in messages)

    def add(self, seconds: float, sender: Sender, data: str | bytes) -> None:
        """Add a message; the oldest make room for it."""
        with self._lock:
            self._messages.append((seconds, sender, data))
            self.size += len(data)
            while self.size > MOST_MESSAGE_BYTES and len(self._messages) > 1:
                self.size -= len(self._messages.popleft()[2])


_NO_SCRIPT = Script()
_OVER = threading.Lock()  # a function is called once, whichever thread ends the call
_WAITING = threading.Lock()  # threads that wait for the same call must share its event


class Call(Request):
    """A request, and how it was answered."""

    # A dictionary of this many attributes would take 1.5 kB in each call.
    __slots__ = (
        "_bytes", "_end_event", "_events", "_is_written", "_lazy_times", "_messages", "_on_end",
        "_on_over", "_on_write", "_outcome", "_problem", "_problem_counts", "_times", "_unrecorded",
        "_warnings", "answer_delay", "arrival", "attempts", "endpoint_path", "faults", "is_exact",
        "left", "number", "on_wait", "problem_kind", "recorder",
        "rule", "script", "session", "started", "ticket", "upstream",
    )  # fmt: skip

    def __init__(
        self,
        request: Request,
        number: int,
        on_end: Callable[[Call], object] | None = None,
        problem_counts: ProblemCounts | None = None,
        on_write: Callable[[Call], object] | None = None,
    ) -> None:
        super().__init__(
            request.method,
            request.path,
            request.headers,
            request.content,
            request.query,
            request.connection,
            request.nth,
            request.http_version,
            request.refusal,
            request.target,
        )
        if "parsed" in request.__dict__:
            self.parsed = request.parsed
        self.number = number
        self.started = time.time()
        self.arrival = time.monotonic()
        self.answer_delay = 0.0  # seconds from the request until its answer was known
        self.left: float | None = None
        self.is_exact = True
        self.endpoint_path = ""  # with variables in braces; empty if no endpoint was found
        self.rule: Rule | None = None
        self.faults: tuple[object, ...] = ()  # those that changed the response
        self.script = _NO_SCRIPT
        self.upstream: Upstream | None = None
        self.session: Session | None = None  # for a WebSocket, whose turns are calls of their own
        self.ticket: Ticket | None = None  # the place in the engine that paces the response
        self.recorder: Recorder | None = None
        self.attempts: Attempts | None = None
        self.problem_kind: str | None = None
        self.on_wait: Callable[[], object] | None = None  # called when a thread waits for the end
        self._problem: str | None = None
        self._unrecorded: str | None = None
        self._warnings: list[str] | None = None
        self._is_written = False
        self._outcome: str | None = None
        self._events = self._bytes = 0
        self._times: array[float] | None = None  # four numbers for each run of equal parts
        self._lazy_times: array[float] | None = None  # one number for each frame
        self._messages: MessageLog | None = None  # of a WebSocket
        self._end_event: threading.Event | None = None
        self._on_end = on_end
        self._on_over: tuple[Callable[[], object], ...] = ()
        self._problem_counts = problem_counts
        self._on_write = on_write

    @property
    def plan(self) -> Script | Upstream:
        """What answers the request: an upstream, or a script."""
        return self.script if self.upstream is None else self.upstream

    @property
    def warnings(self) -> list[str]:
        """Warnings about a call that was answered."""
        if self._warnings is None:
            self._warnings = []
        return self._warnings

    # What players report

    @property
    def problem(self) -> str | None:
        """Why the request could not be answered; None if it was."""
        return self._problem

    @problem.setter
    def problem(self, problem: str | None) -> None:
        is_new, is_first = self._problem is None, self._unrecorded is None
        self._problem = problem
        if is_new and problem is not None and self._problem_counts is not None:
            self._problem_counts.add(is_unanswered=True, is_first=is_first)

    @property
    def unrecorded(self) -> str | None:
        """Why the response could not be recorded; None if it was, or need not be."""
        return self._unrecorded

    @unrecorded.setter
    def unrecorded(self, problem: str | None) -> None:
        is_new, is_first = self._unrecorded is None, self._problem is None
        self._unrecorded = problem
        if is_new and problem is not None and self._problem_counts is not None:
            self._problem_counts.add(is_unanswered=False, is_first=is_first)

    def log_frame(self, frame: Frame, at: float) -> None:
        """Log that a frame was written, ``at`` seconds after the request."""
        self.log_write(frame.due, at, frame.events, frame.size)

    def log_write(self, due: float, at: float, events: int, size: int) -> None:
        """Log what was written.

        Args:
            due, at: when it was due and when it was written, in seconds after the request.
            events, size: how many events it completes, and its bytes.
        """
        self._events += events
        self._bytes += size
        times = self._times
        if times is None:
            times = self._times = array("d")
        elif times[-4] == due and times[-3] == at and times[-2] == events:
            times[-1] += 1
            return
        times.extend((due, at, events, 1))

    def log_lazy_frame(self, frame: Frame, at: float) -> None:
        """Log each frame of a script with lazy steps, whose due times need not be stored."""
        self._events += frame.events
        self._bytes += frame.size
        if self._lazy_times is None:
            self._lazy_times = array("d")
        self._lazy_times.append(at)

    def log_message(self, seconds: float, sender: Sender, data: str | bytes) -> None:
        """Log a message of a WebSocket, of either side; the arguments are its `SessionMessage`."""
        if self._messages is None:
            self._messages = MessageLog()
        self._messages.add(seconds, sender, data)

    def discount_unread(self, events: int, size: int) -> None:
        """Subtract events and bytes that were written but never read by the client."""
        self._events -= events
        self._bytes -= size

    def end(self, outcome: str | None = None) -> None:
        """End the call with an outcome, by default that of its script; later calls do nothing."""
        if self._outcome is None:
            outcome = outcome or ENDED[self.script.end]
            if outcome == CLIENT_DISCONNECTED:
                self.left = time.monotonic() - self.arrival
            self._outcome = outcome
            if self.ticket is not None:
                self.ticket.release()
            # Before the event, so that whoever waits for the end finds what follows from it done.
            self._tell_over()
            # Set last, so that a thread that begins to wait meanwhile sees the outcome.
            if self._end_event is not None:
                self._end_event.set()
            if self._on_end is not None:
                try:
                    self._on_end(self)
                except Exception:
                    # An error in a callback must not break the stream.
                    logger.exception("on_end failed for %r", self)

    # What tests read

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the call is over, for ``timeout`` seconds at most; return whether it is."""
        with _WAITING:
            end_event = self._end_event = self._end_event or threading.Event()
        if self._outcome is not None:
            return True
        if (on_wait := self.on_wait) is not None:
            with contextlib.suppress(RuntimeError):  # the loop has closed already
                on_wait()
        return end_event.wait(timeout)

    def _settle(self) -> None:
        if self.connection is not None and self._outcome is None:
            self.wait(SETTLE)

    @property
    def websocket_messages(self) -> tuple[SessionMessage, ...]:
        """The messages of a WebSocket so far, of both sides; the last 8 MB. Does not wait."""
        return () if self._messages is None else self._messages.messages

    @property
    def is_written(self) -> bool:
        """Whether the whole response was passed to the system, so that a retry may follow."""
        return self._is_written

    @is_written.setter
    def is_written(self, is_written: bool) -> None:
        self._is_written = is_written
        if is_written:
            self._tell_over()
        if is_written and self._on_write is not None:
            self._on_write(self)

    def call_when_over(self, function: Callable[[], object]) -> None:
        """Call a function once nothing more will be sent; now, if that is so."""
        with _OVER:
            self._on_over = (*self._on_over, function)
        if self.is_over:
            self._tell_over()

    def _tell_over(self) -> None:
        if self._on_over:
            with _OVER:
                functions, self._on_over = self._on_over, ()
            for function in functions:
                try:
                    function()
                except Exception:
                    # The response is complete, whatever becomes of what follows from that.
                    logger.exception("what follows the end of %r failed", self)

    @property
    def is_over(self) -> bool:
        """Whether nothing more will be sent. Does not wait."""
        return self._is_written or self._outcome is not None

    @property
    def outcome(self) -> str | None:
        """The outcome, as `ended`, or None while the response is being played. Does not wait."""
        return self._outcome

    @property
    def is_answered(self) -> bool:
        """Whether it is known what answers it. Does not wait."""
        return self.script is not _NO_SCRIPT

    @property
    def sent(self) -> Delivered:
        """What was written so far, as `delivered`. Does not wait."""
        return Delivered(self._events, self._bytes, self.is_exact and self._outcome is not None)

    @property
    def last_written(self) -> float | None:
        """When something was last written, in seconds after the request; None if nothing was."""
        if self._lazy_times:
            return self._lazy_times[-1]
        return self._times[-3] if self._times else None

    @property
    def is_finished(self) -> bool:
        """Whether it ended with a complete response. Does not wait."""
        return self._outcome == "finished"

    @property
    def has_failed(self) -> bool:
        """Whether it ended in an error or was cut off, so that an equal request is a retry.

        So does a redirect: the request that follows it is the next attempt.

        Does not wait: an open call has not failed yet.
        """
        if not self.is_over:
            return False
        return (
            self.status >= 300 or self._outcome not in (None, "finished") or self._ends_with_error()
        )

    def _ends_with_error(self) -> bool:
        """Whether its stream is complete but its last event reports an error."""
        if self.script.lazy is not None or not self.script.is_stream:  # lazy scripts hold no errors
            return False
        events = (step for step in reversed(self.script.steps) if isinstance(step, Event))
        last = next((event for event in events if event != DONE), None)
        if last is None or '"error"' not in last.data:
            return False
        try:
            payload = msgspec.json.decode(last.data)
        except (msgspec.DecodeError, RecursionError):
            return False
        return errors.read_error(payload) is not None or (
            isinstance(payload, dict) and payload.get("type") == "response.failed"
        )

    @property
    def status(self) -> int:
        """The HTTP status of the response."""
        return self.script.head.status

    @property
    def delivered(self) -> Delivered:
        """How many events, and bytes of the body, the client received, and whether that is exact.

        While the response is being played, the counts are what was written so far.
        """
        self._settle()
        return self.sent

    @property
    def ended(self) -> str | None:
        """The outcome of the call.

        ``finished``, ``client disconnected``, ``reset``, ``truncated``, ``server stopped``, or
        ``failed`` if playing the response raised an error. Over a socket, wait up to one second
        for the end; None if the response is still being played.
        """
        self._settle()
        return self._outcome

    @property
    def times(self) -> list[Handover]:
        """When each part of the response was due, and when it was written."""
        lazy = self.script.lazy
        if self._lazy_times is not None and lazy is not None:
            frames = lazy.frames(self.script.head.delay)
            return [
                Handover(frame.due, at, frame.events)
                for frame, at in zip(frames, self._lazy_times, strict=False)
            ]
        numbers = iter(self._times or ())
        parts = zip(numbers, numbers, numbers, numbers, strict=True)
        return [
            Handover(due, at, int(events))
            for due, at, events, repeats in parts
            for _ in range(int(repeats))
        ]

    def list_runs(self) -> Runs:
        """Return what was written, without an object for each part: equal parts are one row."""
        lazy = self.script.lazy
        if self._lazy_times is not None and lazy is not None and lazy.silences is not None:
            count = len(self._lazy_times)
            dues = accumulate(lazy.silences[:count], initial=self.script.head.delay)
            next(dues)  # that of the head
            return Runs(list(dues), self._lazy_times, lazy.kinds[:count].translate(_EVENTS))
        times = self._times
        if times is None:
            return _NO_RUNS
        if len(times) == 4:  # a body, or a stream without a pace
            due, at, events, repeats = times
            return Runs((due,), (at,), (int(events * repeats),))
        return Runs(times[0::4], times[1::4], list(map(int, map(mul, times[2::4], times[3::4]))))

    @property
    def time_count(self) -> int:
        """How many numbers are stored for `times`."""
        return len(self._times or ()) + len(self._lazy_times or ())

    @property
    def lateness(self) -> tuple[float, ...]:
        """How many seconds after its due time each event was written."""
        return tuple(part.at - part.due for part in self.times for _ in range(part.events))

    def to_dict(self) -> dict[str, Any]:
        """Return the call as JSON for snapshots: the request, and how it was answered.

        Keys have a fixed order, and the value is the same in every run: without secrets, times,
        ports and the headers that clients add, and with ``<id>`` in place of generated ids.
        """
        from openai_mockserver.journal.snapshot import snapshot_request  # a server never needs it

        return {
            "request": snapshot_request(self),
            "attempt": self.attempt,
            "rule": None if self.rule is None else repr(self.rule),
            "status": self.status,
            "ended": self.ended,
            "problem": self.problem,
        }

    def __repr__(self) -> str:
        return f"<Call {self.line()}>"

    def line(self) -> str:
        """Return the call in one line: the request, the answer and the outcome."""
        request_parts = [f"{spell_controls(self.method)} {_short(show_path(self.path))}"]
        if self.model:
            request_parts.append(spell_controls(_short(self.model)))
        if self.user is not None:
            request_parts.append(repr(_short(self.user)))
        answer = f"{self.status}"
        if self.problem is not None:
            reason = self.problem_kind or "no rule matched"
            if self.rule is not None:
                reason = "its reply cannot be served"
            answer += " it failed" if self._outcome == FAILED else f" {reason}"
        elif self.script.is_stream:
            total = count_all(self.script.steps)
            most = "" if self.is_exact or self._outcome in (None, "finished") else "at most "
            answer += f" {most}{self._events} of {total} events"
        else:
            answer += f" {self._bytes} bytes"
        suffix = "" if self.unrecorded is None else f", {self.unrecorded}"
        # "written": the client may not have read everything yet.
        outcome = self._outcome or ("written" if self._is_written else "in progress")
        line = f"#{self.number} {' '.join(request_parts)} -> {answer}, {outcome}{suffix}"
        return "; warning: ".join([line, *(self._warnings or ())])


def _short(text: str) -> str:
    line = hide_keys(" ".join(text[:4096].split()), "…")
    return line if len(line) <= 60 else f"{line[:59]}…"

"""A call: a request, and what became of it."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from array import array
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from openai_mockserver.api import errors
from openai_mockserver.request import Request
from openai_mockserver.script import Event, Frame, Script
from openai_mockserver.sensitive import hide_keys, show_path, spell_controls
from openai_mockserver.sse import DONE, count_all

if TYPE_CHECKING:
    from openai_mockserver.cassettes.recorder import Recorder
    from openai_mockserver.rules import Rule
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
]

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
    """How much of a response the client took: the events, and the bytes of the body.

    ``exact`` is False if more was handed to the client's system than the client is known to have
    read: the counts are then the most that it can have taken.
    """

    events: int
    bytes: int
    exact: bool = True


class Handed(NamedTuple):
    """When a part of a response was due and handed over, in seconds after the request."""

    due: float
    at: float
    events: int


class ProblemCounts:
    """How many calls had problems, whether or not they are still kept."""

    def __init__(self) -> None:
        self.unanswered = self.unrecorded = self.calls = 0
        self._lock = threading.Lock()

    def add(self, *, unanswered: bool, is_first: bool) -> None:
        """Count a problem of a call.

        Args:
            unanswered: whether its request could not be answered; else its response could not be
                recorded.
            is_first: whether the call had no problem of either kind before.
        """
        with self._lock:
            self.unanswered += unanswered
            self.unrecorded += not unanswered
            self.calls += is_first


class Attempts:
    """The attempts at one logical call: those that are kept, and how many there were."""

    __slots__ = ("count", "kept", "key")

    def __init__(self, key: object, earlier: int) -> None:
        self.key = key
        self.kept: list[Call] = []
        self.count = earlier

    def add(self, call: Call) -> None:
        self.kept.append(call)
        self.count += 1
        call.attempt = self.count


_NO_SCRIPT = Script()
_WAITING = threading.Lock()  # of two that begin to wait for a call, both wait for the same


class Call(Request):
    """A request and what became of it."""

    # Of so many attributes a dictionary would take 1.5 kB in each call.
    __slots__ = (
        "_bytes", "_ended", "_events", "_moments", "_on_end", "_on_written", "_problem",
        "_problem_counts", "_settled", "_times", "_unrecorded", "_warnings", "_written",
        "attempts", "came", "is_exact", "left", "number", "on_wait", "problem_kind", "recorder",
        "rule", "script", "started", "upstream",
    )  # fmt: skip

    def __init__(
        self,
        request: Request,
        number: int,
        on_end: Callable[[Call], object] | None = None,
        problem_counts: ProblemCounts | None = None,
        on_written: Callable[[Call], object] | None = None,
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
        self.came = time.monotonic()
        self.left: float | None = None
        self.is_exact = True
        self.rule: Rule | None = None
        self.script = _NO_SCRIPT
        self.upstream: Upstream | None = None
        self.recorder: Recorder | None = None
        self.attempts: Attempts | None = None
        self.problem_kind: str | None = None
        self.on_wait: Callable[[], object] | None = None  # is called when somebody waits
        self._problem: str | None = None
        self._unrecorded: str | None = None
        self._warnings: list[str] | None = None
        self._written = False
        self._ended: str | None = None
        self._events = self._bytes = 0
        self._times: array[float] | None = None  # four numbers for parts that are alike
        self._moments: array[float] | None = None  # of frames that were handed over in turn
        self._settled: threading.Event | None = None
        self._on_end = on_end
        self._problem_counts = problem_counts
        self._on_written = on_written

    @property
    def plan(self) -> Script | Upstream:
        """What answers the request: an upstream, or the script that is played."""
        return self.script if self.upstream is None else self.upstream

    @property
    def warnings(self) -> list[str]:
        """What is to be told of it though it was answered."""
        if self._warnings is None:
            self._warnings = []
        return self._warnings

    # What players report

    @property
    def problem(self) -> str | None:
        """Why the request could not be answered; None if it was."""
        return self._problem

    @problem.setter
    def problem(self, why: str | None) -> None:
        is_new, is_first = self._problem is None, self._unrecorded is None
        self._problem = why
        if is_new and why is not None and self._problem_counts is not None:
            self._problem_counts.add(unanswered=True, is_first=is_first)

    @property
    def unrecorded(self) -> str | None:
        """Why the response could not be recorded; None if it was, or should not be."""
        return self._unrecorded

    @unrecorded.setter
    def unrecorded(self, why: str | None) -> None:
        is_new, is_first = self._unrecorded is None, self._problem is None
        self._unrecorded = why
        if is_new and why is not None and self._problem_counts is not None:
            self._problem_counts.add(unanswered=False, is_first=is_first)

    def handed_over(self, frame: Frame, at: float) -> None:
        """A frame was given to the client, so many seconds after the request."""
        self._events += frame.events
        self._bytes += frame.size
        times = self._times
        if times is None:
            times = self._times = array("d")
        elif times[-4] == frame.due and times[-3] == at and times[-2] == frame.events:
            times[-1] += 1
            return
        times.extend((frame.due, at, frame.events, 1))

    def handed_over_in_turn(self, frame: Frame, at: float) -> None:
        """As `handed_over`, of every frame of a script with lazy steps: when it is due is known."""
        self._events += frame.events
        self._bytes += frame.size
        if self._moments is None:
            self._moments = array("d")
        self._moments.append(at)

    def take_back(self, events: int, size: int) -> None:
        """So many of the events and bytes handed over were never read by the client."""
        self._events -= events
        self._bytes -= size

    def end(self, how: str | None = None) -> None:
        """The call is over; the first to say how is right. By default as its script ends."""
        if self._ended is None:
            how = how or ENDED[self.script.end]
            if how == CLIENT_DISCONNECTED:
                self.left = time.monotonic() - self.came
            self._ended = how
            # After this, so that whoever begins to wait meanwhile sees that it has ended.
            if self._settled is not None:
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
        with _WAITING:
            settled = self._settled = self._settled or threading.Event()
        if self._ended is not None:
            return True
        if (on_wait := self.on_wait) is not None:
            with contextlib.suppress(RuntimeError):  # the loop has closed already
                on_wait()
        return settled.wait(timeout)

    def _settle(self) -> None:
        if self.connection is not None and self._ended is None:
            self.wait(SETTLE)

    @property
    def written(self) -> bool:
        """Whether the whole response was given to the system, and a retry of it may come."""
        return self._written

    @written.setter
    def written(self, written: bool) -> None:
        self._written = written
        if written and self._on_written is not None:
            self._on_written(self)

    @property
    def is_over(self) -> bool:
        """Whether nothing more will be sent. Does not wait."""
        return self._written or self._ended is not None

    @property
    def is_finished(self) -> bool:
        """Whether it ended, and as a response that is whole. Does not wait."""
        return self._ended == "finished"

    @property
    def went_wrong(self) -> bool:
        """Whether it failed, broke off or was left: then the same request again is a retry.

        Does not wait: what is still going on has not gone wrong yet.
        """
        if not self.is_over:
            return False
        return self.status >= 400 or self._ended not in (None, "finished") or self._tells_error()

    def _tells_error(self) -> bool:
        """Whether its stream, though it ended well, ends by telling of an error."""
        if self.script.lazy is not None or not self.script.is_stream:  # lazy: a reply without one
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
        """The status answered."""
        return self.script.head.status

    @property
    def delivered(self) -> Delivered:
        """The events and bytes (of the body) that the client took, and whether that is exact.

        While the response is still going on they are those that were handed over so far.
        """
        self._settle()
        return Delivered(self._events, self._bytes, self.is_exact and self._ended is not None)

    @property
    def ended(self) -> str | None:
        """``finished``, ``client disconnected``, ``reset``, ``truncated``, ``server stopped``.

        None while the response is still going on, which over a socket it is given a second to
        stop doing; ``failed`` where it could not be played.
        """
        self._settle()
        return self._ended

    @property
    def times(self) -> list[Handed]:
        """When each part of the response was due, and handed over."""
        lazy = self.script.lazy
        if self._moments is not None and lazy is not None:
            frames = lazy.frames(self.script.head.delay)
            return [
                Handed(frame.due, at, frame.events)
                for frame, at in zip(frames, self._moments, strict=False)
            ]
        numbers = iter(self._times or ())
        parts = zip(numbers, numbers, numbers, numbers, strict=True)
        return [
            Handed(due, at, int(events))
            for due, at, events, alike in parts
            for _ in range(int(alike))
        ]

    @property
    def moments(self) -> int:
        """How many numbers are kept of when its parts were handed over."""
        return len(self._times or ()) + len(self._moments or ())

    @property
    def lateness(self) -> tuple[float, ...]:
        """By how many seconds each event was handed over later than its script asks."""
        return tuple(part.at - part.due for part in self.times for _ in range(part.events))

    def __repr__(self) -> str:
        return f"<Call {self.line()}>"

    def line(self) -> str:
        """The call in one line: what was asked, what was answered, how it ended."""
        asked = [f"{spell_controls(self.method)} {_short(show_path(self.path))}"]
        if self.model:
            asked.append(spell_controls(_short(self.model)))
        if self.user is not None:
            asked.append(repr(_short(self.user)))
        answered = f"{self.status}"
        if self.problem is not None:
            unruled = self.problem_kind or "no rule matched"
            why = unruled if self.rule is None else "its reply cannot be served"
            answered += " it failed" if self._ended == FAILED else f" {why}"
        elif self.script.is_stream:
            total = count_all(self.script.steps)
            most = "" if self.is_exact or self._ended in (None, "finished") else "at most "
            answered += f" {most}{self._events} of {total} events"
        else:
            answered += f" {self._bytes} bytes"
        unrecorded = "" if self.unrecorded is None else f", {self.unrecorded}"
        # What is written may be unread yet.
        how = self._ended or ("written" if self._written else "going on")
        line = f"#{self.number} {' '.join(asked)} -> {answered}, {how}{unrecorded}"
        return "; warning: ".join([line, *(self._warnings or ())])


def _short(text: str) -> str:
    line = hide_keys(" ".join(text[:4096].split()), "…")
    return line if len(line) <= 60 else f"{line[:59]}…"

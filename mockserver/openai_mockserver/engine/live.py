"""A scheduler that serves real requests: it knows what time it is, and who waits for what.

Rules of this file: the clock is given. A callback is called without the lock, in the thread that
noticed what happened.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from openai_mockserver.engine.admission import Admission, Refusal, Snapshot, Work
from openai_mockserver.engine.capacity import Engine
from openai_mockserver.engine.scheduler import Scheduler
from openai_mockserver.engine.windows import Windows, wait_until

__all__ = ["EngineClock", "LiveEngine", "Phases", "Ticket", "TicketPace", "TokenPlan"]


class EngineClock(Protocol):
    """A clock that an engine runs on."""

    @property
    def virtual(self) -> bool:
        """Whether waiting takes no time."""
        ...

    @property
    def now(self) -> float:
        """Seconds since an arbitrary start."""
        ...

    def wait(self, seconds: float) -> None:
        """Wait for a number of seconds."""
        ...


@dataclass(frozen=True, slots=True)
class TokenPlan:
    """Which token of an answer each event of its stream brings.

    The first two events, such as the role and the first token, come with token ``first``; then each
    event brings the next one. The head of a stream comes with its first event.

    Args:
        first: the token of the first events, counted from 0.
        last_event: number of the last event that brings a token, counted from 0; those after it,
            such as ``[DONE]``, come with it.

    >>> [TokenPlan(last_event=3).get_token(event) for event in range(6)]
    [0.0, 0.0, 1.0, 2.0, 2.0, 2.0]
    """

    first: float = 0.0
    last_event: int = 0

    def get_token(self, event: int) -> float:
        """Return the token that an event brings, counted from 0."""
        return self.first + max(0, min(event, self.last_event) - 1)

    @property
    def tokens(self) -> int:
        """How many tokens there are."""
        return int(self.get_token(self.last_event)) + 1


class Phases(NamedTuple):
    """When the phases of a request ended, in seconds after it was admitted.

    Args:
        queue: it had a slot; None if it waits, or was cancelled while it did.
        prefill: its first token was generated; None if none was.
        decode: its last token was generated, or it was cancelled; None before.
    """

    queue: float | None
    prefill: float | None
    decode: float | None


class LiveEngine:
    """An engine that serves real requests.

    Args:
        engine: its capacity.
        clock: the clock that it runs on.
        windows: what keeps the use of the limits; by default in memory.
        started: when it started, in seconds on the clock; by default now.
    """

    def __init__(
        self,
        engine: Engine,
        clock: EngineClock,
        windows: Windows | None = None,
        started: float | None = None,
    ) -> None:
        self.engine = engine
        self.clock = clock
        self._scheduler = Scheduler(engine, clock.now if started is None else started, windows)
        self._changed = threading.Condition()
        self._tickets: dict[int, Ticket] = {}  # of the requests that have not ended
        self._wakes: list[Callable[[], object]] = []
        self._known_event: float | None = None
        self._returns: dict[str, float] = {}  # when each key was told to come again

    def admit(self, work: Work, arrival: float | None = None) -> Ticket | Refusal:
        """Give a request a slot or a place in the queue, or refuse it.

        Args:
            work: what the request asks for.
            arrival: when it arrived, in seconds on the clock, so that the time in which it was read
                is no time of the engine; by default now.
        """
        with self._changed:
            now = self.clock.now if arrival is None else arrival
            answer = self._scheduler.admit(work, now)
            if isinstance(answer, Refusal):
                if answer.retry_after is not None:
                    self._returns[work.key] = self.clock.now + answer.retry_after
                return answer
            ticket = self._tickets[answer.id] = Ticket(self, answer, now)
        self.advance()
        return ticket

    def skip_wait(self, key: str) -> None:
        """On a virtual clock, let the time pass that a client was told to wait.

        The client does not wait on the virtual clock: it has no access to it.
        """
        due = self._returns.pop(key, None)
        if due is not None and self.clock.virtual:
            self.clock.wait(wait_until(due, self.clock.now))

    def advance(self) -> float | None:
        """Let everything happen that is due; return when something happens next, if anything."""
        callbacks: list[Callable[[], object]] = []
        with self._changed:
            for event in self._scheduler.advance(self.clock.now):
                ticket = self._tickets.get(event.id)
                if ticket is None:
                    continue
                if event.kind == "slot":
                    ticket._slot = event.time
                elif event.kind == "first token":
                    ticket._first_token = event.time
                    callbacks += ticket._take_callbacks()
                elif event.kind == "end":
                    ticket._end = event.time
                    del self._tickets[event.id]
            next_event, known_event = self._scheduler.next_event, self._known_event
            self._known_event = next_event
            if next_event is not None and (known_event is None or next_event < known_event):
                callbacks += self._wakes
            self._changed.notify_all()
        for callback in callbacks:
            try:
                callback()
            except RuntimeError:  # the loop of a server that has stopped
                self.unsubscribe(callback)
        return next_event

    def wait_for_change(self, seconds: float) -> None:
        """Wait in real time until something happens, but at most this many seconds."""
        with self._changed:
            self._changed.wait(seconds)

    def subscribe(self, wake: Callable[[], object]) -> None:
        """Call a function whenever something will happen earlier than was known."""
        with self._changed:
            self._wakes.append(wake)

    def unsubscribe(self, wake: Callable[[], object]) -> None:
        """Call this function no more."""
        with self._changed:
            if wake in self._wakes:
                self._wakes.remove(wake)

    def take_snapshot(self) -> Snapshot:
        """Return the state of the engine."""
        self.advance()
        with self._changed:
            return self._scheduler.take_snapshot(self.clock.now)


class Ticket:
    """The place of a request in a live engine.

    Args:
        live: the engine.
        admission: how the request was admitted.
        arrival: when it arrived, in seconds on the clock.

    Attributes:
        plan: which token each event of the answer brings.
    """

    __slots__ = (
        "_arrival", "_callbacks", "_end", "_first_token", "_live", "_slot", "admission", "plan",
    )  # fmt: skip

    def __init__(self, live: LiveEngine, admission: Admission, arrival: float) -> None:
        self._live = live
        self.admission = admission
        self.plan = TokenPlan()
        self._arrival = arrival
        self._slot: float | None = None  # when it had a slot
        self._first_token: float | None = None  # when it was generated
        self._end: float | None = None  # when the last token was generated
        self._callbacks: list[Callable[[], object]] = []

    @property
    def live(self) -> LiveEngine:
        """The engine."""
        return self._live

    @property
    def phases(self) -> Phases:
        """What has happened to the request, in seconds after it arrived."""
        times = self._slot, self._first_token, self._end
        return Phases(*[None if at is None else max(0.0, at - self._arrival) for at in times])

    def set_plan(self, plan: TokenPlan) -> None:
        """State which tokens the answer has, once it is known."""
        self.plan = plan
        live = self._live
        with live._changed:
            live._scheduler.set_length(self.admission.id, plan.tokens, live.clock.now)
        live.advance()

    def find_due(self, event: int) -> float | None:
        """Return when an event of the answer is due, if nothing else happens until then.

        Args:
            event: number of the event, counted from 0.

        Returns:
            a time on the engine's clock, in seconds; None if the first token is not generated yet.
            After the last token, those before are taken to have come at the same pace.
        """
        live, token = self._live, self.plan.get_token(event)
        live.advance()
        with live._changed:
            if self._end is None:
                return live._scheduler.find_due(self.admission.id, token)
            if self._first_token is None:
                return self._end
            share = min(1.0, token / max(1, self.plan.tokens - 1))
            return self._first_token + share * (self._end - self._first_token)

    def forecast(self) -> tuple[float, float]:
        """Return in how many seconds the first and the last token come, if no request follows."""
        live = self._live
        with live._changed:
            now = live.clock.now
            first, last = live._scheduler.forecast(self.admission.id)
        return max(0.0, first - now), max(0.0, last - now)

    def call_at_start(self, callback: Callable[[], object]) -> None:
        """Call a function once the first token is generated; at once if it is."""
        live = self._live
        with live._changed:
            self._callbacks.append(callback)
        if self.find_due(0) is not None:
            with live._changed:
                callbacks = self._take_callbacks()
            for one in callbacks:
                one()

    def _take_callbacks(self) -> list[Callable[[], object]]:
        callbacks, self._callbacks = self._callbacks, []
        return callbacks

    def release(self) -> None:
        """Free the place, because the client has left or the answer needs no tokens."""
        live = self._live
        live.advance()
        with live._changed:
            if self._end is not None:
                return
            self._end = live.clock.now
            self._callbacks.clear()
            live._tickets.pop(self.admission.id, None)
            live._scheduler.cancel(self.admission.id, live.clock.now)
        live.advance()


class TicketPace:
    """When the parts of a response are due, as it is played.

    A part is due with its token. A silence before it, which a fault puts there, passes while the
    engine generates tokens: after it, these come at once.

    Args:
        ticket: the ticket of the response.
        delay: seconds by which all tokens come later, such as the latency of a network.
    """

    __slots__ = ("_delay", "_due", "_events", "_script_due", "_ticket")

    def __init__(self, ticket: Ticket, delay: float = 0.0) -> None:
        self._ticket = ticket
        self._delay = delay
        self._events = 0
        self._due = -math.inf  # of the previous part
        self._script_due = delay

    def find_due(self, script_due: float) -> float | None:
        """Return when the next part is due, if nothing else happens in the engine until then.

        Args:
            script_due: when it would be due without an engine, in seconds after the request.

        Returns:
            a time on the engine's clock, in seconds; None if the first token is not generated yet.
        """
        token_due = self._ticket.find_due(self._events)
        if token_due is None:
            return None
        return max(token_due + self._delay, self._due + script_due - self._script_due)

    def note(self, script_due: float, due: float, events: int) -> None:
        """Note that the next part was played.

        Args:
            script_due: when it would have been due without an engine.
            due: when it was due, in seconds of the engine's clock.
            events: number of events in it.
        """
        self._script_due, self._due = script_due, due
        self._events += events

"""A delivery: an event on its way to one endpoint, with each attempt.

Rules of this file: no I/O. A `Delivery` is told what happened, and says what to send next.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from openai_mockserver.webhooks.faults import WebhookFault
from openai_mockserver.webhooks.message import Message, WebhookRequest
from openai_mockserver.webhooks.schedule import Answer, State, decide

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Attempt", "Delivery"]


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt to deliver an event.

    Args:
        time: when, in seconds of the virtual clock.
        request: what was sent.
        status: the receiver's HTTP status; None if it sent none in time.
        error: what went wrong, if there was no status, or the receiver raised an exception.
        faults: the names of the faults of this attempt.
    """

    time: float
    request: WebhookRequest
    status: int | None = None
    error: str | None = None
    faults: tuple[str, ...] = ()


class Delivery:
    """An event on its way to one endpoint, as returned by `Webhooks.send`.

    Args:
        message: the message.
        endpoint: the name of the endpoint, for example its URL.
        faults: its faults.
    """

    def __init__(self, message: Message, endpoint: str, faults: Sequence[WebhookFault]) -> None:
        self.message = message
        self.endpoint = endpoint
        self.faults = tuple(faults)
        self.attempts: tuple[Attempt, ...] = ()
        self.state: State = "pending"
        """``pending``, ``delivered``, ``failed`` after the last attempt, or ``gone`` if the
        endpoint has answered 410, now or before."""
        self.due: float | None = None
        """When the next attempt is, in seconds of the virtual clock."""

    @property
    def id(self) -> str:
        """The ``webhook-id``, which is the same in each attempt."""
        return self.message.id

    @property
    def type(self) -> str:
        """The type of the event."""
        return self.message.type

    @property
    def event(self) -> Mapping[str, Any]:
        """The event."""
        return self.message.event

    @property
    def copies(self) -> int:
        """How often the event is sent again after it was delivered."""
        return sum(fault.copies for fault in self.faults)

    @property
    def is_held(self) -> bool:
        """Whether the event waits for the next one."""
        return any(fault.is_held for fault in self.faults)

    def find_faults(self) -> list[WebhookFault]:
        """Return the faults of the next attempt."""
        number = len(self.attempts) + 1
        return [fault for fault in self.faults if fault.applies_to(number)]

    def add(self, time: float, request: WebhookRequest, answer: Answer) -> None:
        """Add an attempt, and decide what follows."""
        names = tuple(fault.name for fault in self.find_faults())
        attempt = Attempt(time, request, answer.status, answer.error, names)
        self.attempts += (attempt,)
        if self.state == "pending":
            step = decide(answer, len(self.attempts), time - self.attempts[0].time)
            self.state = step.state
            self.due = time + step.delay if step.state == "pending" else None

    def give_up(self) -> None:
        """Try no more, because the endpoint has answered 410."""
        self.state, self.due = "gone", None

    def __repr__(self) -> str:
        results = [attempt.status or attempt.error for attempt in self.attempts]
        return f"<Delivery of {self.type} to {self.endpoint}: {self.state}, {results}>"

"""A delivery: an event on its way to one endpoint, with each attempt.

Rules of this file: no I/O. The functions that change a delivery are for the sender only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from openai_mockserver.webhooks.faults import WebhookFault
from openai_mockserver.webhooks.message import Message, WebhookRequest
from openai_mockserver.webhooks.schedule import Answer, State, decide

__all__ = ["Attempt", "Delivery", "add_attempt", "find_faults", "give_up"]


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

    Its ``endpoint`` is the name of the endpoint, and ``attempts`` is a tuple with each `Attempt`.
    Its ``state`` is ``pending``, ``delivered``, ``failed`` after the last attempt, or ``gone`` if
    the endpoint has answered 410, now or before, or was removed. If it is pending, ``due`` is the
    time of the next attempt, in seconds of the virtual clock. Deliveries are numbered: their
    ``number`` counts from 1.
    """

    def __init__(
        self, message: Message, endpoint: str, faults: Sequence[WebhookFault], number: int
    ) -> None:
        self.message = message
        self.number = number
        self.endpoint = endpoint
        self.faults = tuple(faults)
        self.attempts: tuple[Attempt, ...] = ()
        self.state: State = "pending"
        self.due: float | None = None

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

    def __repr__(self) -> str:
        results = [attempt.status or attempt.error for attempt in self.attempts]
        return f"<Delivery of {self.type} to {self.endpoint}: {self.state}, {results}>"


def find_faults(delivery: Delivery) -> list[WebhookFault]:
    """Return the faults of the next attempt."""
    number = len(delivery.attempts) + 1
    return [fault for fault in delivery.faults if fault.applies_to(number)]


def add_attempt(delivery: Delivery, time: float, request: WebhookRequest, answer: Answer) -> None:
    """Add an attempt to a delivery, and decide what follows."""
    names = tuple(fault.name for fault in find_faults(delivery))
    delivery.attempts += (Attempt(time, request, answer.status, answer.error, names),)
    if delivery.state == "pending":
        step = decide(answer, len(delivery.attempts), time - delivery.attempts[0].time)
        delivery.state = step.state
        delivery.due = time + step.delay if step.state == "pending" else None


def give_up(delivery: Delivery, state: State = "gone") -> None:
    """Try no more, by default because the endpoint is gone; what has ended stays as it is."""
    if delivery.state == "pending":
        delivery.state, delivery.due = state, None

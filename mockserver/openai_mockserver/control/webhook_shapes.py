"""The JSON shapes of jobs and webhooks in the control API."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

from openai_mockserver.control.shapes import Limit, Number
from openai_mockserver.declared import Strict

__all__ = [
    "AttemptSummary",
    "DeliveryList",
    "DeliveryQuery",
    "DeliverySummary",
    "EndpointList",
    "EndpointSummary",
    "JobError",
    "JobList",
    "JobSummary",
    "NewEndpoint",
    "NewEndpointSummary",
    "TimeStep",
    "WebhookToSend",
]

Seconds = Annotated[float, Meta(ge=0, le=1e9)]


class JobSummary(Struct):
    """A job. ``seconds`` is how long it takes, and ``elapsed`` how many have passed."""

    id: str
    state: Literal["running", "finished", "failed", "cancelled"]
    seconds: float
    elapsed: float


class JobList(Struct):
    """The jobs that take time, the oldest first."""

    jobs: list[JobSummary]


class JobError(Strict):
    """The error of a job that fails."""

    message: str = "The server had an error while processing the request."
    code: str = "server_error"


class TimeStep(Strict):
    """By how many seconds to advance the clock of jobs and webhooks."""

    seconds: Seconds


class NewEndpoint(Strict):
    """A receiver of webhooks. ``types`` are the types of events that it receives; all by default.

    By default ``secret`` is that of the server's environment, or a random one. ``timeout`` is how
    many seconds the receiver may take to answer.
    """

    url: str
    secret: str | None = None
    types: list[str] | None = None
    timeout: Annotated[float, Meta(gt=0, le=3600)] = 15.0


class EndpointSummary(Struct):
    """A receiver of webhooks. ``is_gone`` says whether it has answered 410."""

    number: int
    url: str
    types: list[str] | None
    is_gone: bool


class NewEndpointSummary(EndpointSummary):
    """A receiver of webhooks that was added, with its secret, which is never shown again."""

    secret: str


class EndpointList(Struct):
    """The receivers of webhooks, the oldest first."""

    endpoints: list[EndpointSummary]


class WebhookToSend(Strict):
    """An event to send to each receiver; the data is that of an unknown object by default.

    ``faults`` are names of faults of webhooks.
    """

    type: str
    data: dict[str, Any] | None = None
    faults: list[str] = field(default_factory=list)


class AttemptSummary(Struct):
    """An attempt: when it was made, in seconds of the clock of webhooks, and what came of it."""

    time: float
    status: int | None
    error: str | None
    faults: list[str]


class DeliverySummary(Struct):
    """An event on its way to a receiver. ``id`` is the ``webhook-id``.

    If it is pending, ``due`` is when the next attempt is due, in seconds of the clock of webhooks.
    """

    number: int
    id: str
    endpoint: str
    type: str
    event: dict[str, Any]
    state: Literal["pending", "delivered", "failed", "gone"]
    due: float | None
    attempts: list[AttemptSummary]


class DeliveryList(Struct):
    """A page of deliveries, the oldest first. ``now`` is the time of the clock of webhooks."""

    deliveries: list[DeliverySummary]
    now: float


class DeliveryQuery(Strict):
    """Which deliveries: those after one, by its number."""

    after: Number = 0
    limit: Limit = 100

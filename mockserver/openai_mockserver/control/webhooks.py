"""Handlers about jobs and webhooks.

Rules of this file: no handler waits for a receiver, because the server could not answer meanwhile.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

from openai_mockserver.control.problem import Problem
from openai_mockserver.control.routing import ControlRequest
from openai_mockserver.control.steerable import Steerable
from openai_mockserver.control.webhook_shapes import (
    AttemptSummary,
    DeliveryList,
    DeliveryQuery,
    DeliverySummary,
    EndpointList,
    EndpointSummary,
    JobError,
    JobList,
    JobSummary,
    NewEndpoint,
    NewEndpointSummary,
    TimeStep,
    WebhookToSend,
)
from openai_mockserver.exceptions import FaultError, MockServerError

if TYPE_CHECKING:
    from openai_mockserver.api.jobs import Job
    from openai_mockserver.webhooks import Delivery, Endpoint

__all__ = [
    "add_endpoint",
    "advance",
    "fail_job",
    "finish_job",
    "list_deliveries",
    "list_endpoints",
    "list_jobs",
    "remove_endpoint",
    "send",
]


# Jobs


def list_jobs(mock: Steerable, request: ControlRequest) -> JobList:
    """Return the jobs."""
    return JobList([_summarize_job(job, mock) for job in mock.jobs.list()])


def finish_job(mock: Steerable, request: ControlRequest) -> JobSummary:
    """End a job as it would have ended by itself."""
    id = _find_job(mock, request).id
    mock.jobs.finish(id)
    return _summarize_job(_find_job(mock, request), mock)


def fail_job(mock: Steerable, request: ControlRequest) -> JobSummary:
    """Let a job fail."""
    error: JobError = request.body
    mock.jobs.fail(_find_job(mock, request).id, error.message, error.code)
    return _summarize_job(_find_job(mock, request), mock)


def advance(mock: Steerable, request: ControlRequest) -> JobList:
    """Advance the clock of jobs and webhooks; a thread sends what is due then."""
    step: TimeStep = request.body
    mock.jobs.advance(step.seconds)
    return list_jobs(mock, request)


def _find_job(mock: Steerable, request: ControlRequest) -> Job:
    id = unquote(request.variables["id"])
    job = mock.jobs.find(id)
    if job is None:
        raise Problem(404, f"there is no job {id!r:.80}")
    return job


def _summarize_job(job: Job, mock: Steerable) -> JobSummary:
    if job.ending is not None:
        return JobSummary(job.id, job.ending.kind, job.seconds, job.ending.elapsed)
    elapsed = mock.jobs.measure(job)
    if mock.jobs.is_running(job):
        return JobSummary(job.id, "running", job.seconds, elapsed)
    return JobSummary(job.id, "finished", job.seconds, min(job.seconds, elapsed))


# Endpoints


def list_endpoints(mock: Steerable, request: ControlRequest) -> EndpointList:
    """Return the receivers."""
    return EndpointList([EndpointSummary(*_describe(one)) for one in mock.webhooks.endpoints])


def add_endpoint(mock: Steerable, request: ControlRequest) -> NewEndpointSummary:
    """Add a receiver."""
    wanted: NewEndpoint = request.body
    try:
        endpoint = mock.webhooks.to(
            wanted.url, secret=wanted.secret, types=wanted.types, timeout=wanted.timeout
        )
    except MockServerError as error:
        raise Problem(422, str(error)) from None
    return NewEndpointSummary(*_describe(endpoint), endpoint.secret)


def remove_endpoint(mock: Steerable, request: ControlRequest) -> None:
    """Remove a receiver."""
    number = request.number("number")
    for endpoint in tuple(mock.webhooks.endpoints):
        if endpoint.number == number:
            mock.webhooks.remove(endpoint)
            return
    raise Problem(404, f"there is no webhook endpoint {number}")


def _describe(endpoint: Endpoint) -> tuple[int, str, list[str] | None, bool]:
    types = None if endpoint.types is None else list(endpoint.types)
    return endpoint.number, endpoint.name, types, endpoint.is_gone


# Deliveries


def send(mock: Steerable, request: ControlRequest) -> DeliveryList:
    """Begin to send an event."""
    from openai_mockserver.webhooks.faults import FAULTS

    wanted: WebhookToSend = request.body
    if unknown := [name for name in wanted.faults if name not in FAULTS]:
        raise Problem(422, f"there is no fault {unknown[0]!r:.80} of webhooks", "faults")
    faults = [FAULTS[name]() for name in wanted.faults]
    if not mock.webhooks.endpoints:
        raise Problem(409, "there is no webhook endpoint: add one with POST /_mock/webhooks")
    try:
        deliveries = mock.webhooks.send_later(wanted.type, wanted.data, faults=faults)
    except (MockServerError, FaultError) as error:
        raise Problem(422, str(error)) from None
    return _list(mock, deliveries)


def list_deliveries(mock: Steerable, request: ControlRequest) -> DeliveryList:
    """Return a page of the deliveries."""
    query: DeliveryQuery = request.query
    deliveries = [one for one in tuple(mock.webhooks.deliveries) if one.number > query.after]
    return _list(mock, deliveries[: query.limit])


def _list(mock: Steerable, deliveries: list[Delivery]) -> DeliveryList:
    return DeliveryList([_summarize_delivery(one) for one in deliveries], mock.webhooks.now)


def _summarize_delivery(delivery: Delivery) -> DeliverySummary:
    return DeliverySummary(
        delivery.number,
        delivery.id,
        delivery.endpoint,
        delivery.type,
        dict(delivery.event),
        delivery.state,
        delivery.due,
        [
            AttemptSummary(one.time, one.status, one.error, list(one.faults))
            for one in delivery.attempts
        ],
    )

"""The jobs and webhooks of a mock on another server, steered over its control API.

Rules of this file: the methods are those of `MockOpenAI.jobs` and `MockOpenAI.webhooks`, for what
can cross the wire. The server sends the webhooks, so that a receiver is a URL that it can reach.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

from openai_mockserver.exceptions import ServerError

__all__ = [
    "RemoteAttempt",
    "RemoteDelivery",
    "RemoteEndpoint",
    "RemoteJob",
    "RemoteJobs",
    "RemoteWebhooks",
]

_Ask = Callable[..., Any]

_PAGE = 1000  # deliveries that are read at once
_INTERVAL = 0.05  # seconds between two looks whether an event was sent


@dataclass(frozen=True, slots=True)
class RemoteJob:
    """A job on the server, as it was when it was read.

    Args:
        id: the id of its object.
        state: ``running``, ``finished``, ``failed`` or ``cancelled``.
        seconds: how long it takes.
        elapsed: how many seconds have passed.
    """

    id: str
    state: Literal["running", "finished", "failed", "cancelled"]
    seconds: float
    elapsed: float


class RemoteJobs:
    """The jobs of a running server, as `RemoteMock.jobs`."""

    def __init__(self, ask: _Ask) -> None:
        self._ask = ask

    def list(self) -> list[RemoteJob]:
        """Return the jobs that are running or have ended, the oldest first."""
        return [RemoteJob(**job) for job in self._ask("GET", "/jobs")["jobs"]]

    def finish(self, id: str) -> None:
        """End a job now, as it would have ended by itself.

        Raises MockServerError if there is no such job, or if it has ended.
        """
        self._ask("POST", f"/jobs/{quote(id, safe='')}/finish")

    def fail(
        self,
        id: str,
        message: str = "The server had an error while processing the request.",
        code: str = "server_error",
    ) -> None:
        """Let a job fail now.

        Args:
            id: the id of its object.
            message, code: its error.

        Raises MockServerError if there is no such job, or if it has ended.
        """
        body = {"message": message, "code": code}
        self._ask("POST", f"/jobs/{quote(id, safe='')}/fail", body)

    def advance(self, seconds: float) -> None:
        """Move the clock of the jobs and webhooks forward."""
        self._ask("POST", "/jobs/advance", {"seconds": seconds})


@dataclass(frozen=True, slots=True)
class RemoteEndpoint:
    """A receiver of webhooks on the server.

    Args:
        number: its number.
        url: its URL.
        types: the types of events that it receives; None for all.
        is_gone: whether it has answered 410.
        secret: the signing secret; empty unless it has just been added.
    """

    number: int
    url: str
    types: tuple[str, ...] | None
    is_gone: bool
    secret: str = ""

    def __repr__(self) -> str:
        return f"<webhook endpoint {self.url}>"


@dataclass(frozen=True, slots=True)
class RemoteAttempt:
    """An attempt to deliver an event; the members are those of `webhooks.Attempt`."""

    time: float
    status: int | None
    error: str | None
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RemoteDelivery:
    """An event on its way to a receiver, as it was when it was read.

    The members are those of `webhooks.Delivery`.
    """

    number: int
    id: str
    endpoint: str
    type: str
    event: Mapping[str, Any]
    state: Literal["pending", "delivered", "failed", "gone"]
    due: float | None
    attempts: tuple[RemoteAttempt, ...]


class RemoteWebhooks:
    """The webhooks of a running server, as `RemoteMock.webhooks`."""

    def __init__(self, ask: _Ask, timeout: float) -> None:
        self._ask = ask
        self._timeout = timeout

    @property
    def endpoints(self) -> list[RemoteEndpoint]:
        """The receivers, the oldest first."""
        return [_read_endpoint(one) for one in self._ask("GET", "/webhooks")["endpoints"]]

    def to(
        self,
        url: str,
        *,
        secret: str | None = None,
        types: Iterable[str] | None = None,
        timeout: float = 15.0,
    ) -> RemoteEndpoint:
        """Add a receiver.

        Args:
            url: its URL, which the server must be able to reach.
            secret: the signing secret; by default that of the server's ``OPENAI_WEBHOOK_SECRET``,
                or a random one.
            types: the types of events to send to it; all by default.
            timeout: seconds within which it must answer.

        Raises MockServerError for an invalid argument.
        """
        body = {"url": url, "timeout": timeout, "secret": secret}
        body["types"] = None if types is None else list(types)
        return _read_endpoint(self._ask("POST", "/webhooks", body))

    def remove(self, endpoint: RemoteEndpoint) -> None:
        """Remove a receiver. Raises MockServerError if it is not one of the server's."""
        self._ask("DELETE", f"/webhooks/{endpoint.number}")

    def send(
        self, type: str, data: Mapping[str, Any] | None = None, *, faults: Iterable[str] = ()
    ) -> list[RemoteDelivery]:
        """Send an event to each receiver, and return the deliveries after their first attempt.

        Args:
            type: the type of the event.
            data: its data; by default that of an object which does not exist.
            faults: names of faults of webhooks.

        Raises MockServerError for an invalid event, or if there is no receiver, and ServerError if
        there is no attempt for longer than the timeout of `connect`.
        """
        body: dict[str, Any] = {"type": type, "data": data, "faults": list(faults)}
        started = self._ask("POST", "/webhooks/send", body)["deliveries"]
        deliveries = [_read_delivery(one) for one in started]
        numbers = [one.number for one in deliveries]
        deadline = time.monotonic() + self._timeout
        while any(not one.attempts and one.state == "pending" for one in deliveries):
            if time.monotonic() > deadline:
                raise ServerError(f"the server has not sent {type} within {self._timeout:g} s")
            time.sleep(_INTERVAL)
            deliveries = [one for one in self.list(min(numbers) - 1) if one.number in numbers]
        return deliveries

    @property
    def deliveries(self) -> list[RemoteDelivery]:
        """All deliveries that the server keeps, the oldest first."""
        return self.list()

    def list(self, after: int = 0) -> list[RemoteDelivery]:
        """Return the deliveries after one, by its number, the oldest first."""
        deliveries: list[RemoteDelivery] = []
        while True:
            path = f"/webhooks/deliveries?after={after}&limit={_PAGE}"
            page = [_read_delivery(one) for one in self._ask("GET", path)["deliveries"]]
            deliveries += page
            if len(page) < _PAGE:
                return deliveries
            after = page[-1].number


def _read_endpoint(fields: Mapping[str, Any]) -> RemoteEndpoint:
    types = fields["types"]
    return RemoteEndpoint(**{**fields, "types": None if types is None else tuple(types)})


def _read_delivery(fields: Mapping[str, Any]) -> RemoteDelivery:
    attempts = tuple(
        RemoteAttempt(**{**one, "faults": tuple(one["faults"])}) for one in fields["attempts"]
    )
    return RemoteDelivery(**{**fields, "attempts": attempts})

"""The sender of webhooks: endpoints, the events sent to them, and the virtual clock of retries.

Theory of operation. `Webhooks.send` makes an event, and a `Delivery` of it to each endpoint. The
first attempt is made at once, in the caller's thread. If it fails, the next is due on a virtual
clock, which stands still until `advance` moves it:

    send("batch.completed")      0 s  attempt 1: 500, so the next is due after 5 s
    advance(60)                  5 s  attempt 2: 500, so the next is due after another 300 s
                                60 s  now
    advance(3600)              305 s  attempt 3: 200, delivered
                              3660 s  now

Attempts that are due are made in the order of their times. The clock decides *when*; the
``webhook-timestamp`` of an attempt is the real time, because the receiver compares it with its own
clock, and would refuse one from the virtual future.
"""

from __future__ import annotations

import heapq
import math
import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from itertools import count
from random import Random
from typing import Any, TypeVar

from openai_mockserver.exceptions import MockServerError
from openai_mockserver.seed import CHANCE, Seeded
from openai_mockserver.webhooks.delivery import Delivery, add_attempt, find_faults, give_up
from openai_mockserver.webhooks.event_types import EVENT_TYPES
from openai_mockserver.webhooks.faults import Draft, WebhookFault, spoil
from openai_mockserver.webhooks.message import Message, WebhookRequest, make_message
from openai_mockserver.webhooks.receivers import EventLoop, Receiver, make_receiver
from openai_mockserver.webhooks.schedule import Answer
from openai_mockserver.webhooks.signing import decode_secret, make_secret

__all__ = ["Endpoint", "Webhooks"]

T = TypeVar("T")

TIMEOUT = 15.0
ROTATION = 24 * 3_600.0


class Endpoint:
    """A receiver with its secrets, as returned by `Webhooks.to`.

    Its ``name`` is the URL, or the name of the application or function; ``secret`` is the newest
    secret. After the receiver has answered 410, ``is_gone`` is true, and it receives nothing more.
    """

    def __init__(
        self,
        receiver: Receiver,
        secret: str,
        types: tuple[str, ...] | None,
        timeout: float,
        find_time: Callable[[], float],
        rng: Random,
    ) -> None:
        self.name = receiver.name
        self.secret = secret
        self.is_gone = False
        self._receiver = receiver
        self._types = types
        self._timeout = timeout
        self._find_time = find_time
        self._rng = rng
        self._old: list[tuple[str, float]] = []  # with the time until which each is valid

    def rotate_secret(self, secret: str | None = None, *, keep_old: bool = True) -> str:
        """Replace the secret, and return the new one.

        Args:
            secret: the new secret; random by default.
            keep_old: whether events are also signed with the old secret for the next 24 hours.

        Raises MockServerError for an invalid secret.
        """
        new = make_secret(self._rng) if secret is None else secret
        decode_secret(new)
        valid_until = self._find_time() + (ROTATION if keep_old else -1)
        self._old.insert(0, (self.secret, valid_until))
        self.secret = new
        return new

    def __repr__(self) -> str:
        return f"<webhook endpoint {self.name}>"

    def _receives(self, type: str) -> bool:
        return self._types is None or type in self._types

    def _draft(self, message: Message) -> Draft:
        """Return an attempt, signed with the secrets that are valid now."""
        now = self._find_time()
        valid = tuple(secret for secret, end in self._old if end >= now)
        retired = tuple(secret for secret, end in self._old if end < now)
        return Draft(message, (self.secret, *valid), retired, int(time.time()))

    def _post(self, request: WebhookRequest, *, is_slow: bool) -> Answer:
        """Send a request, and return the answer, as if it came too late if the receiver is slow."""
        answer = self._receiver.post(request, self._timeout)
        return Answer(None, f"no answer within {self._timeout:g} s") if is_slow else answer


class Webhooks:
    """Sends webhooks, as `MockOpenAI.webhooks`.

    Its ``endpoints`` are a list, and ``deliveries`` is a list of all deliveries, the oldest first.

    Args:
        seed: makes ids and secrets a function of the seed, and fixes ``created_at``.
    """

    def __init__(self, seed: int | str | None = None) -> None:
        self._rng = CHANCE if seed is None else Seeded(f"{seed}, webhooks")
        self._loop = EventLoop()
        self._lock = threading.Lock()
        self._number = count()
        self._queue: list[tuple[float, int, Delivery, Endpoint]] = []
        self._held: list[tuple[Delivery, Endpoint]] = []
        self._now = 0.0
        self.endpoints: list[Endpoint] = []
        self.deliveries: list[Delivery] = []

    @property
    def now(self) -> float:
        """The time of the virtual clock, in seconds."""
        return self._now

    def to(
        self,
        receiver: object,
        *,
        secret: str | None = None,
        path: str = "/",
        types: Iterable[str] | None = None,
        timeout: float = TIMEOUT,
    ) -> Endpoint:
        """Add an endpoint, to which events are sent from now on.

        Args:
            receiver: a URL, an ASGI application, a WSGI application, or a function of the
                `WebhookRequest` that returns a status; None is 200, and an exception 500. Functions
                may be async.
            secret: the signing secret; by default that of ``OPENAI_WEBHOOK_SECRET``, which the
                SDK's client reads, or a random one.
            path: the path at which an application receives webhooks.
            types: the types of events to send to it; all by default.
            timeout: seconds of real time within which it must answer.

        Raises MockServerError for an invalid argument.
        """
        if secret is None:
            secret = os.environ.get("OPENAI_WEBHOOK_SECRET") or make_secret(self._rng)
        decode_secret(secret)
        selected = None if types is None else tuple(types)
        if unknown := set(selected or ()) - set(EVENT_TYPES):
            raise MockServerError(f"types=: there is no webhook event {min(unknown)!r}")
        if not 0 < timeout < math.inf:
            raise MockServerError(f"timeout={timeout!r}: must be a number of seconds")
        target = make_receiver(receiver, path, self._loop)
        endpoint = Endpoint(target, secret, selected, timeout, lambda: self._now, self._rng)
        self.endpoints.append(endpoint)
        return endpoint

    def send(
        self,
        type: str,
        data: Mapping[str, Any] | None = None,
        *,
        faults: Iterable[WebhookFault] | WebhookFault = (),
    ) -> list[Delivery]:
        """Send an event to each endpoint, and return the deliveries after their first attempt.

        Args:
            type: the type of the event, for example ``response.completed``.
            data: its data, for example ``{"id": "resp_123"}``; by default that of an object which
                does not exist.
            faults: what goes wrong.

        Raises MockServerError if there is no endpoint, or if the event is invalid, and FaultError
        for a fault that cannot happen to it.
        """
        if not self.endpoints:
            raise MockServerError("there is no webhook endpoint; call webhooks.to(...) first")
        faults = (faults,) if isinstance(faults, WebhookFault) else tuple(faults)
        message = make_message(type, data, self._rng)
        started = []
        for endpoint in self.endpoints:
            if endpoint._receives(type):
                spoil(endpoint._draft(message), faults)  # raises now if one cannot happen
                started.append((Delivery(message, endpoint.name, faults), endpoint))
        with self._lock:
            self.deliveries += [delivery for delivery, _ in started]
            held, self._held = self._held, []
        if not started or any(fault.is_held for fault in faults):
            with self._lock:
                self._held += held + started
        else:
            self._release(started + held)
        return [delivery for delivery, _ in started]

    def advance(self, seconds: float) -> None:
        """Advance the virtual clock, and make the attempts that are due until then."""
        if not 0 <= seconds < math.inf:
            raise MockServerError(f"advance({seconds!r}): must be a number of seconds")
        end = self._now + seconds
        self._release_held()
        while self._attempt_next(end):
            pass
        self._now = max(self._now, end)

    def finish(self) -> None:
        """Advance the virtual clock until no delivery is pending."""
        self._release_held()
        while self._attempt_next(math.inf):
            pass

    async def send_async(
        self,
        type: str,
        data: Mapping[str, Any] | None = None,
        *,
        faults: Iterable[WebhookFault] | WebhookFault = (),
    ) -> list[Delivery]:
        """Send an event as `send` does, in another thread, while other tasks run."""
        return await _run_in_thread(partial(self.send, type, data, faults=faults))

    async def advance_async(self, seconds: float) -> None:
        """Advance the virtual clock as `advance` does, in another thread, while other tasks run."""
        await _run_in_thread(partial(self.advance, seconds))

    def clear(self) -> None:
        """Remove all endpoints and deliveries."""
        with self._lock:
            self.endpoints.clear()
            self.deliveries.clear()
            self._queue.clear()
            self._held.clear()

    def stop(self) -> None:
        """Cancel what async receivers still do."""
        self._loop.stop()

    def _release_held(self) -> None:
        with self._lock:
            held, self._held = self._held, []
        self._release(held)

    def _release(self, held: Iterable[tuple[Delivery, Endpoint]]) -> None:
        for delivery, endpoint in held:
            self._attempt(delivery, endpoint)

    def _attempt_next(self, end: float) -> bool:
        """Make the next attempt that is due until then, and return whether there was one."""
        with self._lock:
            if not self._queue or self._queue[0][0] > end:
                return False
            due, _, delivery, endpoint = heapq.heappop(self._queue)
            self._now = max(self._now, due)
        self._attempt(delivery, endpoint)
        return True

    def _attempt(self, delivery: Delivery, endpoint: Endpoint) -> None:
        if endpoint.is_gone:
            give_up(delivery)
            return
        self._post(delivery, endpoint)
        if delivery.state == "delivered":
            for _ in range(sum(fault.copies for fault in delivery.faults)):
                self._post(delivery, endpoint)
        elif delivery.state == "gone":
            self._close(endpoint)
        elif delivery.due is not None:
            with self._lock:
                entry = (delivery.due, next(self._number), delivery, endpoint)
                heapq.heappush(self._queue, entry)

    def _close(self, endpoint: Endpoint) -> None:
        """Give up the pending deliveries to an endpoint that has answered 410."""
        endpoint.is_gone = True
        with self._lock:
            closed = [entry for entry in self._queue if entry[3] is endpoint]
            self._queue = [entry for entry in self._queue if entry[3] is not endpoint]
            heapq.heapify(self._queue)
        for _, _, delivery, _ in closed:
            give_up(delivery)

    def _post(self, delivery: Delivery, endpoint: Endpoint) -> None:
        faults = find_faults(delivery)
        request = spoil(endpoint._draft(delivery.message), faults)
        sent = self._now
        answer = endpoint._post(request, is_slow=any(fault.is_slow for fault in faults))
        add_attempt(delivery, sent, request, answer)


async def _run_in_thread(function: Callable[[], T]) -> T:
    import anyio

    return await anyio.to_thread.run_sync(function)

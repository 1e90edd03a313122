"""The sender of webhooks: endpoints, the events sent to them, and the clock of retries.

Theory of operation. `Webhooks.send` makes an event, and a `Delivery` of it to each endpoint. The
first attempt is made at once, in the caller's thread. If it fails, the next is due on a clock,
which is virtual by default: it stands still until `advance` moves it.

    send("batch.completed")      0 s  attempt 1: 500, so the next is due after 5 s
    advance(60)                  5 s  attempt 2: 500, so the next is due after another 300 s
                                60 s  now
    advance(3600)              305 s  attempt 3: 200, delivered
                              3660 s  now

What is due is done in the order of its times. The clock is that of the mock's jobs (`api/jobs`): a
poll of a job moves it too, and the end of a job is due like an attempt. Nobody who polls a job
waits for receivers, which may want something of the same server: what is due then is done by a
thread (`courier`), and `wait` waits until that has been done. On a real clock the thread also does
what real time makes due.

The clock decides *when*; the ``webhook-timestamp`` of an attempt is the real time, because the
receiver compares it with its own clock, and would refuse one from the virtual future.
"""

from __future__ import annotations

import heapq
import math
import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import count
from random import Random
from typing import Any, TypeVar

from openai_mockserver.api.jobs import EndedJob, Jobs
from openai_mockserver.api.store import Store
from openai_mockserver.exceptions import MockServerError
from openai_mockserver.seed import CHANCE, Seeded
from openai_mockserver.webhooks.courier import Courier
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

_TOLERANCE = 1e-9  # seconds, for the sum of several polls


class Endpoint:
    """A receiver with its secrets, as returned by `Webhooks.to`.

    Its ``name`` is the URL, or the name of the application or function; ``secret`` is the newest
    secret, and ``types`` are the types of events that it receives, or None for all. Its ``number``
    counts the endpoints of the mock from 1. After the receiver has answered 410, ``is_gone`` is
    true, and it receives nothing more. One that ``is_pinned`` survives a reset. Its ``faults`` go
    wrong with each event.
    """

    def __init__(
        self,
        receiver: Receiver,
        secret: str,
        types: tuple[str, ...] | None,
        timeout: float,
        find_time: Callable[[], float],
        rng: Random,
        number: int,
    ) -> None:
        self.name = receiver.name
        self.number = number
        self.secret = secret
        self.is_gone = False
        self.is_pinned = False
        self.faults: tuple[WebhookFault, ...] = ()
        self._receiver = receiver
        self.types = types
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

    def _take_secrets(self, other: Endpoint) -> None:
        """Sign as another endpoint does, in whose place it is."""
        self.secret, self._old = other.secret, other._old

    def _list_secrets(self) -> list[tuple[str, float]]:
        """Return the secrets, each with the time until which it is valid, and 0 for the newest."""
        return [(self.secret, 0.0), *self._old]

    def _set_secrets(self, secrets: Sequence[Sequence[Any]]) -> None:
        """Sign with these secrets, as `_list_secrets` has returned them."""
        self.secret = secrets[0][0]
        self._old = [(secret, end) for secret, end in secrets[1:]]

    def __repr__(self) -> str:
        return f"<webhook endpoint {self.name}>"

    def _receives(self, type: str) -> bool:
        return self.types is None or type in self.types

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


_Started = tuple[Delivery, Endpoint]
"""A delivery that has begun, and where it goes."""


class Webhooks:
    """Sends webhooks, as `MockOpenAI.webhooks`.

    The jobs of the mock send events by themselves when they end. Its ``endpoints`` are a list, and
    ``deliveries`` is a list of all deliveries, the oldest first. ``on_attempt``, if it is set, is
    called with a delivery after each attempt.

    Args:
        seed: makes ids and secrets a function of the seed, and fixes ``created_at``.
        jobs: the jobs whose ends are announced, and whose clock is that of the deliveries; without
            them, there is a virtual clock.
        keep: the largest number of deliveries; the oldest are given up. No limit by default.
    """

    def __init__(
        self,
        seed: int | str | None = None,
        jobs: Jobs | None = None,
        keep: int | None = None,
    ) -> None:
        self._rng = CHANCE if seed is None else Seeded(f"{seed}, webhooks")
        self._jobs = jobs or Jobs(Store())
        self._keep = keep
        self._loop = EventLoop()
        self._courier = Courier(self._catch_up)
        self._lock = threading.Lock()
        self._order = threading.RLock()  # held while something that is due is done
        self._number = count()
        self._delivery_numbers, self._endpoint_numbers = count(1), count(1)
        self._queue: list[tuple[float, int, Delivery, Endpoint]] = []
        self._held: list[_Started] = []
        self._held_since = 0.0
        self.endpoints: list[Endpoint] = []
        self.deliveries: list[Delivery] = []
        self.on_attempt: Callable[[Delivery], object] | None = None
        self._jobs.follow(self._courier.wake)

    @property
    def now(self) -> float:
        """The time of the clock, in seconds; it is also that of the mock's jobs."""
        return self._jobs.now

    def to(
        self,
        receiver: object,
        *,
        secret: str | None = None,
        path: str = "/",
        types: Iterable[str] | None = None,
        timeout: float = TIMEOUT,
        faults: Iterable[WebhookFault] | WebhookFault = (),
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
            faults: what goes wrong with each event that is sent to it, also with those of jobs.

        Raises MockServerError for an invalid argument.
        """
        if secret is None:
            secret = os.environ.get("OPENAI_WEBHOOK_SECRET") or None
        endpoint = self._make_endpoint(receiver, secret, path, types, timeout)
        endpoint.faults = _as_tuple(faults)
        self.endpoints.append(endpoint)
        return endpoint

    def _make_secret(self) -> str:
        """Return a random secret."""
        return make_secret(self._rng)

    def _make_endpoint(
        self,
        receiver: object,
        secret: str | None = None,
        path: str = "/",
        types: Iterable[str] | None = None,
        timeout: float = TIMEOUT,
    ) -> Endpoint:
        """Return an endpoint that receives nothing yet; the arguments are those of `to`.

        By default its secret is random.
        """
        secret = make_secret(self._rng) if secret is None else secret
        decode_secret(secret)
        selected = None if types is None else tuple(types)
        if unknown := set(selected or ()) - set(EVENT_TYPES):
            raise MockServerError(f"types=: there is no webhook event {min(unknown)!r}")
        if not 0 < timeout < math.inf:
            raise MockServerError(f"timeout={timeout!r}: must be a number of seconds")
        target = make_receiver(receiver, path, self._loop)
        number = next(self._endpoint_numbers)
        return Endpoint(target, secret, selected, timeout, lambda: self.now, self._rng, number)

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
        started = self._begin(self._make_message(type, data), _as_tuple(faults))
        self._release(self._hold(started))
        return [delivery for delivery, _ in started]

    def send_later(
        self,
        type: str,
        data: Mapping[str, Any] | None = None,
        *,
        faults: Iterable[WebhookFault] | WebhookFault = (),
    ) -> list[Delivery]:
        """Send an event as `send` does, but return before the first attempt.

        A thread makes it; `wait` waits until it has.
        """
        started = self._begin(self._make_message(type, data), _as_tuple(faults))
        released = self._hold(started)
        with self._lock:
            for delivery, endpoint in released:
                delivery.due = self.now
                self._enqueue(delivery, endpoint)
        self._courier.wake()
        return [delivery for delivery, _ in started]

    def _send_once(self, type: str, endpoint: Endpoint) -> Delivery:
        """Send an event to one endpoint, without a second attempt."""
        number = next(self._delivery_numbers)
        message = make_message(type, None, self._rng)
        delivery = Delivery(message, endpoint.name, (), number)
        with self._lock:
            self._keep_delivery(delivery)
        self._post(delivery, endpoint, self.now)
        give_up(delivery, "failed")
        return delivery

    def _make_message(self, type: str, data: Mapping[str, Any] | None) -> Message:
        if not self.endpoints:
            raise MockServerError("there is no webhook endpoint; call webhooks.to(...) first")
        return make_message(type, data, self._rng)

    def _begin(self, message: Message, faults: tuple[WebhookFault, ...]) -> list[_Started]:
        """Begin the deliveries of a message."""
        started = []
        for endpoint in tuple(self.endpoints):
            if endpoint._receives(message.type):
                all_faults = (*faults, *endpoint.faults)
                spoil(endpoint._draft(message), all_faults)  # raises now if one cannot happen
                number = next(self._delivery_numbers)
                started.append((Delivery(message, endpoint.name, all_faults, number), endpoint))
        with self._lock:
            for delivery, _ in started:
                self._keep_delivery(delivery)
        return started

    def _keep_delivery(self, delivery: Delivery) -> None:
        """Add to the list, and give up the oldest if there are too many; the lock is held."""
        self.deliveries.append(delivery)
        while self._keep is not None and len(self.deliveries) > self._keep:
            give_up(self.deliveries.pop(0), "failed")

    def _hold(self, started: list[_Started]) -> list[_Started]:
        """Return the deliveries to make now: these, then those that waited at their endpoints."""
        late = [one for one in started if any(fault.is_held for fault in one[0].faults)]
        prompt = [one for one in started if one not in late]
        endpoints = [endpoint for _, endpoint in prompt]
        with self._lock:
            released = [one for one in self._held if one[1] in endpoints]
            self._held = [one for one in self._held if one[1] not in endpoints] + late
            self._held_since = self.now
        return prompt + released

    def remove(self, endpoint: Endpoint) -> None:
        """Remove an endpoint, and give up the pending deliveries to it.

        Raises MockServerError if it is not one of the endpoints.
        """
        if endpoint not in self.endpoints:
            raise MockServerError(f"{endpoint!r} is not one of the endpoints")
        self.endpoints.remove(endpoint)
        self._close(endpoint)

    def advance(self, seconds: float) -> None:
        """Advance the clock, also that of the jobs, and do what is due until then.

        That is the attempts, and the events of the jobs that end.
        """
        if not 0 <= seconds < math.inf:
            raise MockServerError(f"advance({seconds!r}): must be a number of seconds")
        end = self.now + seconds
        self._release_held()
        self._do_until(end)
        self._jobs.advance_to(end)

    def finish(self) -> None:
        """Advance the clock until no delivery is pending."""
        self._release_held()
        with self._order:
            while (due := self._find_due()) is not None:
                self._do_until(due)

    def wait(self) -> None:
        """Wait until everything that is due was done: events were sent, and attempts were made."""
        self._loop.check_thread()
        self._courier.wait()

    async def wait_async(self) -> None:
        """Wait as `wait` does, in another thread, while other tasks run."""
        await _run_in_thread(self.wait)

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
        """Remove all deliveries, and all endpoints but those that a server began with."""
        self._courier.stop()
        with self._lock:
            self.endpoints[:] = [one for one in self.endpoints if one.is_pinned]
            self.deliveries.clear()
            self._queue.clear()
            self._held.clear()

    def stop(self) -> None:
        """Send no more, and cancel what async receivers still do."""
        self._courier.stop()
        self._loop.stop()

    def _release_held(self) -> None:
        with self._lock:
            held, self._held = self._held, []
        self._release(held)

    def _release(self, held: Iterable[_Started], time: float | None = None) -> None:
        """Make the first attempts, now or at an earlier time of the virtual clock."""
        for delivery, endpoint in held:
            self._attempt(delivery, endpoint, self.now if time is None else time)

    def _catch_up(self, may_go_on: Callable[[], bool]) -> float | None:
        """Do what is due, in the courier's thread, and return when to do that again."""
        if self._jobs.is_virtual and self.now > self._held_since:
            self._release_held()
        self._do_until(self.now, may_go_on)
        delays = [self._jobs.find_delay()]
        if not self._jobs.is_virtual and (due := self._find_due()) is not None:
            delays.append(due - self.now)
        return min((max(0.0, delay) for delay in delays if delay is not None), default=None)

    def _do_until(self, end: float, may_go_on: Callable[[], bool] = lambda: True) -> None:
        """Do what is due until then, in the order of its times."""
        with self._order:
            while may_go_on():
                times = [self._find_due(), self._jobs.find_next_end()]
                first = min((time for time in times if time is not None), default=math.inf)
                if first > end + _TOLERANCE:
                    return
                self._jobs.advance_to(first)
                if (job := self._jobs.take_ended()) is not None:
                    self._announce(job)
                else:
                    self._attempt_next(first)

    def _announce(self, job: EndedJob) -> None:
        """Send the event of a job that has ended."""
        is_wanted = any(endpoint._receives(job.event) for endpoint in self.endpoints)
        if job.event not in EVENT_TYPES or not is_wanted:
            return
        message = make_message(job.event, {"id": job.id}, self._rng)
        self._release(self._hold(self._begin(message, ())), job.time)

    def _find_due(self) -> float | None:
        """Return when the next attempt is due."""
        with self._lock:
            return self._queue[0][0] if self._queue else None

    def _attempt_next(self, end: float) -> None:
        """Make the next attempt, if it is due until then."""
        with self._lock:
            if not self._queue or self._queue[0][0] > end:
                return
            due, _, delivery, endpoint = heapq.heappop(self._queue)
        if delivery.state == "pending":
            self._attempt(delivery, endpoint, due)

    def _enqueue(self, delivery: Delivery, endpoint: Endpoint) -> None:
        """Note when an attempt is due; the lock is held."""
        assert delivery.due is not None
        heapq.heappush(self._queue, (delivery.due, next(self._number), delivery, endpoint))

    def _attempt(self, delivery: Delivery, endpoint: Endpoint, time: float) -> None:
        if endpoint.is_gone or endpoint not in self.endpoints:
            give_up(delivery)
            return
        if not self._jobs.is_virtual:
            time = self.now
        self._post(delivery, endpoint, time)
        if delivery.state == "delivered":
            for _ in range(sum(fault.copies for fault in delivery.faults)):
                self._post(delivery, endpoint, time)
        elif delivery.state == "gone":
            endpoint.is_gone = True
            self._close(endpoint)
        elif delivery.due is not None:
            with self._lock:
                self._enqueue(delivery, endpoint)
            if not self._jobs.is_virtual:
                self._courier.wake()

    def _close(self, endpoint: Endpoint) -> None:
        """Give up the pending deliveries to an endpoint."""
        with self._lock:
            closed = [entry for entry in self._queue if entry[3] is endpoint]
            self._queue = [entry for entry in self._queue if entry[3] is not endpoint]
            heapq.heapify(self._queue)
        for _, _, delivery, _ in closed:
            give_up(delivery)

    def _post(self, delivery: Delivery, endpoint: Endpoint, time: float) -> None:
        faults = find_faults(delivery)
        request = spoil(endpoint._draft(delivery.message), faults)
        answer = endpoint._post(request, is_slow=any(fault.is_slow for fault in faults))
        add_attempt(delivery, time, request, answer)
        if self.on_attempt is not None:
            self.on_attempt(delivery)


def _as_tuple(faults: Iterable[WebhookFault] | WebhookFault) -> tuple[WebhookFault, ...]:
    return (faults,) if isinstance(faults, WebhookFault) else tuple(faults)


async def _run_in_thread(function: Callable[[], T]) -> T:
    import anyio

    return await anyio.to_thread.run_sync(function)

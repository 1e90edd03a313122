"""Whatever a receiver answers, and whatever goes wrong: what is true of every delivery."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from openai_mockserver.webhooks import (
    RETRY_DELAYS,
    Delivery,
    WebhookFault,
    WebhookRequest,
    Webhooks,
    duplicate,
    late,
    missing_signature,
    out_of_order,
    slow_receiver,
    wrong_signature,
)
from openai_mockserver.webhooks.schedule import LIFETIME

# Those that leave the body as it is.
FAULTS = [duplicate(), late(), missing_signature(2), out_of_order(), slow_receiver(2)]
FAULTS += [wrong_signature(None)]
STATUSES = st.sampled_from([200, 204, 307, 404, 410, 500, 503])


class Deliveries(RuleBasedStateMachine):
    """Two receivers, whose statuses change while events are sent and time advances."""

    def __init__(self) -> None:
        super().__init__()
        self.webhooks = Webhooks(seed=0)
        self.statuses = [200, 200]
        self.received: list[tuple[int, WebhookRequest, int]] = []

    @initialize()
    def add_receivers(self) -> None:
        for number in range(len(self.statuses)):
            self.webhooks.to(self.make_receiver(number), secret="any")

    def make_receiver(self, number: int) -> Any:
        def receive(request: WebhookRequest) -> int:
            self.received.append((number, request, self.statuses[number]))
            return self.statuses[number]

        receive.__name__ = str(number)
        return receive

    @rule(number=st.integers(0, 1), status=STATUSES)
    def change_status(self, number: int, status: int) -> None:
        self.statuses[number] = status

    @rule(faults=st.lists(st.sampled_from(FAULTS), max_size=2, unique=True))
    def send(self, faults: list[WebhookFault]) -> None:
        self.webhooks.send("batch.completed", faults=faults)

    @rule(seconds=st.sampled_from([0, 1, 5, 300, 7_200, 72_000]))
    def advance(self, seconds: float) -> None:
        before = self.webhooks.now
        self.webhooks.advance(seconds)
        assert self.webhooks.now == before + seconds
        assert all(d.due is None or d.due > self.webhooks.now for d in self.webhooks.deliveries)

    @rule()
    def rotate(self) -> None:
        self.webhooks.endpoints[0].rotate_secret()

    def find_received(self, delivery: Delivery) -> list[tuple[WebhookRequest, int]]:
        return [
            (request, status)
            for number, request, status in self.received
            if str(number) == delivery.endpoint and request.headers["webhook-id"] == delivery.id
        ]

    @invariant()
    def each_attempt_was_received_and_nothing_else(self) -> None:
        assert sum(len(d.attempts) for d in self.webhooks.deliveries) == len(self.received)
        for delivery in self.webhooks.deliveries:
            received = [request for request, _ in self.find_received(delivery)]
            assert received == [attempt.request for attempt in delivery.attempts]

    @invariant()
    def an_event_never_has_another_body(self) -> None:
        for delivery in self.webhooks.deliveries:
            assert {a.request.body for a in delivery.attempts} <= {delivery.message.body}

    @invariant()
    def a_delivery_that_has_ended_was_answered(self) -> None:
        for delivery in self.webhooks.deliveries:
            answered = [status for _, status in self.find_received(delivery)]
            copies = sum(fault.copies for fault in delivery.faults)
            accepted = [a for a in delivery.attempts if a.status in (200, 204)]
            if delivery.state == "delivered":
                assert accepted
                assert delivery.attempts.index(accepted[0]) + 1 + copies == len(answered)
            else:
                assert not accepted
            if delivery.state == "failed":
                assert len(answered) == len(RETRY_DELAYS) + 1

    @invariant()
    def retries_take_as_long_as_the_schedule_says(self) -> None:
        for delivery in self.webhooks.deliveries:
            times = [attempt.time for attempt in delivery.attempts]
            if times and delivery.due is not None:
                times.append(delivery.due)
            waits = [after - before for before, after in pairwise(times)]
            copies = sum(fault.copies for fault in delivery.faults)
            retries = len(waits) - (copies if delivery.state == "delivered" else 0)
            assert waits[:retries] == list(RETRY_DELAYS[:retries])
            assert not any(waits[retries:])
            assert not times or times[-1] - times[0] <= LIFETIME


TestDeliveries = Deliveries.TestCase

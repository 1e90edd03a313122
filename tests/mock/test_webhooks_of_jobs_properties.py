"""Whatever ends jobs, and whenever: each end is told once, and only when it has come."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
)

from openai_mockserver import MockOpenAI
from openai_mockserver.webhooks import WebhookRequest
from properties import examples
from sdk_webhooks import make_client

openai = pytest.importorskip("openai")

ENDED = ("completed", "failed", "incomplete", "cancelled")


class JobsAndWebhooks(RuleBasedStateMachine):
    """Background responses and batches, and a receiver that is down from time to time."""

    running = Bundle("running")

    def __init__(self) -> None:
        super().__init__()
        self.mock = MockOpenAI(job_seconds=60, seed=0)
        self.mock.reply("Hello", times=None)
        self.client: Any = self.mock.client(max_retries=0)
        self.is_up = True
        self.accepted: list[tuple[str, str]] = []
        self.bodies: dict[str, set[bytes]] = {}
        self.number = 0

    def teardown(self) -> None:
        self.mock.stop()

    @initialize()
    def add_receiver(self) -> None:
        make_client()
        self.mock.webhooks.to(self.receive, secret="any")

    def receive(self, request: WebhookRequest) -> int:
        event = request.json
        self.bodies.setdefault(request.headers["webhook-id"], set()).add(request.body)
        if not self.is_up:
            return 503
        self.accepted.append((event["type"], event["data"]["id"]))
        return 200

    def find_status(self, id: str) -> str:
        endpoint = self.client.batches if id.startswith("batch") else self.client.responses
        return str(endpoint.retrieve(id).status)

    @rule(target=running, kind=st.sampled_from(["response", "batch"]))
    def start(self, kind: str) -> str:
        self.number += 1
        if kind == "batch":
            batch = self.client.batches.create(
                input_file_id=f"file-{self.number}",
                endpoint="/v1/responses",
                completion_window="24h",
            )
            return str(batch.id)
        text = f"Hi {self.number}"
        return str(self.client.responses.create(model="gpt-5", input=text, background=True).id)

    @rule(id=running)
    def poll(self, id: str) -> None:
        self.find_status(id)

    @rule(target=running, id=consumes(running), how=st.sampled_from(["finish", "fail", "cancel"]))
    def end(self, id: str, how: str) -> Any:
        job = self.mock.jobs.find(id)
        if job is None or not self.mock.jobs.is_running(job):
            return multiple()
        if how == "cancel":
            endpoint = self.client.batches if id.startswith("batch") else self.client.responses
            endpoint.cancel(id)
        else:
            getattr(self.mock.jobs, how)(id)
        return id

    @rule(seconds=st.sampled_from([0, 1, 15, 60, 400]))
    def advance(self, seconds: float) -> None:
        self.mock.webhooks.advance(seconds)

    @rule()
    def change_receiver(self) -> None:
        self.is_up = not self.is_up

    @invariant()
    def each_end_is_told_once(self) -> None:
        self.mock.webhooks.wait()
        deliveries = self.mock.webhooks.deliveries
        counts = Counter(one.event["data"]["id"] for one in deliveries)
        assert set(counts.values()) <= {1}
        for job in self.mock.jobs.list():
            assert job.find_end is not None
            end = job.find_end(job)
            has_ended = self.mock.jobs.measure(job) >= end.moment
            events = [one.type for one in deliveries if one.event["data"]["id"] == job.id]
            assert events == ([end.event] if has_ended else [])
        assert set(Counter(self.accepted).values()) <= {1}
        assert all(len(bodies) == 1 for bodies in self.bodies.values())

    @invariant()
    def an_event_says_what_a_client_sees(self) -> None:
        for delivery in self.mock.webhooks.deliveries[-1:]:
            id = delivery.event["data"]["id"]
            status = self.find_status(id)
            assert status in ENDED
            assert delivery.type == f"{id.partition('_')[0].replace('resp', 'response')}.{status}"


TestJobsAndWebhooks = JobsAndWebhooks.TestCase
TestJobsAndWebhooks.settings = settings(max_examples=examples(40), stateful_step_count=20)

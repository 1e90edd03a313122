"""`MockOpenAI.webhooks`: made on first use, seeded, cleared and stopped with the mock."""

from __future__ import annotations

import subprocess
import sys

import pytest

from openai_mockserver import MockOpenAI
from openai_mockserver.webhooks import WebhookRequest
from sdk_webhooks import unwrap

pytest.importorskip("openai")


def test_a_receiver_retrieves_what_the_event_names() -> None:
    answers: list[str] = []
    with MockOpenAI() as mock:
        mock.reply("Hello, world")
        client = mock.client()
        response = client.responses.create(model="gpt-4o", input="Hi")

        async def receive(request: WebhookRequest) -> None:
            event = unwrap(request, endpoint.secret)
            answers.append(client.responses.retrieve(event.data.id).output_text)

        endpoint = mock.webhooks.to(receive)
        (delivery,) = mock.webhooks.send("response.completed", {"id": response.id})
    assert (delivery.state, answers) == ("delivered", ["Hello, world"])


def test_events_follow_from_the_seed_of_the_mock() -> None:
    bodies: list[bytes] = []
    for seed in ("one", "one", "two"):
        with MockOpenAI(seed=seed) as mock:
            mock.webhooks.to(lambda request: bodies.append(request.body))
            (delivery,) = mock.webhooks.send("batch.completed")
            assert unwrap(delivery.attempts[0].request, mock.webhooks.endpoints[0].secret)
    assert bodies[0] == bodies[1] != bodies[2]


def test_reset_removes_endpoints_and_deliveries() -> None:
    with MockOpenAI() as mock:
        mock.webhooks.to(lambda request: 500)
        mock.webhooks.send("batch.completed")
        mock.reset()
        mock.webhooks.finish()
        assert (mock.webhooks.endpoints, mock.webhooks.deliveries) == ([], [])
        assert mock.webhooks.now == 0


def test_a_sandbox_has_webhooks_of_its_own() -> None:
    with MockOpenAI() as mock:
        mock.webhooks.to(lambda request: 200)
        assert mock.sandbox().webhooks.endpoints == []


def test_nothing_is_imported_before_the_first_use() -> None:
    code = "import sys\nfrom openai_mockserver import MockOpenAI\nMockOpenAI().reset()\n"
    code += "print([m for m in sys.modules if m.startswith('openai_mockserver.webhooks')])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"

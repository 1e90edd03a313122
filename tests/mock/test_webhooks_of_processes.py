"""Webhook endpoints that were registered with one process receive the events of all."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from openai_mockserver import MockOpenAI
from openai_mockserver.exceptions import BusyStateError
from openai_mockserver.webhooks.courier import Courier
from webhook_server import receiving

pytestmark = pytest.mark.openai3("2.x has no methods for webhook endpoints")

TYPES: Any = ["response.completed", "response.cancelled"]
REQUEST: dict[str, Any] = {"model": "gpt-4o", "input": "Hi", "background": True}


@pytest.fixture
def mocks(tmp_path: Path) -> list[MockOpenAI]:
    """Two mocks as in two processes."""
    mocks = [MockOpenAI(state=tmp_path / "state.sqlite", job_seconds=60) for _ in range(2)]
    for mock in mocks:
        mock.reply("Hello")
    return mocks


def list_types(mocks: list[MockOpenAI]) -> list[str]:
    for mock in mocks:
        mock.webhooks.wait()
    return sorted(delivery.type for mock in mocks for delivery in mock.webhooks.deliveries)


def test_the_events_of_all_arrive_once(mocks: list[MockOpenAI]) -> None:
    clients = [mock.client(max_retries=0) for mock in mocks]
    with receiving() as server:
        hook = clients[0].webhooks.create(name="mine", url=server.url, event_types=TYPES)
        server.secret = hook.signing_secret
        ids = [client.responses.create(**REQUEST).id for client in (*clients, clients[1])]
        clients[0].responses.cancel(ids[2])
        for mock in mocks:
            mock.webhooks.wait()
        mocks[0].jobs.advance(60)
        for mock in mocks:
            mock.webhooks.advance(0)
        assert list_types(mocks) == ["response.cancelled", *["response.completed"] * 2]
        events = [server.next() for _ in ids]  # each with the secret that one process has made
        assert sorted(event.data.id for event in events) == sorted(ids)


def test_another_process_changes_an_endpoint(mocks: list[MockOpenAI]) -> None:
    one, other = (mock.client(max_retries=0).webhooks for mock in mocks)
    hook = one.create(name="mine", url="https://app.example/hook", event_types=TYPES)
    assert other.retrieve(hook.id).name == "mine"
    rotated = other.rotate_secret(hook.id)
    assert one.retrieve(hook.id).signing_secret_hint == rotated.signing_secret_hint
    other.update(hook.id, url="https://app.example/other")
    assert one.update(hook.id, name="yours").url == "https://app.example/other"
    one.delete(hook.id)
    assert list(other.list()) == []
    assert not mocks[1].jobs.find_announcer().has(hook.id)


def test_a_job_without_endpoints_makes_no_webhooks(mocks: list[MockOpenAI]) -> None:
    mocks[0].client().responses.create(**REQUEST)
    assert mocks[0]._webhooks is None


def test_a_courier_goes_on_when_the_state_is_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openai_mockserver.webhooks.courier._REST", 0.01)
    is_back, rounds = threading.Event(), list[int]()

    def work(may_go_on: object) -> None:
        rounds.append(1)
        if len(rounds) < 3:
            raise BusyStateError("it is away")
        is_back.set()

    courier = Courier(work)
    courier.wake()
    assert is_back.wait(10)
    courier.wait()
    assert len(rounds) == 3
